//! A stand-in node: a process that answers like a joined search node and can be killed.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

const STATE: &str =
    r#"{"cluster_name":"bench","cluster_uuid":"BenchBenchBenchBenchBe","master_node":"nodenodenodenodenodeno"}"#;
const NODES: &str = r#"{"cluster_name":"bench","nodes":{"nodenodenodenodenodeno":{"name":"n1","version":"9.5.3","build_flavor":"default","transport_address":"127.0.0.1:9300","roles":["master","data"],"http":{"publish_address":"127.0.0.1:9200"}}}}"#;
const ROOT: &str = r#"{"name":"n1","cluster_name":"bench","cluster_uuid":"BenchBenchBenchBenchBe","version":{"number":"9.5.3"},"tagline":"You Know, for Search"}"#;

/// Answers on `address` until the process is killed.
pub(crate) fn serve(address: &str) -> ! {
    let listener = TcpListener::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
    loop {
        if let Ok((stream, _)) = listener.accept() {
            std::thread::spawn(move || answer(&stream));
        }
    }
}

fn answer(stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut request = String::new();
        if reader.read_line(&mut request).ok()? == 0 {
            return None;
        }
        let mut header = String::new();
        while header != "\r\n" {
            header.clear();
            reader.read_line(&mut header).ok()?;
        }
        let body = match request.split(' ').nth(1)? {
            path if path.starts_with("/_cluster/state") => STATE,
            path if path.starts_with("/_nodes") => NODES,
            _ => ROOT,
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut writer = stream;
        writer.write_all(format!("{head}{body}").as_bytes()).ok()?;
    }
}

/// A running stand-in; killed when dropped.
pub(crate) struct StandIn(Child);

impl StandIn {
    /// Starts this program again as a stand-in.
    #[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
    pub(crate) fn start(address: &str) -> Self {
        let program = std::env::current_exe().expect("own path");
        let mut command = Command::new(program);
        command.args(["--stand-in", address]).stdin(Stdio::null());
        Self(command.spawn().expect("a child"))
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.0.kill().and_then(|()| self.0.wait().map(drop)).expect("killed");
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Killed before, or gone: both are what we want.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

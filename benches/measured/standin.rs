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

/// Threads that a heap comes with: what a JVM has at least.
const IDLE_THREADS: usize = 20;

/// Answers on `address` until the process is killed, and holds `heap` MB of memory that was written to.
pub(crate) fn serve(address: &str, heap: usize) -> ! {
    if heap > 0 {
        for _ in 0..IDLE_THREADS {
            std::thread::spawn(|| {
                loop {
                    std::thread::park();
                }
            });
        }
    }
    let memory = vec![1_u8; heap << 20];
    std::hint::black_box(&memory);
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
    pub(crate) fn start(address: &str) -> Self {
        Self::with_heap(address, 0)
    }

    /// The same with so many MB of memory.
    #[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
    pub(crate) fn with_heap(address: &str, heap: usize) -> Self {
        let program = std::env::current_exe().expect("own path");
        let mut command = Command::new(program);
        command
            .args(["--stand-in", address, "--heap", &heap.to_string()])
            .stdin(Stdio::null());
        Self(command.spawn().expect("a child"))
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// SIGKILL, without waiting for the end.
    pub(crate) fn signal(&mut self) {
        self.0.kill().expect("killed");
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

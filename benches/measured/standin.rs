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

/// Names the file into which a stand-in that a launcher started writes when it was started: `<file> <address>`.
pub(crate) const STARTED: &str = "QUORATE_TEST_STARTED";

/// This program is a stand-in when it was started as one, and never comes back from here then.
pub(crate) fn become_one_if_told() {
    let now = super::clock::now();
    if let Some((file, address)) = std::env::var_os(STARTED)
        .as_ref()
        .and_then(|told| told.to_str()?.split_once(' '))
    {
        std::fs::write(file, now.as_nanos().to_string()).unwrap_or_else(|error| panic!("{file}: {error}"));
        serve(address, 0);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, address, heap] = arguments.as_slice()
        && flag == "--stand-in"
    {
        serve(address, heap.parse().expect("megabytes"));
    }
}

/// Answers at `address` until the process is killed, and holds `heap` MB of memory that was written to.
fn serve(address: &str, heap: usize) -> ! {
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
    let listener = TcpListener::bind((address, 9200)).unwrap_or_else(|error| panic!("{address}: {error}"));
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
    /// Starts this program again as a stand-in with so many MB of memory, to answer at port 9200 of this address.
    #[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
    pub(crate) fn with_heap(address: &str, heap: usize) -> Self {
        let program = std::env::current_exe().expect("own path");
        let mut command = Command::new(program);
        command
            .args(["--stand-in", address, &heap.to_string()])
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

    /// SIGSTOP: connections stay open, nothing is answered.
    pub(crate) fn freeze(&self) {
        let pid = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.expect("a pid"), rustix::process::Signal::STOP).expect("frozen");
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

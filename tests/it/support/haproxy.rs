//! A real HAProxy with the project's own configuration. Ended by pid on drop.

use std::{
    fs::File,
    io::{Read, Write},
    net::Ipv4Addr,
    os::unix::net::UnixStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use super::{
    LONG,
    address::Address,
    eventually, part,
    prometheus::{monitoring_file, replaced},
};

/// One that was started. Clients find it at port 9200 of an address of its own.
#[derive(Debug)]
pub(crate) struct Haproxy {
    address: Address,
    dir: TempDir,
    child: Child,
}

/// What it thinks of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// `UP` or `DOWN`, with a count while it is about to change.
    pub(crate) status: String,
    /// What the last check found: `L7OK`, `L7STS` for another status of HTTP, `L4CON` for no connection.
    pub(crate) check: String,
}

impl Haproxy {
    /// Starts one in front of two nodes, `node1` and `node2`.
    #[expect(clippy::disallowed_methods, reason = "a real HAProxy is a process")]
    pub(crate) fn start(nodes: [Ipv4Addr; 2]) -> Self {
        let (address, dir) = (Address::take(), tempfile::tempdir().expect("a directory"));
        let mut config = monitoring_file("haproxy.cfg");
        let listens = format!("bind {}:9200", address.ip());
        let socket = dir.path().join("socket").display().to_string();
        let [first, second] = nodes.map(|node| format!(" {node}:9200\n"));
        for (what, by) in [
            // The tests need neither root nor such a user.
            ("    user haproxy\n    group haproxy\n", ""),
            ("/run/haproxy/admin.sock", &socket),
            ("bind 127.0.0.1:9200", &listens),
            (" 10.0.0.21:9200\n", &first),
            (" 10.0.0.22:9200\n", &second),
            ("    server node3 10.0.0.23:9200\n", ""),
        ] {
            config = replaced(&config, what, by);
        }
        let file = dir.path().join("haproxy.cfg");
        std::fs::write(&file, config).expect("written");
        let log = File::create(dir.path().join("log")).expect("a log");
        let child = Command::new(part("QUORATE_TEST_HAPROXY"))
            .arg("-db")
            .arg("-f")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("HAProxy starts");
        Self { address, dir, child }
    }

    /// Where clients find it.
    pub(crate) fn ip(&self) -> Ipv4Addr {
        self.address.ip()
    }

    /// What its socket of statistics says of a server; none while it does not answer.
    fn server(&self, name: &str) -> Option<Server> {
        let mut stream = UnixStream::connect(self.dir.path().join("socket")).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        stream.write_all(b"show stat\n").ok()?;
        let mut table = String::new();
        stream.read_to_string(&mut table).ok()?;
        let mut rows = table.lines().map(|row| row.split(',').collect::<Vec<_>>());
        let head = rows.next()?;
        let row = rows.find(|row| row.get(1) == Some(&name))?;
        let column = |name: &str| {
            let at = head.iter().position(|column| *column == name)?;
            row.get(at).map(|&text| text.to_owned())
        };
        Some(Server {
            status: column("status")?,
            check: column("check_status")?,
        })
    }

    /// Waits until a check of this server found this and it counts as such.
    pub(crate) async fn until(&self, name: &str, status: &str, check: &str) {
        let wanted = Server {
            status: status.to_owned(),
            check: check.to_owned(),
        };
        eventually(&format!("{name} is {wanted:?}"), 3 * LONG, || async {
            self.server(name).filter(|server| *server == wanted)
        })
        .await;
    }
}

impl Drop for Haproxy {
    #[expect(clippy::print_stderr, reason = "what it knows and logged explains the failure")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let servers = ["node1", "node2"].map(|name| self.server(name));
            let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            eprintln!("HAProxy knows {servers:?} and logged:\n{log}");
        }
        // It may have ended meanwhile.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

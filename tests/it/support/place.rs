//! Where a demo plays: loopback addresses and a folder that are its own, and what it has left there.

use std::{
    fs::Permissions,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use quorate::host::FileLock;
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use super::{
    node::Line,
    part,
    program::{Run, Running, quorate},
};

/// Four loopback addresses and a folder, for one demo at a time.
pub(crate) struct Place {
    pub(crate) first: Ipv4Addr,
    pub(crate) dir: TempDir,
    _lock: FileLock,
}

impl Place {
    pub(crate) fn take() -> Self {
        let user = geteuid().as_raw();
        let locks = std::env::temp_dir().join(format!("quorate-test-demos-{user}"));
        let free = |block: u8| {
            let first = Ipv4Addr::new(127, 0, 15, 100 + 4 * block);
            let lock = FileLock::take(&locks.join(first.to_string())).ok()?;
            TcpListener::bind((first, 9200)).is_ok().then_some((first, lock))
        };
        let (first, lock) = (0..30).find_map(free).expect("a free block of 127.0.15.0/24");
        let dir = tempfile::tempdir().expect("a directory");
        // The user of the nodes has to get through.
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("open to all");
        Self {
            first,
            dir,
            _lock: lock,
        }
    }

    pub(crate) fn dir(&self) -> String {
        self.dir.path().join("demo").display().to_string()
    }

    /// A demo of processes.
    pub(crate) fn args(&self, line: Line, more: &[&str]) -> Vec<String> {
        let home = line.home().display().to_string();
        self.args_of(&["--home", &home, "--java-home", &line.java()], more)
    }

    /// A demo whose nodes are made of `stock`.
    pub(crate) fn args_of(&self, stock: &[&str], more: &[&str]) -> Vec<String> {
        let etcd = part("QUORATE_TEST_ETCD_35");
        let etcd = if Path::new(&etcd).is_dir() {
            format!("{etcd}/etcd")
        } else {
            etcd
        };
        let (address, dir) = (self.first.to_string(), self.dir());
        let own = ["demo", "--etcd", &etcd, "--address", &address, "--dir", &dir];
        let all = own.iter().chain(stock).chain(more);
        all.map(|arg| (*arg).to_owned()).collect()
    }

    pub(crate) fn start(&self, line: Line, more: &[&str]) -> Running {
        let args = self.args(line, more);
        Running::start(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub(crate) fn run(&self, line: Line, more: &[&str]) -> Run {
        let args = self.args(line, more);
        quorate(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Processes that have something to do with the folder, but the demo itself.
    pub(crate) fn processes(&self, demo: u32) -> Vec<String> {
        let dir = self.dir();
        let entries = std::fs::read_dir("/proc").expect("proc").flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| *pid != demo)
            .filter_map(|pid| {
                let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
                let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
                text.contains(&dir).then(|| format!("{pid} {text}"))
            })
            .collect()
    }

    /// Ends what a failed test has left.
    fn clear(&self) {
        for process in self.processes(0) {
            let pid = process.split(' ').next().and_then(|pid| pid.parse().ok());
            let _ = pid.and_then(Pid::from_raw).map(|pid| kill_process(pid, Signal::KILL));
        }
    }

    pub(crate) fn is_left_alone(&self) {
        assert_eq!(self.processes(0), Vec::<String>::new());
        for port in [2379, 2380, 9200, 9300, 9190] {
            assert!(
                TcpListener::bind((self.first, port)).is_ok(),
                "port {port} is taken still"
            );
        }
        let names = std::fs::read_dir(self.dir.path()).expect("list").flatten();
        let names: Vec<_> = names.map(|entry| entry.file_name()).collect();
        assert_eq!(names, ["demo"], "nothing is left but its own folder");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.clear();
    }
}

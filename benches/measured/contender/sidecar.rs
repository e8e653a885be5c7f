//! Ours: `quorate sidecar` at default settings, alone or beside a launcher that says which process the node is.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
};

use quorate::nodefile::{NodeFile, Phase, ProcessId};
use tempfile::TempDir;
use tokio::time::Instant;

use super::{Contender, Etcd, Keeper};
use crate::table::OURS;

/// The program, and whether a launcher tells it of the process.
pub(crate) struct Sidecar<'a> {
    pub(crate) program: &'a Path,
    pub(crate) threads: bool,
}

impl Contender for Sidecar<'_> {
    fn name(&self) -> &str {
        if self.threads { OURS } else { "quorate, no launcher" }
    }

    fn keep(&self, etcd: &Etcd, address: &str) -> Box<dyn Keeper> {
        let mut running = Running::start(self.program, etcd.url(), address, None, &["--cluster", "bench"]);
        if !self.threads {
            running.file = None;
        }
        Box::new(running)
    }
}

/// A sidecar that runs, and what its log says of deaths.
pub(crate) struct Running {
    child: Child,
    /// What a launcher writes, where there is one.
    file: Option<PathBuf>,
    deaths: Receiver<Instant>,
    _state: TempDir,
}

impl Running {
    /// Starts it with `more` flags, beside the launcher that writes into this directory, if one does.
    #[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
    pub(crate) fn start(program: &Path, etcd: &str, address: &str, run: Option<&Path>, more: &[&str]) -> Self {
        let state = tempfile::tempdir().expect("a directory");
        let run = run.map_or_else(|| state.path().join("run"), Path::to_owned);
        let mut command = Command::new(program);
        command
            .args(["sidecar", "--listen", "off", "--address", address, "--endpoints", etcd])
            .arg("--state-dir")
            .arg(state.path())
            .arg("--run-dir")
            .arg(&run)
            .args(more);
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the sidecar");
        let (said, deaths) = channel();
        let log = child.stderr.take().expect("a pipe");
        std::thread::spawn(move || listen(log, &said));
        Self {
            child,
            file: Some(run.join("elasticsearch").join(format!("{address}.json"))),
            deaths,
            _state: state,
        }
    }
}

/// Hands on when the log tells of a death; ends with the sidecar.
fn listen(log: ChildStderr, said: &Sender<Instant>) {
    for line in BufReader::new(log).lines().map_while(Result::ok) {
        if line.contains("verdict changed") && line.contains("to=\"down\"") {
            let _ = said.send(Instant::now());
        }
    }
}

impl Keeper for Running {
    fn node_runs(&mut self, pid: u32) {
        if let Some(path) = &self.file {
            node_file(pid).write(path).expect("written");
        }
    }

    fn is_set(&self) -> bool {
        let Some(_) = self.file else { return true };
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("it runs");
        let links = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        // One alone may be the thread that frees the memory: it watches more.
        links.filter(|link| link.ends_with("anon_inode:[pidfd]")).count() > 1
    }

    fn node_gone(&mut self) {
        // A next one that is not told of has nothing to do with this one.
        let _ = self.file.as_ref().map(std::fs::remove_file);
    }

    fn saw_death(&mut self) -> Option<Instant> {
        self.deaths.try_iter().last()
    }

    fn pid(&self) -> Option<u32> {
        Some(self.child.id())
    }

    fn crash(&mut self) {
        self.child.kill().expect("killed");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a launcher would say of the node.
fn node_file(pid: u32) -> NodeFile {
    let process = ProcessId::of(pid);
    NodeFile {
        format: 1,
        engine: "process".to_owned(),
        container: None,
        process,
        server: process,
        name: "n1".to_owned(),
        cluster: "bench".to_owned(),
        phase: Phase::Running,
        data: "/nowhere".to_owned(),
        claim: None,
        with_setting: false,
        boot: quorate::host::boot_id().expect("a boot"),
        reason: None,
        skipped_checks: Vec::new(),
        disk: None,
    }
}

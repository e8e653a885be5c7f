//! Counting system calls and forks of a process and all that it starts, by strace.

use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// What to do where there is none.
pub(crate) const MISSING: &str = "system calls and forks are not counted: strace is missing (apt-get install strace)";

/// A strace that follows a process.
pub(crate) struct Strace {
    child: Child,
    dir: TempDir,
}

impl Strace {
    /// Whether it is installed.
    pub(crate) fn is_there() -> bool {
        command().arg("--version").stdout(Stdio::null()).status().is_ok()
    }

    /// Follows the process and all that it starts; none where there is no strace.
    pub(crate) fn attach(pid: u32) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a directory");
        let mut strace = command();
        strace
            .args(["-f", "-qq", "-e", "signal=none", "-p", &pid.to_string(), "-o"])
            .arg(dir.path().join("log"))
            .stderr(Stdio::null());
        let child = strace.spawn().ok()?;
        Some(Self { child, dir })
    }

    /// How many system calls and how many processes there were so far.
    pub(crate) fn count(mut self) -> (f64, f64) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It lets go of whom it follows, and ends.
        let _ = pid.map(|pid| kill_process(pid, Signal::INT));
        let _ = self.child.wait();
        let log = std::fs::read(self.dir.path().join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        log.lines()
            .map(counted)
            .fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

/// A line is one call, but for the second half of one that was interrupted by another's.
fn counted(line: &str) -> (f64, f64) {
    let call = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
    if call.starts_with("<...") || call.starts_with('+') {
        return (0.0, 0.0);
    }
    let is_fork = ["clone(", "clone3(", "fork(", "vfork("]
        .iter()
        .any(|name| call.starts_with(name));
    (
        1.0,
        if is_fork && !call.contains("CLONE_THREAD") {
            1.0
        } else {
            0.0
        },
    )
}

#[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures with")]
fn command() -> Command {
    let mut command = Command::new("strace");
    command.stdin(Stdio::null());
    command
}

//! A host of its own: `quorate launch` with its directories, and the node that it starts. Both end when it is dropped.

use std::{
    fs::{File, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use quorate::nodefile::NodeFile;
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use super::{etcd::Etcd, options::Options, standin, watch::until};

/// The Elasticsearch 6.8 that the tests use: the one that starts fastest.
pub(crate) const HOME: &str = "QUORATE_TEST_ES6_HOME";
/// Its Java.
pub(crate) const JAVA: &str = "QUORATE_TEST_JAVA17";

/// A launcher that can be started again.
pub(crate) struct Host {
    program: PathBuf,
    etcd: String,
    address: String,
    service: String,
    home: PathBuf,
    more: Vec<String>,
    dir: TempDir,
    child: Option<Child>,
}

impl Host {
    /// For a real node; `more` are flags of the launcher.
    pub(crate) fn real(options: &Options, etcd: &Etcd, address: &str, service: &str, more: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        // The node's user has to get through.
        open(dir.path(), 0o755);
        Self {
            program: options.program.clone(),
            etcd: etcd.url().to_owned(),
            address: address.to_owned(),
            service: service.to_owned(),
            home: part(HOME),
            more: more.iter().map(|flag| (*flag).to_owned()).collect(),
            dir,
            child: None,
        }
    }

    /// The same distribution with this program in the place of its script.
    pub(crate) fn stand_in(options: &Options, etcd: &Etcd, address: &str, service: &str) -> Self {
        let mut host = Self::real(options, etcd, address, service, &["--expected-masters", "1"]);
        let home = host.dir.path().join("home");
        std::fs::create_dir_all(home.join("bin")).expect("a directory");
        for entry in std::fs::read_dir(&host.home).expect("a distribution") {
            let entry = entry.expect("an entry");
            if entry.file_name() != "bin" {
                symlink(entry.path(), home.join(entry.file_name())).expect("a link");
            }
        }
        let program = std::env::current_exe().expect("own path");
        std::fs::copy(program, home.join("bin/elasticsearch")).expect("copied");
        let told = host.dir.path().join("told");
        std::fs::create_dir(&told).expect("a directory");
        open(&told, 0o777);
        host.home = home;
        let started = format!("{}={}", standin::STARTED, host.told());
        host.more.extend(["--env".to_owned(), started]);
        host
    }

    /// What the stand-in is told: the file for its clock, and its address.
    fn told(&self) -> String {
        format!("{} {}", self.clock().display(), self.address)
    }

    fn clock(&self) -> PathBuf {
        self.dir.path().join("told/clock")
    }

    /// Starts the launcher. What it and its node say goes into a file.
    #[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
    pub(crate) fn start(&mut self) {
        let path = |name: &str| self.dir.path().join(name);
        let log = File::options().create(true).append(true).open(path("log"));
        let log = log.expect("a log");
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .args(["launch", "--endpoints", &self.etcd, "--address", &self.address])
            .args(["--service", &self.service, "--name", &format!("node-{}", self.address)])
            .args([Path::new("--home"), &self.home, Path::new("--data"), &path("data")])
            .args([
                Path::new("--state-dir"),
                &path("state"),
                Path::new("--run-dir"),
                &self.run_dir(),
            ])
            .args(["--heap", "256m", "--drain-wait", "0s"])
            .args(["--set", "discovery.initial_state_timeout=1s"])
            .args(["--env", &format!("JAVA_HOME={}", part(JAVA).display())])
            .args(&self.more)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log);
        if geteuid().is_root() {
            command.args(["--user", "nobody"]);
        }
        self.child = Some(command.spawn().expect("the launcher"));
    }

    /// Starts the stand-in without a launcher.
    #[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
    pub(crate) fn start_node(&mut self) {
        let mut command = Command::new(self.home.join("bin/elasticsearch"));
        command.env(standin::STARTED, self.told()).stdin(Stdio::null());
        self.child = Some(command.spawn().expect("the node"));
    }

    /// When the stand-in's own program was running, by the [`clock`](super::clock).
    pub(crate) async fn started(&self) -> Duration {
        let clock = || std::fs::read_to_string(self.clock()).ok()?.parse().ok();
        until(|| clock().is_some(), || self.log()).await;
        Duration::from_nanos(clock().expect("there by now"))
    }

    /// The process of the real node, once it has its socket.
    pub(crate) async fn server(&self) -> u32 {
        let path = self
            .run_dir()
            .join(&self.service)
            .join(format!("{}.json", self.address));
        let pid = || {
            let server = NodeFile::read(&path).ok()??.server;
            server.filter(|server| server.is_alive()).map(|server| server.pid)
        };
        until(|| pid().is_some(), || self.log()).await;
        pid().expect("there by now")
    }

    /// The folder of the seed file.
    pub(crate) fn seeds(&self) -> PathBuf {
        let state = self.dir.path().join("state").join(&self.service);
        state.join(&self.address).join("seeds")
    }

    /// What the sidecar has to read.
    pub(crate) fn run_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// Waits for the launcher, whose node has died.
    pub(crate) fn ended(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.wait().expect("ended");
        }
    }

    /// What the launcher and its node have said, for when one is awaited in vain.
    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let child = self.child.as_ref().map(Child::id);
        let pid = child.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        // A launcher stops its node before it ends.
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        self.ended();
    }
}

/// A part of the tests that a variable names.
pub(crate) fn part(variable: &str) -> PathBuf {
    let part = std::env::var_os(variable).map(PathBuf::from);
    part.unwrap_or_else(|| panic!("{variable} (make bench sets it)"))
}

pub(crate) fn open(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("permissions");
}

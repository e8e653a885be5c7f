//! The real sidecar beside a node, with directories of its own; ended by pid on drop.

use std::{
    fs::File,
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::{LONG, address::Address, eventually, small_disk::SmallDisk};

/// A sidecar that was started. Its HTTP answers are at port 9190 of the node's address.
#[derive(Debug)]
pub(crate) struct Sidecar {
    ip: Ipv4Addr,
    arguments: Vec<String>,
    env: Vec<(String, String)>,
    /// What is started.
    program: PathBuf,
    dir: TempDir,
    /// What a part of its directory is on.
    disk: Option<SmallDisk>,
    child: Option<Child>,
}

impl Sidecar {
    /// Starts one for the node at `address`, with `more` arguments, which win.
    pub(crate) fn start(endpoint: &str, address: &Address, more: &[&str]) -> Self {
        Self::start_with(endpoint, address, more, &[])
    }

    /// The same with an environment.
    pub(crate) fn start_with(endpoint: &str, address: &Address, more: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start_at(endpoint, address.ip(), more, env)
    }

    /// The same at an address that no other test has.
    pub(crate) fn start_at(endpoint: &str, ip: Ipv4Addr, more: &[&str], env: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut arguments = vec!["sidecar".to_owned()];
        for (flag, value) in [
            ("--log", "debug".to_owned()),
            ("--endpoints", endpoint.to_owned()),
            ("--address", ip.to_string()),
            ("--listen", format!("{ip}:9190")),
            ("--run-dir", dir.path().join("run").display().to_string()),
            ("--state-dir", dir.path().join("state").display().to_string()),
        ] {
            if !more.contains(&flag) {
                arguments.extend([flag.to_owned(), value]);
            }
        }
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        let mut sidecar = Self {
            ip,
            arguments,
            env: env
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            program: env!("CARGO_BIN_EXE_quorate").into(),
            dir,
            disk: None,
            child: None,
        };
        sidecar.start_again();
        sidecar
    }

    /// Starts it anew, with its state on a small disk from now on.
    pub(crate) fn move_its_state_to_a_small_disk(&mut self) -> SmallDisk {
        self.kill();
        let disk = SmallDisk::at(self.dir.path().join("state"));
        self.disk = Some(disk.clone());
        self.start_again();
        disk
    }

    /// Starts a program of its own, which can be replaced, with settings from a file, which can be rewritten.
    pub(crate) fn start_from_file(endpoint: &str, address: &Address, more: &str, env: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("quorate.toml");
        let mut sidecar = Self {
            ip: address.ip(),
            arguments: ["sidecar", "--log", "debug", "--config"].map(str::to_owned).to_vec(),
            env: env
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            program: dir.path().join("quorate"),
            dir,
            disk: None,
            child: None,
        };
        sidecar.arguments.push(file.display().to_string());
        replace(&sidecar.program, own_program().as_slice(), 0o755);
        sidecar.says(endpoint, more);
        sidecar.start_again();
        sidecar
    }

    /// Writes the file of its settings anew.
    pub(crate) fn says(&self, endpoint: &str, more: &str) {
        let (ip, dir) = (self.ip, self.dir.path().display());
        let mut lines = Vec::new();
        for (key, value) in [
            ("endpoints", endpoint.to_owned()),
            ("address", ip.to_string()),
            ("listen", format!("{ip}:9190")),
            ("run-dir", format!("{dir}/run")),
            ("state-dir", format!("{dir}/state")),
        ] {
            if !more.contains(&format!("{key} =")) {
                lines.push(format!("{key} = \"{value}\"\n"));
            }
        }
        replace(
            &self.dir.path().join("quorate.toml"),
            (lines.concat() + more).as_bytes(),
            0o644,
        );
    }

    /// Puts another executable into the place of the one that runs, as a package does: by rename.
    pub(crate) fn replace_program(&self, bytes: &[u8], mode: u32) {
        replace(&self.program, bytes, mode);
    }

    /// What was started.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Starts it with the same arguments and directories, after its end.
    #[expect(clippy::disallowed_methods, reason = "the real sidecar is a process")]
    pub(crate) fn start_again(&mut self) {
        assert!(self.child.is_none(), "it runs");
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .expect("a log");
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .env("NO_COLOR", "1")
            .envs(self.env.iter().cloned());
        if let Some(disk) = &self.disk {
            command = disk.on(&command);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        self.child = Some(child.expect("the sidecar starts"));
    }

    /// Where its directories are.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What the launcher's file would be.
    pub(crate) fn launcher_file(&self) -> PathBuf {
        self.dir
            .path()
            .join("run/elasticsearch")
            .join(format!("{}.json", self.ip))
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// What it logged so far.
    pub(crate) fn logged(&self) -> String {
        std::fs::read_to_string(self.log()).expect("a log")
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Whether its process has not ended.
    pub(crate) fn lives(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_some_and(|child| child.try_wait().expect("a state").is_none())
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("a signal");
    }

    /// SIGKILL, and its end.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("killed");
        child.wait().expect("ended");
    }

    /// Waits for its end.
    pub(crate) async fn ends(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        let status = tokio::task::spawn_blocking(move || child.wait());
        let status = tokio::time::timeout(LONG, status).await.expect("it ends");
        status.expect("no panic").expect("a status")
    }

    /// Asks over HTTP; status and body, none while it does not answer.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect((self.ip, 9190)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.ip).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// What `/status` says.
    pub(crate) fn status(&self) -> Option<Value> {
        serde_json::from_str(&self.ask("GET", "/status")?.1).ok()
    }

    /// Waits until `/status` satisfies `look`.
    pub(crate) async fn until(&self, what: &str, look: impl Fn(&Value) -> bool) -> Value {
        eventually(what, LONG, || async { self.status().filter(&look) }).await
    }

    /// Waits until its key is there as it should be.
    pub(crate) async fn registered(&self) -> Value {
        self.until("it is registered", |status| {
            status.pointer("/registry/as_wanted") == Some(&Value::Bool(true))
        })
        .await
    }

    /// Waits for a verdict.
    pub(crate) async fn verdict(&self, verdict: &str) -> Value {
        self.until(&format!("the verdict is {verdict}"), |status| {
            status["verdict"] == verdict
        })
        .await
    }
}

/// The program under test.
pub(crate) fn own_program() -> Vec<u8> {
    std::fs::read(env!("CARGO_BIN_EXE_quorate")).expect("the program")
}

fn replace(path: &Path, bytes: &[u8], mode: u32) {
    quorate::host::write_atomic(path, bytes, mode).expect("written");
}

impl Drop for Sidecar {
    #[expect(clippy::print_stderr, reason = "what it logged explains the failure")]
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended meanwhile.
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("the sidecar at {} logged:\n{}", self.ip, self.logged());
        }
    }
}

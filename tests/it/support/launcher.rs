//! `quorate launch` on loopback, in directories of its own: started, killed, started again; it and its node are ended on drop.

use std::{
    fs::{File, Permissions},
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
};

use quorate::nodefile::{NodeFile, Phase, ProcessId};
use rustix::process::{Pid, Signal, geteuid, kill_process, kill_process_group};
use tempfile::TempDir;

use super::{
    LONG,
    etcd::Etcd,
    eventually,
    node::Line,
    part,
    program::{Run, quorate},
    small_disk::SmallDisk,
    still::stand_still,
};

/// The user of nodes that root starts.
const NOBODY: u32 = 65534;

/// What a launcher starts as a process.
#[derive(Debug, Clone)]
pub(crate) struct Stock {
    /// An unpacked distribution.
    pub(crate) home: PathBuf,
    /// The variable that names its Java, and that Java: `JAVA_HOME=/usr/lib/jvm/x`.
    pub(crate) java: String,
}

impl From<Line> for Stock {
    fn from(line: Line) -> Self {
        Self {
            home: line.home(),
            java: format!("{}={}", line.java_variable(), line.java()),
        }
    }
}

/// One host: what a launcher is given, and the directories that stay when it is started again.
#[derive(Debug)]
pub(crate) struct Host {
    program: PathBuf,
    stock: Stock,
    address: String,
    etcd: String,
    service: String,
    more: Vec<String>,
    /// The image, where Docker runs the node.
    image: Option<String>,
    dir: TempDir,
    /// What a part of its directory is on.
    disk: Option<SmallDisk>,
    child: Option<Child>,
}

impl Host {
    /// A host at `address` whose launcher gets `more` flags.
    pub(crate) fn new(stock: impl Into<Stock>, address: &str, etcd: &Etcd, more: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        // The node's user has to get through.
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("open to all");
        Self {
            program: env!("CARGO_BIN_EXE_quorate").into(),
            stock: stock.into(),
            address: address.to_owned(),
            etcd: etcd.endpoint(),
            service: "elasticsearch".to_owned(),
            more: more.iter().map(|flag| (*flag).to_owned()).collect(),
            image: None,
            dir,
            disk: None,
            child: None,
        }
    }

    /// One of its directories is a small disk.
    pub(crate) fn put_on_a_small_disk(&mut self, name: &str) -> SmallDisk {
        let disk = SmallDisk::at(self.path(name));
        // The node's own, as a data directory has to be.
        let disk = if name == "data" { disk.of_user(NOBODY) } else { disk };
        self.disk = Some(disk.clone());
        disk
    }

    /// Where the test finds a path of the host.
    fn seen(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        match (&self.disk, &self.child) {
            (Some(disk), Some(child)) if disk.holds(&path) => disk.seen_by(child.id(), &path),
            (Some(_) | None, _) => path,
        }
    }

    /// Docker runs the node, from the image of Elasticsearch 6.8.
    pub(crate) fn use_docker(&mut self) {
        self.image = Some(part("QUORATE_TEST_ES6_IMAGE"));
    }

    /// Another service than `elasticsearch`.
    pub(crate) fn serve(&mut self, service: &str) {
        service.clone_into(&mut self.service);
    }

    /// Other endpoints of etcd.
    pub(crate) fn know(&mut self, endpoints: &str) {
        endpoints.clone_into(&mut self.etcd);
    }

    /// Another distribution than that of its line.
    pub(crate) fn use_home(&mut self, home: &Path) {
        home.clone_into(&mut self.stock.home);
    }

    /// Its disk is in a machine with another address now.
    pub(crate) fn moves_to(&mut self, address: &str) {
        assert!(self.child.is_none(), "its launcher runs");
        address.clone_into(&mut self.address);
    }

    /// A copy of the program, which can be replaced, as a package does: by rename.
    pub(crate) fn replace_program(&mut self, bytes: &[u8], mode: u32) {
        self.program = self.path("quorate");
        quorate::host::write_atomic(&self.program, bytes, mode).expect("written");
    }

    /// Where its data is.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// A data directory that is empty.
    pub(crate) fn make_data(&self) {
        std::fs::create_dir(self.data()).expect("a directory");
        self.give_away_data();
    }

    /// Gives a data directory that the test has made, and all in it, to the node's user.
    pub(crate) fn give_away_data(&self) {
        if geteuid().is_root() {
            give_away(&self.data());
        }
    }

    /// A path in its directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The live seed file's lines.
    pub(crate) fn seeds(&self) -> Vec<String> {
        let (service, address) = (&self.service, &self.address);
        let path = self.seen(&format!("state/{service}/{address}/seeds/unicast_hosts.txt"));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The program with the flags of this host, but for those that `more` says differently.
    #[expect(clippy::disallowed_methods, reason = "the launcher is a process")]
    pub(crate) fn command(&self, command: &str, more: &[&str]) -> Command {
        let mut program = Command::new(&self.program);
        let path = |name: &str| self.path(name).display().to_string();
        let flags = [
            ("--endpoints", self.etcd.clone()),
            ("--address", self.address.clone()),
            ("--service", self.service.clone()),
            ("--home", self.stock.home.display().to_string()),
            ("--name", format!("node-{}", self.address)),
            ("--data", path("data")),
            ("--state-dir", path("state")),
            ("--run-dir", path("run")),
            ("--heap", "256m".to_owned()),
            ("--drain-wait", "0s".to_owned()),
            ("--set", "discovery.initial_state_timeout=1s".to_owned()),
            // A machine whose disk is nearly full holds no copy back.
            (
                "--set",
                "cluster.routing.allocation.disk.threshold_enabled=false".to_owned(),
            ),
            ("--env", self.stock.java.clone()),
        ];
        program
            .arg(command)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("NOTIFY_SOCKET", self.path("notify"));
        let said = |flag: &str| more.contains(&flag) && !["--set", "--env"].contains(&flag);
        let own = |flag: &str| self.image.is_none() || !["--home", "--env"].contains(&flag);
        let flags = flags.iter().filter(|(flag, _)| !said(flag) && own(flag));
        program.args(flags.flat_map(|(flag, value)| [*flag, value.as_str()]));
        if let Some(image) = &self.image {
            program
                .args(["--image", image])
                .env("DOCKER_HOST", part("QUORATE_TEST_DOCKER_HOST"));
        } else if geteuid().is_root() && !more.contains(&"--user") {
            program.args(["--user", "nobody"]);
        }
        program.args(&self.more).args(more).stdin(Stdio::null());
        program
    }

    /// What the program says and how it ends.
    pub(crate) fn says(&self, command: &str, more: &[&str]) -> Run {
        let output = self.run(command, more);
        Run {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, command: &str, more: &[&str]) -> Output {
        self.command(command, more).output().expect("it runs")
    }

    /// What `status --verify` says, which asks every node.
    pub(crate) fn verified(&self) -> Run {
        let (etcd, service) = (&self.etcd, &self.service);
        quorate(&["status", "--verify", "--endpoints", etcd, "--service", service])
    }

    /// Starts the launcher. Its output and its node's go into the file `log`.
    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// The same with more flags.
    pub(crate) fn start_with(&mut self, more: &[&str]) {
        let path = self.path("log");
        let log = File::options().create(true).append(true).open(path).expect("a log");
        let mut command = self.command("launch", more);
        if let Some(disk) = &self.disk {
            command = disk.on(&command);
        }
        command.stdout(log.try_clone().expect("a log")).stderr(log);
        assert!(self.child.is_none(), "it runs already");
        self.child = Some(command.spawn().expect("it starts"));
    }

    /// What the launcher and its node have said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The launcher's file.
    pub(crate) fn file(&self) -> Option<NodeFile> {
        let path = self.seen(&format!("run/{}/{}.json", self.service, self.address));
        NodeFile::read(&path).expect("readable")
    }

    /// The same, to compare it: without the disk under the data, which this machine's other users fill and empty meanwhile.
    pub(crate) fn file_but_disk(&self) -> Option<NodeFile> {
        self.file().map(|file| NodeFile { disk: None, ..file })
    }

    /// Waits for the node's process.
    pub(crate) async fn process(&mut self) -> ProcessId {
        let max = 3 * LONG;
        let start = tokio::time::Instant::now();
        loop {
            if let Some(file) = self.file()
                && file.phase == Phase::Running
                // The file of a run that was killed stays.
                && let Some(process) = file.process.filter(|process| process.is_alive())
            {
                return process;
            }
            assert!(self.lives() && start.elapsed() < max, "no node: {}", self.log());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// The launcher's own process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it was started").id()
    }

    /// Whether a launcher was started whose end nobody has seen.
    pub(crate) const fn is_started(&self) -> bool {
        self.child.is_some()
    }

    /// Whether the launcher lives.
    pub(crate) fn lives(&mut self) -> bool {
        self.ended().is_none()
    }

    /// How the launcher ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        let child = self.child.as_mut().expect("it was started");
        child.try_wait().expect("a state")
    }

    /// The launcher's process.
    pub(crate) fn launcher(&self) -> u32 {
        self.child.as_ref().expect("it was started").id()
    }

    /// Sends a signal to the launcher alone.
    pub(crate) fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it was started");
        kill_process(pid(child.id()), signal).expect("a signal");
    }

    /// SIGKILL for the launcher alone; nothing, when its end was seen already.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it was started");
        child.kill().expect("a signal");
        child.wait().expect("ended");
    }

    /// Whether a node lives that the launcher's file names, though perhaps no launcher does.
    pub(crate) fn node_lives(&self) -> bool {
        let process = self.file().and_then(|file| file.process);
        process.is_some_and(ProcessId::is_alive)
    }

    /// Sends a signal to the node and whatever it has started; its process.
    pub(crate) fn signal_node(&self, signal: Signal) -> ProcessId {
        let process = self.file().and_then(|file| file.process).expect("a node runs");
        kill_process_group(pid(process.pid), signal).expect("a signal");
        process
    }

    /// SIGSTOP to the node: connections stay open, nothing is answered. Comes back when every thread stands still.
    pub(crate) fn freeze_node(&self) {
        stand_still(self.signal_node(Signal::STOP).pid);
    }

    /// SIGCONT to the node.
    pub(crate) fn thaw_node(&self) {
        self.signal_node(Signal::CONT);
    }

    /// SIGKILL for the launcher and its node, as when the power fails; not waited for.
    pub(crate) fn fail(&self) {
        self.signal(Signal::KILL);
        if let Some(process) = self.file().and_then(|file| file.process)
            && process.is_alive()
        {
            kill_process_group(pid(process.pid), Signal::KILL).expect("a signal");
        }
    }

    /// Waits for the end of the launcher and of the node that it may have left, whose sockets may be open for a moment more.
    pub(crate) async fn gone(&mut self) -> Option<i32> {
        let left = self.file().and_then(|file| file.process);
        let code = self.code().await;
        eventually("the node is gone", LONG, || async {
            left.is_none_or(|process| !process.is_alive()).then_some(())
        })
        .await;
        code
    }

    /// Waits for the launcher's end; its exit code.
    pub(crate) async fn code(&mut self) -> Option<i32> {
        let child = self.child.as_mut().expect("it was started");
        let look = eventually("the launcher ends", 3 * LONG, || {
            let status = child.try_wait().expect("a state");
            async move { status }
        });
        let code = look.await.code();
        self.child = None;
        code
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let file = NodeFile::read(&self.seen(&format!("run/{}/{}.json", self.service, self.address)));
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Ok(Some(NodeFile {
            process: Some(process), ..
        })) = file
            && process.is_alive()
        {
            // A container's main process is in a group of its own, too; it ends with it.
            let _ = kill_process_group(pid(process.pid), Signal::KILL);
        }
    }
}

fn give_away(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).expect("given away");
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        give_away(&entry.path());
    }
}

/// A process number.
pub(crate) fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).expect("a pid")).expect("a pid")
}

/// A directory with what identifies a distribution, and a shell script in the place of the node.
pub(crate) fn hollow_home(dir: &Path, jar: &str, script: &str) -> PathBuf {
    let home = dir.join("home");
    for part in ["bin", "config", "lib", "jdk/bin"] {
        std::fs::create_dir_all(home.join(part)).expect("a directory");
    }
    std::fs::write(home.join("lib").join(jar), "").expect("a jar");
    let product = jar.split('-').next().expect("a product");
    for (path, text) in [("jdk/bin/java", ""), (&format!("bin/{product}"), script)] {
        std::fs::write(home.join(path), format!("#!/bin/sh\n{text}\n")).expect("a script");
        std::fs::set_permissions(home.join(path), Permissions::from_mode(0o755)).expect("a program");
    }
    home
}

//! A real search node, started straight from an unpacked distribution: killed and frozen at will, ended by pid on drop.

use std::{
    fmt::Write as _,
    fs::File,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use quorate::probe::{Access, Prober, Report};
use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use tempfile::TempDir;

use super::{LONG, address::Address, part, still::stand_still};

/// The user and group of nodes that root starts: search nodes refuse to run as root.
const NOBODY: u32 = 65534;

/// Which distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// Elasticsearch 1.7, which knows neither a seed file nor a cluster UUID.
    Es1,
    /// Elasticsearch 6.8, the one that starts fastest.
    Es6,
    /// Elasticsearch 9.5.
    Es9,
    /// OpenSearch 3.6.
    Os3,
}

impl Line {
    pub(crate) fn home(self) -> PathBuf {
        PathBuf::from(part(match self {
            Self::Es1 => "QUORATE_TEST_ES1_HOME",
            Self::Es6 => "QUORATE_TEST_ES6_HOME",
            Self::Es9 => "QUORATE_TEST_ES9_HOME",
            Self::Os3 => "QUORATE_TEST_OS3_HOME",
        }))
    }

    pub(crate) fn java(self) -> String {
        part(match self {
            Self::Es1 | Self::Es6 => "QUORATE_TEST_JAVA17",
            Self::Es9 | Self::Os3 => "QUORATE_TEST_JAVA25",
        })
    }

    const fn product(self) -> &'static str {
        match self {
            Self::Es1 | Self::Es6 | Self::Es9 => "elasticsearch",
            Self::Os3 => "opensearch",
        }
    }

    /// The variable that names its Java.
    pub(crate) const fn java_variable(self) -> &'static str {
        match self {
            Self::Es1 | Self::Es6 => "JAVA_HOME",
            Self::Es9 => "ES_JAVA_HOME",
            Self::Os3 => "OPENSEARCH_JAVA_HOME",
        }
    }

    /// The variable that holds options of its Java.
    pub(crate) fn java_options(self) -> String {
        format!("{}_JAVA_OPTS", self.variables())
    }

    const fn variables(self) -> &'static str {
        match self {
            Self::Es1 | Self::Es6 | Self::Es9 => "ES",
            Self::Os3 => "OPENSEARCH",
        }
    }
}

/// What is started.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) line: Line,
    pub(crate) name: &'static str,
    pub(crate) cluster: &'static str,
    /// `host:port` of the others.
    pub(crate) seeds: Vec<String>,
    /// Names of all masters that have to be there before there is a cluster; the node alone when empty.
    pub(crate) masters: Vec<&'static str>,
}

impl Spec {
    /// A node that is a cluster of its own.
    pub(crate) fn alone(line: Line, name: &'static str) -> Self {
        Self {
            line,
            name,
            cluster: "test",
            seeds: Vec::new(),
            masters: vec![name],
        }
    }

    /// A node that answers, and waits for masters that never come.
    pub(crate) fn masterless(line: Line, name: &'static str) -> Self {
        Self {
            masters: vec![name, "never", "comes"],
            ..Self::alone(line, name)
        }
    }

    fn settings(&self, address: &Address, dir: &Path) -> String {
        let masters = self
            .masters
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect::<Vec<_>>()
            .join(", ");
        let seeds = self
            .seeds
            .iter()
            .map(|host| format!("\"{host}\""))
            .collect::<Vec<_>>()
            .join(", ");
        let mut yml = format!(
            "cluster.name: {}\nnode.name: {}\nnetwork.host: {}\nhttp.port: 9200\npath.data: {dir}/data\npath.logs: {dir}/logs\n\
             discovery.initial_state_timeout: 1s\n",
            self.cluster,
            self.name,
            address,
            dir = dir.display()
        );
        let more = match self.line {
            Line::Es1 | Line::Es6 => format!(
                "transport.tcp.port: 9300\ndiscovery.zen.ping.unicast.hosts: [{seeds}]\ndiscovery.zen.minimum_master_nodes: {}\n",
                self.masters.len() / 2 + 1
            ),
            Line::Es9 => format!(
                "transport.port: 9300\ndiscovery.seed_hosts: [{seeds}]\ncluster.initial_master_nodes: [{masters}]\n\
                 xpack.security.enabled: false\n"
            ),
            Line::Os3 => format!(
                "transport.port: 9300\ndiscovery.seed_hosts: [{seeds}]\ncluster.initial_cluster_manager_nodes: [{masters}]\n"
            ),
        };
        write!(yml, "{more}").expect("text");
        yml
    }
}

/// A node that was started; ended when dropped, with everything that it started.
#[derive(Debug)]
pub(crate) struct Node {
    spec: Spec,
    /// Options of its Java beside the usual ones.
    java: String,
    address: Address,
    dir: TempDir,
    child: Option<Child>,
}

impl Node {
    /// Starts it. It answers some seconds later.
    pub(crate) fn start(spec: Spec) -> Self {
        Self::start_with(spec, |_| String::new())
    }

    /// The same with options for its Java, which may write files into the directory that they are told.
    pub(crate) fn start_with(spec: Spec, java: impl FnOnce(&Path) -> String) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut node = Self {
            java: java(dir.path()),
            dir,
            child: None,
            address: Address::take(),
            spec,
        };
        node.configure();
        node.spawn();
        node
    }

    fn configure(&self) {
        let (dir, home) = (self.dir.path(), self.spec.line.home());
        for part in ["config", "data", "logs", "tmp"] {
            std::fs::create_dir(dir.join(part)).expect("a directory");
        }
        copy_dir(&home.join("config"), &dir.join("config"));
        let yml = dir.join(format!("config/{}.yml", self.spec.line.product()));
        std::fs::write(yml, self.spec.settings(&self.address, dir)).expect("settings");
        if geteuid().is_root() {
            give_away(dir);
        }
    }

    /// Starts it on the data that it has.
    #[expect(clippy::disallowed_methods, reason = "a real node is a process")]
    fn spawn(&mut self) {
        let (dir, line) = (self.dir.path(), self.spec.line);
        let log = File::options()
            .create(true)
            .append(true)
            .open(dir.join("log"))
            .expect("a log");
        let variable = |name: &str| format!("{}_{name}", line.variables());
        let mut command = Command::new(line.home().join("bin").join(line.product()));
        command
            .current_dir(dir)
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("LANG", "C.UTF-8")])
            .env("HOME", dir)
            .env("JAVA_HOME", line.java())
            .env(variable("JAVA_HOME"), line.java())
            .env(variable("TMPDIR"), dir.join("tmp"))
            .env(variable("PATH_CONF"), dir.join("config"))
            .env(
                variable("JAVA_OPTS"),
                format!("-Xms256m -Xmx256m -XX:TieredStopAtLevel=1 {}", self.java),
            )
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .process_group(0);
        if line == Line::Es1 {
            command.arg(format!("-Des.path.conf={}/config", dir.display()));
        }
        if geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        self.child = Some(command.spawn().expect("the node starts"));
    }

    /// Where it answers HTTP, at port 9200.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Its process, or that of its own launcher from Elasticsearch 8 on.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Waits until its answer satisfies `look`.
    pub(crate) async fn until(&self, what: &str, look: impl Fn(&Report) -> bool) -> Report {
        let mut prober = Prober::new(self.address.to_string(), 9200, LONG, Access::default());
        let what = format!(
            "node {} {what}, see {}",
            self.spec.name,
            self.dir.path().join("log").display()
        );
        let deadline = tokio::time::Instant::now() + 3 * LONG;
        loop {
            if let Ok(report) = prober.probe().await.result
                && look(&report)
            {
                return report;
            }
            assert!(tokio::time::Instant::now() < deadline, "{what}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// Waits until it has joined and says which cluster: for a moment it knows its master before that.
    pub(crate) async fn joined(&self) -> Report {
        let joined = |report: &Report| report.joined() && report.uuid.known().is_some();
        self.until("has joined", joined).await
    }

    fn signal(&self, signal: Signal) {
        let group = Pid::from_raw(i32::try_from(self.pid()).expect("a pid")).expect("a pid");
        kill_process_group(group, signal).expect("a signal");
    }

    /// SIGKILL to everything of it, without waiting for its end.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// SIGSTOP: connections stay open, nothing is answered. Returns when every thread stands still.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        stand_still(self.pid());
    }

    /// SIGCONT.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Starts it again on its data, after its end.
    pub(crate) fn start_again(&mut self) {
        self.end();
        self.spawn();
    }

    /// Whether its process lives.
    pub(crate) fn lives(&mut self) -> bool {
        let child = self.child.as_mut().expect("it was started");
        child.try_wait().expect("a state").is_none()
    }

    fn end(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
        if let Some(mut child) = self.child.take() {
            child.wait().expect("ended");
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            // Whoever is gone already needs no signal.
            let _ = group.map(|group| kill_process_group(group, Signal::KILL));
            let _ = child.wait();
        }
    }
}

pub(super) fn copy_dir(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            std::fs::create_dir(&target).expect("a directory");
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("copied");
        }
    }
}

fn give_away(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).expect("given away");
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("a directory") {
            give_away(&entry.expect("an entry").path());
        }
    }
}

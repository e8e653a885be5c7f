//! A real etcd on loopback, in a directory of its own: killed, frozen, restarted and wiped at will, ended by pid on drop.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddrV4, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use quorate::registry::{Registry, RegistrySettings};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use super::{LONG, eventually, part, still::stand_still};

/// Which etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// 3.4, where anonymous clients and old locks behave worst.
    V34,
    /// 3.5.
    V35,
    /// 3.6.
    V36,
    /// 3.7.
    V37,
}

impl Version {
    /// The executable.
    pub(crate) fn binary(self) -> PathBuf {
        let path = PathBuf::from(match self {
            Self::V34 => part("QUORATE_TEST_ETCD_34"),
            Self::V35 => part("QUORATE_TEST_ETCD_35"),
            Self::V36 => part("QUORATE_TEST_ETCD_36"),
            Self::V37 => part("QUORATE_TEST_ETCD_37"),
        });
        if path.is_dir() { path.join("etcd") } else { path }
    }

    /// The etcdctl of the same version.
    pub(crate) fn etcdctl(self) -> PathBuf {
        self.binary().with_file_name("etcdctl")
    }
}

/// One member, alone or of a cluster.
#[derive(Debug)]
pub(crate) struct Etcd {
    version: Version,
    name: String,
    client: SocketAddrV4,
    peer: SocketAddrV4,
    scheme: &'static str,
    cluster: String,
    more: Vec<String>,
    dir: TempDir,
    child: Option<Child>,
}

/// Where the members of this process listen: each has an address of its own, so that ports of a member that is down stay free.
static NEXT_ADDRESS: AtomicU8 = AtomicU8::new(1);

fn free_address() -> (SocketAddrV4, SocketAddrV4) {
    let host = Ipv4Addr::new(127, 0, 11, NEXT_ADDRESS.fetch_add(1, Ordering::Relaxed).clamp(1, 250));
    let listeners = [0, 1].map(|_| TcpListener::bind((host, 0)).expect("a free port"));
    let [client, peer] = listeners.map(|listener| listener.local_addr().expect("an address").port());
    (SocketAddrV4::new(host, client), SocketAddrV4::new(host, peer))
}

impl Etcd {
    /// A single member that answers.
    pub(crate) async fn start(version: Version) -> Self {
        Self::start_with(version, "http", |_| Vec::new()).await
    }

    /// A single member with more flags, which may name files in its directory. Perhaps not healthy yet when clients need a
    /// certificate.
    pub(crate) async fn start_with(
        version: Version,
        scheme: &'static str,
        more: impl FnOnce(&Self) -> Vec<String>,
    ) -> Self {
        let mut etcd = Self::new(version, "single", scheme);
        etcd.cluster = etcd.peer_entry();
        etcd.more = more(&etcd);
        etcd.spawn();
        etcd.answers().await;
        etcd
    }

    /// A cluster of three that answers.
    pub(crate) async fn start_three(version: Version) -> [Self; 3] {
        let mut members = ["one", "two", "three"].map(|name| Self::new(version, name, "http"));
        let cluster = members.each_ref().map(Self::peer_entry).join(",");
        for member in &mut members {
            member.cluster.clone_from(&cluster);
            member.spawn();
        }
        for member in &members {
            member.answers().await;
        }
        members
    }

    fn new(version: Version, name: &str, scheme: &'static str) -> Self {
        let (client, peer) = free_address();
        Self {
            version,
            name: name.to_owned(),
            client,
            peer,
            scheme,
            cluster: String::new(),
            more: Vec::new(),
            dir: tempfile::tempdir().expect("a directory"),
            child: None,
        }
    }

    fn peer_entry(&self) -> String {
        format!("{}=http://{}", self.name, self.peer)
    }

    /// The URL for clients.
    pub(crate) fn endpoint(&self) -> String {
        format!("{}://{}", self.scheme, self.client)
    }

    /// The address for clients.
    pub(crate) fn address(&self) -> SocketAddrV4 {
        self.client
    }

    /// A client of this member alone.
    pub(crate) fn registry(&self) -> Registry {
        registry([self.endpoint()])
    }

    /// The directory of its data and its log.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    #[expect(clippy::disallowed_methods, reason = "a real etcd is a process")]
    fn spawn(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))
            .expect("a log");
        let (client, peer) = (self.endpoint(), format!("http://{}", self.peer));
        let child = Command::new(self.version.binary())
            .args(["--name", &self.name])
            .arg("--data-dir")
            .arg(self.dir.path().join("data"))
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &self.cluster])
            .args(&self.more)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("etcd starts");
        self.child = Some(child);
    }

    async fn answers(&self) {
        let what = format!("etcd answers, see {}", self.dir.path().join("log").display());
        if self.scheme == "https" {
            let address = self.client;
            eventually(&what, LONG, || async move { TcpStream::connect(address).await.ok() }).await;
        } else {
            eventually(&what, LONG, || async {
                let health = self.http("/health").await?;
                health.contains("true").then_some(())
            })
            .await;
        }
    }

    /// Its process, while it runs.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("etcd runs").id()
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("a signal");
    }

    /// SIGKILL; its ports and data stay for [`restart`](Self::restart).
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("ended");
        }
    }

    /// SIGSTOP: connections stay open, nothing is answered. Comes back when the last thread stands still.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        stand_still(self.pid());
    }

    /// SIGCONT.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Starts again on the same ports and data, and waits until it answers.
    pub(crate) async fn restart(&mut self) {
        self.start_again();
        self.answers().await;
    }

    /// Starts again on the same ports and data; perhaps it has no quorum to answer with.
    pub(crate) fn start_again(&mut self) {
        self.kill();
        self.spawn();
    }

    /// A snapshot of what it holds.
    pub(crate) fn snapshot(&self, name: &str) -> PathBuf {
        let path = self.dir().join(name);
        self.etcdctl(&["snapshot", "save", &path.display().to_string()]);
        path
    }

    /// Starts again on the same ports with what a snapshot of another day holds: its own is lost, and revisions begin anew from there.
    pub(crate) async fn restore(&mut self, snapshot: &Path) {
        self.kill();
        let data = self.dir().join("data");
        std::fs::remove_dir_all(&data).expect("removed");
        let (snapshot, data) = (snapshot.display().to_string(), data.display().to_string());
        let peer = format!("http://{}", self.peer);
        let args = [
            "snapshot",
            "restore",
            &snapshot,
            "--data-dir",
            &data,
            "--name",
            &self.name,
        ];
        let cluster = [
            "--initial-cluster",
            &self.cluster,
            "--initial-advertise-peer-urls",
            &peer,
        ];
        self.etcdctl(&[&args[..], &cluster].concat());
        self.restart().await;
    }

    /// Takes this member out of its cluster and puts a new one into its place, on the same ports, with nothing in it; `other` is told.
    pub(crate) async fn replace_by_empty(&mut self, other: &Self) {
        self.kill();
        let list = other.etcdctl(&["member", "list"]);
        let of = format!(", {}, ", self.name);
        let line = list.lines().find(|line| line.contains(&of)).expect("a member");
        let (id, _) = line.split_once(',').expect("an id");
        other.etcdctl(&["member", "remove", id]);
        std::fs::remove_dir_all(self.dir().join("data")).expect("removed");
        // A cluster that has just lost a member takes no new one for a moment.
        let add = [
            "member",
            "add",
            &self.name,
            &format!("--peer-urls=http://{}", self.peer),
        ];
        eventually("the new member is added", LONG, || async {
            other.try_etcdctl(&add).ok()
        })
        .await;
        self.more
            .extend(["--initial-cluster-state".to_owned(), "existing".to_owned()]);
        self.spawn();
        self.answers().await;
    }

    /// Starts again on the same ports without any data, as after a restore from nothing.
    pub(crate) async fn restart_empty(&mut self) {
        self.kill();
        std::fs::remove_dir_all(self.dir.path().join("data")).expect("removed");
        self.restart().await;
    }

    /// SIGTERM, and its end; SIGKILL after 10 s, because it may wait for its clients.
    pub(crate) async fn stop(&mut self) {
        self.thaw();
        self.signal(Signal::TERM);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) && self.lives() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.kill();
    }

    /// Whether its process has not ended.
    pub(crate) fn lives(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_some_and(|child| child.try_wait().expect("a state").is_none())
    }

    /// The version that it gives.
    pub(crate) async fn full_version(&self) -> String {
        let answer = self.http("/version").await.expect("a version");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let version: serde_json::Value = serde_json::from_str(body).expect("JSON");
        let version = version.get("etcdserver").and_then(|version| version.as_str());
        version.expect("a version").to_owned()
    }

    /// One of its own metrics.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let [value] = self.metrics([name]).await;
        value.unwrap_or_else(|| panic!("no metric {name}"))
    }

    /// Some of its own metrics, as far as this version has them.
    pub(crate) async fn metrics<const N: usize>(&self, names: [&str; N]) -> [Option<f64>; N] {
        let text = eventually("etcd tells its metrics", LONG, || self.http("/metrics")).await;
        names.map(|name| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.trim().parse().ok())
        })
    }

    async fn http(&self, path: &str) -> Option<String> {
        let exchange = async {
            let mut stream = TcpStream::connect(self.client).await.ok()?;
            let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.client);
            stream.write_all(request.as_bytes()).await.ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.ok()?;
            Some(answer)
        };
        tokio::time::timeout(Duration::from_secs(5), exchange).await.ok()?
    }

    /// Puts a key that is no text.
    #[expect(clippy::disallowed_methods, reason = "a real etcdctl is a process")]
    pub(crate) fn put_bytes(&self, key: &[u8], value: &str) {
        let key = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(key);
        let status = Command::new(self.version.binary().with_file_name("etcdctl"))
            .args(["--endpoints", &self.endpoint(), "put"])
            .args([key, value.as_ref()])
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("etcdctl runs").success(), "put {}", key.display());
    }

    /// Runs `etcdctl` of the same version against this member; its output.
    pub(crate) fn etcdctl(&self, args: &[&str]) -> String {
        etcdctl(self.version, &self.endpoint(), args)
    }

    /// The same where it may fail; its output or its complaint.
    pub(crate) fn try_etcdctl(&self, args: &[&str]) -> Result<String, String> {
        try_etcdctl(self.version, &self.endpoint(), args)
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A client of these endpoints.
pub(crate) fn registry(endpoints: impl IntoIterator<Item = String>) -> Registry {
    let endpoints = endpoints.into_iter().collect();
    Registry::new(RegistrySettings {
        endpoints,
        ..RegistrySettings::default()
    })
    .expect("a registry")
}

/// Runs `etcdctl`; its output. Panics when it fails.
pub(crate) fn etcdctl(version: Version, endpoint: &str, args: &[&str]) -> String {
    let done = try_etcdctl(version, endpoint, args);
    done.unwrap_or_else(|error| panic!("etcdctl {args:?}: {error}"))
}

/// Runs `etcdctl`; its output, or its complaint when it fails.
#[expect(clippy::disallowed_methods, reason = "a real etcdctl is a process")]
fn try_etcdctl(version: Version, endpoint: &str, args: &[&str]) -> Result<String, String> {
    let output = Command::new(version.etcdctl())
        .args(["--endpoints", endpoint])
        .args(args)
        .output()
        .expect("etcdctl runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

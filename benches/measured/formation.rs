//! Three real nodes become a cluster: started by launchers that know nothing but etcd, and by hand with everything in their settings, in
//! turns.

use std::{
    fs::File,
    os::unix::{fs::chown, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use quorate::probe::{Access, Prober};
use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use tempfile::TempDir;
use tokio::time::Instant;

use super::{
    etcd::Etcd,
    host::{HOME, Host, JAVA, open, part},
    options::Options,
    table::{Figure, OURS, Row},
    watch::BOUND,
};

/// The user of nodes that root starts: search nodes refuse to run as root.
const NOBODY: u32 = 65534;
const BY_LAUNCHER: [&str; 3] = ["127.63.7.1", "127.63.7.2", "127.63.7.3"];
const BY_HAND: [&str; 3] = ["127.63.6.1", "127.63.6.2", "127.63.6.3"];

/// The table.
pub(crate) async fn run(options: &Options) -> Vec<Row> {
    let etcd = Etcd::start().await;
    let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
    for nth in 0..options.formations {
        let before = Instant::now();
        let nodes = BY_HAND.map(ByHand::start);
        by_hand.push(formed(&BY_HAND, before).await);
        drop(nodes);
        let service = format!("formation-{nth}");
        let more = [
            "--expected-masters",
            "3",
            "--bootstrap-expect",
            "3",
            "--cluster",
            "formation",
        ];
        let mut hosts = BY_LAUNCHER.map(|address| Host::real(options, &etcd, address, &service, &more));
        let before = Instant::now();
        hosts.iter_mut().for_each(Host::start);
        ours.push(formed(&BY_LAUNCHER, before).await);
    }
    let what = "3 Elasticsearch 6.8 started → one cluster";
    let (ours, by_hand) = (Figure::times(&ours), Figure::times(&by_hand));
    let ratio = Figure::new(vec![ours.at(0.5) / by_hand.at(0.5)], "");
    vec![
        Row::new(what, OURS, ours),
        Row::new(what, "static settings", by_hand),
        Row::new("formation, ratio of the medians", OURS, ratio).target("≤ 1.05", |figure| figure.at(0.5) <= 1.05),
    ]
}

/// Until each node says that it has joined the same cluster.
async fn formed(addresses: &[&str], started: Instant) -> Duration {
    let mut uuids = Vec::new();
    for address in addresses {
        let mut prober = Prober::new(*address, 9200, Duration::from_secs(5), Access::default());
        loop {
            assert!(started.elapsed() < BOUND, "no cluster at {address} within {BOUND:?}");
            if let Ok(report) = prober.probe().await.result
                && report.joined()
                && let Some(uuid) = report.uuid.known()
            {
                uuids.push(uuid.clone());
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    uuids.dedup();
    assert_eq!(uuids.len(), 1, "one cluster");
    started.elapsed()
}

/// A node with hand-written settings; ended when dropped.
struct ByHand {
    child: Child,
    _dir: TempDir,
}

impl ByHand {
    #[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
    fn start(address: &str) -> Self {
        let (dir, home) = (tempfile::tempdir().expect("a directory"), part(HOME));
        open(dir.path(), 0o755);
        let path = |name: &str| dir.path().join(name);
        for name in ["config", "data", "logs", "tmp"] {
            std::fs::create_dir(path(name)).expect("a directory");
        }
        for name in ["jvm.options", "log4j2.properties"] {
            std::fs::copy(home.join("config").join(name), path("config").join(name)).expect("copied");
        }
        std::fs::write(path("config/elasticsearch.yml"), settings(address, dir.path())).expect("settings");
        let log = File::create(path("log")).expect("a log");
        let mut command = Command::new(home.join("bin/elasticsearch"));
        command
            .current_dir(dir.path())
            .env_clear()
            .envs([
                ("PATH", "/usr/local/bin:/usr/bin:/bin"),
                ("ES_JAVA_OPTS", "-Xms256m -Xmx256m"),
            ])
            .env("JAVA_HOME", part(JAVA))
            .env("ES_PATH_CONF", path("config"))
            .env("ES_TMPDIR", path("tmp"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .process_group(0);
        if geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
            for name in ["config", "data", "logs", "tmp"] {
                chown(path(name), Some(NOBODY), Some(NOBODY)).expect("given away");
            }
        }
        let child = command.spawn().expect("the node");
        Self { child, _dir: dir }
    }
}

fn settings(address: &str, dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "cluster.name: formation\nnode.name: node-{address}\nnetwork.host: {address}\nhttp.port: 9200\ntransport.tcp.port: 9300\n\
         path.data: {dir}/data\npath.logs: {dir}/logs\ndiscovery.zen.ping.unicast.hosts: {BY_HAND:?}\n\
         discovery.zen.minimum_master_nodes: 2\ndiscovery.initial_state_timeout: 1s\n"
    )
}

impl Drop for ByHand {
    fn drop(&mut self) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        let _ = self.child.wait();
    }
}

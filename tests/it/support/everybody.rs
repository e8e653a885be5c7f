//! Everybody who lives on one etcd: a sidecar beside a stand-in node, a launcher with a node that does nothing, and commands that stay.
//! Whatever befalls that etcd, they are asked afterwards what they know, and whether they are still the same processes.

use std::path::PathBuf;

use quorate::nodefile::ProcessId;
use rustix::process::{Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::{
    LONG,
    address::Address,
    etcd::Etcd,
    eventually,
    launcher::{Host, hollow_home, pid},
    node::Line,
    program::Running,
    sidecar::Sidecar,
    standin::StandIn,
    still::stand_still,
};

/// Room for one of three members that answers nothing, as the settings demand.
const TTL: &str = "9s";
/// The cluster of the stand-in.
const CLUSTER: &str = "shapes";
/// Somebody who comes.
const BY_HAND: &str = r#"{"http_port":9200,"transport_port":9300}"#;

/// A sidecar, a launcher, `seeds --watch`, `seeds --output` and `status --watch`.
pub(crate) struct Everybody {
    pub(crate) node: StandIn,
    pub(crate) sidecar: Sidecar,
    pub(crate) host: Host,
    seeds: Running,
    keeper: Running,
    status: Running,
    /// What `seeds --output` keeps.
    file: PathBuf,
    launched: Address,
    began: Vec<u32>,
    _dir: TempDir,
}

impl Everybody {
    /// At these members, with keys in etcd. Nobody needs a user.
    pub(crate) async fn at(members: &[Etcd]) -> Self {
        let endpoints: Vec<String> = members.iter().map(Etcd::endpoint).collect();
        let flags = ["--endpoints".to_owned(), endpoints.join(",")];
        Self::with(members.first().expect("a member"), |_| flags.to_vec()).await
    }

    /// With the flags of the users `sidecar`, `launcher` and `reader`, endpoints included.
    pub(crate) async fn with(etcd: &Etcd, flags: impl Fn(&str) -> Vec<String>) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("hosts");
        let path = file.display().to_string();
        let command = |words: &[&str]| {
            let flags = flags("reader");
            let all = words.iter().copied().chain(flags.iter().map(String::as_str));
            Running::start(&all.collect::<Vec<_>>())
        };
        let node = StandIn::at_home("elasticsearch-6.8.23");
        let launched = Address::take();
        let mut host = Host::new(Line::Es6, &launched.to_string(), etcd, &[]);
        let home = hollow_home(&host.path(""), "elasticsearch-6.8.23.jar", "exec sleep 1000");
        host.use_home(&home);
        let java = format!("JAVA_HOME={}/jdk", home.display());
        let own = flags("launcher");
        let more = [
            "--expected-masters",
            "1",
            "--cluster",
            CLUSTER,
            "--ttl",
            TTL,
            "--env",
            &java,
        ]
        .into_iter();
        host.start_with(&more.chain(own.iter().map(String::as_str)).collect::<Vec<_>>());
        // Nobody founds a cluster beside a member.
        host.process().await;
        let own = flags("sidecar");
        let more: Vec<&str> = ["--ttl", TTL]
            .into_iter()
            .chain(own.iter().map(String::as_str))
            .collect();
        let sidecar = Sidecar::start(&etcd.endpoint(), node.home(), &more);
        sidecar.registered().await;
        let mut all = Self {
            seeds: command(&["seeds", "--watch", "--format", "csv"]),
            keeper: command(&["seeds", "--format", "csv", "--output", &path]),
            status: command(&["status", "--watch"]),
            began: Vec::new(),
            node,
            sidecar,
            host,
            file,
            launched,
            _dir: dir,
        };
        all.began = all.pids();
        all
    }

    /// The processes of everybody, and the launcher's node.
    fn pids(&self) -> Vec<u32> {
        let commands = [&self.seeds, &self.keeper, &self.status].map(Running::pid);
        let node = self.host.file().and_then(|file| file.process).map(|node| node.pid);
        [self.sidecar.pid(), self.host.pid()]
            .into_iter()
            .chain(commands)
            .chain(node)
            .collect()
    }

    /// The addresses of the two nodes.
    pub(crate) fn nodes(&self) -> [String; 2] {
        [self.node.home().to_string(), self.launched.to_string()]
    }

    /// SIGSTOP for all who read, the sidecar too.
    pub(crate) fn freeze(&self) {
        for reader in self.readers() {
            kill_process(pid(reader), Signal::STOP).expect("a signal");
            stand_still(reader);
        }
    }

    /// SIGCONT.
    pub(crate) fn thaw(&self) {
        for reader in self.readers() {
            kill_process(pid(reader), Signal::CONT).expect("a signal");
        }
    }

    fn readers(&self) -> impl Iterator<Item = u32> {
        self.began.iter().take(5).copied()
    }

    /// Nobody was started anew, and the launcher's node is the one of the beginning.
    pub(crate) fn are_the_same(&mut self) {
        assert!(self.host.lives(), "the launcher has ended: {}", self.host.log());
        assert_eq!(self.pids(), self.began, "{}", self.host.log());
        assert!(
            self.host
                .file()
                .and_then(|file| file.process)
                .is_some_and(ProcessId::is_alive)
        );
    }

    /// Waits until the sidecar has seen its key in etcd from now on.
    pub(crate) async fn sidecar_is_current(&self) -> Value {
        let start = tokio::time::Instant::now();
        let key = self.sidecar.until("the key was seen again", |status| {
            let age = status.pointer("/registry/verified_age_seconds").and_then(Value::as_f64);
            let there = status.pointer("/registry/as_wanted") == Some(&Value::Bool(true));
            there && age.is_some_and(|age| age < start.elapsed().as_secs_f64())
        });
        key.await
    }

    /// Another run of the sidecar takes over from this one.
    pub(crate) async fn upgrade_the_sidecar(&mut self) {
        self.sidecar.kill();
        self.sidecar.start_again();
        self.sidecar.registered().await;
        self.began = self.pids();
    }

    /// How often the sidecar has lost its lease.
    pub(crate) fn lease_losses(&self) -> usize {
        self.sidecar.logged().matches("the lease was lost").count()
    }

    /// Somebody comes, and everybody learns of it; both keys are there, and everybody is the one of before.
    pub(crate) async fn learn_of(&mut self, etcd: &Etcd, newcomer: &str) {
        let put = ["put", &format!("/services/elasticsearch/{newcomer}"), BY_HAND];
        // A new leader may have to be found first.
        eventually("the newcomer is put", LONG, || async { etcd.try_etcdctl(&put).ok() }).await;
        let line = format!("{newcomer}:9300");
        let [beside, launched] = self.nodes();
        let file = "the launcher's file names the newcomer";
        let look = || async { self.host.seeds().contains(&line).then_some(()) };
        eventually(file, LONG, look).await;
        let all = |list: &str| list.contains(&line) && list.contains(&beside) && list.contains(&launched);
        eventually("`seeds --output` names all", LONG, || async {
            std::fs::read_to_string(&self.file).ok().filter(|list| all(list))
        })
        .await;
        self.seeds.lines_until("`seeds --watch` names all", LONG, all).await;
        let row = |line: &str| line.starts_with(newcomer);
        self.status
            .lines_until("`status --watch` shows the newcomer", LONG, row)
            .await;
        self.sidecar_is_current().await;
        for key in [
            format!("/services/elasticsearch/{beside}"),
            format!("/quorate/elasticsearch/seeds/{launched}"),
        ] {
            eventually(&key, LONG, || async {
                let found = etcd.try_etcdctl(&["get", "--keys-only", &key]).ok()?;
                found.contains(&key).then_some(())
            })
            .await;
        }
        self.are_the_same();
    }
}

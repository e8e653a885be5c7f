//! A node that outlived its launcher: how it is found, and what becomes of it.
//!
//! The claim in the launcher's file is its label. Invariant: a node that may belong to the recorded cluster is never stopped, and one
//! that surely belongs to another one is left alone.

use std::{io, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    container::{self, Dead},
    layout::Layout,
    plan::{Node, Plan},
};
use crate::{
    exit::{Exit, Failure},
    host::{self, FileLock},
    model::{ClaimId, ClusterRecord, JoinedCluster},
    nodefile::{NodeFile, Phase, ProcessId},
};

/// The engine whose nodes inherit the lock on their data directory.
pub(super) const PROCESS: &str = "process";

/// A node that was killed together with its launcher holds its ports and its data directory until the kernel has taken back its memory:
/// seconds with a large heap.
const DYING: Duration = Duration::from_secs(30);
/// How often it is looked after.
const LOOK: Duration = Duration::from_millis(20);

/// A living node of an earlier launcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Its main process.
    pub process: ProcessId,
    /// What its launcher said of it: name, claim and data are those it was started with, whatever the settings say now.
    pub file: NodeFile,
}

/// What tells whose a leftover is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The claim under which it was started.
    pub claim: Option<ClaimId>,
    /// Whether it was started with the right to form a cluster.
    pub with_setting: bool,
}

impl Leftover {
    /// Its label.
    pub fn label(&self) -> Label {
        Label {
            claim: self.file.claim.clone(),
            with_setting: self.file.with_setting,
        }
    }

    /// Takes from the file of its launcher what no label says.
    fn learn(&mut self, file: NodeFile) {
        if self.file.container != file.container {
            return;
        }
        self.file.skipped_checks = file.skipped_checks;
        // A container that was started again has other processes, and times of another boot mean nothing.
        if file.process == Some(self.process) && file.boot == self.file.boot {
            self.file.server = file.server;
            self.file.disk = file.disk;
        }
    }
}

/// What becomes of it.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is ours: stay with it.
    Adopt,
    /// It is of a claim that is not the record's and has no cluster: stop it and decide again.
    Stop(String),
    /// It has another cluster than the record says: leave it alone and end.
    Refuse(String),
}

/// What is known of the cluster record.
#[derive(Debug, Clone, Copy)]
pub enum Recorded<'a> {
    /// etcd does not answer, or the record cannot be read.
    Unknown,
    /// There is none.
    None,
    /// This one.
    Some(&'a ClusterRecord),
}

/// The node of an earlier launcher, if it still lives. A container that has ended is `dead`.
pub async fn of_plan(plan: &Plan, dead: Dead) -> Result<Option<Leftover>, Failure> {
    let path = plan.settings.node.run_file(&plan.settings.common.service);
    if let Ok(Some(file)) = NodeFile::read(&path) {
        outlast(&file).await?;
    }
    let read = NodeFile::read(&path).and_then(|file| Ok((find(file.as_ref(), &plan.layout)?, file)));
    let (told, file) = read.map_err(|error| {
        let what = format!("cannot tell whether a node runs already: {error}");
        let hint = "delete the file if no node runs on this host under this address";
        Failure::with_hint(Exit::Config, what, hint)
    })?;
    if let Some(told) = &told
        && told.file.engine != plan.node.engine()
    {
        let (engine, pid) = (&told.file.engine, told.process.pid);
        let what = format!("the node of this address runs already, by the engine {engine}, process {pid}");
        let hint = format!("go on with `--engine {engine}`, or stop that node first");
        return Err(Failure::with_hint(Exit::Config, what, hint));
    }
    match &plan.node {
        Node::Process(_) => Ok(told),
        // Its labels say more than the file, and cannot be lost.
        Node::Container(packed) => {
            let mut found = container::leftover(plan, packed, dead).await?;
            if let (Some(found), Some(file)) = (&mut found, file) {
                found.learn(file);
            }
            Ok(found)
        }
    }
}

/// Waits, not for ever, until nothing is left of a node that has ended. What does not go then is found by the checks of the host.
async fn outlast(file: &NodeFile) -> io::Result<()> {
    let ended = |process: &ProcessId| !process.is_alive() && host::group_lives(process.pid);
    let Some(dying) = file.process.filter(ended) else {
        return Ok(());
    };
    if file.boot != host::boot_id()? {
        return Ok(());
    }
    tracing::info!(pid = dying.pid, "waiting until nothing is left of the last node");
    let deadline = Instant::now() + DYING;
    while host::group_lives(dying.pid) && Instant::now() < deadline {
        sleep(LOOK).await;
    }
    Ok(())
}

/// The node that `file` tells of, if it still lives. Files of another boot say nothing about processes.
fn find(file: Option<&NodeFile>, layout: &Layout) -> io::Result<Option<Leftover>> {
    let Some(file) = file else {
        return Ok(None);
    };
    if file.boot != host::boot_id()? {
        return Ok(None);
    }
    let alive = file.process.filter(|process| process.is_alive());
    let process = alive.or_else(|| unwritten(file, layout));
    Ok(process.map(|process| Leftover {
        process,
        file: file.clone(),
    }))
}

/// The node of a launcher that was killed between starting it and writing down its number: whoever holds the data directory's lock
/// inherited it from that launcher.
fn unwritten(file: &NodeFile, layout: &Layout) -> Option<ProcessId> {
    if file.engine != PROCESS || file.phase != Phase::Starting || file.process.is_some() || file.claim.is_none() {
        return None;
    }
    ProcessId::of(FileLock::holder(&layout.lock)?)
}

/// What becomes of a leftover with this label that reports `cluster`.
pub fn judge(label: &Label, cluster: Option<impl Into<JoinedCluster>>, recorded: Recorded<'_>) -> Fate {
    let cluster = cluster.map(Into::into);
    let record = match recorded {
        Recorded::None if cluster.is_none() && label.with_setting => {
            return Fate::Stop("there is no cluster record, and the node may form a cluster of its own".to_owned());
        }
        // An outage of etcd changes nothing on the host; and a node with a cluster brings a lost record back.
        Recorded::Unknown | Recorded::None => return Fate::Adopt,
        Recorded::Some(record) => record,
    };
    match (&cluster, &record.cluster_uuid) {
        (Some(JoinedCluster::Uuid(own)), Some(recorded)) if own == recorded => Fate::Adopt,
        (Some(JoinedCluster::Uuid(own)), Some(recorded)) => Fate::Refuse(format!(
            "the node that runs here has the cluster UUID {own}, the cluster record says {recorded}"
        )),
        _ if label.claim.as_ref() == Some(&record.claim) => Fate::Adopt,
        (Some(own), _) => Fate::Refuse(format!(
            "the node that runs here has joined {own}, and was started under {}, the cluster record is of claim {}",
            named(label),
            record.claim
        )),
        (None, _) => Fate::Stop(format!(
            "the node that runs here has no cluster and was started under {}, the cluster record is of claim {}",
            named(label),
            record.claim
        )),
    }
}

fn named(label: &Label) -> String {
    label
        .claim
        .as_ref()
        .map_or_else(|| "no claim".to_owned(), |claim| format!("claim {claim}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        launcher::{
            process::{ProcessRuntime, Program},
            runtime::{Order, Runtime},
        },
        model::ClusterUuid,
        nodefile::{ContainerId, DiskState, DiskTold},
    };

    fn claim(text: &str) -> ClaimId {
        text.parse().expect("claim")
    }

    fn label(of: Option<&str>, with_setting: bool) -> Label {
        Label {
            claim: of.map(claim),
            with_setting,
        }
    }

    #[test]
    fn a_node_that_may_be_the_clusters_is_never_stopped() {
        let joined = |text: &str| match text {
            "no UUID" => JoinedCluster::Name("logs".to_owned()),
            uuid => JoinedCluster::Uuid(uuid.parse().expect("uuid")),
        };
        let record = |of: &str, recorded: Option<&str>| {
            ClusterRecord::formed(claim(of), "logs".to_owned(), recorded.and_then(ClusterUuid::reported))
        };
        let kind = |fate: Fate| match fate {
            Fate::Adopt => "adopt",
            Fate::Stop(_) => "stop",
            Fate::Refuse(_) => "refuse",
        };
        let (armed, formed, unnamed) = (record("a", None), record("a", Some("U")), record("a", None));
        for (of, setting, own, recorded, expected) in [
            (Some("b"), true, None, Recorded::Unknown, "adopt"),
            (Some("a"), true, None, Recorded::Some(&armed), "adopt"),
            (Some("a"), true, Some("U"), Recorded::Some(&armed), "adopt"),
            (Some("a"), true, Some("U"), Recorded::Some(&formed), "adopt"),
            (None, false, Some("U"), Recorded::Some(&formed), "adopt"),
            (Some("a"), true, None, Recorded::Some(&formed), "adopt"),
            (Some("a"), true, Some("V"), Recorded::Some(&formed), "refuse"),
            (Some("b"), false, Some("V"), Recorded::Some(&armed), "refuse"),
            (Some("b"), false, None, Recorded::Some(&formed), "stop"),
            (Some("a"), false, Some("no UUID"), Recorded::Some(&unnamed), "adopt"),
            (Some("a"), false, None, Recorded::Some(&unnamed), "adopt"),
            (Some("b"), false, Some("no UUID"), Recorded::Some(&unnamed), "refuse"),
            (Some("b"), false, None, Recorded::Some(&unnamed), "stop"),
            (Some("b"), false, Some("no UUID"), Recorded::None, "adopt"),
            (None, false, None, Recorded::Some(&armed), "stop"),
            (Some("b"), true, None, Recorded::None, "stop"),
            (Some("b"), true, Some("U"), Recorded::None, "adopt"),
            (Some("b"), false, None, Recorded::None, "adopt"),
        ] {
            let fate = judge(&label(of, setting), own.map(joined), recorded);
            assert_eq!(kind(fate), expected, "{of:?} {setting} {own:?} {recorded:?}");
        }
    }

    fn node_file(phase: Phase) -> NodeFile {
        NodeFile {
            format: 1,
            engine: "process".to_owned(),
            container: None,
            process: None,
            server: None,
            name: "a".to_owned(),
            cluster: "logs".to_owned(),
            phase,
            data: "/data".to_owned(),
            claim: Some(claim("a")),
            with_setting: false,
            boot: host::boot_id().expect("boot"),
            reason: None,
            skipped_checks: Vec::new(),
            disk: None,
        }
    }

    #[test]
    fn what_no_label_says_is_taken_from_the_file_of_the_same_process() {
        let process = |pid| ProcessId { pid, start_time: 7 };
        let container = |id: &str| ContainerId {
            name: "quorate-es".to_owned(),
            id: id.to_owned(),
        };
        let file = |id: &str, pid| NodeFile {
            container: Some(container(id)),
            process: Some(process(pid)),
            server: Some(process(pid + 1)),
            skipped_checks: vec!["ports".to_owned()],
            disk: Some(DiskTold {
                state: DiskState::Stalled,
                since_ms: 5,
                why: None,
                used_percent: None,
                watermark: None,
                every_ms: 10_000,
            }),
            ..node_file(Phase::Running)
        };
        let of_another_boot = NodeFile {
            boot: "another".to_owned(),
            ..file("a", 10)
        };
        for (what, file, checks, server) in [
            ("the same process", file("a", 10), true, true),
            ("the same container, started again", file("a", 20), true, false),
            ("the same numbers in another boot", of_another_boot, true, false),
            ("another container", file("b", 10), false, false),
        ] {
            let mut found = Leftover {
                process: process(10),
                file: NodeFile {
                    container: Some(container("a")),
                    process: Some(process(10)),
                    ..node_file(Phase::Running)
                },
            };
            found.learn(file);
            let learnt = found.file;
            assert_eq!(!learnt.skipped_checks.is_empty(), checks, "{what}");
            assert_eq!(
                (learnt.server, learnt.disk.is_some()),
                (server.then_some(process(11)), server),
                "{what}"
            );
        }
    }

    #[tokio::test]
    async fn a_node_whose_number_was_not_written_down_is_found_by_the_lock_it_inherited() {
        let dir = tempfile::tempdir().expect("directory");
        let (service, id) = ("es".parse().expect("name"), "10.0.0.1".parse().expect("id"));
        let layout = Layout::new(dir.path(), &service, &id, dir.path());
        let lock = FileLock::take(&layout.lock).expect("lock");
        let program = Program {
            path: "/bin/sleep".into(),
            arguments: vec!["1000".to_owned()],
            environment: BTreeMap::new(),
            directory: "/".into(),
            user: None,
            template: None,
        };
        let order = Order {
            settings: String::new(),
            label: label(None, false),
        };
        let mut runtime = ProcessRuntime::new(program);
        let process = runtime.start(&order, &lock).await.expect("started").process;
        let found = |phase| {
            find(Some(&node_file(phase)), &layout)
                .expect("looked")
                .map(|leftover| leftover.process)
        };
        assert_eq!(found(Phase::Starting), Some(process));
        assert_eq!(found(Phase::Leaving), None);
        runtime.kill().expect("killed");
        runtime.ended().await;
        assert_eq!(found(Phase::Starting), None);
    }

    #[test]
    fn a_file_of_another_boot_or_of_a_dead_process_tells_of_nobody() {
        let dir = tempfile::tempdir().expect("directory");
        let (service, id) = ("es".parse().expect("name"), "10.0.0.1".parse().expect("id"));
        let layout = Layout::new(dir.path(), &service, &id, dir.path());
        let own = ProcessId::of(std::process::id()).expect("this process");
        let file = |process, boot: String| NodeFile {
            process: Some(process),
            server: None,
            boot,
            ..node_file(Phase::Running)
        };
        let boot = host::boot_id().expect("boot");
        let found = |file: &NodeFile| {
            find(Some(file), &layout)
                .expect("looked")
                .map(|leftover| leftover.process)
        };
        assert_eq!(found(&file(own, boot.clone())), Some(own));
        assert_eq!(found(&file(own, "another".to_owned())), None);
        let dead = ProcessId { start_time: 1, ..own };
        assert_eq!(found(&file(dead, boot)), None, "the number is another process's now");
        assert_eq!(find(None, &layout).expect("looked"), None);
    }
}

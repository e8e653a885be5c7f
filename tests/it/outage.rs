//! A full outage: everything of a cluster stops, or dies at once, and is started again in whatever order. It is the same cluster, with all
//! its documents and all its keys, and nobody had to do anything.

mod etcd_away;

use std::collections::BTreeMap;

use quorate::model::{ClusterUuid, Incarnation};

use crate::support::{
    cluster::{Cluster, End, STARTED},
    etcd::{Etcd, Version},
    eventually,
    node::Line,
    setting,
    turn::turn,
};

const ALL: [usize; 3] = [0, 1, 2];
/// The variable that names another line.
const LINE: &str = "QUORATE_TEST_OUTAGE_LINE";

/// When the next host is started.
#[derive(Debug, Clone, Copy)]
enum Next {
    /// All at the same instant.
    AtOnce,
    /// When the one before has published its seed.
    AfterSeed,
    /// When the node before answers: the first one waits for a master then, whom the second one makes possible.
    AfterNode,
}

/// What befalls etcd meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EtcdIs {
    There,
    /// It stops with everybody and is started before everybody.
    Restarted,
    /// It stops with everybody and comes back when the nodes have found each other.
    Away,
}

/// One outage, and how it ends.
#[derive(Debug, Clone, Copy)]
struct Outage {
    end: End,
    order: [usize; 3],
    next: Next,
    etcd: EtcdIs,
}

async fn outage(cluster: &mut Cluster, etcd: &mut Etcd, outage: Outage, uuid: &ClusterUuid) {
    let before = cluster.writers().await;
    for machine in &mut cluster.machines {
        machine.end(outage.end);
    }
    if outage.etcd != EtcdIs::There && outage.end == End::Failed {
        etcd.kill();
    }
    for machine in &mut cluster.machines {
        machine.ended(outage.end).await;
    }
    match outage.etcd {
        EtcdIs::There => {}
        EtcdIs::Restarted => etcd.restart().await,
        EtcdIs::Away => etcd.kill(),
    }
    for at in outage.order {
        cluster.at(at).start();
        match outage.next {
            Next::AtOnce => {}
            Next::AfterSeed => published(cluster, at, &before).await,
            Next::AfterNode => answers(cluster, at).await,
        }
    }
    if outage.etcd == EtcdIs::Away {
        let what = "the nodes find each other by their last good lists";
        let same = |joined: Result<_, String>| joined.is_ok_and(|joined| joined == *uuid).then_some(());
        eventually(what, STARTED, || async { same(cluster.joined(&ALL).await) }).await;
        etcd.restart().await;
    }
    assert_eq!(cluster.whole(&ALL).await, *uuid, "{outage:?}");
    cluster.needed_no_hand();
    // Who has found etcd away goes to it in its own time.
    let kept = |(key, writer): (&String, &Incarnation)| before.get(key) == Some(writer);
    eventually("every key is back, of a new run", STARTED, || async {
        let after = cluster.writers().await;
        (after.keys().eq(before.keys()) && !after.iter().any(kept)).then_some(())
    })
    .await;
    cluster.holds_everything(&ALL).await;
}

/// Waits for the seed of this start.
async fn published(cluster: &Cluster, at: usize, before: &BTreeMap<String, Incarnation>) {
    let seed = format!("seed {}", cluster.machine(at).id);
    eventually(&seed, STARTED, || async {
        let writer = cluster.writers().await.remove(&seed)?;
        (before.get(&seed) != Some(&writer)).then_some(())
    })
    .await;
}

/// Waits until the node answers.
async fn answers(cluster: &Cluster, at: usize) {
    let machine = cluster.machine(at);
    let what = format!("{} answers", machine.id);
    let report = eventually(&what, STARTED, || machine.report()).await;
    let started = cluster
        .machines
        .iter()
        .filter(|machine| machine.host.is_started())
        .count();
    assert!(
        started > 1 || !report.joined(),
        "alone, it waits for its master: {report:?}"
    );
}

/// Forms a cluster of three, and writes documents.
async fn formed(line: Line, etcd: &Etcd, more: &[&str]) -> (Cluster, ClusterUuid) {
    let mut cluster = Cluster::new(line, ALL.len(), "elasticsearch", etcd, more);
    for machine in &mut cluster.machines {
        machine.start();
    }
    let uuid = cluster.whole(&ALL).await;
    cluster.make_index(1).await;
    cluster.write(0, 10).await;
    cluster.holds_everything(&ALL).await;
    (cluster, uuid)
}

/// The line, and what its launchers need to know: Elasticsearch 6.8 starts fastest, `make outage` takes another.
fn line() -> (Line, &'static [&'static str]) {
    let zen: &[&str] = &["--expected-masters", "3", "--bootstrap-expect", "3"];
    let coordinated: &[&str] = &["--bootstrap-expect", "3"];
    match setting(LINE).as_deref() {
        None | Some("elasticsearch-6") => (Line::Es6, zen),
        Some("elasticsearch-9") => (Line::Es9, coordinated),
        Some("opensearch-3") => (Line::Os3, coordinated),
        Some(other) => panic!("{LINE} is `{other}`: elasticsearch-6, elasticsearch-9 or opensearch-3 are expected"),
    }
}

#[tokio::test]
async fn a_full_outage_heals_in_any_order() {
    let _turn = turn(3).await;
    let mut etcd = Etcd::start(Version::V35).await;
    let (line, more) = line();
    let (mut cluster, uuid) = formed(line, &etcd, more).await;
    etcd_away::is_endured(&mut cluster, &mut etcd, &uuid).await;
    for (end, order, next, etcd_is) in [
        (End::Failed, [0, 1, 2], Next::AtOnce, EtcdIs::There),
        (End::Told, [0, 1, 2], Next::AfterSeed, EtcdIs::There),
        (End::Failed, [0, 2, 1], Next::AfterNode, EtcdIs::There),
        (End::Told, [1, 0, 2], Next::AfterSeed, EtcdIs::Restarted),
        (End::Failed, [1, 2, 0], Next::AfterNode, EtcdIs::Away),
        (End::Told, [2, 0, 1], Next::AfterNode, EtcdIs::There),
        (End::Failed, [2, 1, 0], Next::AfterSeed, EtcdIs::Restarted),
    ] {
        let begun = tokio::time::Instant::now();
        let turn = Outage {
            end,
            order,
            next,
            etcd: etcd_is,
        };
        outage(&mut cluster, &mut etcd, turn, &uuid).await;
        tell(&format!("{turn:?}: {:?}", begun.elapsed()));
        // What is written between two outages is there after the next.
        cluster.write(order[0], 1).await;
    }
}

#[expect(clippy::print_stdout, reason = "the measured times are worth a look")]
fn tell(line: &str) {
    println!("{line}");
}

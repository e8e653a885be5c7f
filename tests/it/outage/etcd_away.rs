//! An etcd that is away: for long beside a living cluster, which it does not touch; and at the start of a node that has never joined one.
//! (One that has joined starts without it: the full outage has a turn of that kind.)

use std::time::Duration;

use quorate::{model::ClusterUuid, nodefile::NodeFile};
use rustix::process::Signal;
use tokio::time::Instant;

use super::{ALL, tell};
use crate::support::{
    LONG,
    cluster::Cluster,
    etcd::{Etcd, Version},
    eventually,
    launcher::Host,
    manager::Manager,
    node::Line,
    setting,
    turn::turn,
};

/// The variable that says for how many seconds etcd is away.
const SECONDS: &str = "QUORATE_TEST_OUTAGE_SECONDS";
/// Else for longer than the leases of all keys.
const LONG_AWAY: Duration = Duration::from_secs(12);
/// How soon after etcd is back the keys have to be.
const BACK: Duration = Duration::from_secs(15);

/// The processes of a host, what its launcher tells of the node, and its seed file.
type Seen = ([u32; 2], Option<NodeFile>, Vec<String>);

fn seen(cluster: &Cluster) -> [Seen; 3] {
    ALL.map(|at| {
        let machine = cluster.machine(at);
        let daemons = [machine.host.pid(), machine.sidecar().pid()];
        (daemons, machine.host.file_but_disk(), machine.host.seeds())
    })
}

/// Nothing stops, starts, or forgets anything; documents are written all the time; no key was ever gone.
pub(super) async fn is_endured(cluster: &mut Cluster, etcd: &mut Etcd, uuid: &ClusterUuid) {
    let length = setting(SECONDS).map_or(LONG_AWAY, |text| Duration::from_secs(text.parse().expect("seconds")));
    let (before, writers) = (seen(cluster), cluster.writers().await);
    assert!(
        before
            .iter()
            .all(|(_, file, seeds)| file.is_some() && seeds.len() == ALL.len() - 1)
    );
    etcd.kill();
    let away = Instant::now();
    let (mut written, mut slowest) = (0, Duration::ZERO);
    while away.elapsed() < length {
        let asked = Instant::now();
        cluster.write(written % ALL.len(), 1).await;
        written += 1;
        slowest = slowest.max(asked.elapsed());
        assert_eq!(seen(cluster), before, "no process and no file was touched");
        tokio::time::sleep_until(asked + Duration::from_millis(50)).await;
    }
    for at in ALL {
        let what = "the registry is away for longer than a lease";
        let away = cluster.machine(at).sidecar().until(what, |status| {
            status
                .pointer("/registry/away/for_seconds")
                .and_then(serde_json::Value::as_f64)
                > Some(length.mul_f64(0.8).as_secs_f64())
        });
        let status = away.await;
        assert_eq!(
            status.get("verdict").and_then(serde_json::Value::as_str),
            Some("ready"),
            "{status}"
        );
        let readyz = cluster.machine(at).sidecar().ask("GET", "/readyz");
        assert_eq!(readyz.map(|(status, _)| status), Some(200));
    }
    assert_eq!(cluster.joined(&ALL).await.as_ref(), Ok(uuid));
    cluster.write(0, 1).await;
    etcd.restart().await;
    let back = Instant::now();
    assert_eq!(cluster.whole(&ALL).await, *uuid);
    let back = back.elapsed();
    assert!(back < BACK, "{back:?}");
    assert_eq!(cluster.writers().await, writers, "the keys are those of before");
    assert_eq!(seen(cluster), before, "no process and no file was touched");
    cluster.holds_everything(&ALL).await;
    cluster.needed_no_hand();
    tell(&format!(
        "etcd was away for {:?}: {written} documents written, the slowest in {slowest:?}; keys back after {back:?}",
        away.elapsed()
    ));
}

#[tokio::test]
async fn a_node_that_never_joined_waits_for_etcd_says_why_and_starts_when_it_is_back() {
    let _turn = turn(1).await;
    let mut etcd = Etcd::start(Version::V35).await;
    let mut host = Host::new(Line::Es6, "127.0.54.1", &etcd, &["--expected-masters", "1"]);
    etcd.kill();
    let why = "etcd cannot be asked";
    let late = host.says("launch", &["--wait-for", "1s"]);
    assert_eq!(late.code, Some(4), "{}", late.err);
    assert!(late.err.contains(&format!("gave up waiting: {why}")), "{}", late.err);

    let manager = Manager::of(&host);
    host.start();
    let status = manager.until("STATUS=etcd cannot be asked").await;
    assert!(
        status.contains("this data directory has no cluster yet: none is founded without etcd"),
        "{status}"
    );
    assert!(
        !status.contains("READY=1") && status.contains("EXTEND_TIMEOUT_USEC="),
        "{status}"
    );
    let reason = eventually("a reason for the sidecar", LONG, || async { host.file()?.reason }).await;
    assert!(reason.contains(why), "{reason}");
    let log = "the log has it as well";
    eventually(log, LONG, || async {
        host.log().contains(&format!("waiting reason={why}")).then_some(())
    })
    .await;

    etcd.restart().await;
    let process = host.process().await;
    manager.until("READY=1").await;
    host.signal(Signal::TERM);
    assert_eq!(host.code().await, Some(0), "{}", host.log());
    assert!(!process.is_alive());
}

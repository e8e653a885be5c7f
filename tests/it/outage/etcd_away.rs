//! An etcd that is away: for long beside a living cluster, which it does not touch; and at the start of a node that has never joined one.
//! (One that has joined starts without it: the full outage has a turn of that kind.)

use std::time::Duration;

use quorate::model::ClusterUuid;
use rustix::process::Signal;

use super::ALL;
use crate::support::{
    LONG,
    cluster::Cluster,
    etcd::{Etcd, Version},
    eventually,
    launcher::Host,
    manager::Manager,
    node::Line,
    turn::turn,
};

/// For longer than the leases of all keys.
const LONG_AWAY: Duration = Duration::from_secs(12);

/// Nothing stops, starts, or forgets anything; documents are written meanwhile; no key was ever gone.
pub(super) async fn is_endured(cluster: &mut Cluster, etcd: &mut Etcd, uuid: &ClusterUuid) {
    let hosts = |cluster: &Cluster| ALL.map(|at| (cluster.machine(at).host.file(), cluster.machine(at).host.seeds()));
    let (before, writers) = (hosts(cluster), cluster.writers().await);
    assert!(
        before
            .iter()
            .all(|(file, seeds)| file.is_some() && seeds.len() == ALL.len() - 1)
    );
    etcd.kill();
    for at in ALL {
        let what = "the registry is away for longer than a lease";
        let away = cluster.machine(at).sidecar().until(what, |status| {
            status
                .pointer("/registry/away/for_seconds")
                .and_then(serde_json::Value::as_f64)
                > Some(LONG_AWAY.as_secs_f64())
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
    assert_eq!(hosts(cluster), before, "no node was touched, no seed was forgotten");
    etcd.restart().await;
    assert_eq!(cluster.whole(&ALL).await, *uuid);
    assert_eq!(cluster.writers().await, writers, "the keys are those of before");
    assert_eq!(hosts(cluster), before);
    cluster.needed_no_hand();
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

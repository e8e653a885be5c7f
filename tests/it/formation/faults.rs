//! What a formation says and does when something is lost, foreign, or not there.

use std::{future::pending, time::Duration};

use quorate::{
    exit::Exit,
    launcher::{
        decide::Rule,
        formation::{Formed, StartOrder},
    },
    model::{ClusterUuid, RecordState},
    registry::{LeaseId, Op, Txn},
};
use tokio::sync::{mpsc, oneshot};

use super::host::{Host, Service};
use crate::support::{
    LONG,
    etcd::{Etcd, Version, registry},
    eventually,
};

async fn service(rule: Rule) -> (Etcd, Service) {
    let etcd = Etcd::start(Version::V35).await;
    let service = Service::new(etcd.registry(), "es", rule);
    (etcd, service)
}

/// A launcher that gets its order and ends before its node starts.
pub(super) async fn start(host: &Host) -> StartOrder {
    let (registration, incarnation) = host.register();
    let formed = host.form(&registration, incarnation, pending(), |_| {}).await;
    registration.leave(LONG).await.expect("left");
    match formed {
        Ok(Formed::Start(order)) => *order,
        other => panic!("{other:?}"),
    }
}

/// The first reason of a launcher that waits, and which is stopped then.
pub(super) async fn reason(host: &Host, fits: impl Fn(&str) -> bool) -> String {
    let (registration, incarnation) = host.register();
    let (said, mut hears) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let tell = |reason: &str| said.send(reason.to_owned()).expect("heard");
    let waits = host.form(&registration, incarnation, async { drop(stopped.await) }, tell);
    let hear = async {
        loop {
            let reason = hears.recv().await.expect("a reason");
            if fits(&reason) {
                drop(stop);
                return reason;
            }
        }
    };
    let both = async { tokio::join!(waits, hear) };
    let (formed, reason) = tokio::time::timeout(LONG, both).await.expect("a reason that fits");
    assert!(matches!(formed, Ok(Formed::Stopped)), "{formed:?}");
    registration.leave(LONG).await.expect("left");
    reason
}

async fn put(service: &Service, key: String, value: &[u8], lease: Option<LeaseId>) {
    let then = vec![Op::Put {
        key,
        value: value.to_vec(),
        lease,
    }];
    service
        .registry
        .commit(&Txn { when: Vec::new(), then })
        .await
        .expect("put");
}

/// Somebody else's claim, which ends with the lease.
pub(super) async fn claimed_by_another(service: &Service) -> LeaseId {
    let lease = service
        .registry
        .grant(Duration::from_mins(1))
        .await
        .expect("granted")
        .id;
    let record =
        br#"{"state":"claimed","claim":"c9","claimant":"127.0.13.9","disk":"d9","masters":[],"cluster":"logs"}"#;
    put(service, service.keys.record(), record, Some(lease)).await;
    lease
}

#[tokio::test]
async fn the_claimants_disk_gets_the_setting_again_and_a_wiped_one_never() {
    let (_etcd, service) = service(Rule::coordinated(None)).await;
    let host = Host::new(&service, 1);
    let first = start(&host).await;
    assert_eq!(first.with_setting, Some(vec!["n1".to_owned()]));
    assert_eq!(
        service.view().await.record.map(|stored| stored.value.state),
        Some(RecordState::Armed)
    );
    assert_eq!(start(&host).await, first);
    let disk = host.marker().disk;
    host.wipe();
    let said = reason(&host, |reason| reason.contains("is gone")).await;
    assert!(
        said.contains(&format!(
            "the disk of claim {} is gone: the claim names disk {disk}",
            first.claim
        )),
        "{said}"
    );
    assert_eq!(start(&Host::new(&service, 2)).await.with_setting, None);
}

#[tokio::test]
async fn a_disk_of_another_cluster_is_refused_with_exit_78() {
    let (_etcd, service) = service(Rule::coordinated(None)).await;
    let claim = start(&Host::new(&service, 1)).await.claim;
    let other = Host::new(&service, 2);
    other.write_marker(|marker| {
        marker.claim = Some("c0".parse().expect("claim"));
        marker.cluster_uuid = ClusterUuid::reported("U0");
    });
    let (registration, incarnation) = other.register();
    let failure = other
        .form(&registration, incarnation, pending(), |_| {})
        .await
        .expect_err("refused");
    assert_eq!(failure.exit, Exit::Config);
    let text = failure.to_string();
    assert!(
        text.contains("claim c0, cluster UUID U0") && text.contains(&format!("claim {claim}")),
        "{text}"
    );
}

#[tokio::test]
async fn a_record_deleted_by_hand_comes_back_while_a_node_runs() {
    let (_etcd, service) = service(Rule::coordinated(None)).await;
    let host = Host::new(&service, 1);
    let _registration = host.launch().await;
    let mut recorder = host.recorder();
    recorder.reported(&service.founded()[0]).expect("marker written");
    let records = tokio::spawn(async move {
        loop {
            let _ = recorder.next().await;
        }
    });
    let before = service.view().await.record.expect("a record").value;
    let delete = Op::Delete {
        key: service.keys.record(),
    };
    service
        .registry
        .commit(&Txn {
            when: Vec::new(),
            then: vec![delete],
        })
        .await
        .expect("deleted");
    let after = eventually("the record is back", LONG, || async { service.view().await.record })
        .await
        .value;
    records.abort();
    assert_eq!((after.claim, after.cluster_uuid), (before.claim, before.cluster_uuid));
}

#[tokio::test]
async fn without_etcd_a_disk_with_a_cluster_rejoins_and_an_empty_one_gives_up_in_time() {
    let (mut etcd, service) = service(Rule::coordinated(Some(2))).await;
    let hosts = [Host::new(&service, 1), Host::new(&service, 2)];
    drop(tokio::join!(hosts[0].launch(), hosts[1].launch()));
    etcd.kill();
    let (registration, incarnation) = hosts[0].register();
    let formed = hosts[0].form(&registration, incarnation, pending(), |_| {}).await;
    let Ok(Formed::Start(order)) = formed else {
        panic!("{formed:?}");
    };
    assert_eq!(
        (order.with_setting, order.seeds),
        (None, vec!["127.0.13.2:9300".to_owned()])
    );

    let mut empty = Host::new(&service, 3);
    empty.wait_for = Some(Duration::from_millis(100));
    let (registration, incarnation) = empty.register();
    let failure = empty
        .form(&registration, incarnation, pending(), |_| {})
        .await
        .expect_err("gave up");
    assert_eq!(failure.exit, Exit::TimedOut);
    assert!(
        failure.to_string().contains("none is founded without etcd"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_launcher_that_is_stopped_while_it_waits_leaves_nothing() {
    let (_etcd, service) = service(Rule::coordinated(Some(2))).await;
    let said = reason(&Host::new(&service, 1), |_| true).await;
    assert_eq!(
        said,
        "masters 1 of 2 (127.0.13.1): start the others, or lower `--bootstrap-expect` on every host"
    );
    let view = service.view().await;
    assert!(view.seeds.is_empty() && view.record.is_none(), "{view:?}");
}

#[tokio::test]
async fn a_claim_of_another_is_waited_for_until_its_lease_ends() {
    let (_etcd, service) = service(Rule::coordinated(None)).await;
    let lease = claimed_by_another(&service).await;
    let host = Host::new(&service, 1);
    let said = reason(&host, |_| true).await;
    assert_eq!(
        said,
        "claim c9 is held by 127.0.13.9; it becomes a cluster, or ends with its lease"
    );
    let ends = async { service.registry.revoke(lease).await.expect("revoked") };
    let (order, ()) = tokio::join!(start(&host), ends);
    assert!(order.with_setting.is_some());
}

#[tokio::test]
async fn a_seed_of_somebody_else_at_the_own_id_is_named() {
    let (_etcd, service) = service(Rule::coordinated(None)).await;
    let host = Host::new(&service, 1);
    let seed = br#"{"transport_port":9300,"name":"n1","master_eligible":true,"incarnation":"other","disk":"d9","data":"empty"}"#;
    put(&service, service.keys.seed(&host.candidate.id), seed, None).await;
    let said = reason(&host, |reason| reason.contains("foreign")).await;
    assert!(said.starts_with("the own seed is not published: "), "{said}");
}

#[tokio::test]
async fn an_etcd_that_comes_later_is_noticed() {
    let (mut etcd, _) = service(Rule::coordinated(None)).await;
    let service = Service::new(registry([etcd.endpoint()]), "late", Rule::coordinated(None));
    etcd.kill();
    let host = Host::new(&service, 1);
    let comes = async {
        eventually("the launcher waits", LONG, || async {
            host.layout.marker.exists().then_some(())
        })
        .await;
        etcd.restart().await;
    };
    let (order, ()) = tokio::join!(start(&host), comes);
    assert!(order.with_setting.is_some());
}

#[tokio::test]
async fn files_without_a_claim_are_refused_before_anything_is_published() {
    let (_etcd, service) = service(Rule::coordinated(None)).await;
    let host = Host::new(&service, 1);
    host.marker();
    std::fs::create_dir(host.layout.data.join("nodes")).expect("files of a node");
    let (registration, incarnation) = host.register();
    let formed = host.form(&registration, incarnation, pending(), |_| {}).await;
    assert_eq!(formed.expect_err("refused").exit, Exit::Config);
    assert!(service.view().await.seeds.is_empty());
}

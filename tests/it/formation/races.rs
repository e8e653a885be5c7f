//! Launchers that start at the same instant on empty disks form exactly one cluster.

use quorate::{launcher::decide::Rule, model::RecordState, registration::Registration};
use tokio::task::JoinSet;

use super::host::{Host, Service};
use crate::support::etcd::{Etcd, Version};

/// All at once on one etcd: each has its own service.
const RACES: usize = 20;

/// Starts every host at once and waits until each has its node in the cluster.
async fn race(hosts: Vec<Host>) -> Vec<(Host, Registration)> {
    let mut launchers = JoinSet::new();
    for host in hosts {
        launchers.spawn(async move {
            let registration = host.launch().await;
            (host, registration)
        });
    }
    launchers.join_all().await
}

/// One cluster, founded by one node, recorded, and in every marker.
pub(super) async fn assert_one_cluster(service: &Service, hosts: &[&Host], story: &str) {
    assert_eq!(service.founded().len(), 1, "{story}");
    let record = service.view().await.record.expect("a record").value;
    assert_eq!(record.state, RecordState::Formed, "{story}");
    assert_eq!(record.cluster_uuid.as_ref(), service.founded().first(), "{story}");
    for host in hosts {
        let marker = host.marker();
        assert_eq!(marker.claim.as_ref(), Some(&record.claim), "{story}");
        assert_eq!(marker.cluster_uuid, record.cluster_uuid, "{story}");
    }
}

/// The races want many commits, not durable ones.
pub(super) async fn etcd() -> Etcd {
    Etcd::start_with(Version::V35, "http", |_| vec!["--unsafe-no-fsync".to_owned()]).await
}

async fn races(rule: Rule) {
    let etcd = etcd().await;
    let mut races = JoinSet::new();
    for number in 0..RACES {
        let service = Service::new(etcd.registry(), &format!("race-{number}"), rule);
        races.spawn(async move {
            let launched = race(Host::three(&service)).await;
            let hosts: Vec<&Host> = launched.iter().map(|(host, _)| host).collect();
            let bootstraps = service.bootstraps();
            assert_eq!(bootstraps.len(), 1, "race {number}: {bootstraps:?}");
            assert_one_cluster(&service, &hosts, &format!("race {number}")).await;
        });
    }
    races.join_all().await;
}

#[tokio::test]
async fn three_that_wait_for_each_other_form_one_cluster_every_time() {
    races(Rule::coordinated(Some(3))).await;
}

#[tokio::test]
async fn three_that_wait_for_nobody_form_one_cluster_every_time() {
    races(Rule::coordinated(Some(1))).await;
}

#[tokio::test]
async fn three_of_a_line_without_the_setting_start_one_after_the_other() {
    let etcd = Etcd::start(Version::V35).await;
    let service = Service::new(etcd.registry(), "zen", Rule::zen(None, Some(3)).expect("a rule"));
    let launched = race(Host::three(&service)).await;
    let hosts: Vec<&Host> = launched.iter().map(|(host, _)| host).collect();
    assert_eq!(service.bootstraps(), Vec::<String>::new());
    assert_one_cluster(&service, &hosts, "zen").await;
}

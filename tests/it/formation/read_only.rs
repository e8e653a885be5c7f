//! An etcd that answers and takes no writes: out of space. A disk that has its cluster starts, every other one waits and says why.

use std::time::Duration;

use quorate::{
    launcher::decide::Rule,
    registry::{Op, RegistryError, Txn},
};

use super::{
    faults::{claimed_by_another, reason, start},
    host::{Host, Service},
};
use crate::support::etcd::{Etcd, Version};

async fn service(rule: Rule) -> (Etcd, Service) {
    let etcd = Etcd::start_with(Version::V35, "http", |_| {
        vec!["--quota-backend-bytes=500000".to_owned()]
    })
    .await;
    let service = Service::new(etcd.registry(), "es", rule);
    (etcd, service)
}

/// Writes until there is no space left.
async fn fill(service: &Service) {
    for number in 0.. {
        let then = vec![Op::Put {
            key: format!("/filled/{number}"),
            value: vec![b'x'; 100_000],
            lease: None,
        }];
        if let Err(error) = service.registry.commit(&Txn { when: Vec::new(), then }).await {
            assert!(matches!(error, RegistryError::Away { .. }), "{error}");
            return;
        }
    }
}

#[tokio::test]
async fn without_space_in_etcd_a_disk_with_a_cluster_rejoins_and_an_empty_one_says_what_is_wrong() {
    let (_etcd, service) = service(Rule::coordinated(None)).await;
    let host = Host::new(&service, 1);
    let registration = host.launch().await;
    registration.leave(Duration::from_secs(10)).await.expect("left");
    fill(&service).await;
    let order = start(&host).await;
    assert_eq!((order.with_setting, Some(order.claim)), (None, host.marker().claim));
    let said = reason(&Host::new(&service, 2), |_| true).await;
    assert!(said.starts_with("etcd answers, but takes no writes ("), "{said}");
    assert!(said.contains("space"), "{said}");
}

#[tokio::test]
async fn a_claim_that_finds_no_space_in_etcd_says_so_and_nothing_is_founded() {
    let (_etcd, service) = service(Rule::coordinated(None)).await;
    let lease = claimed_by_another(&service).await;
    let host = Host::new(&service, 1);
    let fills = async {
        while service.view().await.seeds.is_empty() {
            tokio::task::yield_now().await;
        }
        fill(&service).await;
        service.registry.revoke(lease).await.expect("revoked");
    };
    let (said, ()) = tokio::join!(reason(&host, |reason| reason.contains("takes no writes")), fills);
    assert!(said.contains("space"), "{said}");
    assert!(service.view().await.record.is_none());
}

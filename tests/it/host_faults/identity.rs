//! Two who believe that they are the same.

use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    sidecar::Sidecar,
    standin::StandIn,
};

#[tokio::test]
async fn a_second_sidecar_with_the_same_id_elsewhere_waits_for_the_first_ones_lease() {
    let (etcd, node) = (
        Etcd::start(Version::V35).await,
        StandIn::at_home("elasticsearch-6.8.23"),
    );
    let key = format!("/services/elasticsearch/{}", node.home());
    let value = || etcd.etcdctl(&["get", "--print-value-only", &key]);
    let mut first = Sidecar::start(&etcd.endpoint(), node.home(), &["--ttl", "9s"]);
    first.registered().await;
    let before = value();
    // Its directories are others, as on another host: no lock is in its way.
    let second = Sidecar::start(&etcd.endpoint(), node.home(), &["--ttl", "9s", "--listen", "off"]);
    eventually("the second one says what is in its way", LONG, || async {
        second
            .logged()
            .contains("is another sidecar or launcher registered with this address?")
            .then_some(())
    })
    .await;
    assert_eq!(value(), before, "the key of the first one is not touched");
    first.registered().await;
    first.kill();
    eventually("the second one has the key", LONG, || async {
        let now = value();
        (!now.trim().is_empty() && now != before).then_some(())
    })
    .await;
    assert_eq!(
        second.logged().matches("to=\"registered\"").count(),
        1,
        "{}",
        second.logged()
    );
}

//! What nothing happening costs.

use std::time::Duration;

use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    key_seen::KeySeen,
    sidecar::Sidecar,
    standin::StandIn,
};

#[tokio::test]
async fn steady_state_costs_etcd_no_proposal_and_no_byte_of_its_log() {
    let etcd = Etcd::start(Version::V35).await;
    let nodes = [(); 3].map(|()| StandIn::at_home("elasticsearch-6.8.23"));
    let sidecars = nodes
        .each_ref()
        .map(|node| Sidecar::start(&etcd.endpoint(), node.home(), &["--ttl", "9s"]));
    for (node, sidecar) in nodes.iter().zip(&sidecars) {
        KeySeen::of(&etcd, node.home()).there().await;
        sidecar
            .until("it is registered", |status| {
                status["registry"]["verified_age_seconds"].is_number()
            })
            .await;
    }
    let measure = async || {
        let proposals = etcd.metric("etcd_server_proposals_committed_total").await;
        (proposals, etcd.metric("etcd_disk_wal_write_bytes_total").await)
    };
    // What was on its way when the last key came has come.
    let settled = eventually("etcd is quiet", LONG, || async {
        let before = measure().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        (measure().await == before).then_some(before)
    });
    let before = settled.await;
    let renewals = etcd.metric("etcd_debugging_lease_renewed_total").await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(measure().await, before, "proposals and WAL bytes");
    let renewed = etcd.metric("etcd_debugging_lease_renewed_total").await - renewals;
    println!("15 s of three sidecars with a TTL of 9 s: 0 proposals, 0 WAL bytes, {renewed} keep-alives");
    assert!((12.0..=24.0).contains(&renewed), "{renewed}");
}

//! Members and whole etcds whose data are others than a moment ago: an empty member in the place of one that was lost, and a snapshot of
//! another day, after which revisions go back, keys are old or gone, and leases are those of then.

use super::version;
use crate::support::{LONG, etcd::Etcd, eventually, everybody::Everybody};

crate::support::at_the_same_time! {
    other_data_than_a_moment_ago:
    a_member_that_is_replaced_by_an_empty_one_costs_nobody_a_key
    a_snapshot_from_before_all_keys_gets_them_again_and_everybody_notices
    a_snapshot_with_the_keys_of_former_runs_lets_them_end_and_takes_those_of_today
}

async fn a_member_that_is_replaced_by_an_empty_one_costs_nobody_a_key() {
    let mut members = Etcd::start_three(version()).await;
    // Everybody has found this member first.
    let mut all = Everybody::at(&members).await;
    let [first, second, third] = &mut members;
    for (newcomer, lost, other) in [("10.0.0.1", first, &*second), ("10.0.0.2", third, second)] {
        lost.replace_by_empty(other).await;
        all.learn_of(lost, newcomer).await;
    }
    assert_eq!(all.lease_losses(), 0);
}

async fn a_snapshot_from_before_all_keys_gets_them_again_and_everybody_notices() {
    let etcd = [Etcd::start(version()).await];
    let before = etcd[0].snapshot("before");
    let mut all = Everybody::at(&etcd).await;
    let [mut etcd] = etcd;
    all.learn_of(&etcd, "10.0.0.1").await;
    // Far ahead of anything that is put after the restore.
    for number in 0..50 {
        etcd.etcdctl(&["put", "/elsewhere", &number.to_string()]);
    }
    etcd.restore(&before).await;
    let back = tokio::time::Instant::now();
    all.learn_of(&etcd, "10.0.0.2").await;
    assert!(back.elapsed().as_secs() < 15, "{:?}", back.elapsed());
    assert!(
        all.host.seeds().contains(&"10.0.0.1:9300".to_owned()),
        "who was known stays"
    );
}

async fn a_snapshot_with_the_keys_of_former_runs_lets_them_end_and_takes_those_of_today() {
    let etcd = [Etcd::start(version()).await];
    let mut all = Everybody::at(&etcd).await;
    let [mut etcd] = etcd;
    all.learn_of(&etcd, "10.0.0.1").await;
    let then = etcd.snapshot("then");
    // The next run takes the key over and ends the lease of the former one; etcd forgets that.
    all.upgrade_the_sidecar().await;
    etcd.restore(&then).await;
    let told = all
        .sidecar
        .until("the key of the former run is waited for, or gone already", |status| {
            status
                .pointer("/registry/obstacle/kind")
                .is_some_and(|kind| kind == "foreign_lease")
                || status.pointer("/registry/as_wanted") == Some(&serde_json::Value::Bool(true))
        });
    told.await;
    all.learn_of(&etcd, "10.0.0.2").await;
    let key = format!("/services/elasticsearch/{}", all.node.home());
    let status = all.sidecar_is_current().await;
    let incarnation = status.pointer("/sidecar/incarnation").and_then(|text| text.as_str());
    let incarnation = incarnation.expect("an incarnation").to_owned();
    eventually("the key is that of the run of today", LONG, || async {
        etcd.etcdctl(&["get", &key]).contains(&incarnation).then_some(())
    })
    .await;
}

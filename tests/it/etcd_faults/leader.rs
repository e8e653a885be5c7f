//! Members that die, stall or are lost, the leader among them: while there is a quorum nobody notices.

use super::version;
use crate::support::{LONG, etcd::Etcd, eventually, everybody::Everybody};

crate::support::at_the_same_time! {
    members_that_die_or_stall:
    a_leader_that_is_killed_costs_nobody_a_key
    a_leader_that_freezes_costs_nobody_a_key_for_long
    without_a_quorum_nothing_changes_and_with_one_all_goes_on
}

/// The leader, and one of the others.
async fn leader(members: &[Etcd; 3]) -> (usize, usize) {
    let leader = eventually("there is a leader", LONG, || async {
        for (at, member) in members.iter().enumerate() {
            if member.metric("etcd_server_is_leader").await > 0.0 {
                return Some(at);
            }
        }
        None
    })
    .await;
    (leader, (leader + 1) % 3)
}

async fn a_leader_that_is_killed_costs_nobody_a_key() {
    let mut members = Etcd::start_three(version()).await;
    let mut all = Everybody::at(&members).await;
    let (leader, other) = leader(&members).await;
    members[leader].kill();
    all.learn_of(&members[other], "10.0.0.1").await;
    members[leader].restart().await;
    all.learn_of(&members[leader], "10.0.0.2").await;
    assert_eq!(all.lease_losses(), 0);
}

async fn a_leader_that_freezes_costs_nobody_a_key_for_long() {
    let members = Etcd::start_three(version()).await;
    let mut all = Everybody::at(&members).await;
    let (leader, other) = leader(&members).await;
    members[leader].freeze();
    all.learn_of(&members[other], "10.0.0.1").await;
    members[leader].thaw();
    all.learn_of(&members[leader], "10.0.0.2").await;
    // When it wakes up it may end leases that it believes to be over, although others have renewed them meanwhile: etcd asks whether it still
    // leads only until its clock has ticked again. The key is there again, as was seen above.
    assert!(all.lease_losses() <= 1, "{}", all.sidecar.logged());
}

async fn without_a_quorum_nothing_changes_and_with_one_all_goes_on() {
    let mut members = Etcd::start_three(version()).await;
    let mut all = Everybody::at(&members).await;
    all.learn_of(&members[0], "10.0.0.1").await;
    let seeds = all.host.seeds();
    members[1].kill();
    members[2].kill();
    // For longer than the leases of all keys.
    let status = all.sidecar.until("etcd is away for longer than a lease", |status| {
        let away = status.pointer("/registry/away/for_seconds");
        away.and_then(serde_json::Value::as_f64) > Some(10.0)
    });
    assert_eq!(status.await["verdict"], "ready");
    assert_eq!(all.host.seeds(), seeds);
    all.are_the_same();
    // Both at once: one alone has no quorum, so it does not answer.
    members[1].start_again();
    members[2].start_again();
    all.learn_of(&members[0], "10.0.0.2").await;
    assert_eq!(all.host.seeds().len(), seeds.len() + 1);
}

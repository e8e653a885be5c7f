//! Each rule is taken away in turn, and the model notices: what it does not notice it does not check.

use super::{action::Sabotage, story::story};
use crate::formation_model::search::{search, seed};

/// Far more than any of them takes.
const STORIES: u64 = 2_000;

/// The same stories go well with every rule, so whatever goes wrong first comes of the one that is missing.
#[track_caller]
fn notices(sabotage: Sabotage) {
    let first = seed();
    let found = search(first, STORIES, &story, sabotage);
    assert!(
        found.is_some(),
        "{STORIES} stories without {sabotage:?} went well, QUORATE_TEST_SEED={first}"
    );
}

#[test]
fn without_compares_a_run_changes_the_key_of_another() {
    notices(Sabotage::NoFence);
}

#[test]
fn without_the_state_file_a_restart_waits_for_its_own_lease() {
    notices(Sabotage::NoStateFile);
}

#[test]
fn without_the_end_of_old_leases_a_late_write_brings_a_key_back() {
    notices(Sabotage::NoRevoke);
}

#[test]
fn without_the_uptime_a_clone_takes_the_key_of_its_original() {
    notices(Sabotage::NoUptime);
}

#[test]
fn without_looking_again_a_key_that_was_deleted_stays_away() {
    notices(Sabotage::NoVerification);
}

#[test]
fn without_the_deletion_a_key_stays_without_its_node() {
    notices(Sabotage::NoDeletion);
}

#[test]
fn without_the_record_a_node_of_another_cluster_is_a_member() {
    notices(Sabotage::NoRecord);
}

#[test]
fn without_the_refusal_a_dead_node_is_a_member_for_too_long() {
    notices(Sabotage::NoRefusal);
}

#[test]
fn without_the_launcher_a_node_that_is_about_to_stop_is_a_member() {
    notices(Sabotage::NoLauncher);
}

#[test]
fn without_a_deadline_a_hung_node_is_a_member() {
    notices(Sabotage::NoDeadline);
}

#[test]
fn without_leaving_a_sidecar_leaves_its_key_behind() {
    notices(Sabotage::NoLeaving);
}

#[test]
fn without_what_was_known_a_reload_begins_again() {
    notices(Sabotage::NoResume);
}

#[test]
fn without_its_lease_a_key_never_ends() {
    notices(Sabotage::NoLease);
}

//! Each rule is taken away in turn, and the model notices: what it does not notice it does not check.

use super::{action::Sabotage, story::story};
use crate::formation_model::search::{search, seed};

/// Far more than any of them takes.
const STORIES: u64 = 2_000;

#[track_caller]
fn notices(sabotage: Sabotage, errors: &[&str]) {
    let first = seed();
    let found = search(first, STORIES, &story, sabotage);
    let found =
        found.unwrap_or_else(|| panic!("{STORIES} stories without {sabotage:?} went well, QUORATE_TEST_SEED={first}"));
    assert!(errors.iter().any(|error| found.error.contains(error)), "{found}");
}

#[test]
fn without_compares_a_run_changes_the_key_of_another() {
    notices(Sabotage::NoFence, &["changes the key of", "a script wrote", "key"]);
}

#[test]
fn without_the_state_file_a_restart_waits_for_its_own_lease() {
    notices(Sabotage::NoStateFile, &["is not there", "after it should be gone"]);
}

#[test]
fn without_the_end_of_old_leases_a_late_write_brings_a_key_back() {
    notices(
        Sabotage::NoRevoke,
        &["after it should be gone", "in the end", "is not there", "left behind"],
    );
}

#[test]
fn without_the_uptime_a_clone_takes_the_key_of_its_original() {
    notices(Sabotage::NoUptime, &["changes the key of", "ends the lease"]);
}

#[test]
fn without_looking_again_a_key_that_was_deleted_stays_away() {
    notices(Sabotage::NoVerification, &["is not there", "in the end"]);
}

#[test]
fn without_the_deletion_a_key_stays_without_its_node() {
    notices(
        Sabotage::NoDeletion,
        &["after it should be gone", "in the end", "left behind"],
    );
}

#[test]
fn without_the_record_a_node_of_another_cluster_is_a_member() {
    notices(Sabotage::NoRecord, &["is not there", "in the end"]);
}

#[test]
fn without_the_refusal_a_dead_node_is_a_member_for_too_long() {
    notices(
        Sabotage::NoRefusal,
        &["a closed port counts as ready", "after it should be gone"],
    );
}

#[test]
fn without_the_launcher_a_node_that_is_about_to_stop_is_a_member() {
    notices(Sabotage::NoLauncher, &["not well counts as ready"]);
}

#[test]
fn without_a_deadline_a_hung_node_is_a_member() {
    notices(
        Sabotage::NoDeadline,
        &[
            "not well counts as ready",
            "a closed port counts as ready",
            "that is well counts as",
        ],
    );
}

#[test]
fn without_leaving_a_sidecar_leaves_its_key_behind() {
    notices(Sabotage::NoLeaving, &["left behind"]);
}

#[test]
fn without_what_was_known_a_reload_begins_again() {
    notices(Sabotage::NoResume, &["a reload makes the verdict"]);
}

#[test]
fn without_its_lease_a_key_never_ends() {
    notices(Sabotage::NoLease, &["a key without a lease"]);
}

//! Each rule is taken away in turn, and the model notices: what it does not notice it does not check.

use quorate::launcher::decide::Rule;

use super::{
    dice::Dice,
    search::{search, seed},
    sim::{Action, Sabotage, Weather},
    story::{Story, coordinated, with_a_deletion, with_people, zen},
};

/// Far more than any of them takes.
const STORIES: u64 = 200_000;

#[track_caller]
fn notices(sabotage: Sabotage, story: fn(&mut Dice) -> Story, error: &str) {
    let first = seed();
    let found = search(first, STORIES, &story, sabotage);
    let found =
        found.unwrap_or_else(|| panic!("{STORIES} stories without {sabotage:?} went well, QUORATE_TEST_SEED={first}"));
    assert!(found.error.contains(error), "{found}");
}

#[test]
fn without_the_quiet_compares_a_claim_stands_without_ground() {
    notices(Sabotage::NoQuiet, with_a_deletion, "without ground");
}

#[test]
fn without_the_compare_of_the_record_two_claims_stand() {
    notices(Sabotage::NoRecordCompare, coordinated, "");
}

#[test]
fn without_a_used_seed_a_claim_stands_without_ground() {
    notices(Sabotage::NoUsed, with_a_deletion, "");
}

#[test]
fn without_the_disk_in_the_claim_two_clusters_are_founded() {
    notices(Sabotage::SameDisk, coordinated, "two clusters were founded");
}

#[test]
fn without_tombstones_a_cluster_that_was_given_up_comes_back() {
    notices(Sabotage::NoTombstone, with_people, "");
}

#[test]
fn without_a_cluster_nobody_may_restore_the_record() {
    notices(Sabotage::RestoreUnjoined, with_a_deletion, "");
}

#[test]
fn without_restoring_the_promise_to_bring_the_record_back_is_not_kept() {
    notices(Sabotage::NoRestore, with_a_deletion, "says what is not true");
}

#[test]
fn without_the_label_a_node_of_another_claim_is_adopted() {
    notices(Sabotage::NoLabel, with_a_deletion, "");
}

#[test]
fn without_its_memory_a_host_founds_a_second_cluster() {
    notices(Sabotage::NoMemory, with_a_deletion, "");
}

#[test]
fn before_the_setting_a_disk_emptied_around_its_marker_may_not_count_as_used() {
    notices(Sabotage::EmptiedIsUsed, zen, "");
}

#[test]
fn before_the_setting_two_nodes_may_not_take_the_last_place_together() {
    notices(Sabotage::NoCount, zen, "two clusters could be founded");
}

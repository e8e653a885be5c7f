//! The formation under every schedule that chance finds: up to seven launchers, crashes between any two steps, lost and late answers,
//! lapsed leases, an etcd that is away or takes no writes, disks that are wiped, emptied, exchanged and moved, a record deleted by
//! hand, resets and adoptions.
//!
//! A failure prints the shortest list of actions that still fails, and the seed that tells it again (see [`search`]).

pub(crate) mod dice;
mod sabotage;
pub(crate) mod search;
mod sim;
pub(crate) mod store;
mod story;

use search::never_fails;
use story::{coordinated, with_a_deletion, with_people, zen};

#[test]
fn no_schedule_founds_two_clusters_or_loses_the_claim() {
    never_fails("chance alone", 30_000, coordinated);
}

#[test]
fn no_schedule_with_a_record_deleted_by_hand_founds_two_clusters() {
    never_fails("a deleted record", 25_000, with_a_deletion);
}

#[test]
fn no_schedule_with_people_founds_a_cluster_beside_one_that_nobody_gave_up() {
    never_fails("people", 25_000, with_people);
}

#[test]
fn no_schedule_before_the_setting_founds_two_clusters() {
    never_fails("lines without the setting", 25_000, zen);
}

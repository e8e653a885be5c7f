//! Each rule is taken away in turn, and the model notices: what it does not notice it does not check. Where chance would look for too
//! long the story is told, and goes well with the rule.

use quorate::launcher::decide::Rule;

use super::{
    dice::Dice,
    search::{Tale, search, seed},
    sim::{Action, Sabotage, Weather},
    story::{Story, coordinated, with_a_deletion, with_people},
};

/// Far more than any of them takes.
const STORIES: u64 = 100_000;

#[track_caller]
fn notices(sabotage: Sabotage, story: fn(&mut Dice) -> Story, error: &str) {
    let first = seed();
    let found = search(first, STORIES, &story, sabotage);
    let found =
        found.unwrap_or_else(|| panic!("{STORIES} stories without {sabotage:?} went well, QUORATE_TEST_SEED={first}"));
    assert!(found.error.contains(error), "{found}");
}

#[track_caller]
fn is_needed(sabotage: Sabotage, masters: usize, rule: Rule, actions: &[&[Action]], error: &str) {
    let story = Story {
        says_uuid: true,
        nodes: masters,
        masters,
        rule,
        one_cluster: true,
        actions: actions.concat(),
        end: Weather::Fine,
    };
    assert_eq!(story.tell(Sabotage::Nothing), Ok(()));
    let found = story.tell(sabotage).expect_err("the rule is needed");
    assert!(found.contains(error), "{found}");
}

/// A launcher alone, until its node runs.
fn starts(host: usize) -> Vec<Action> {
    [vec![Action::Start(host)], vec![Action::Step(host); 12]].concat()
}

/// Its node goes on alone, and what it reports is recorded.
fn founds(host: usize) -> Vec<Action> {
    [vec![Action::Discover(host, 0)], vec![Action::Step(host); 6]].concat()
}

#[test]
fn without_the_quiet_compares_a_claim_stands_without_ground() {
    notices(Sabotage::NoQuiet, with_a_deletion, "without ground");
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
fn a_node_without_the_cluster_may_not_restore_the_record() {
    notices(Sabotage::RestoreUnjoined, with_a_deletion, "");
}

#[test]
fn without_restoring_the_promise_to_bring_the_record_back_is_not_kept() {
    notices(Sabotage::NoRestore, with_a_deletion, "says what is not true");
}

/// The record is deleted while the first node, which has the setting, has not founded its cluster yet.
#[test]
fn without_a_used_seed_another_host_takes_the_claim_of_a_started_node_for_nothing() {
    let story: [&[Action]; 5] = [&starts(0), &[Action::DeleteRecord], &starts(1), &founds(1), &founds(0)];
    is_needed(
        Sabotage::NoUsed,
        2,
        Rule::coordinated(None),
        &story,
        "two clusters were founded",
    );
}

/// The same, and the first launcher is gone with its lease. A node that outlived it has the setting of a claim that is no more.
#[test]
fn without_the_label_a_node_of_another_claim_is_adopted() {
    let gone = [Action::KillLauncher(0), Action::Lapse(0), Action::DeleteRecord];
    let story: [&[Action]; 6] = [
        &starts(0),
        &gone,
        &starts(1),
        &founds(1),
        &[Action::Start(0)],
        &founds(0),
    ];
    is_needed(
        Sabotage::NoLabel,
        2,
        Rule::coordinated(None),
        &story,
        "two clusters were founded",
    );
}

#[test]
fn without_its_memory_a_host_that_lost_its_disk_founds_a_second_cluster() {
    let lost = [Action::LoseDisk(0), Action::DeleteRecord];
    let story: [&[Action]; 5] = [&starts(0), &founds(0), &lost, &starts(0), &founds(0)];
    is_needed(
        Sabotage::NoMemory,
        1,
        Rule::coordinated(None),
        &story,
        "two clusters were founded",
    );
}

/// Two of three have formed a cluster. Both are emptied, and their markers stay.
#[test]
fn before_the_setting_disks_emptied_around_their_markers_may_not_count_as_used() {
    let both = [Action::Step(0), Action::Step(1)].repeat(12);
    let formed: [&[Action]; 4] = [
        &[Action::Start(0), Action::Start(1)],
        &both,
        &[Action::Discover(0, 31)],
        &both,
    ];
    let emptied = [0, 1].map(|host| [Action::KillHost(host), Action::Lapse(host), Action::Empty(host)]);
    let again: [&[Action]; 3] = [&starts(0), &starts(1), &[Action::Discover(0, 31)]];
    let story = [formed.concat(), emptied.concat(), again.concat()];
    let story: Vec<&[Action]> = story.iter().map(Vec::as_slice).collect();
    let rule = Rule::zen(None, Some(3)).expect("a rule");
    is_needed(Sabotage::EmptiedIsUsed, 3, rule, &story, "two clusters");
}

/// Two of three have formed a cluster and the third is about to start, when one of the two loses its disk.
#[test]
fn before_the_setting_two_nodes_may_not_take_the_last_place_together() {
    let both = [Action::Step(0), Action::Step(1)].repeat(12);
    let formed: [&[Action]; 4] = [
        &[Action::Start(0), Action::Start(1)],
        &both,
        &[Action::Discover(0, 31)],
        &both,
    ];
    let race = [Action::Start(2), Action::Step(2), Action::LoseDisk(0), Action::Start(0)];
    let start = [Action::Step(0), Action::Step(2)].repeat(4);
    let story = [formed.concat(), race.to_vec(), start];
    let story: Vec<&[Action]> = story.iter().map(Vec::as_slice).collect();
    let rule = Rule::zen(None, Some(3)).expect("a rule");
    is_needed(Sabotage::NoCount, 3, rule, &story, "two clusters could be founded");
}

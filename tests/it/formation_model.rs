//! The formation under every schedule that chance finds: up to five launchers, crashes between any two steps, lost and late
//! answers, lapsed leases, wiped and exchanged disks, a record deleted by hand.
//!
//! A failure prints the shortest list of actions that still fails; [`tell`] replays it.

pub(crate) mod dice;
mod sim;
pub(crate) mod store;

use std::{fmt, time::Duration};

use dice::Dice;
use quorate::launcher::decide::Rule;
use sim::{Action, Sabotage, Sim};
use tokio::time::Instant;

/// How long each property looks for a schedule that breaks it.
const LOOK_FOR: Duration = Duration::from_secs(4);

/// A service and what happens to it.
#[derive(Clone)]
struct Story {
    nodes: usize,
    /// The first ones.
    masters: usize,
    rule: Rule,
    /// Whether the record is deleted by hand.
    deletion: bool,
    /// Whether a second cluster is a failure; the protocol's known limit is none.
    one_cluster: bool,
    actions: Vec<Action>,
}

impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions: Vec<String> = self
            .actions
            .iter()
            .map(|action| format!("Action::{action:?}"))
            .collect();
        write!(
            f,
            "{} nodes, {} masters, {:?}: {}",
            self.nodes,
            self.masters,
            self.rule,
            actions.join(", ")
        )
    }
}

/// What happens by itself. Mostly the same host goes on: races want one that has stopped between two steps while others come far.
fn progress(dice: &mut Dice, nodes: usize) -> Vec<Action> {
    // Slow engines leave more time for launchers to go wrong.
    let choices = 11 + 4 * dice.below(3);
    let mut host = 0;
    let next = |_| {
        host = if dice.below(4) == 0 { dice.below(nodes) } else { host };
        match dice.below(choices) {
            0 => Action::Start(host),
            1..10 => Action::Step(host),
            _ => Action::Discover(host, dice.below(32)),
        }
    };
    (0..50 * nodes).map(next).collect()
}

fn fault(dice: &mut Dice, nodes: usize) -> Action {
    let (host, other) = (dice.below(nodes), dice.below(nodes));
    match dice.below(15) {
        0 | 1 => Action::Lose(host),
        2 | 3 => Action::Delay(host),
        4 => Action::KillLauncher(host),
        5 => Action::KillNode(host),
        6 | 7 => Action::KillHost(host),
        8 | 9 => Action::Lapse(host),
        10 => Action::Wipe(host),
        11 => Action::Reinstall(host),
        12 | 13 => Action::LoseDisk(host),
        _ => Action::Swap(host, other),
    }
}

/// Progress with faults at any time in between; a late transaction may land at any time after.
fn actions(dice: &mut Dice, nodes: usize, faults: usize, deletions: usize) -> Vec<Action> {
    let mut actions = progress(dice, nodes);
    let faults: Vec<Action> = (0..faults).map(|_| fault(dice, nodes)).collect();
    let landings = faults
        .iter()
        .filter(|fault| matches!(fault, Action::Delay(_)))
        .map(|_| Action::Land(0));
    let deletions = (0..deletions).map(|_| Action::DeleteRecord);
    for action in landings.chain(deletions).chain(faults.iter().copied()) {
        actions.insert(dice.below(actions.len()), action);
    }
    actions
}

/// Runs the story; what is wrong with it.
fn tell(story: &Story, sabotage: Sabotage) -> Result<(), String> {
    let mut sim = Sim::new(story.nodes, story.masters, story.rule, sabotage);
    for &action in &story.actions {
        sim.act(action);
        safe(&sim, story).map_err(|error| format!("after {action:?}: {error}"))?;
    }
    if !sim.settle() {
        return Err("it never comes to rest".to_owned());
    }
    safe(&sim, story)?;
    sim.unexplained().map_or(Ok(()), Err)
}

fn safe(sim: &Sim, story: &Story) -> Result<(), String> {
    if let Some(wrong) = &sim.broken {
        return Err(wrong.clone());
    }
    if story.one_cluster && sim.founded.len() > 1 {
        return Err(format!("two clusters were founded: {:?}", sim.founded));
    }
    if sim.second_quorum() {
        return Err("two clusters could be founded".to_owned());
    }
    if !story.deletion && sim.bootstrapped.len() > 1 {
        return Err(format!("two disks had the setting: {:?}", sim.bootstrapped));
    }
    Ok(())
}

/// Looks for a story that goes wrong; the shortest form of the first one.
fn search(story: impl Fn(&mut Dice) -> Story, sabotage: Sabotage, look_for: Duration) -> Result<usize, String> {
    let mut dice = Dice::random();
    let end = Instant::now() + look_for;
    let mut told = 0;
    while Instant::now() < end {
        let story = story(&mut dice);
        if tell(&story, sabotage).is_err() {
            let story = shortest(story, sabotage);
            let error = tell(&story, sabotage).expect_err("it still fails");
            return Err(format!("{error}\nstory {told}: {story:?}"));
        }
        told += 1;
    }
    Ok(told)
}

/// Leaves away what is not needed for the failure.
fn shortest(mut story: Story, sabotage: Sabotage) -> Story {
    let mut chunk = story.actions.len();
    while chunk > 0 {
        let mut from = 0;
        while from < story.actions.len() {
            let mut shorter = story.clone();
            shorter.actions.drain(from..(from + chunk).min(story.actions.len()));
            if tell(&shorter, sabotage).is_err() {
                story = shorter;
            } else {
                from += chunk;
            }
        }
        chunk /= 2;
    }
    story
}

#[track_caller]
fn never_fails(story: impl Fn(&mut Dice) -> Story) {
    let told = search(story, Sabotage::Nothing, LOOK_FOR).unwrap_or_else(|error| panic!("{error}"));
    assert!(told > 20, "only {told} stories in {LOOK_FOR:?}");
}

/// Up to five nodes, most of them masters.
fn size(dice: &mut Dice, least: usize) -> (usize, usize) {
    let masters = least + dice.below(6 - least);
    let others = if dice.below(3) == 0 { dice.below(6 - masters) } else { 0 };
    (masters + others, masters)
}

fn coordinated(dice: &mut Dice) -> Story {
    let (nodes, masters) = size(dice, 1);
    let (expect, faults) = (1 + dice.below(masters), dice.below(12));
    Story {
        nodes,
        masters,
        rule: Rule::coordinated(Some(expect)),
        deletion: false,
        one_cluster: true,
        actions: actions(dice, nodes, faults, 0),
    }
}

/// With fewer named than all, a record that is deleted by hand while the only nodes with data are down is the known limit.
fn with_a_deletion(dice: &mut Dice) -> Story {
    let (nodes, masters) = size(dice, 2);
    let (expect, faults) = (1 + dice.below(masters), dice.below(4));
    Story {
        nodes,
        masters,
        rule: Rule::coordinated(Some(expect)),
        deletion: true,
        one_cluster: masters == expect,
        actions: actions(dice, nodes, faults, 1),
    }
}

fn zen(dice: &mut Dice) -> Story {
    let (nodes, masters) = size(dice, 1);
    let quorum = masters / 2 + 1;
    let (expect, faults) = (quorum + dice.below(masters - quorum + 1), dice.below(4));
    Story {
        nodes,
        masters,
        rule: Rule::zen(Some(expect), Some(masters)).expect("a rule"),
        deletion: false,
        one_cluster: true,
        actions: actions(dice, nodes, faults, 0),
    }
}

#[test]
fn no_schedule_founds_two_clusters_or_loses_the_claim() {
    never_fails(coordinated);
}

#[test]
fn no_schedule_with_a_record_deleted_by_hand_founds_two_clusters() {
    never_fails(with_a_deletion);
}

#[test]
fn no_schedule_before_the_setting_founds_two_clusters() {
    never_fails(zen);
}

#[test]
fn the_model_notices_when_the_quiet_compares_are_taken_away() {
    let error = search(with_a_deletion, Sabotage::NoQuiet, 10 * LOOK_FOR).expect_err("they are needed");
    assert!(error.contains("ground"), "{error}");
}

/// Two of three have formed a cluster and the third is about to start, when one of the two loses its disk.
#[test]
fn the_model_notices_when_zen_nodes_take_the_last_place_together() {
    let both = [Action::Step(0), Action::Step(1)].repeat(12);
    let formed = [
        vec![Action::Start(0), Action::Start(1)],
        both.clone(),
        vec![Action::Discover(0, 31)],
        both,
    ]
    .concat();
    let race = vec![Action::Start(2), Action::Step(2), Action::LoseDisk(0), Action::Start(0)];
    let start = [Action::Step(0), Action::Step(2)].repeat(4);
    let story = Story {
        nodes: 3,
        masters: 3,
        rule: Rule::zen(None, Some(3)).expect("a rule"),
        deletion: false,
        one_cluster: true,
        actions: [formed, race, start].concat(),
    };
    assert_eq!(tell(&story, Sabotage::Nothing), Ok(()));
    let error = tell(&story, Sabotage::NoCount).expect_err("the compare is needed");
    assert!(error.contains("two clusters could be founded"), "{error}");
}

#[test]
fn the_model_notices_when_the_disk_compare_is_taken_away() {
    let error = search(coordinated, Sabotage::SameDisk, 10 * LOOK_FOR).expect_err("it is needed");
    assert!(error.contains("two clusters were founded"), "{error}");
}

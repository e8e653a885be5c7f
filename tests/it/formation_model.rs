//! The formation under every schedule that chance finds: up to five launchers, crashes between any two steps, lost and late
//! answers, lapsed leases, wiped and exchanged disks, a record deleted by hand.
//!
//! A failure prints the shortest list of actions that still fails; [`tell`] replays it.

mod dice;
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
    rule: Rule,
    /// At most so many.
    faults: usize,
    /// At most so many more of this kind.
    deletions: usize,
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
        write!(f, "{} nodes, {:?}: {}", self.nodes, self.rule, actions.join(", "))
    }
}

fn action(dice: &mut Dice) -> Action {
    let (host, other) = (dice.below(5), dice.below(5));
    match dice.below(60) {
        0..4 => Action::Start(host),
        4..34 => Action::Step(host),
        34..43 => Action::Discover(host, dice.below(32)),
        43..46 => Action::Land(dice.below(3)),
        46..48 => Action::Lose(host),
        48..50 => Action::Delay(host),
        50 => Action::KillLauncher(host),
        51 => Action::KillNode(host),
        52 | 53 => Action::KillHost(host),
        54 | 55 => Action::Lapse(host),
        56 => Action::Wipe(host),
        57 => Action::Reinstall(host),
        58 => Action::Swap(host, other),
        _ => Action::DeleteRecord,
    }
}

fn actions(dice: &mut Dice) -> Vec<Action> {
    (0..dice.below(300)).map(|_| action(dice)).collect()
}

/// Runs the story; what is wrong with it.
fn tell(story: &Story, sabotage: Sabotage) -> Result<(), String> {
    let mut sim = Sim::new(story.nodes, story.rule, sabotage);
    let (mut faults, mut deletions) = (story.faults, story.deletions);
    for &action in &story.actions {
        let left = if action == Action::DeleteRecord {
            &mut deletions
        } else {
            &mut faults
        };
        if action.is_fault() && *left == 0 {
            continue;
        }
        if sim.act(action) {
            *left -= usize::from(action.is_fault());
        }
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
    if story.deletions == 0 && sim.bootstrapped.len() > 1 {
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

fn coordinated(dice: &mut Dice) -> Story {
    let nodes = 1 + dice.below(5);
    let expect = 1 + dice.below(nodes);
    Story {
        nodes,
        rule: Rule::coordinated(Some(expect)),
        faults: dice.below(12),
        deletions: 0,
        one_cluster: true,
        actions: actions(dice),
    }
}

/// With fewer named than all, a record that is deleted by hand while the only nodes with data are down is the known limit.
fn with_a_deletion(dice: &mut Dice) -> Story {
    let nodes = 2 + dice.below(3);
    let expect = 1 + dice.below(nodes);
    Story {
        rule: Rule::coordinated(Some(expect)),
        nodes,
        faults: dice.below(4),
        deletions: 1,
        one_cluster: nodes == expect,
        actions: actions(dice),
    }
}

fn zen(dice: &mut Dice) -> Story {
    let nodes = 1 + dice.below(5);
    let quorum = nodes / 2 + 1;
    let expect = quorum + dice.below(nodes - quorum + 1);
    Story {
        nodes,
        rule: Rule::zen(Some(expect), Some(nodes)).expect("a rule"),
        faults: dice.below(4),
        deletions: 0,
        one_cluster: true,
        actions: actions(dice),
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

#[test]
fn the_model_notices_when_the_disk_compare_is_taken_away() {
    let error = search(coordinated, Sabotage::SameDisk, 10 * LOOK_FOR).expect_err("it is needed");
    assert!(error.contains("two clusters were founded"), "{error}");
}

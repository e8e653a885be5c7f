//! What happens to a service: random, from a seed that tells the same story again.

use std::fmt;

use quorate::launcher::decide::Rule;

use super::{
    dice::Dice,
    search::Tale,
    sim::{Action, Sabotage, Sim, Weather},
};

/// The most launchers in a story.
const MOST: usize = 7;

/// A service and what happens to it.
#[derive(Clone)]
pub(super) struct Story {
    pub(super) nodes: usize,
    /// The first ones.
    pub(super) masters: usize,
    pub(super) rule: Rule,
    /// Whether nodes say the UUID of their cluster.
    pub(super) says_uuid: bool,
    /// Whether a second cluster is a failure; the protocol's known limit is none.
    pub(super) one_cluster: bool,
    pub(super) actions: Vec<Action>,
    /// How etcd is when everybody gets the time to come to rest.
    pub(super) end: Weather,
}

impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions = self.actions.iter().map(|action| format!("Action::{action:?}"));
        let Self {
            nodes,
            masters,
            rule,
            says_uuid,
            end,
            ..
        } = self;
        let actions = actions.collect::<Vec<_>>().join(", ");
        write!(
            f,
            "{nodes} nodes, {masters} masters, {rule:?}, says UUID: {says_uuid}, etcd {end:?} in the end: {actions}"
        )
    }
}

impl Tale for Story {
    type Sabotage = Sabotage;
    type Action = Action;
    const INTACT: Sabotage = Sabotage::Nothing;

    fn actions(&mut self) -> &mut Vec<Action> {
        &mut self.actions
    }

    fn tell(&self, sabotage: Sabotage) -> Result<(), String> {
        let mut sim = Sim::new(self.nodes, self.masters, self.rule, self.says_uuid, sabotage);
        for &action in &self.actions {
            if sim.act(action) {
                self.safe(&sim).map_err(|error| format!("after {action:?}: {error}"))?;
            }
        }
        if !sim.settle(self.end) {
            return Err("it never comes to rest".to_owned());
        }
        self.safe(&sim)?;
        assert!(sim.view_is_true(), "the model reads what is not there");
        sim.unexplained().map_or(Ok(()), Err)
    }
}

impl Story {
    fn safe(&self, sim: &Sim) -> Result<(), String> {
        if let Some(wrong) = &sim.broken {
            return Err(wrong.clone());
        }
        if self.one_cluster && sim.second_cluster() {
            return Err("two clusters were founded".to_owned());
        }
        if sim.second_quorum() {
            return Err("two clusters could be founded".to_owned());
        }
        if let Some((claim, disks)) = sim.bootstrapped.iter().find(|(_, disks)| disks.len() > 1) {
            return Err(format!("two disks had the setting under claim {claim}: {disks:?}"));
        }
        Ok(())
    }
}

/// What happens by itself. Mostly the same host goes on: races want one that has stopped between two steps while others come far.
fn progress(dice: &mut Dice, nodes: usize) -> Vec<Action> {
    // Slow engines leave more time for launchers to go wrong.
    let choices = 12 + 4 * dice.below(3);
    let mut host = 0;
    let next = |_| {
        host = if dice.below(4) == 0 { dice.below(nodes) } else { host };
        match dice.below(choices) {
            0 => Action::Start(host),
            1..10 => Action::Step(host),
            10 => Action::Probe(host),
            _ => Action::Discover(host, dice.below(1 << nodes)),
        }
    };
    (0..40 * nodes).map(next).collect()
}

fn fault(dice: &mut Dice, nodes: usize) -> Action {
    let (host, other) = (dice.below(nodes), dice.below(nodes));
    match dice.below(19) {
        0 | 1 => Action::Lose(host),
        2 | 3 => Action::Delay(host),
        4 => Action::KillLauncher(host),
        5 => Action::KillNode(host),
        6 | 7 => Action::KillHost(host),
        8 | 9 => Action::Lapse(host),
        10 => Action::Wipe(host),
        11 => Action::Empty(host),
        12 => Action::Reinstall(host),
        13 | 14 => Action::LoseDisk(host),
        15 => Action::Swap(host, other),
        16 => Action::Move(host, other),
        17 => Action::Etcd(Weather::ReadOnly),
        _ => Action::Etcd(Weather::Away),
    }
}

fn person(dice: &mut Dice, nodes: usize) -> Action {
    let host = dice.below(nodes);
    match dice.below(6) {
        0 => Action::Reset(host),
        1 | 2 => Action::GiveUp(host),
        3 => Action::Adopt(host),
        _ => Action::Obey(host),
    }
}

/// Progress with faults at any time in between; what they leave open, a late transaction or an outage, ends at any time after.
fn actions(dice: &mut Dice, nodes: usize, faults: usize, more: Vec<Action>) -> Vec<Action> {
    let mut actions = progress(dice, nodes);
    let faults: Vec<Action> = (0..faults).map(|_| fault(dice, nodes)).collect();
    let late = faults.iter().filter(|fault| matches!(fault, Action::Delay(_)));
    let outages = faults.iter().filter(|fault| matches!(fault, Action::Etcd(_)));
    let ends = late
        .map(|_| Action::Land(0))
        .chain(outages.map(|_| Action::Etcd(Weather::Fine)));
    for action in ends.chain(more).chain(faults.iter().copied()) {
        actions.insert(dice.below(actions.len()), action);
    }
    actions
}

/// Most of them masters.
fn size(dice: &mut Dice, least: usize) -> (usize, usize) {
    let masters = least + dice.below(MOST + 1 - least);
    let others = if dice.below(3) == 0 {
        dice.below(MOST + 1 - masters)
    } else {
        0
    };
    (masters + others, masters)
}

fn end(dice: &mut Dice) -> Weather {
    match dice.below(8) {
        0 => Weather::Away,
        1 => Weather::ReadOnly,
        _ => Weather::Fine,
    }
}

/// Lines with a bootstrap setting, and nobody but chance.
pub(super) fn coordinated(dice: &mut Dice) -> Story {
    let (nodes, masters) = size(dice, 1);
    let (expect, faults) = (1 + dice.below(masters), dice.below(14));
    Story {
        nodes,
        masters,
        rule: Rule::coordinated(Some(expect)),
        says_uuid: true,
        one_cluster: true,
        actions: actions(dice, nodes, faults, Vec::new()),
        end: end(dice),
    }
}

/// With fewer named than all, a record that is deleted by hand while the only nodes with data are down is the known limit.
pub(super) fn with_a_deletion(dice: &mut Dice) -> Story {
    let (nodes, masters) = size(dice, 2);
    let (expect, faults) = (1 + dice.below(masters), dice.below(4));
    Story {
        nodes,
        masters,
        rule: Rule::coordinated(Some(expect)),
        says_uuid: true,
        one_cluster: masters == expect,
        actions: actions(dice, nodes, faults, vec![Action::DeleteRecord]),
        end: end(dice),
    }
}

/// With people who reset, adopt and empty disks.
pub(super) fn with_people(dice: &mut Dice) -> Story {
    let (nodes, masters) = size(dice, 1);
    let (expect, faults, people) = (1 + dice.below(masters), dice.below(8), 1 + dice.below(6));
    let people = (0..people).map(|_| person(dice, nodes)).collect();
    Story {
        nodes,
        masters,
        rule: Rule::coordinated(Some(expect)),
        says_uuid: true,
        one_cluster: true,
        actions: actions(dice, nodes, faults, people),
        end: end(dice),
    }
}

/// Lines without the setting, the oldest of which say no UUID.
pub(super) fn zen(dice: &mut Dice) -> Story {
    let (nodes, masters) = size(dice, 1);
    let quorum = masters / 2 + 1;
    let (expect, faults) = (quorum + dice.below(masters - quorum + 1), dice.below(4));
    Story {
        nodes,
        masters,
        rule: Rule::zen(Some(expect), Some(masters)).expect("a rule"),
        says_uuid: dice.below(2) == 0,
        one_cluster: true,
        actions: actions(dice, nodes, faults, Vec::new()),
        end: end(dice),
    }
}

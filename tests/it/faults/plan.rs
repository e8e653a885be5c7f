//! What befalls a world and the etcd above it, and when: from a seed, so that it can be told again.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::{
    formation_model::dice::Dice,
    support::proxy::{Line, Way},
};

/// How many nodes a world has, and how many members the etcd.
pub(crate) const NODES: usize = 3;
/// The sidecars of a world: one per node, and a second one for node 0.
pub(crate) const SIDECARS: usize = NODES + 1;
/// The second sidecar of node 0.
pub(crate) const RIVAL: usize = NODES;

/// One step: wait so long, then do this.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step<T> {
    pub(crate) after: Duration,
    pub(crate) what: T,
}

/// What a node is like from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    Fine,
    /// Nothing listens.
    Dead,
    /// Accepts connections and says nothing.
    Hangs,
    /// Answers, and knows no master.
    Masterless,
    /// Answers a byte now and then.
    Trickles,
}

/// What becomes of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Process {
    /// It is started, or goes on.
    Runs,
    Killed,
    Frozen,
    Told,
    /// Killed and started at once.
    Restarted,
}

/// What befalls a world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Blow {
    Node(Option<usize>, Node),
    Sidecar(Option<usize>, Process),
    /// The line of a sidecar to its node.
    NodeLine(usize, Line),
    /// The lines of a sidecar to one member of etcd, or to all.
    EtcdLine(usize, Option<usize>, Line),
}

/// What befalls etcd.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Weather {
    Member(usize, Process),
    Leader(Process),
    All(Process),
    NoSpace(bool),
    Compaction,
    Defragmentation(usize),
}

/// The steps of one world under its weather.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    /// Whether steps that would cost etcd its quorum are left out.
    pub(crate) spares_quorum: bool,
    /// For how long nothing happens at the end.
    pub(crate) rest: Duration,
    pub(crate) weather: Vec<Step<Weather>>,
    pub(crate) blows: Vec<Step<Blow>>,
}

/// The weather for so long.
pub(crate) fn weather(seed: u64, length: Duration) -> Vec<Step<Weather>> {
    let mut dice = Dice::new(seed);
    steps(&mut dice, length, (1500, 7000), |dice| match dice.below(12) {
        0..=3 => Weather::Member(dice.below(NODES), process(dice)),
        4..=6 => Weather::Leader(process(dice)),
        7 => Weather::All(process(dice)),
        8 => Weather::NoSpace(true),
        9 => Weather::NoSpace(false),
        10 => Weather::Compaction,
        _ => Weather::Defragmentation(dice.below(NODES)),
    })
}

/// The blows of one world for so long.
pub(crate) fn blows(seed: u64, world: usize, length: Duration) -> Vec<Step<Blow>> {
    let mut dice = Dice::new(seed ^ 0x5EED_0000_0000_0000 ^ ((world as u64 + 1) << 32));
    steps(&mut dice, length, (700, 5500), |dice| match dice.below(12) {
        0..=2 => Blow::Node((dice.below(8) != 0).then(|| dice.below(NODES)), node(dice)),
        3..=6 => Blow::Sidecar((dice.below(8) != 0).then(|| dice.below(SIDECARS)), process(dice)),
        7..=8 => Blow::NodeLine(dice.below(SIDECARS), line(dice)),
        _ => {
            let member = (dice.below(3) == 0).then(|| dice.below(NODES));
            Blow::EtcdLine(dice.below(SIDECARS), member, line(dice))
        }
    })
}

fn steps<T>(
    dice: &mut Dice,
    length: Duration,
    pause: (usize, usize),
    mut what: impl FnMut(&mut Dice) -> T,
) -> Vec<Step<T>> {
    let (mut steps, mut at) = (Vec::new(), Duration::ZERO);
    loop {
        let after = Duration::from_millis((pause.0 + dice.below(pause.1 - pause.0)) as u64);
        at += after;
        if at > length {
            return steps;
        }
        steps.push(Step {
            after,
            what: what(dice),
        });
    }
}

fn node(dice: &mut Dice) -> Node {
    match dice.below(7) {
        0..=2 => Node::Fine,
        3 => Node::Dead,
        4 => Node::Hangs,
        5 => Node::Masterless,
        _ => Node::Trickles,
    }
}

fn process(dice: &mut Dice) -> Process {
    match dice.below(9) {
        0..=2 => Process::Runs,
        3..=4 => Process::Killed,
        5..=6 => Process::Frozen,
        7 => Process::Told,
        _ => Process::Restarted,
    }
}

fn line(dice: &mut Dice) -> Line {
    let way = |dice: &mut Dice| match dice.below(3) {
        0 => Way::ToServer,
        1 => Way::ToClient,
        _ => Way::Both,
    };
    match dice.below(9) {
        0..=2 => Line::Fine,
        3 => Line::Cut,
        4 => Line::Held(way(dice)),
        5..=6 => Line::Lost(way(dice)),
        7 => Line::Delayed(Duration::from_millis(100)),
        _ => Line::Trickle(Duration::from_millis(50)),
    }
}

impl Plan {
    /// How many faults of which kind there are.
    pub(crate) fn kinds(&self) -> String {
        let blows = self.blows.iter().map(|step| match step.what {
            Blow::Node(..) => "node",
            Blow::Sidecar(..) => "sidecar",
            Blow::NodeLine(..) => "line to a node",
            Blow::EtcdLine(..) => "line to etcd",
        });
        let weather = self.weather.iter().map(|step| match step.what {
            Weather::Member(..) => "member of etcd",
            Weather::Leader(_) => "leader",
            Weather::All(_) => "all of etcd",
            Weather::NoSpace(_) => "space of etcd",
            Weather::Compaction => "compaction",
            Weather::Defragmentation(_) => "defragmentation",
        });
        let mut counts = BTreeMap::<&str, usize>::new();
        for kind in blows.chain(weather) {
            *counts.entry(kind).or_default() += 1;
        }
        let counts: Vec<String> = counts.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
        counts.join(", ")
    }

    /// How many steps there are to leave away.
    pub(crate) fn len(&self) -> usize {
        self.weather.len() + self.blows.len()
    }

    /// Without so many steps from there on; those of the weather come first.
    pub(crate) fn without(&self, from: usize, count: usize) -> Self {
        let (end, weather) = (from + count, self.weather.len());
        let mut shorter = self.clone();
        let mut at = 0..;
        shorter
            .weather
            .retain(|_| at.next().is_some_and(|at| at < from || at >= end));
        let mut at = weather..;
        shorter
            .blows
            .retain(|_| at.next().is_some_and(|at| at < from || at >= end));
        shorter
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "etcd:\n{}world:\n{}", told(&self.weather), told(&self.blows))
    }
}

fn told<T: fmt::Debug>(steps: &[Step<T>]) -> String {
    let mut at = Duration::ZERO;
    let lines = steps.iter().map(|step| {
        at += step.after;
        format!("  {:5.1} s  {:?}\n", at.as_secs_f64(), step.what)
    });
    lines.collect()
}

#[test]
fn a_seed_plans_the_same_again_and_another_one_something_else() {
    let length = Duration::from_secs(40);
    assert_eq!(weather(7, length), weather(7, length));
    assert_eq!(blows(7, 1, length), blows(7, 1, length));
    assert_ne!(blows(7, 1, length), blows(7, 2, length));
    let plan = Plan {
        spares_quorum: false,
        rest: Duration::ZERO,
        weather: weather(7, length),
        blows: blows(7, 0, length),
    };
    let shorter = plan.without(plan.weather.len() - 1, 2);
    assert_eq!(
        (shorter.len(), shorter.blows.len()),
        (plan.len() - 2, plan.blows.len() - 1)
    );
}

//! What happens to a sidecar: random, from a seed that tells the same story again.

use std::{fmt, time::Duration};

use quorate::nodefile::Phase;

use super::{
    action::{Action, Fate, Kind, Move, Recorded, Sabotage},
    world::{Settings, World},
};
use crate::formation_model::{dice::Dice, search::Tale};

/// In which everything comes to rest when the faults are over and old leases have ended.
const REST: Duration = Duration::from_secs(40);
/// In which nothing is written then.
const STEADY: Duration = Duration::from_secs(40);

/// A sidecar and what happens to it.
#[derive(Clone)]
pub(super) struct Story {
    pub(super) settings: Settings,
    pub(super) moves: Vec<Move>,
    /// How the node is in the end.
    pub(super) end: Kind,
}

impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}, in the end {:?}:", self.settings, self.end)?;
        let mut at = Duration::ZERO;
        for Move(after, action) in &self.moves {
            at += *after;
            writeln!(f, "{:>9.3} s {action:?}", at.as_secs_f64())?;
        }
        Ok(())
    }
}

impl Tale for Story {
    type Sabotage = Sabotage;
    type Action = Move;
    const INTACT: Sabotage = Sabotage::Nothing;

    fn actions(&mut self) -> &mut Vec<Move> {
        &mut self.moves
    }

    fn tell(&self, sabotage: Sabotage) -> Result<(), String> {
        let mut world = World::new(self.settings, sabotage);
        for step in &self.moves {
            world.make(*step).map_err(|error| format!("after {step:?}: {error}"))?;
        }
        world.calm_down(self.end);
        // A sidecar that was told to stop is given the time to.
        world.pass(Duration::from_secs(4))?;
        world.make(Move(Duration::ZERO, Action::Start(0)))?;
        world.pass(self.settings.ttl + REST)?;
        let there = world.etcd.entry.is_some();
        let wanted = self.end == Kind::Ready;
        if there != wanted || (wanted && !world.is_true(0)) {
            return Err(format!("in the end the key is {:?}", world.etcd.entry));
        }
        let before = (world.writes, world.etcd.revision);
        world.pass(STEADY)?;
        let after = (world.writes, world.etcd.revision);
        (before == after)
            .then_some(())
            .ok_or_else(|| "it goes on writing".to_owned())
    }
}

fn pick<T: Copy>(dice: &mut Dice, of: &[T]) -> T {
    of[dice.below(of.len())]
}

fn millis(dice: &mut Dice, below: usize) -> Duration {
    Duration::from_millis(dice.below(below) as u64)
}

fn settings(dice: &mut Dice) -> Settings {
    let usual = dice.below(2) == 0;
    let seconds =
        |dice: &mut Dice, usually: u64, of: &[u64]| Duration::from_secs(if usual { usually } else { pick(dice, of) });
    let ttl = seconds(dice, 30, &[15, 30, 60]);
    Settings {
        interval: seconds(dice, 3, &[1, 3, 5]),
        timeout: seconds(dice, 2, &[1, 2]),
        rise: if usual { 2 } else { pick(dice, &[1, 2, 3]) },
        fall: if usual { 3 } else { pick(dice, &[1, 2, 3, 5]) },
        ttl,
        lived: ttl.mul_f64(pick(dice, &[0.97, 1.0, 1.03])),
        latency: Duration::from_millis(pick(dice, &[1, 10, 100])),
        endpoints: pick(dice, &[1, 3]),
        luck: dice.below(1 << 30) as u64,
    }
}

fn kind(dice: &mut Dice) -> Kind {
    match dice.below(16) {
        0..6 => Kind::Ready,
        6 => Kind::Slow,
        7 => Kind::Joining,
        8 => Kind::Masterless,
        9 | 10 => Kind::Hung,
        11 => Kind::Denied,
        12 => Kind::Stranger,
        13 => Kind::Renamed,
        14 => Kind::Moved,
        _ => Kind::Dying,
    }
}

fn launcher(dice: &mut Dice) -> Option<(Phase, bool)> {
    let phase = match dice.below(8) {
        0 => return None,
        1 => Phase::Starting,
        2 | 3 => Phase::Leaving,
        _ => Phase::Running,
    };
    Some((phase, dice.below(3) > 0))
}

fn fate(dice: &mut Dice) -> Fate {
    match dice.below(7) {
        0 | 1 => Fate::Lost,
        2 | 3 => Fate::Unanswered,
        4 => Fate::Refused,
        _ => Fate::Late(dice.below(20_000) as u64),
    }
}

fn action(dice: &mut Dice) -> Action {
    // Mostly the node's own host.
    let host = usize::from(dice.below(5) == 0);
    match dice.below(50) {
        0..9 => Action::Node(kind(dice)),
        9 | 10 => Action::Node(Kind::Off),
        11 | 12 => Action::Restart(kind(dice)),
        13 => Action::CloseIdle,
        14..18 => Action::Launcher(launcher(dice)),
        18 | 19 => Action::Record(pick(
            dice,
            &[Recorded::Nothing, Recorded::Unnamed, Recorded::Ours, Recorded::Theirs],
        )),
        20..25 => Action::Start(host),
        25 | 26 => Action::Kill(host),
        27 => Action::Stop(host),
        28 | 29 => Action::Exec(host),
        30 => Action::Freeze(host),
        31 => Action::Thaw(host),
        32 => Action::Reboot(host),
        33 => Action::Clone,
        34 => Action::Cut(host),
        35 => Action::Deafen(host),
        36..38 => Action::Heal(host),
        38..42 => Action::Call(host, fate(dice)),
        42 => Action::FillDisk(host),
        43 => Action::FreeDisk(host),
        44 => Action::EtcdDown,
        45 | 46 => Action::EtcdUp,
        47 => Action::Script(dice.below(2) == 0),
        48 => Action::Delete,
        _ => Action::EndLease(host),
    }
}

fn pause(dice: &mut Dice) -> Duration {
    match dice.below(10) {
        0 | 1 => millis(dice, 50),
        2..7 => millis(dice, 3000),
        7 | 8 => millis(dice, 12_000),
        _ => millis(dice, 45_000),
    }
}

/// Any story.
pub(super) fn story(dice: &mut Dice) -> Story {
    let settings = settings(dice);
    let moves = (0..10 + dice.below(40))
        .map(|_| Move(pause(dice), action(dice)))
        .collect();
    let end = pick(dice, &[Kind::Ready, Kind::Ready, Kind::Hung, Kind::Off]);
    Story { settings, moves, end }
}

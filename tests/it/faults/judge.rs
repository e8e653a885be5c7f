//! What must hold of a key, given since when everything that it depends on has been as it is. Pure.
//!
//! A key has to go, has to be there, or may not vanish; where the state of a line says neither that a sidecar is heard nor that it is not,
//! nothing is demanded until that has changed.

use std::time::Duration;

use tokio::time::Instant;

/// The lease of these worlds, the shortest that is taken.
pub(crate) const TTL: Duration = Duration::from_secs(9);
/// An election of etcd, after which all leases live a whole TTL again.
const ELECTION: Duration = Duration::from_secs(3);
/// How the sidecars probe: slow enough for a machine on which sixty of them live.
pub(crate) const PROBES: [&str; 4] = ["--interval", "2s", "--timeout", "1500ms"];
/// One interval and three such probes.
const DETECT: Duration = Duration::from_millis(6500);
/// All is well again → the key is there: two good probes, back-offs of 4 s, attempts of 3 s; or the lease of another that has to end first.
const COME: Duration = Duration::from_secs(15);
/// What a busy machine may add to a bound.
const SLACK: Duration = Duration::from_secs(10);
/// A key that is made so long after the last disturbance has a lease that was renewed after it.
const SETTLED: Duration = Duration::from_secs(4);
/// Who was undisturbed for so long has renewed its lease meanwhile.
const CALM: Duration = Duration::from_secs(13);

/// A state, and since when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Since<T> {
    pub(crate) is: T,
    pub(crate) since: Instant,
}

impl<T: PartialEq> Since<T> {
    pub(crate) fn new(is: T, now: Instant) -> Self {
        Self { is, since: now }
    }

    /// It is like this from now on, if it was not before.
    pub(crate) fn becomes(&mut self, is: T, now: Instant) {
        if self.is != is {
            *self = Self::new(is, now);
        }
    }
}

/// What can be said of a line or a process on which a key depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Works {
    Yes,
    No,
    /// Some of it, slowly or in one direction.
    Perhaps,
}

/// What a key depends on, on the side of its sidecar.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keeper {
    /// The node, as the sidecar sees it, is ready.
    pub(crate) node: Since<Works>,
    /// The sidecar's process.
    pub(crate) process: Since<Works>,
    /// The way to etcd: at least two members that run.
    pub(crate) reach: Since<Works>,
}

/// What it depends on, on the side of etcd.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sky {
    pub(crate) quorum: Since<bool>,
    /// The last time at which an election may have begun.
    pub(crate) election: Instant,
    pub(crate) no_space: Since<bool>,
}

/// When a key that is there has to be gone, if that can be said.
pub(crate) fn gone_by(keeper: &Keeper, sky: &Sky) -> Option<Instant> {
    if !sky.quorum.is {
        return None;
    }
    let etcd = sky.election.max(sky.quorum.since);
    let silent = [keeper.process, keeper.reach]
        .into_iter()
        .filter(|part| part.is == Works::No);
    if let Some(silent) = silent.map(|part| part.since).min() {
        return Some(silent.max(etcd) + TTL + ELECTION + SLACK);
    }
    let speaks = (keeper.process.is, keeper.reach.is) == (Works::Yes, Works::Yes);
    if !speaks || keeper.node.is != Works::No {
        return None;
    }
    let unready = keeper.node.since;
    let disturbed = keeper.process.since.max(keeper.reach.since).max(etcd);
    if disturbed + CALM < unready {
        Some(unready + DETECT + SLACK)
    } else {
        Some(unready.max(disturbed) + DETECT + TTL + ELECTION + SLACK)
    }
}

/// When a key that is not there has to be there, if that can be said. Of all sidecars of the node.
pub(crate) fn there_by(keepers: &[&Keeper], sky: &Sky) -> Option<Instant> {
    let is_well = |keeper: &&&Keeper| {
        let all = [keeper.node, keeper.process, keeper.reach];
        all.iter().all(|part| part.is == Works::Yes)
    };
    let is_possible = sky.quorum.is && !sky.no_space.is && keepers.iter().any(|keeper| is_well(&keeper));
    let etcd = sky.election.max(sky.quorum.since).max(sky.no_space.since);
    let parts = keepers
        .iter()
        .flat_map(|keeper| [keeper.node, keeper.process, keeper.reach]);
    is_possible.then(|| parts.map(|part| part.since).fold(etcd, Instant::max) + COME + SLACK)
}

/// Whether the key of this sidecar, made then, may not vanish now: all has been well since before it was made, or for so long that its lease
/// was renewed meanwhile. An election is no reason.
pub(crate) fn has_to_stay(keeper: &Keeper, sky: &Sky, made: Instant, now: Instant) -> bool {
    let parts = [keeper.node, keeper.process, keeper.reach];
    let well = parts.iter().all(|part| part.is == Works::Yes) && sky.quorum.is;
    let since = parts
        .map(|part| part.since)
        .into_iter()
        .fold(sky.quorum.since, Instant::max);
    well && (since + CALM < now || since + SETTLED < made)
}

#[cfg(test)]
mod tests {
    use tokio::time::{Duration, Instant};

    use super::{
        CALM, COME, DETECT, ELECTION, Keeper, SETTLED, SLACK, Since, Sky, TTL, Works, gone_by, has_to_stay, there_by,
    };

    fn well(now: Instant) -> (Keeper, Sky) {
        let yes = Since::new(Works::Yes, now);
        let keeper = Keeper {
            node: yes,
            process: yes,
            reach: yes,
        };
        let (quorum, no_space) = (Since::new(true, now), Since::new(false, now));
        (
            keeper,
            Sky {
                quorum,
                election: now,
                no_space,
            },
        )
    }

    #[test]
    fn a_key_has_to_be_there_when_everything_was_well_for_long_enough() {
        let now = Instant::now();
        let (keeper, mut sky) = well(now);
        assert_eq!(gone_by(&keeper, &sky), None);
        assert_eq!(there_by(&[&keeper], &sky), Some(now + COME + SLACK));
        assert!(!has_to_stay(&keeper, &sky, now, now + CALM));
        assert!(has_to_stay(&keeper, &sky, now, now + 2 * CALM));
        assert!(has_to_stay(&keeper, &sky, now + 2 * SETTLED, now + CALM));
        sky.election = now + CALM;
        assert!(
            has_to_stay(&keeper, &sky, now, now + 2 * CALM),
            "an election takes nothing away"
        );
        sky.no_space.becomes(true, now);
        assert_eq!(there_by(&[&keeper], &sky), None);
    }

    #[test]
    fn a_key_has_to_go_with_its_node_or_with_the_lease_of_a_sidecar_that_is_not_heard() {
        let now = Instant::now();
        let (keeper, sky) = well(now);
        let no = |after: Duration| Since::new(Works::No, now + after);
        let (soon, late) = (Duration::from_secs(1), 2 * CALM);
        let sick = |after| Keeper {
            node: no(after),
            ..keeper
        };
        assert_eq!(gone_by(&sick(late), &sky), Some(now + late + DETECT + SLACK));
        let slowly = DETECT + TTL + ELECTION + SLACK;
        assert_eq!(gone_by(&sick(soon), &sky), Some(now + soon + slowly));
        for silent in [
            Keeper {
                process: no(late),
                ..keeper
            },
            Keeper {
                reach: no(late),
                ..sick(soon)
            },
        ] {
            assert_eq!(gone_by(&silent, &sky), Some(now + late + TTL + ELECTION + SLACK));
            let sky = Sky {
                election: now + 2 * late,
                ..sky
            };
            assert_eq!(gone_by(&silent, &sky), Some(now + 2 * late + TTL + ELECTION + SLACK));
        }
        let deaf = Keeper {
            reach: Since::new(Works::Perhaps, now),
            ..sick(late)
        };
        assert_eq!(gone_by(&deaf, &sky), None);
    }
}

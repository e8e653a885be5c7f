//! What the launcher tells of the disk under its node, and for how long that counts. Pure.
//!
//! Invariant: word of a launcher that has fallen silent costs no key. It counts as unknown.

use std::time::Duration;

use tokio::time::Instant;

use super::illness::{Illness, Why};
use crate::{
    launcher::disk::room::Watermark,
    nodefile::{DiskState, DiskTold},
};

/// How many times in a row the launcher may miss the beat that it promised.
const MISSED: u32 = 3;
/// And so much longer: hosts are busy.
const SLACK: Duration = Duration::from_secs(5);

/// The disk, as the launcher tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// How it stands.
    pub state: DiskState,
    /// Since when.
    pub since: Instant,
    /// More about it, for people.
    pub why: Option<String>,
    /// How much of it is used, in percent, rounded up.
    pub used_percent: Option<u8>,
    /// The watermark of the node that was passed.
    pub watermark: Option<Watermark>,
}

impl Disk {
    /// What was told, at a moment that is `uptime` after the boot.
    pub fn heard(told: &DiskTold, now: Instant, uptime: Duration) -> Self {
        let ago = uptime.saturating_sub(Duration::from_millis(told.since_ms));
        Self {
            state: told.state,
            since: now.checked_sub(ago).unwrap_or(now),
            why: told.why.clone(),
            used_percent: told.used_percent,
            watermark: told.watermark,
        }
    }

    /// The longest that what was told counts without being said again.
    pub fn keeps(told: &DiskTold) -> Duration {
        Duration::from_millis(told.every_ms) * MISSED + SLACK
    }

    /// Why the node is ill with it; none while it is not.
    pub fn illness(&self) -> Option<Why> {
        let illness = Illness::of_disk(self.state)?;
        Some(Why::ill(
            illness,
            format!("its disk {}", self.state.does(self.why.as_deref())),
        ))
    }

    /// The same, once that has lasted for longer than `patience`.
    pub fn exhausted(&self, now: Instant, patience: Option<Duration>) -> Option<Why> {
        let limit = patience?;
        let why = self.illness().filter(|_| now >= self.since + limit)?;
        let words = format!("{}, for more than {}", why.words, humantime::format_duration(limit));
        Some(Why { words, ..why })
    }

    /// Something for the one sentence about a node that is well otherwise.
    pub fn words(&self) -> String {
        match (self.illness(), self.watermark) {
            (Some(why), _) => format!("; {}", why.words),
            (None, Some(passed)) => format!("; its disk {}", passed.is_passed(self.used_percent)),
            (None, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn told(state: DiskState, since_ms: u64) -> DiskTold {
        DiskTold {
            state,
            since_ms,
            why: None,
            used_percent: Some(91),
            watermark: Some(Watermark::High),
            every_ms: 10_000,
        }
    }

    #[test]
    fn only_an_illness_of_the_disk_that_lasts_makes_the_node_unready() {
        let now = Instant::now() + 1000 * SECOND;
        let heard = |state| Disk::heard(&told(state, 70_000), now, 100 * SECOND);
        for (state, class) in [
            (DiskState::Stalled, Some(Illness::DiskStalled)),
            (DiskState::ReadOnly, Some(Illness::DiskReadOnly)),
            (DiskState::Failing, Some(Illness::DiskFailing)),
            // Full is a warning only, and who knows nothing takes no key away.
            (DiskState::Ok, None),
            (DiskState::Unknown, None),
        ] {
            let disk = heard(state);
            assert_eq!(now - disk.since, 30 * SECOND);
            let ill = |patience| disk.exhausted(now, patience).and_then(|why| why.illness);
            assert_eq!(ill(Some(30 * SECOND)), class, "{state:?}");
            assert_eq!(ill(Some(31 * SECOND)), None, "{state:?}");
            assert_eq!(ill(None), None, "{state:?} and for ever patient");
        }
    }

    #[test]
    fn a_time_of_the_future_is_now_and_a_beat_may_be_missed() {
        let now = Instant::now();
        assert_eq!(Disk::heard(&told(DiskState::Ok, 900_000), now, SECOND).since, now);
        assert_eq!(Disk::keeps(&told(DiskState::Ok, 0)), 35 * SECOND);
    }

    #[test]
    fn a_disk_that_fills_up_is_told_of_a_ready_node() {
        let disk = Disk::heard(&told(DiskState::Ok, 0), Instant::now(), SECOND);
        assert_eq!(
            disk.words(),
            "; its disk is 91% full, beyond the watermark `high`: the node's shards are moved to others"
        );
        let hangs = Disk {
            state: DiskState::Stalled,
            ..disk
        };
        assert_eq!(hangs.words(), "; its disk hangs");
    }
}

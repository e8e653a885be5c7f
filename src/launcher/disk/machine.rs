//! From what the helper says, and does not say, to how the disk stands. Pure.
//!
//! Invariant: a disk is said to hang only while a write is known to be under way, since that write began. A helper that says nothing
//! without being at a write says nothing about the disk.

use std::time::Duration;

use rustix::io::Errno;
use tokio::time::Instant;

use super::{
    line::{Line, Round},
    room::{Room, Watermark, Watermarks},
};
use crate::nodefile::DiskState;

/// A write that takes longer than this hangs; a well disk needs milliseconds, a busy one seldom a second.
const DEADLINE: Duration = Duration::from_secs(5);
/// What is known of the disk while an earlier helper is in the way.
const EARLIER: &str = "a small write of an earlier launcher does not end";
/// Where the rounds follow each other quickly, so must they end.
const PART: u32 = 2;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The helper said so.
    Said(Line),
    /// A helper was started.
    Started,
    /// It has ended, or could not be started: why.
    Ended(String),
    /// It cannot be started, because an earlier one still lives.
    EarlierLives,
    /// The time asked for has come.
    Woke,
}

/// What has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Start a helper; answered by [`Event::Started`], [`Event::EarlierLives`] or [`Event::Ended`].
    Start,
    /// End the helper, which is of no use.
    Kill,
    /// Send [`Event::Woke`] then. Replaces an earlier one.
    WakeAt(Instant),
}

/// How the disk stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The class.
    pub state: DiskState,
    /// Since when.
    pub since: Instant,
    /// More about it, for people.
    pub why: Option<String>,
    /// How much of it was used when a write last ended.
    pub used_percent: Option<u8>,
    /// The watermark that was passed then.
    pub watermark: Option<Watermark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Helper {
    /// None runs.
    None,
    /// An earlier one has been in the way since then.
    Earlier { since: Instant },
    /// It pauses.
    Resting,
    /// It has been at a write since then.
    Writing { since: Instant },
    /// It was told to end.
    Killed,
}

/// The machine of one disk.
#[derive(Debug)]
pub struct DiskMachine {
    every: Duration,
    marks: Watermarks,
    helper: Helper,
    standing: Standing,
}

impl DiskMachine {
    /// One that knows nothing yet, or only since when an earlier launcher saw the disk `hang`; a round is wanted `every` so often.
    pub fn new(every: Duration, marks: Watermarks, now: Instant, hang: Option<Instant>) -> (Self, Vec<Effect>) {
        let standing = Standing {
            state: if hang.is_some() {
                DiskState::Stalled
            } else {
                DiskState::Unknown
            },
            since: hang.unwrap_or(now),
            why: hang.map(|_| EARLIER.to_owned()),
            used_percent: None,
            watermark: None,
        };
        let machine = Self {
            every,
            marks,
            helper: Helper::None,
            standing,
        };
        (machine, vec![Effect::Start])
    }

    /// How the disk stands.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Takes an event in; what has to be done about it.
    #[must_use]
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Effect> {
        match (event, self.helper) {
            (Event::Said(Line::Begun), _) => {
                self.helper = Helper::Writing { since: now };
                vec![Effect::WakeAt(now + self.deadline())]
            }
            (Event::Said(Line::Ended(round)), _) => {
                self.helper = Helper::Resting;
                self.judge(now, round);
                vec![Effect::WakeAt(now + self.every + self.deadline())]
            }
            (Event::Woke, Helper::Writing { since }) => {
                let why = "a small write does not end";
                self.enter(since, DiskState::Stalled, Some(why.to_owned()));
                // Until that changes there is nothing to do.
                Vec::new()
            }
            (Event::Woke, Helper::Resting) => {
                self.helper = Helper::Killed;
                self.enter(now, DiskState::Unknown, Some("the helper says nothing".to_owned()));
                vec![Effect::Kill]
            }
            (Event::Woke, Helper::None | Helper::Earlier { .. }) => vec![Effect::Start],
            (Event::Started, _) => {
                self.helper = Helper::Resting;
                // The write that hung has ended, or there would be no other helper.
                self.enter(now, DiskState::Unknown, None);
                vec![Effect::WakeAt(now + self.deadline())]
            }
            // Whatever it still said: it is not there any more.
            (Event::Ended(why), _) => {
                self.helper = Helper::None;
                self.enter(now, DiskState::Unknown, Some(why));
                vec![Effect::WakeAt(now + self.every)]
            }
            (Event::EarlierLives, helper) => {
                let since = match helper {
                    Helper::Earlier { since } => since,
                    Helper::None | Helper::Resting | Helper::Writing { .. } | Helper::Killed => now,
                };
                self.helper = Helper::Earlier { since };
                if now >= since + self.deadline() {
                    self.enter(since, DiskState::Stalled, Some(EARLIER.to_owned()));
                }
                vec![Effect::WakeAt(now + self.deadline() / PART)]
            }
            // Its end is on its way.
            (Event::Woke, Helper::Killed) => Vec::new(),
        }
    }

    fn deadline(&self) -> Duration {
        DEADLINE.min(self.every / PART)
    }

    fn judge(&mut self, now: Instant, round: Round) {
        let error = round.error.map(|errno| std::io::Error::from(errno).to_string());
        let state = match round.error {
            // Full is no illness of the disk: the watermark tells it.
            None | Some(Errno::NOSPC | Errno::DQUOT) => DiskState::Ok,
            Some(Errno::ROFS) => DiskState::ReadOnly,
            Some(_) => DiskState::Failing,
        };
        self.enter(now, state, error);
        self.standing.used_percent = round.room.map(Room::used_percent);
        let full = matches!(round.error, Some(Errno::NOSPC | Errno::DQUOT)).then_some(Watermark::Full);
        self.standing.watermark = full.or_else(|| self.marks.passed(round.room?));
    }

    fn enter(&mut self, since: Instant, state: DiskState, why: Option<String>) {
        if self.standing.state != state {
            self.standing.state = state;
            self.standing.since = since;
        }
        self.standing.why = why;
    }
}

#[cfg(test)]
mod tests;

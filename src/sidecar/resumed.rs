//! Where the program before this one stood when it became this one: the verdict does not begin again, so nobody sees it waver.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{illness::Illness, machine::State, verdict::Conclusion};

/// Where it stood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resumed {
    /// Where the node stood.
    pub state: State,
    /// Whether a probe had decided; if not, the key of the run before stands on.
    pub decided: bool,
    /// Why, as it was said.
    pub why: String,
    /// What was wrong, as a class.
    #[serde(default)]
    pub illness: Option<Illness>,
    /// How long the verdict had been this one.
    stood: Duration,
    /// When it became this one, by the clock on the wall.
    pub since: SystemTime,
}

impl Resumed {
    /// Where it stands `now`; `since` is when the verdict became this one, by the clock on the wall.
    pub fn new(state: State, decided: bool, conclusion: &Conclusion, since: SystemTime, now: Instant) -> Self {
        Self {
            state,
            decided,
            why: conclusion.why.clone(),
            illness: conclusion.illness,
            stood: now.saturating_duration_since(conclusion.since),
            since,
        }
    }

    /// When the verdict became this one; not before the host started.
    pub fn since(&self, now: Instant) -> Instant {
        now.checked_sub(self.stood).unwrap_or(now)
    }
}

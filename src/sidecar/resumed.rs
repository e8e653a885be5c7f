//! Where the program before this one stood when it became this one: the verdict does not begin again, so nobody sees it waver.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{machine::State, snapshot::Snapshot};

/// Where it stood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Resumed {
    /// Where the node stood.
    pub(super) state: State,
    /// Whether a probe had decided; if not, the key of the run before stands on.
    pub(super) decided: bool,
    pub(super) why: String,
    /// How long the verdict had been this one.
    stood: Duration,
    /// When it became this one, by the clock on the wall.
    pub(super) since: SystemTime,
}

impl Resumed {
    /// Where it stands now.
    pub(super) fn new(state: State, decided: bool, snapshot: &Snapshot, now: Instant) -> Self {
        Self {
            state,
            decided,
            why: snapshot.conclusion.why.clone(),
            stood: now.saturating_duration_since(snapshot.conclusion.since),
            since: snapshot.since,
        }
    }

    /// When the verdict became this one; not before the host started.
    pub(super) fn since(&self, now: Instant) -> Instant {
        now.checked_sub(self.stood).unwrap_or(now)
    }
}

//! The words in which the sidecar speaks of its node.

use serde::Serialize;
use tokio::time::Instant;

use super::illness::Illness;

/// The node's state, the same word in key, metrics, log and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Not ready yet, and on its way as far as one can tell.
    Starting,
    /// Joined and expected.
    Ready,
    /// There, but not fit for use.
    Unready,
    /// Nothing listens.
    Down,
    /// Something else answers.
    Impostor,
    /// About to be stopped, or this sidecar is.
    Leaving,
}

impl Verdict {
    /// All of them, in the order of a node's life.
    pub const ALL: [Self; 6] = [
        Self::Starting,
        Self::Ready,
        Self::Unready,
        Self::Down,
        Self::Impostor,
        Self::Leaving,
    ];

    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Unready => "unready",
            Self::Down => "down",
            Self::Impostor => "impostor",
            Self::Leaving => "leaving",
        }
    }
}

/// What the sidecar concludes, and since when.
#[derive(Debug, Clone, PartialEq)]
pub struct Conclusion {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one sentence for people.
    pub why: String,
    /// What is wrong, as a class; none: nothing, or nothing yet.
    pub illness: Option<Illness>,
    /// When the verdict became this one.
    pub since: Instant,
}

/// What the member key should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// As the last run left it: nothing is known yet.
    Keep,
    /// There, with the value made from the last good report.
    Present,
    /// Gone.
    Absent,
}

//! Where a node can stand, and the rhythm in which it is asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{nodefile::ProcessId, sidecar::verdict::Verdict};

/// How often and how many.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// Time between two probes.
    pub interval: Duration,
    /// The longest that one probe may take.
    pub timeout: Duration,
    /// Good probes in a row until an unready node is ready again.
    pub rise: u32,
    /// Bad probes in a row until a ready node is unready.
    pub fall: u32,
}

/// Where the node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing was good yet, since the sidecar started or since the node was down.
    Starting,
    /// The last probe was good, or so few failed since that they do not count.
    Ready {
        /// Failed probes in a row.
        misses: u32,
    },
    /// It was ready, and is not.
    Unready {
        /// Good probes in a row.
        hits: u32,
    },
    /// Nothing listens.
    Down {
        /// The process that the launcher named when that was seen; another one is a new start.
        of: Option<ProcessId>,
    },
    /// Something else answers.
    Impostor,
    /// The launcher is about to stop the node.
    Leaving,
    /// The sidecar was told to stop.
    Stopped,
}

impl State {
    /// What it means to others.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Starting => Verdict::Starting,
            Self::Ready { .. } => Verdict::Ready,
            Self::Unready { .. } => Verdict::Unready,
            Self::Down { .. } => Verdict::Down,
            Self::Impostor => Verdict::Impostor,
            Self::Leaving | Self::Stopped => Verdict::Leaving,
        }
    }
}

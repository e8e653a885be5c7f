//! What the program before this one has passed on in the same process: its locks, and which node it stayed with.

use std::os::fd::OwnedFd;

use serde::{Deserialize, Serialize};

use crate::{nodefile::ProcessId, reload::Handover};

/// What was passed on; nothing at a start of the usual kind.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// The lock of the id.
    pub(super) lock: Option<OwnedFd>,
    /// The lock on the data directory.
    pub(super) data: Option<OwnedFd>,
    /// The node: ours a moment ago, so nobody has to judge whose it is.
    pub(super) node: Option<ProcessId>,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    node: ProcessId,
}

impl Passed {
    pub(super) const LOCK: &'static str = "lock";
    pub(super) const DATA: &'static str = "data";

    /// What came over.
    pub(super) fn of(handover: Option<Handover>) -> Self {
        let Some(mut handover) = handover else {
            return Self::default();
        };
        Self {
            lock: handover.take(Self::LOCK),
            data: handover.take(Self::DATA),
            node: handover.state::<State>().map(|state| state.node),
        }
    }

    /// What the next program has to know of `node`.
    pub(super) fn state(node: ProcessId) -> serde_json::Value {
        // Plain data: there is no way to fail.
        serde_json::to_value(State { node }).unwrap_or_default()
    }
}

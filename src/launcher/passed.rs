//! What the program before this one has passed on in the same process: its locks, which node it stayed with, and
//! a child that cannot be ended.

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
    /// A child that hangs in a write to the disk; it can only be waited for.
    pub(super) helper: Option<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    node: ProcessId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    helper: Option<u32>,
}

impl Passed {
    pub(super) const LOCK: &'static str = "lock";
    pub(super) const DATA: &'static str = "data";

    /// What came over.
    pub(super) fn of(handover: Option<Handover>) -> Self {
        let Some(mut handover) = handover else {
            return Self::default();
        };
        let state = handover.state::<State>();
        Self {
            lock: handover.take(Self::LOCK),
            data: handover.take(Self::DATA),
            node: state.as_ref().map(|state| state.node),
            helper: state.and_then(|state| state.helper),
        }
    }

    /// What the next program has to know of `node`, and of a `helper` that hangs.
    pub(super) fn state(node: ProcessId, helper: Option<u32>) -> serde_json::Value {
        // Plain data: there is no way to fail.
        serde_json::to_value(State { node, helper }).unwrap_or_default()
    }
}

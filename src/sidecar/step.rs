//! What goes into the machine, and what comes out of it.

use tokio::time::Instant;

use super::{
    judge::{Launched, Record},
    symptom::Symptom,
    verdict::Wish,
};
use crate::{
    nodefile::ProcessId,
    probe::{ProbeFailure, Report},
};

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A probe ended.
    Probed(Result<Report, ProbeFailure>),
    /// What was seen of the node's process, which does not answer. Comes just before the probe that says so.
    Seen(Symptom),
    /// The held connection ended.
    ConnectionEnded,
    /// The process that owns the node's socket is dead, though the socket may still be open.
    ProcessDied {
        /// Which one.
        process: ProcessId,
        /// What is known of it.
        why: String,
    },
    /// What is known of the cluster record changed.
    RecordChanged(Record),
    /// The launcher's file changed, came or went.
    LauncherSaid(Option<Launched>),
    /// The time asked for has come.
    Woke,
    /// The sidecar was told to stop.
    Stopped,
}

/// What the shell has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Probe now; answered by [`Event::Probed`].
    Probe,
    /// Send [`Event::Woke`] then. Replaces an earlier one.
    WakeAt(Instant),
    /// From now on the key should be so.
    Want(Wish),
    /// Verdict or reason changed: tell everyone.
    Publish,
    /// Delete the key, revoke the lease, end.
    Leave,
}

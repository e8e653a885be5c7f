//! A decision whose seed is not published: others do not see this node, so it does nothing on which they would have to count.
//!
//! Invariant: without a published seed nothing is claimed or armed, and no disk starts but one that has its cluster.

use super::{Decision, Reason, Start, StartBy};
use crate::model::Marker;

/// Why the own seed is not published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unpublished {
    /// Another owner is in the way, or something on this host.
    Blocked(String),
    /// etcd answers, but takes no writes: it is out of space, or this user may only read.
    ReadOnly(String),
}

impl Unpublished {
    /// What is left of `decision`.
    pub(super) fn hold(&self, decision: Decision, marker: &Marker) -> Decision {
        match (self, decision) {
            // Nobody has to see that.
            (
                _,
                kept @ (Decision::Refuse(_)
                | Decision::Release(_)
                | Decision::Start(Start {
                    by: StartBy::Offline, ..
                })),
            ) => kept,
            (
                Self::Blocked(why),
                Decision::Start(_) | Decision::Claim { .. } | Decision::Wait(_) | Decision::Operator(_),
            ) => Decision::Wait(Reason::SeedNotPublished { why: why.clone() }),
            // As without any etcd, and the record does not speak against it.
            (Self::ReadOnly(_), Decision::Start(start)) if marker.has_cluster() => Decision::Start(Start {
                by: StartBy::Offline,
                ..start
            }),
            (
                Self::ReadOnly(cause),
                Decision::Start(_) | Decision::Claim { .. } | Decision::Wait(Reason::SeedNotPublished { .. }),
            ) => Decision::Wait(Reason::RegistryReadOnly { cause: cause.clone() }),
            (Self::ReadOnly(_), kept @ (Decision::Wait(_) | Decision::Operator(_))) => kept,
        }
    }
}

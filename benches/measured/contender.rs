//! Who is measured against each other: whatever keeps the member key of one node true. One more is one more implementation of
//! [`Contender`].
//!
//! A contender is told of its node what a service manager or a launcher would know, and nothing else; only the bare delete hears of the
//! kill from the one who kills, because it is the floor for everybody.

pub(crate) mod bare;
pub(crate) mod script;
pub(crate) mod sidecar;

use tokio::time::Instant;

use super::etcd::Etcd;

/// Something that can keep member keys.
pub(crate) trait Contender {
    /// As it stands in the tables.
    fn name(&self) -> &str;

    /// Starts what keeps the key of the node at `address` with HTTP port 9200, whether that runs already or not.
    fn keep(&self, etcd: &Etcd, address: &str) -> Box<dyn Keeper>;
}

/// The one that keeps the key of one node; ended when dropped, with all of its processes.
pub(crate) trait Keeper {
    /// The node answers, and is this child of ours.
    fn node_runs(&mut self, _pid: u32) {}

    /// Whether everything that this was told is taken in.
    fn is_set(&self) -> bool {
        true
    }

    /// The node got its SIGKILL just now.
    fn node_killed(&mut self) {}

    /// The key is gone, and whatever was told of the node is no longer true.
    fn node_gone(&mut self) {}

    /// When it said that the node is dead, since it was asked last.
    fn saw_death(&mut self) -> Option<Instant> {
        None
    }

    /// The root of its processes; none when it is a task of this program.
    fn pid(&self) -> Option<u32> {
        None
    }

    /// It is killed itself, without a chance to say good-bye.
    fn crash(&mut self) {}
}

/// The key that all of them keep for the node at `address`.
pub(crate) fn member_key(address: &str) -> String {
    format!("/services/elasticsearch/{address}")
}

//! The words of the domain as types: ids, the values of the keys, the marker of a data directory.
//!
//! Pure: parses and renders, decides nothing. Values that come from outside are read leniently where the contract is with the
//! world ([`Member`]) and strictly where only `quorate` writes ([`Seed`], [`ClusterRecord`], [`Marker`]); every value that is
//! rewritten keeps the fields it does not know.

mod brief;
mod id;
mod joined;
mod marker;
mod member;
mod node_id;
mod record;
mod seed;
mod tombstone;
mod value;

pub use brief::{brief, narrow, plain};
pub use id::{ClaimId, ClusterUuid, DiskId, IdError, Incarnation, ServiceName};
pub use joined::JoinedCluster;
pub use marker::Marker;
pub use member::Member;
pub use node_id::{DEFAULT_TRANSPORT_PORT, NodeId};
pub use record::{ClusterRecord, NamedMaster, RecordState};
pub use seed::{DiskUse, Seed};
pub use tombstone::Tombstone;
pub use value::{FORMAT, ValueError};

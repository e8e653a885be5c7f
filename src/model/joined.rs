//! What a node that has joined a cluster says of it.

use std::fmt;

use super::ClusterUuid;

/// The cluster that a node has joined, in the node's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinedCluster {
    /// Its UUID.
    Uuid(ClusterUuid),
    /// Its name, on lines that report no UUID.
    Name(String),
}

impl From<&ClusterUuid> for JoinedCluster {
    fn from(uuid: &ClusterUuid) -> Self {
        Self::Uuid(uuid.clone())
    }
}

impl JoinedCluster {
    /// The UUID, where there is one.
    pub fn uuid(&self) -> Option<&ClusterUuid> {
        match self {
            Self::Uuid(uuid) => Some(uuid),
            Self::Name(_) => None,
        }
    }
}

impl fmt::Display for JoinedCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(uuid) => write!(f, "cluster UUID {uuid}"),
            Self::Name(name) => write!(f, "cluster `{name}`, which reports no UUID"),
        }
    }
}

//! The marker of a data directory: what it belongs to, in its own words.

use serde::{Deserialize, Serialize};

use super::{
    ClaimId, ClusterUuid, DiskId, JoinedCluster, ServiceName,
    value::{self, FORMAT, Unknown, ValueError},
};

/// The content of `<data>/.quorate.json`. Lives and moves with the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Marker {
    /// Format of this file.
    #[serde(default = "value::first_format")]
    pub format: u32,
    /// Random, drawn once per data directory, before the seed is put.
    pub disk: DiskId,
    /// The claim of the cluster; none until the first start.
    #[serde(default)]
    pub claim: Option<ClaimId>,
    /// The cluster's UUID; none until the node reported it.
    #[serde(default)]
    pub cluster_uuid: Option<ClusterUuid>,
    /// Whether the node has joined, on lines that report no UUID.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub joined: bool,
    /// The service it was made for.
    pub service: String,
    /// The cluster's name.
    pub cluster: String,
    /// The node's name.
    pub name: String,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Marker {
    /// The marker of a data directory that was never used.
    pub fn new(disk: DiskId, service: &ServiceName, cluster: &str, name: &str) -> Self {
        Self {
            format: FORMAT,
            disk,
            claim: None,
            cluster_uuid: None,
            joined: false,
            service: service.as_str().to_owned(),
            cluster: cluster.to_owned(),
            name: name.to_owned(),
            unknown: Unknown::default(),
        }
    }

    /// The cluster of which a node on this disk has said that it has joined it.
    pub fn joined_cluster(&self) -> Option<JoinedCluster> {
        let named = || self.joined.then(|| JoinedCluster::Name(self.cluster.clone()));
        self.cluster_uuid.as_ref().map(JoinedCluster::from).or_else(named)
    }

    /// Whether the disk surely has its cluster.
    pub fn has_cluster(&self) -> bool {
        self.cluster_uuid.is_some() || self.joined
    }

    /// Takes in what the node says; a UUID that is known already stays.
    pub fn learn(&mut self, cluster: &JoinedCluster) {
        match cluster {
            JoinedCluster::Uuid(uuid) => {
                self.cluster_uuid.get_or_insert_with(|| uuid.clone());
            }
            JoinedCluster::Name(_) => self.joined = true,
        }
    }

    /// Reads a marker file.
    pub fn parse(bytes: &[u8]) -> Result<Self, ValueError> {
        value::from_json("marker", bytes)
    }

    /// The file's content.
    pub fn to_value(&self) -> Vec<u8> {
        value::to_json(self)
    }

    /// Fails when a newer version wrote this marker.
    pub fn writable(&self) -> Result<(), ValueError> {
        value::writable("marker", self.format)
    }
}

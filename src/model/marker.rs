//! The marker of a data directory: what it belongs to, in its own words.

use serde::{Deserialize, Serialize};

use super::{
    ClaimId, ClusterUuid, DiskId, ServiceName,
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
            service: service.as_str().to_owned(),
            cluster: cluster.to_owned(),
            name: name.to_owned(),
            unknown: Unknown::default(),
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

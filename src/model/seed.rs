//! The value of a seed key: a node that others may try to reach, healthy or not.

use serde::{Deserialize, Serialize};

use super::{
    ClaimId, ClusterUuid, DiskId, Incarnation,
    value::{self, FORMAT, Unknown, ValueError},
};

/// Whether a node was ever started on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiskUse {
    /// Never.
    Empty,
    /// A node was started on it, so it may hold a cluster's state.
    Used,
}

/// About to start or running.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seed {
    /// Format of this value.
    #[serde(default = "value::first_format")]
    pub format: u32,
    /// Where other nodes reach it.
    pub transport_port: u16,
    /// Where it will answer HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_port: Option<u16>,
    /// The node's name.
    pub name: String,
    /// Whether it may be elected, and so belongs into seed lists.
    pub master_eligible: bool,
    /// The launcher's run.
    pub incarnation: Incarnation,
    /// The data directory.
    pub disk: DiskId,
    /// Whether a node was ever started on it.
    pub data: DiskUse,
    /// The claim in the disk's marker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimId>,
    /// The UUID in the disk's marker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_uuid: Option<ClusterUuid>,
    /// Whether the disk's marker says that its node has joined, on lines that report no UUID.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub joined: bool,
    /// Checks of the host that failed before the start and were skipped by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped_checks: Vec<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Seed {
    /// Whether the disk surely has its cluster.
    pub fn has_cluster(&self) -> bool {
        self.cluster_uuid.is_some() || self.joined
    }

    /// A seed on a disk that was never used.
    pub fn new(
        transport_port: u16,
        name: String,
        master_eligible: bool,
        incarnation: Incarnation,
        disk: DiskId,
    ) -> Self {
        Self {
            format: FORMAT,
            transport_port,
            http_port: None,
            name,
            master_eligible,
            incarnation,
            disk,
            data: DiskUse::Empty,
            claim: None,
            cluster_uuid: None,
            joined: false,
            skipped_checks: Vec::new(),
            unknown: Unknown::default(),
        }
    }

    /// Reads the value of a seed key.
    pub fn parse(bytes: &[u8]) -> Result<Self, ValueError> {
        value::from_json("seed", bytes)
    }

    /// The value to store.
    pub fn to_value(&self) -> Vec<u8> {
        value::to_json(self)
    }
}

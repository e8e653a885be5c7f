//! The cluster record: who bootstrapped the cluster, on which disk, and what its UUID is.

use serde::{Deserialize, Serialize};

use super::{
    ClaimId, ClusterUuid, DiskId, JoinedCluster, NodeId,
    value::{self, FORMAT, Unknown, ValueError},
};

/// How far the formation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordState {
    /// Somebody holds the right to bootstrap, nothing was started. Lives with the claimant's lease.
    Claimed,
    /// The claimant may have started. Permanent.
    Armed,
    /// A node reported the cluster. Permanent.
    Formed,
}

impl RecordState {
    /// Its word in the value and in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Armed => "armed",
            Self::Formed => "formed",
        }
    }
}

/// One of the masters that the claim names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedMaster {
    /// Its id.
    pub id: NodeId,
    /// Its node name, as the bootstrap setting wants it.
    pub name: String,
    /// Its data directory.
    pub disk: DiskId,
}

/// The permanent key that says who bootstrapped the cluster and what its UUID is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// Format of this value.
    #[serde(default = "value::first_format")]
    pub format: u32,
    /// How far the formation has come.
    pub state: RecordState,
    /// Random id of the claim.
    pub claim: ClaimId,
    /// The node that holds or held the claim; none for an adopted cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimant: Option<NodeId>,
    /// The claimant's data directory; none for an adopted cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskId>,
    /// Exactly `bootstrap-expect` masters, the claimant among them; empty for an adopted cluster.
    #[serde(default)]
    pub masters: Vec<NamedMaster>,
    /// The cluster's name.
    pub cluster: String,
    /// The cluster's UUID once a node reported it; never there on lines that report none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_uuid: Option<ClusterUuid>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl ClusterRecord {
    /// The record of a fresh claim.
    pub fn claimed(claim: ClaimId, claimant: NodeId, disk: DiskId, masters: Vec<NamedMaster>, cluster: String) -> Self {
        Self {
            format: FORMAT,
            state: RecordState::Claimed,
            claim,
            claimant: Some(claimant),
            disk: Some(disk),
            masters,
            cluster,
            cluster_uuid: None,
            unknown: Unknown::default(),
        }
    }

    /// The record of a cluster that is there already: restored from a disk that knows its claim, or adopted.
    pub fn formed(claim: ClaimId, cluster: String, cluster_uuid: Option<ClusterUuid>) -> Self {
        Self {
            format: FORMAT,
            state: RecordState::Formed,
            claim,
            claimant: None,
            disk: None,
            masters: Vec::new(),
            cluster,
            cluster_uuid,
            unknown: Unknown::default(),
        }
    }

    /// The cluster of which a node has said that it has joined it.
    pub fn joined_cluster(&self) -> Option<JoinedCluster> {
        let formed = self.state == RecordState::Formed;
        let named = || formed.then(|| JoinedCluster::Name(self.cluster.clone()));
        self.cluster_uuid.as_ref().map(JoinedCluster::from).or_else(named)
    }

    /// Reads the value of the record key.
    pub fn parse(bytes: &[u8]) -> Result<Self, ValueError> {
        value::from_json("cluster record", bytes)
    }

    /// The value to store.
    pub fn to_value(&self) -> Vec<u8> {
        value::to_json(self)
    }

    /// Fails when a newer version wrote this record.
    pub fn writable(&self) -> Result<(), ValueError> {
        value::writable("cluster record", self.format)
    }
}

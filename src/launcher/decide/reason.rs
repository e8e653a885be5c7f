//! Why a launcher does not simply start, in sentences that name ids, claims and UUIDs and say what to do.

use std::{collections::BTreeMap, fmt};

use crate::model::{ClaimId, ClusterRecord, DiskId, JoinedCluster, Marker, NodeId, ServiceName};

/// One reason. Texts are part of what people see for hours: each says what is known, and what ends it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each text says it")]
pub enum Reason {
    #[error("etcd cannot be asked ({cause}), and this data directory has no cluster yet: none is founded without etcd")]
    RegistryAway { cause: String },
    #[error(
        "etcd answers, but takes no writes ({cause}), and this data directory has no cluster yet: it starts only when others can see \
         it: end that, e.g. free space and `etcdctl alarm disarm`, or let the user write"
    )]
    RegistryReadOnly { cause: String },
    #[error(
        "the cluster record {key} cannot be used: {why}; nothing is founded while it is there: repair it, or update quorate"
    )]
    RecordUnusable { key: String, why: String },

    #[error(
        "the data directory holds files of a node but no marker, so nobody knows of which cluster: start the node by hand and run \
         `quorate cluster adopt`, or empty the directory"
    )]
    Unmarked,
    #[error(
        "the data directory (disk {disk}) holds files of a node, but its marker knows no claim: start the node by hand and run \
         `quorate cluster adopt`, or empty the directory"
    )]
    DataWithoutClaim { disk: DiskId },
    #[error(
        "the data directory (disk {disk}, {belongs}) was emptied while its launcher waited, only the marker is left: start the launcher \
         again, the directory counts as a fresh one then"
    )]
    Emptied { disk: DiskId, belongs: Belongs },
    #[error("the data directory's marker cannot be changed: {why}")]
    MarkerUnusable { why: String },
    #[error(
        "the data directory belongs to service `{of}`, this launcher serves `{own}`: give `--service {of}` or another `--data`"
    )]
    OtherService { of: String, own: String },
    #[error(
        "the data directory belongs to {disk}, but the record says {record}: move the disk back to its cluster, or empty it to join \
         this one"
    )]
    OtherCluster { disk: Belongs, record: Belongs },
    #[error(
        "the recorded cluster is `{recorded}`, this launcher was told `{own}`, and nodes of two names never join each other: give \
         `--cluster {recorded}`, or another `--service`"
    )]
    OtherName { recorded: String, own: String },
    #[error("the data directory belongs to claim {claim}, which was reset: empty it to join what is founded next")]
    ClaimVoid { claim: ClaimId },
    #[error(
        "this host knew a cluster ({belongs}), but the record and this host's data are gone: start a node that has data, it brings \
         the record back; or, if the cluster is given up, {reset}"
    )]
    HostRemembers { belongs: Belongs, reset: Reset },
    #[error(
        "claim {claim} was made by this node under the name `{was}`, master-eligible; it is started as `{own}` now, which could never \
         found the cluster: start it as it was"
    )]
    ClaimantChanged { claim: ClaimId, was: String, own: String },

    #[error("no cluster is recorded, and this node is never elected: waiting for a master to found one")]
    NotEligible,
    #[error("the own seed is not published: {why}")]
    SeedNotPublished { why: String },
    #[error(
        "no cluster is recorded, but there are nodes that have data ({}): those that quorate started bring the record \
         back; for a cluster that was there before, run `quorate cluster adopt`",
        list(nodes)
    )]
    DataElsewhere { nodes: Vec<NodeId> },
    #[error(
        "no cluster is recorded, and of the nodes that were started ({}) none knows a cluster: if one has joined, it brings the record \
         back; else stop them and empty their disks",
        list(nodes)
    )]
    StartedElsewhere { nodes: Vec<NodeId> },
    #[error(
        "no cluster is recorded, and nobody can tell what these nodes hold: {} cannot be read: repair the keys, or delete those whose \
         nodes are gone",
        list(keys)
    )]
    NodesUnreadable { keys: Vec<String> },
    #[error("masters {} of {expect} ({}): start the others, or lower `--bootstrap-expect` on every host", present.len(), list(present))]
    SeedsMissing { expect: usize, present: Vec<NodeId> },
    #[error(
        "several masters have the same name ({}), which cancels a bootstrap: give each its own `--name`",
        names(shared)
    )]
    SharedNames { shared: BTreeMap<String, Vec<NodeId>> },

    #[error("claim {claim} is held by {}; it becomes a cluster, or ends with its lease", known(claimant.as_ref()))]
    ClaimedByOther { claim: ClaimId, claimant: Option<NodeId> },
    #[error(
        "claim {claim} is held by {} while this disk belongs to claim {own}: waiting until it ends with its lease",
        known(claimant.as_ref())
    )]
    ClaimedBesideData {
        claim: ClaimId,
        claimant: Option<NodeId>,
        own: ClaimId,
    },
    #[error("claim {claim} has no lease, so it never ends by itself: if nothing was started, {reset}")]
    ClaimWithoutLease { claim: ClaimId, reset: Reset },
    #[error("claim {claim} of this node is not pursued by this run")]
    StaleClaim { claim: ClaimId },
    #[error("a master that claim {claim} names is gone or changed, or a node with data has come")]
    NamedChanged { claim: ClaimId },

    #[error(
        "the disk of claim {claim} is gone: the claim names disk {}, here is disk {own}, and only the former may found the cluster: \
         bring it back; or, as nothing was stored yet, stop all nodes and {reset}",
        known(recorded.as_ref())
    )]
    ClaimantDiskGone {
        claim: ClaimId,
        recorded: Option<DiskId>,
        own: DiskId,
        reset: Reset,
    },
    #[error(
        "the disk of claim {claim} ({disk}) is here, but {} made the claim: move it back there; or, as nothing was stored yet, stop \
         all nodes and {reset}",
        known(claimant.as_ref())
    )]
    ClaimDiskElsewhere {
        claim: ClaimId,
        claimant: Option<NodeId>,
        disk: DiskId,
        reset: Reset,
    },
    #[error(
        "the cluster is recorded ({belongs}), but no node with data is there: start the hosts that have data; if all data is lost, \
         stop all nodes and {reset}"
    )]
    NobodyHasData { belongs: Belongs, reset: Reset },

    #[error(
        "no cluster is recorded, and this disk of claim {claim} does not know whether it has one: a node that has it brings the record \
         back; if none has, stop all nodes, empty their disks and {reset}"
    )]
    RecordGone { claim: ClaimId, reset: Reset },
    #[error(
        "claim {claim} is founding the cluster with {}: this disk may start once it is formed",
        list(named)
    )]
    NotNamed { claim: ClaimId, named: Vec<NodeId> },
    #[error(
        "claim {claim} names this node with disk {recorded}, here is disk {own}: waiting until the others have formed the cluster; if \
         they are too few, bring the disk back, or stop all nodes and {reset}"
    )]
    NamedDiskGone {
        claim: ClaimId,
        recorded: DiskId,
        own: DiskId,
        reset: Reset,
    },
    #[error(
        "started masters without the cluster's UUID: {}; one more could found a second cluster with them \
         (minimum_master_nodes {minimum_master_nodes}): waiting until they have joined",
        list(others)
    )]
    ZenFull {
        others: Vec<NodeId>,
        minimum_master_nodes: usize,
    },
    #[error(
        "this disk was used, but does not know whether it has the cluster, and started masters without its UUID ({}) could found a \
         second one with it (minimum_master_nodes {minimum_master_nodes}): waiting until they have joined; if they cannot, stop them \
         until this node has joined",
        list(others)
    )]
    ZenBlocked {
        others: Vec<NodeId>,
        minimum_master_nodes: usize,
    },
    #[error(
        "the cluster ({belongs}) has one master, and this disk ({own}) is not its: give this node roles without `master`; if that \
         master's disk is lost, stop all nodes and {reset}"
    )]
    SingleMaster {
        belongs: Belongs,
        own: DiskId,
        reset: Reset,
    },
}

/// What a disk or a record belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belongs {
    /// The claim.
    pub claim: Option<ClaimId>,
    /// The cluster, once a node has joined it.
    pub cluster: Option<JoinedCluster>,
}

impl Belongs {
    /// What a marker says.
    pub fn of_marker(marker: &Marker) -> Self {
        Self {
            claim: marker.claim.clone(),
            cluster: marker.joined_cluster(),
        }
    }

    /// What a record says.
    pub fn of_record(record: &ClusterRecord) -> Self {
        Self {
            claim: Some(record.claim.clone()),
            cluster: record.joined_cluster(),
        }
    }
}

impl fmt::Display for Belongs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.claim {
            Some(claim) => write!(f, "claim {claim}, ")?,
            None => f.write_str("no claim, ")?,
        }
        match &self.cluster {
            Some(cluster) => cluster.fmt(f),
            None => f.write_str("cluster UUID not known"),
        }
    }
}

/// How a person takes back a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// The service.
    pub service: ServiceName,
    /// The claim, where no record names it.
    pub claim: Option<ClaimId>,
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run `quorate cluster reset --service {}", self.service)?;
        match &self.claim {
            Some(claim) => write!(f, " --claim {claim}`"),
            None => f.write_str("`"),
        }
    }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn names(shared: &BTreeMap<String, Vec<NodeId>>) -> String {
    let each = shared.iter().map(|(name, nodes)| format!("`{name}`: {}", list(nodes)));
    each.collect::<Vec<_>>().join("; ")
}

fn known<T: fmt::Display>(item: Option<&T>) -> String {
    item.map_or_else(|| "unknown".to_owned(), ToString::to_string)
}

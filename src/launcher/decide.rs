//! What a launcher may do now: start, claim, release, wait, refuse. The decision table of `docs/design/formation.md` as one pure,
//! total function.
//!
//! Invariant: the bootstrap setting is handed out only to the claimant of an armed record, on the disk that the record names, while
//! neither that disk's marker nor the record knows a UUID. Whoever cannot show that disk never gets it, whatever else is true.

mod coordinated;
mod reason;
mod unrecorded;
mod zen;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use reason::{Belongs, Reason, Reset};

use super::host_cache::HostCache;
use crate::{
    model::{ClaimId, ClusterRecord, DiskUse, Marker, NamedMaster, NodeId, RecordState, Seed, ServiceName},
    registry::Keys,
    view::{ClusterView, Stored},
};

/// Who decides; does not change during a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The node's id.
    pub id: NodeId,
    /// Its name, as the bootstrap setting would list it.
    pub name: String,
    /// The service.
    pub service: ServiceName,
    /// The name of the search cluster.
    pub cluster: String,
    /// Whether the node takes part in elections.
    pub master_eligible: bool,
    /// Whether it does so without ever being elected: it never claims, a cluster of it alone would have no master.
    pub votes_only: bool,
    /// When a cluster may be founded.
    pub rule: Rule,
    /// Checks of the host that failed and were skipped: for others to see, no part of any decision.
    pub skipped_checks: Vec<String>,
}

impl Candidate {
    /// Whether the node may found a cluster.
    fn may_found(&self) -> bool {
        self.master_eligible && !self.votes_only
    }
}

/// When a cluster may be founded: [`Rule::coordinated`] or [`Rule::zen`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    expect: usize,
    line: Line,
}

impl Rule {
    /// For lines with a bootstrap setting; one master is enough unless more are asked for.
    pub fn coordinated(bootstrap_expect: Option<usize>) -> Self {
        Self {
            expect: bootstrap_expect.unwrap_or(1),
            line: Line::Coordinated,
        }
    }

    /// Masters that must be there before the cluster is formed, all named.
    pub fn expect(&self) -> usize {
        self.expect
    }

    /// How the line comes to its first master.
    pub fn line(&self) -> Line {
        self.line
    }
}

/// How nodes of a line come to a first master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Elasticsearch 7 and later, OpenSearch: a node founds a cluster only with the bootstrap setting.
    Coordinated,
    /// Before: every start of an empty master-eligible node may found one, so the start itself is guarded.
    Zen {
        /// The quorum set on every node at every start.
        minimum_master_nodes: usize,
    },
}

/// The data directory.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Disk {
    /// It has a marker.
    Marked {
        /// What it says.
        marker: Marker,
        /// Whether files of a node are there.
        files: bool,
    },
    /// Files of a node are there, and nobody knows whose.
    Unmarked,
}

/// Everything a decision rests on.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Who decides.
    pub candidate: &'a Candidate,
    /// The data directory.
    pub disk: &'a Disk,
    /// The service's keys.
    pub keys: &'a Keys,
    /// Record, seeds and members from one linearizable read, or why etcd does not answer.
    pub view: Result<&'a ClusterView, &'a str>,
    /// What this host remembers beside the data directory.
    pub memory: &'a HostCache,
    /// The claim that this run made and still pursues.
    pub claim: Option<&'a ClaimId>,
}

/// What to do.
#[must_use]
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Start the node.
    Start(Start),
    /// Ask for the right to bootstrap, naming exactly these masters.
    Claim {
        /// The claimant first.
        masters: Vec<NamedMaster>,
    },
    /// Delete a claim of this id that nobody pursues, then read again.
    Release(Reason),
    /// Wait; passes by itself.
    Wait(Reason),
    /// Wait; a person has to act, or to bring something back.
    Operator(Reason),
    /// End with exit code 78.
    Refuse(Reason),
}

/// A start that is allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// The masters of the bootstrap setting, by name; none: without the setting.
    pub with_setting: Option<Vec<String>>,
    /// The claim that the marker must hold before the node starts.
    pub claim: ClaimId,
    /// What has to be committed before.
    pub by: StartBy,
    /// What a person should know although the start is right.
    pub warning: Option<Reason>,
}

/// The transaction that comes before a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartBy {
    /// Makes the own claim permanent.
    Arm,
    /// Says that the disk is used from now on, as long as the record is the one that was read.
    Announce,
    /// The same, and nobody else has written a seed since the read.
    AnnounceAlone,
    /// None: the disk has its cluster and etcd, or its record, cannot be used.
    Offline,
}

/// The decision.
pub fn decide(situation: &Situation<'_>) -> Decision {
    let marker = match usable_marker(&situation.candidate.service, situation.disk) {
        Ok(marker) => marker,
        Err(reason) => return Decision::Refuse(*reason),
    };
    let view = match situation.view {
        Ok(view) => view,
        Err(cause) => {
            let cause = cause.to_owned();
            return without_record(marker, Decision::Wait(Reason::RegistryAway { cause }));
        }
    };
    let s = Seen {
        candidate: situation.candidate,
        keys: situation.keys,
        view,
        memory: situation.memory,
        marker,
    };
    if let Some(why) = view.record_unreadable(s.keys) {
        return s.record_unusable(why.to_owned());
    }
    match &view.record {
        None => unrecorded::decide(&s),
        Some(record) => s.with_record(record, situation.claim),
    }
}

/// What is known when etcd has answered and the marker can be used.
#[derive(Clone, Copy)]
struct Seen<'a> {
    candidate: &'a Candidate,
    keys: &'a Keys,
    view: &'a ClusterView,
    memory: &'a HostCache,
    marker: &'a Marker,
}

impl<'a> Seen<'a> {
    /// Whether a node was ever started on the disk, under which claim.
    fn used(&self) -> Option<&'a ClaimId> {
        self.marker.claim.as_ref()
    }

    fn with_record(&self, stored: &Stored<ClusterRecord>, claim: Option<&ClaimId>) -> Decision {
        let record = &stored.value;
        if let Err(error) = record.writable() {
            return match self.used() {
                Some(_) if !self.belongs(record) => self.other_cluster(record),
                _ => self.record_unusable(error.to_string()),
            };
        }
        match record.state {
            RecordState::Claimed => self.claimed(stored, claim),
            RecordState::Armed | RecordState::Formed => match self.used() {
                Some(_) if !self.belongs(record) => self.other_cluster(record),
                _ => match self.candidate.rule.line {
                    Line::Coordinated => coordinated::start(self, record),
                    Line::Zen { minimum_master_nodes } => zen::start(self, record, minimum_master_nodes),
                },
            },
        }
    }

    fn claimed(&self, stored: &Stored<ClusterRecord>, own: Option<&ClaimId>) -> Decision {
        let record = &stored.value;
        if record.claimant.as_ref() == Some(&self.candidate.id) {
            return self.claimed_by_me(record, own);
        }
        let (claim, claimant) = (record.claim.clone(), record.claimant.clone());
        if stored.lease.is_none() {
            let reset = self.reset();
            return Decision::Operator(Reason::ClaimWithoutLease { claim, reset });
        }
        Decision::Wait(match self.used() {
            Some(own) => Reason::ClaimedBesideData {
                claim,
                claimant,
                own: own.clone(),
            },
            None => Reason::ClaimedByOther { claim, claimant },
        })
    }

    /// Pursued only by the run that made it, on the disk it names, while everything it rests on is still there.
    fn claimed_by_me(&self, record: &ClusterRecord, own: Option<&ClaimId>) -> Decision {
        let claim = record.claim.clone();
        let pursued = own == Some(&claim) && record.disk.as_ref() == Some(&self.marker.disk) && self.used().is_none();
        if !pursued {
            return Decision::Release(Reason::StaleClaim { claim });
        }
        if !self.named_still_empty(record) {
            return Decision::Release(Reason::NamedChanged { claim });
        }
        Decision::Start(Start {
            with_setting: match self.candidate.rule.line {
                Line::Coordinated => Some(names(record)),
                Line::Zen { .. } => None,
            },
            claim,
            by: StartBy::Arm,
            warning: None,
        })
    }

    /// Every named master is published with the named disk, never used, and nobody else has data.
    fn named_still_empty(&self, record: &ClusterRecord) -> bool {
        let empty = self.empty_masters();
        let there = |master: &NamedMaster| empty.get(&master.id).is_some_and(|seed| seed.disk == master.disk);
        record.masters.iter().all(there) && self.data_elsewhere().is_empty()
    }

    fn record_unusable(&self, why: String) -> Decision {
        let key = self.keys.record();
        without_record(self.marker, Decision::Operator(Reason::RecordUnusable { key, why }))
    }

    /// The disk is of the record's cluster. The same UUID is proof enough: an adopted cluster has a fresh claim.
    fn belongs(&self, record: &ClusterRecord) -> bool {
        match (&self.marker.cluster_uuid, &record.cluster_uuid) {
            (Some(own), Some(recorded)) => own == recorded,
            (Some(_) | None, None) | (None, Some(_)) => self.marker.claim.as_ref() == Some(&record.claim),
        }
    }

    fn other_cluster(&self, record: &ClusterRecord) -> Decision {
        Decision::Refuse(Reason::OtherCluster {
            disk: Belongs::of_marker(self.marker),
            record: Belongs::of_record(record),
        })
    }

    /// Takes the recorded claim back.
    fn reset(&self) -> Reset {
        Reset {
            service: self.candidate.service.clone(),
            claim: None,
        }
    }

    /// Takes a claim back that no record names any more.
    fn reset_of(&self, claim: &ClaimId) -> Reset {
        Reset {
            claim: Some(claim.clone()),
            ..self.reset()
        }
    }

    /// Published masters whose disk no node was ever started on.
    fn empty_masters(&self) -> BTreeMap<&'a NodeId, &'a Seed> {
        let seeds = self.view.seeds.iter().map(|(id, seed)| (id, &seed.value));
        seeds
            .filter(|(_, seed)| seed.master_eligible && seed.data == DiskUse::Empty)
            .collect()
    }

    /// Whether one of the other nodes is known to have a cluster.
    fn cluster_elsewhere(&self) -> bool {
        let others = self.view.seeds.iter().filter(|(id, _)| **id != self.candidate.id);
        !self.view.members.is_empty() || others.into_iter().any(|(_, seed)| seed.value.cluster_uuid.is_some())
    }

    /// Nodes that may hold a cluster's state: seeds with a used disk, and members.
    fn data_elsewhere(&self) -> Vec<NodeId> {
        let used = self
            .view
            .seeds
            .iter()
            .filter(|(_, seed)| seed.value.data == DiskUse::Used);
        let mut nodes: Vec<NodeId> = used
            .map(|(id, _)| id)
            .chain(self.view.members.keys())
            .cloned()
            .collect();
        nodes.sort();
        nodes.dedup();
        nodes
    }
}

/// A marker that this version may rewrite and that says whose data it is; else why the start is refused, whatever etcd shows.
pub fn usable_marker<'a>(service: &ServiceName, disk: &'a Disk) -> Result<&'a Marker, Box<Reason>> {
    let (marker, files) = match disk {
        Disk::Marked { marker, files } => (marker, *files),
        Disk::Unmarked => return Err(Box::new(Reason::Unmarked)),
    };
    if let Err(error) = marker.writable() {
        return Err(Box::new(Reason::MarkerUnusable { why: error.to_string() }));
    }
    if files && marker.claim.is_none() {
        return Err(Box::new(Reason::DataWithoutClaim {
            disk: marker.disk.clone(),
        }));
    }
    let service = service.as_str();
    if marker.claim.is_some() && marker.service != service {
        return Err(Box::new(Reason::OtherService {
            of: marker.service.clone(),
            own: service.to_owned(),
        }));
    }
    Ok(marker)
}

/// Nothing is known of the record: a disk that has its cluster rejoins it, every other one does as told.
fn without_record(marker: &Marker, otherwise: Decision) -> Decision {
    match (&marker.claim, &marker.cluster_uuid) {
        (Some(claim), Some(_)) => Decision::Start(Start {
            with_setting: None,
            claim: claim.clone(),
            by: StartBy::Offline,
            warning: None,
        }),
        (Some(_), None) | (None, _) => otherwise,
    }
}

fn names(record: &ClusterRecord) -> Vec<String> {
    record.masters.iter().map(|master| master.name.clone()).collect()
}

//! What a decision sees once etcd has answered and the marker can be used, and what several rows of the table ask about it.

use std::collections::BTreeMap;

use super::{
    Belongs, Candidate, Decision, Line, Reason, Reset, Start, StartBy, coordinated, names, without_record, zen,
};
use crate::{
    launcher::host_cache::HostCache,
    model::{ClaimId, ClusterRecord, DiskUse, Marker, NamedMaster, NodeId, RecordState, Seed},
    registry::Keys,
    view::{ClusterView, Stored},
};

/// What is known when etcd has answered and the marker can be used.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) candidate: &'a Candidate,
    pub(super) keys: &'a Keys,
    pub(super) view: &'a ClusterView,
    pub(super) memory: &'a HostCache,
    pub(super) marker: &'a Marker,
}

impl<'a> Seen<'a> {
    /// Whether a node was ever started on the disk, under which claim.
    pub(super) fn used(&self) -> Option<&'a ClaimId> {
        self.marker.claim.as_ref()
    }

    pub(super) fn with_record(&self, stored: &Stored<ClusterRecord>, claim: Option<&ClaimId>) -> Decision {
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
                _ if self.named_otherwise(record) => Decision::Refuse(Reason::OtherName {
                    recorded: record.cluster.clone(),
                    own: self.candidate.cluster.clone(),
                }),
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

    pub(super) fn record_unusable(&self, why: String) -> Decision {
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

    /// Nodes of two cluster names never join each other. A record that knows no name forbids none.
    fn named_otherwise(&self, record: &ClusterRecord) -> bool {
        !record.cluster.is_empty() && record.cluster != self.candidate.cluster
    }

    fn other_cluster(&self, record: &ClusterRecord) -> Decision {
        Decision::Refuse(Reason::OtherCluster {
            disk: Belongs::of_marker(self.marker),
            record: Belongs::of_record(record),
        })
    }

    /// Takes the recorded claim back.
    pub(super) fn reset(&self) -> Reset {
        Reset {
            service: self.candidate.service.clone(),
            claim: None,
        }
    }

    /// Takes a claim back that no record names any more.
    pub(super) fn reset_of(&self, claim: &ClaimId) -> Reset {
        Reset {
            claim: Some(claim.clone()),
            ..self.reset()
        }
    }

    /// Published masters whose disk no node was ever started on.
    pub(super) fn empty_masters(&self) -> BTreeMap<&'a NodeId, &'a Seed> {
        let seeds = self.view.seeds.iter().map(|(id, seed)| (id, &seed.value));
        seeds
            .filter(|(_, seed)| seed.master_eligible && seed.data == DiskUse::Empty)
            .collect()
    }

    /// Whether one of the other nodes is known to have a cluster.
    pub(super) fn cluster_elsewhere(&self) -> bool {
        let others = self.view.seeds.iter().filter(|(id, _)| **id != self.candidate.id);
        !self.view.members.is_empty() || others.into_iter().any(|(_, seed)| seed.value.has_cluster())
    }

    /// Nodes that may hold a cluster's state: seeds with a used disk, and members.
    pub(super) fn data_elsewhere(&self) -> Vec<NodeId> {
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

    /// Keys of nodes whose values cannot be read: nobody knows what those nodes hold.
    pub(super) fn unreadable_nodes(&self) -> Vec<String> {
        let keys = self.view.unreadable.keys();
        keys.filter(|key| self.keys.holds_id(key)).cloned().collect()
    }
}

//! What `quorate status` says: the cluster as the registry shows it, node by node, and what the nodes themselves answered.
//!
//! Pure: from a [`ClusterView`], the time and the answers to rows, JSON or a table. The JSON is the stable form
//! (`docs/usage/status.md`): fields are added, never renamed; the table is for people.

mod lists;
mod masters;
mod render;
#[cfg(test)]
mod tests;
mod verify;

use std::collections::{BTreeMap, BTreeSet};

pub use lists::KeptList;
pub use masters::Masters;
pub use render::{age, table};
use serde::Serialize;
pub use verify::{Answers, Verdict, verify};

use crate::{
    model::{ClusterRecord, ClusterUuid, Member, NodeId, RecordState, Seed, ServiceName, brief},
    view::{ClusterView, Stored},
};

/// The format of the JSON.
const FORMAT: u32 = 1;

/// Everything that is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The format of this JSON.
    pub format: u32,
    /// The service.
    pub service: String,
    /// The revision of etcd at which this was true.
    pub revision: i64,
    /// Whether etcd could vouch for it.
    pub registry: Currency,
    /// The cluster record; none while nobody has claimed the right to form the cluster.
    pub record: Option<Record>,
    /// Why the cluster record that is there cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_error: Option<String>,
    /// Every node with a seed key or a member key.
    pub nodes: Vec<Node>,
    /// How many masters there are, and how many are needed.
    pub masters: Masters,
    /// What a person should look at, one sentence each.
    pub warnings: Vec<String>,
    /// The seed lists that launchers of this host keep, or kept.
    pub seed_lists: Vec<KeptList>,
    /// What the nodes themselves said; none when they were not asked.
    pub verified: Option<Verdict>,
}

/// Whether etcd could vouch for what it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Currency {
    /// Read with a quorum.
    Current,
    /// What one member of etcd knew without one; it may be old.
    Stale,
}

/// The cluster record, without what only the formation needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// How far the formation has come.
    pub state: RecordState,
    /// The claim.
    pub claim: String,
    /// Who holds or held it; none for a cluster that was adopted or restored.
    pub claimant: Option<NodeId>,
    /// The masters that the claim names.
    pub masters: Vec<NodeId>,
    /// The cluster's name.
    pub cluster: String,
    /// The cluster's UUID once known.
    pub cluster_uuid: Option<ClusterUuid>,
}

/// How a node stands in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeState {
    /// Its member key is there.
    Ready,
    /// Only its seed key is there: about to start, or not healthy now.
    Seed,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// Its name.
    pub name: Option<String>,
    /// How it stands.
    pub state: NodeState,
    /// Whether its seed key is there.
    pub seed: bool,
    /// Whether its member key was written by something other than a sidecar.
    pub by_hand: bool,
    /// What it is.
    pub product: Option<String>,
    /// The product's version.
    pub version: Option<String>,
    /// Its roles, as it reports them.
    pub roles: Option<Vec<String>>,
    /// Whether it may be elected.
    pub master_eligible: bool,
    /// Where it answers HTTP.
    pub http: Option<String>,
    /// Where other nodes reach it.
    pub transport: String,
    /// The cluster's UUID, as its keys say it.
    pub cluster_uuid: Option<ClusterUuid>,
    /// When it became ready, RFC 3339.
    pub since: Option<String>,
    /// What it answered; none when it was not asked.
    pub answer: Option<Answer>,
}

/// What a node answered when it was asked itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Why there is none; the other fields are empty then.
    pub error: Option<String>,
    /// The cluster's UUID in its words; none on lines that report none, and before it joined.
    pub cluster_uuid: Option<ClusterUuid>,
    /// The name of the master it follows, or the master's node id where that node was not asked.
    pub master: Option<String>,
    /// Whether it is the master.
    pub is_master: bool,
}

impl Status {
    /// What `view` shows.
    pub fn of(service: &ServiceName, view: &ClusterView, currency: Currency) -> Self {
        let ids: BTreeSet<&NodeId> = view.seeds.keys().chain(view.members.keys()).collect();
        let nodes = ids
            .into_iter()
            .map(|id| node(id, view.seeds.get(id), view.members.get(id)));
        let nodes: Vec<Node> = nodes.collect();
        Self {
            format: FORMAT,
            service: service.to_string(),
            revision: view.revision,
            registry: currency,
            record: view.record.as_ref().map(|stored| record(&stored.value)),
            record_error: None,
            masters: Masters::of(&nodes),
            warnings: warnings(view, currency, &nodes),
            nodes,
            seed_lists: Vec::new(),
            verified: None,
        }
    }

    /// Adds what the nodes themselves said.
    #[must_use]
    pub fn with(mut self, answers: &Answers) -> Self {
        let names: BTreeMap<&str, &str> = answers
            .values()
            .flatten()
            .map(|report| (report.identity.node_id.as_str(), report.identity.name.as_str()))
            .collect();
        for node in &mut self.nodes {
            node.answer = answers.get(&node.id).map(|answer| match answer {
                Ok(report) => Answer {
                    error: None,
                    cluster_uuid: report.uuid.known().cloned(),
                    master: report
                        .master
                        .as_deref()
                        .map(|id| (*names.get(id).unwrap_or(&id)).to_owned()),
                    is_master: report.is_master(),
                },
                Err(failure) => Answer {
                    error: Some(failure.to_string()),
                    cluster_uuid: None,
                    master: None,
                    is_master: false,
                },
            });
        }
        self.verified = Some(verify(self.record.as_ref(), answers));
        self
    }

    /// Whether the nodes were asked and something is wrong.
    pub fn is_split(&self) -> bool {
        self.verified
            .as_ref()
            .is_some_and(|verdict| !verdict.problems.is_empty())
    }
}

fn record(record: &ClusterRecord) -> Record {
    Record {
        state: record.state,
        claim: record.claim.to_string(),
        claimant: record.claimant.clone(),
        masters: record.masters.iter().map(|master| master.id.clone()).collect(),
        cluster: record.cluster.clone(),
        cluster_uuid: record.cluster_uuid.clone(),
    }
}

fn node(id: &NodeId, seed: Option<&Stored<Seed>>, member: Option<&Stored<Member>>) -> Node {
    let (seed, member) = (seed.map(|stored| &stored.value), member.map(|stored| &stored.value));
    let http_port = member.map(|m| m.http_port).or_else(|| seed.and_then(|s| s.http_port));
    let transport_port = seed
        .map(|s| s.transport_port)
        .or_else(|| member.map(|m| m.transport_port));
    // A seed knows its roles before it runs; where both keys speak, the seed's word counts.
    let eligible = seed
        .map(|s| s.master_eligible)
        .or_else(|| member.map(Member::master_eligible));
    Node {
        id: id.clone(),
        name: member
            .and_then(|m| m.name.clone())
            .or_else(|| seed.map(|s| s.name.clone())),
        state: if member.is_some() {
            NodeState::Ready
        } else {
            NodeState::Seed
        },
        seed: seed.is_some(),
        by_hand: member.is_some_and(|m| m.incarnation.is_none()),
        product: member.and_then(|m| m.product.clone()),
        version: member.and_then(|m| m.version.clone()),
        roles: member.and_then(|m| m.roles.clone()),
        master_eligible: eligible.unwrap_or(true),
        http: http_port.map(|port| id.host_port(port)),
        transport: id.host_port(transport_port.unwrap_or_else(|| id.transport_port())),
        cluster_uuid: member
            .and_then(|m| m.cluster_uuid.clone())
            .or_else(|| seed.and_then(|s| s.cluster_uuid.clone())),
        since: member.and_then(|m| m.since.clone()),
        answer: None,
    }
}

fn warnings(view: &ClusterView, currency: Currency, nodes: &[Node]) -> Vec<String> {
    let mut warnings = Vec::new();
    if currency == Currency::Stale {
        warnings.push("etcd has no quorum: this is what one of its members last knew, and may be old".to_owned());
    }
    let unreadable = view.unreadable.iter();
    warnings.extend(unreadable.map(|(key, why)| format!("the key {} is left out: {why}", brief(key))));
    let recorded = view
        .record
        .as_ref()
        .and_then(|stored| stored.value.cluster_uuid.as_ref());
    for (id, seed) in &view.seeds {
        let skipped = &seed.value.skipped_checks;
        if !skipped.is_empty() {
            warnings.push(format!(
                "{id} was started although checks of its host failed: {}",
                skipped.join(", ")
            ));
        }
    }
    for (id, member) in &view.members {
        if let (Some(recorded), Some(own)) = (recorded, &member.value.cluster_uuid)
            && recorded != own
        {
            warnings.push(format!(
                "{id} is registered with cluster UUID {own}, the record says {recorded}"
            ));
        }
    }
    warnings.extend(masters::warning(nodes));
    warnings
}

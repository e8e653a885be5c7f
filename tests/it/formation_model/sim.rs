//! Hosts with disks, launchers, nodes and sidecars over a store in memory. The launchers are the real machine, the real decision and
//! the real transactions; registration, engines, people and faults are modelled. Everything that happens is one [`Action`].

#![expect(clippy::indexing_slicing, reason = "a schedule names only hosts that are there")]

mod action;
mod etcd;
mod launcher;
mod people;
mod sidecar;
mod verdict;
mod world;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use action::{Action, Sabotage, Weather};
use quorate::{
    launcher::{
        decide::{Candidate, Reason, Rule},
        formation::{Effect, Machine},
        host_cache::HostCache,
    },
    model::{ClaimId, ClusterUuid, DiskId, JoinedCluster, Marker, Seed, ServiceName},
    registry::{Keys, LeaseId, Revision, Txn},
    view::ClusterView,
};

use super::store::Store;

#[derive(Debug)]
pub(crate) struct Sim {
    keys: Keys,
    service: ServiceName,
    store: Store,
    /// The store as a launcher reads it.
    view: ClusterView,
    weather: Weather,
    hosts: Vec<Host>,
    flights: Vec<Txn>,
    drawn: usize,
    sabotage: Sabotage,
    /// Whether the nodes say the UUID of their cluster.
    says_uuid: bool,
    /// Every UUID that a node ever founded.
    founded: Vec<Founded>,
    /// Every disk on which a node was ever started with the setting, by claim.
    pub(crate) bootstrapped: BTreeMap<ClaimId, BTreeSet<DiskId>>,
    /// Something that never may be.
    pub(crate) broken: Option<String>,
}

/// A cluster.
#[derive(Debug)]
struct Founded {
    uuid: ClusterUuid,
    claim: ClaimId,
    /// A person has reset it.
    given_up: bool,
}

#[derive(Debug)]
struct Host {
    candidate: Candidate,
    marker: Option<Marker>,
    /// Whether a node has left files on the disk.
    files: bool,
    /// What the engine has on the disk.
    cluster: Option<ClusterUuid>,
    memory: HostCache,
    launcher: Option<Launcher>,
    node: Option<Node>,
    /// The lease of the member key.
    member: Option<LeaseId>,
    /// Ended with 78: not started again.
    refused: Option<String>,
    /// Leases of former runs.
    old_leases: Vec<LeaseId>,
}

impl Host {
    fn effect(&self) -> Option<&Effect> {
        match &self.launcher.as_ref()?.phase {
            Phase::Forming { effect, .. } => Some(effect),
            Phase::Beside { .. } => None,
        }
    }

    /// Its node is in a cluster.
    fn joined(&self) -> bool {
        self.node.is_some() && self.cluster.is_some()
    }

    fn is_free(&self) -> bool {
        self.node.is_none() && self.launcher.is_none()
    }
}

#[derive(Debug)]
struct Launcher {
    /// None: the seed is not published.
    lease: Option<LeaseId>,
    seed: Seed,
    seed_revision: Revision,
    /// Commits in a row without an answer.
    unanswered: u32,
    phase: Phase,
}

/// What could be read when a launcher looked last.
type Tide = (Weather, Revision);

#[derive(Debug)]
enum Phase {
    Forming {
        machine: Box<Machine>,
        effect: Effect,
        /// None: the read failed by accident.
        seen: Option<Tide>,
    },
    /// Its node runs.
    Beside {
        pending: Option<Txn>,
        settled: Option<Tide>,
        /// Why the node's cluster cannot be recorded.
        impossible: Option<String>,
    },
}

impl Phase {
    fn beside() -> Self {
        Self::Beside {
            pending: None,
            settled: None,
            impossible: None,
        }
    }
}

#[derive(Debug)]
struct Node {
    setting: Option<Vec<String>>,
    claim: ClaimId,
    warning: Option<Reason>,
}

enum Way {
    Answered,
    Lost,
    Late,
}

impl Sim {
    /// The first `masters` of the nodes are master-eligible.
    pub(crate) fn new(nodes: usize, masters: usize, rule: Rule, says_uuid: bool, sabotage: Sabotage) -> Self {
        let service: ServiceName = "es".parse().expect("name");
        let host = |index: usize| Host {
            candidate: Candidate {
                id: format!("10.0.0.{}", index + 1).parse().expect("id"),
                name: format!("n{}", index + 1),
                service: service.clone(),
                cluster: "logs".to_owned(),
                master_eligible: index < masters,
                votes_only: false,
                rule,
                skipped_checks: Vec::new(),
            },
            marker: None,
            files: false,
            cluster: None,
            memory: HostCache::default(),
            launcher: None,
            node: None,
            member: None,
            refused: None,
            old_leases: Vec::new(),
        };
        let store = Store::new();
        Self {
            keys: Keys::new("/services", "/quorate", &service),
            hosts: (0..nodes).map(host).collect(),
            service,
            view: ClusterView {
                revision: store.revision(),
                ..ClusterView::default()
            },
            store,
            weather: Weather::Fine,
            flights: Vec::new(),
            drawn: 0,
            sabotage,
            says_uuid,
            founded: Vec::new(),
            bootstrapped: BTreeMap::new(),
            broken: None,
        }
    }

    /// Faults are over: what was on the way is lost, dead runs' leases end, and everybody acts in turn until nothing changes.
    /// Whether that came to an end.
    pub(crate) fn settle(&mut self, weather: Weather) -> bool {
        self.flights.clear();
        self.weather = weather;
        for index in 0..self.hosts.len() {
            self.end_old_leases(index);
        }
        for _ in 0..300 {
            let mut changed = false;
            for index in 0..self.hosts.len() {
                changed |= self.start(index);
                changed |= self.step(index, &Way::Answered);
                changed |= self.discover(index, usize::MAX);
                changed |= self.probe(index);
            }
            if !changed {
                return true;
            }
        }
        false
    }

    /// What a node that is in a cluster says of it.
    fn said(&self, index: usize) -> Option<JoinedCluster> {
        let host = &self.hosts[index];
        let uuid = host.cluster.clone()?;
        let name = || JoinedCluster::Name(host.candidate.cluster.clone());
        Some(if self.says_uuid {
            JoinedCluster::Uuid(uuid)
        } else {
            name()
        })
    }

    fn draw(&mut self, kind: &str) -> String {
        self.drawn += 1;
        format!("{kind}{}", self.drawn)
    }

    fn tide(&self) -> Tide {
        (self.weather, self.store.revision())
    }

    fn break_down(&mut self, what: String) {
        self.broken.get_or_insert(what);
    }
}

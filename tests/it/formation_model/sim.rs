//! Hosts with disks, launchers and nodes over a store in memory. The launchers are the real machine, the real decision and the real
//! transactions; registration, engines and faults are modelled. Everything that happens is one [`Action`].

#![expect(clippy::indexing_slicing, reason = "a schedule names only hosts that are there")]

mod launcher;
mod world;

use std::collections::BTreeSet;

use quorate::{
    launcher::{
        decide::{Candidate, Reason, Rule},
        formation::{Effect, Machine},
        host_cache::HostCache,
    },
    model::{ClaimId, ClusterUuid, DiskId, Marker, RecordState, Seed, ServiceName},
    registry::{Compare, Keys, LeaseId, Op, Range, Revision, Txn},
    view::ClusterView,
};

use super::store::Store;

/// One thing that happens. What does not apply is skipped, so that every list of actions is a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The service manager starts a launcher.
    Start(usize),
    /// A launcher does what it wants to do next, and gets its answer.
    Step(usize),
    /// It does it, but the answer is lost; a read fails.
    Lose(usize),
    /// Its transaction is on the way and takes effect later, or never; the launcher gets no answer.
    Delay(usize),
    /// A transaction on the way arrives.
    Land(usize),
    /// A node discovers the running nodes of this set and goes on.
    Discover(usize, usize),
    /// A launcher dies, its node lives.
    KillLauncher(usize),
    /// A node dies, its launcher leaves.
    KillNode(usize),
    /// Both die at once.
    KillHost(usize),
    /// The leases of a host end, though their owner may live.
    Lapse(usize),
    /// A data directory is emptied.
    Wipe(usize),
    /// Node and launcher die with their disk; the host comes back with an empty one.
    LoseDisk(usize),
    /// A host loses everything it knows.
    Reinstall(usize),
    /// Two hosts exchange their disks.
    Swap(usize, usize),
    /// Somebody deletes the record.
    DeleteRecord,
}

/// What is taken away from the protocol, to see that the model notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    Nothing,
    /// Claim and arm no longer compare seeds and members.
    NoQuiet,
    /// An announcement no longer compares the seeds.
    NoCount,
    /// A wiped disk gets the id it had.
    SameDisk,
}

#[derive(Debug)]
pub(crate) struct Sim {
    keys: Keys,
    service: ServiceName,
    store: Store,
    pub(crate) hosts: Vec<Host>,
    flights: Vec<Txn>,
    drawn: usize,
    sabotage: Sabotage,
    /// Every UUID that a node ever founded.
    pub(crate) founded: Vec<ClusterUuid>,
    /// Every disk on which a node was ever started with the setting.
    pub(crate) bootstrapped: BTreeSet<DiskId>,
    /// A commit that should have been refused.
    pub(crate) broken: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Host {
    candidate: Candidate,
    marker: Option<Marker>,
    /// What the engine has on the disk.
    pub(crate) cluster: Option<ClusterUuid>,
    memory: HostCache,
    pub(crate) launcher: Option<Launcher>,
    pub(crate) node: Option<Node>,
    /// Ended with 78: not started again.
    pub(crate) refused: Option<String>,
    /// Leases of former runs.
    old_leases: Vec<LeaseId>,
}

impl Host {
    /// Whether it shows a reason that no waiting ends.
    fn asks_for_a_person(&self) -> bool {
        let warned = self.node.as_ref().is_some_and(|node| node.warning.is_some());
        warned || self.refused.is_some() || matches!(self.effect(), Some(Effect::WaitForOperator(_)))
    }

    fn effect(&self) -> Option<&Effect> {
        match &self.launcher.as_ref()?.phase {
            Phase::Forming { effect, .. } => Some(effect),
            Phase::Beside { .. } => None,
        }
    }

    fn state(&self) -> String {
        match (self.effect(), &self.node, &self.refused) {
            (Some(Effect::Wait(reason) | Effect::WaitForOperator(reason)), ..) => reason.to_string(),
            (None, None, Some(reason)) => reason.clone(),
            (Some(other), _, _) => format!("{other:?}"),
            (None, Some(node), _) => format!("runs, {:?}, cluster {:?}", node.setting, self.cluster),
            (None, None, None) => "nothing".to_owned(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Launcher {
    lease: LeaseId,
    seed: Seed,
    seed_revision: Revision,
    pub(crate) phase: Phase,
}

#[derive(Debug)]
pub(crate) enum Phase {
    Forming {
        machine: Box<Machine>,
        effect: Effect,
        seen: Revision,
    },
    /// Its node runs.
    Beside { pending: Option<Txn>, settled: Revision },
}

#[derive(Debug)]
pub(crate) struct Node {
    setting: Option<Vec<String>>,
    claim: ClaimId,
    pub(crate) warning: Option<Reason>,
}

enum Way {
    Answered,
    Lost,
    Late,
}

impl Sim {
    /// The first `masters` of the nodes are master-eligible.
    pub(crate) fn new(nodes: usize, masters: usize, rule: Rule, sabotage: Sabotage) -> Self {
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
            cluster: None,
            memory: HostCache::default(),
            launcher: None,
            node: None,
            refused: None,
            old_leases: Vec::new(),
        };
        Self {
            keys: Keys::new("/services", "/quorate", &service),
            hosts: (0..nodes).map(host).collect(),
            service,
            store: Store::new(),
            flights: Vec::new(),
            drawn: 0,
            sabotage,
            founded: Vec::new(),
            bootstrapped: BTreeSet::new(),
            broken: None,
        }
    }

    /// Does it; whether it applied.
    pub(crate) fn act(&mut self, action: Action) -> bool {
        let known = |host: usize| host < self.hosts.len();
        match action {
            Action::Start(host) => known(host) && self.start(host),
            Action::Step(host) => known(host) && self.step(host, &Way::Answered),
            Action::Lose(host) => known(host) && self.step(host, &Way::Lost),
            Action::Delay(host) => known(host) && self.step(host, &Way::Late),
            Action::Land(flight) => self.land(flight),
            Action::Discover(host, mask) => known(host) && self.discover(host, mask),
            Action::KillLauncher(host) => known(host) && self.kill_launcher(host),
            Action::KillNode(host) => known(host) && self.kill_node(host),
            Action::KillHost(host) => known(host) && self.kill_host(host),
            Action::Lapse(host) => known(host) && self.lapse(host),
            Action::Wipe(host) => known(host) && self.wipe(host),
            Action::LoseDisk(host) => known(host) && (self.kill_host(host) | self.wipe(host)),
            Action::Reinstall(host) => known(host) && self.reinstall(host),
            Action::Swap(a, b) => known(a) && known(b) && self.swap(a, b),
            Action::DeleteRecord => {
                let key = self.keys.record();
                let then = vec![Op::Delete { key: key.clone() }];
                let when = vec![Compare::Absent(Range::Key(key.clone()))];
                let there = self.store.commit(&Txn { when, then: Vec::new() }) == Ok(None);
                there && self.store.commit(&Txn { when: Vec::new(), then }).is_ok()
            }
        }
    }

    pub(crate) fn view(&self) -> ClusterView {
        ClusterView::of(&self.keys, &self.store.read(&self.keys.all()))
    }

    /// What is wrong with the end, when everybody had time: nothing, or a state that no reason explains.
    pub(crate) fn unexplained(&self) -> Option<String> {
        let record = self.view().record.map(|stored| stored.value);
        if record
            .as_ref()
            .is_some_and(|record| record.state == RecordState::Claimed)
        {
            return Some("a claim is left over".to_owned());
        }
        // The engines refuse by design when all who had the cluster lost their disks.
        let lost = !self.founded.is_empty() && self.hosts.iter().all(|host| host.cluster.is_none());
        let joined = |host: &Host| host.node.is_some() && host.cluster.is_some();
        if lost || self.hosts.iter().any(Host::asks_for_a_person) || self.hosts.iter().all(joined) {
            return None;
        }
        let state: Vec<String> = self
            .hosts
            .iter()
            .map(|host| format!("{}: {}", host.candidate.id, host.state()))
            .collect();
        Some(state.join("\n"))
    }

    fn draw(&mut self, kind: &str) -> String {
        self.drawn += 1;
        format!("{kind}{}", self.drawn)
    }
}

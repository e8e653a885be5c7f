//! Hosts with disks, launchers and nodes over a store in memory. The launchers are the real machine, the real decision and the real
//! transactions; registration, engines and faults are modelled. Everything that happens is one [`Action`].

#![expect(clippy::indexing_slicing, reason = "a schedule names only hosts that are there")]

mod world;

use std::collections::BTreeSet;

use quorate::{
    launcher::{
        decide::{Candidate, Disk, Reason, Rule},
        formation::{Effect, End, Event, Facts, Machine},
        host_cache::HostCache,
        protocol::{self, Recording},
    },
    model::{ClaimId, ClusterUuid, DiskId, DiskUse, Marker, RecordState, Seed, ServiceName},
    registry::{Compare, Keys, LeaseId, Op, Range, Revision, Txn},
    view::ClusterView,
};

use super::store::{DeadLease, Store};

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
    /// A host loses everything it knows.
    Reinstall(usize),
    /// Two hosts exchange their disks.
    Swap(usize, usize),
    /// Somebody deletes the record.
    DeleteRecord,
}

impl Action {
    pub(crate) fn is_fault(self) -> bool {
        match self {
            Self::Start(_) | Self::Step(_) | Self::Land(_) | Self::Discover(..) => false,
            Self::Lose(_)
            | Self::Delay(_)
            | Self::KillLauncher(_)
            | Self::KillNode(_)
            | Self::KillHost(_)
            | Self::Lapse(_)
            | Self::Wipe(_)
            | Self::Reinstall(_)
            | Self::Swap(..)
            | Self::DeleteRecord => true,
        }
    }
}

/// What is taken away from the protocol, to see that the model notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    Nothing,
    /// Claim and arm no longer compare seeds and members.
    NoQuiet,
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
    pub(crate) refused: Option<Reason>,
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
            (Some(Effect::Wait(reason) | Effect::WaitForOperator(reason)), ..) | (None, None, Some(reason)) => {
                reason.to_string()
            }
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
    pub(crate) fn new(nodes: usize, rule: Rule, sabotage: Sabotage) -> Self {
        let service: ServiceName = "es".parse().expect("name");
        let host = |index: usize| Host {
            candidate: Candidate {
                id: format!("10.0.0.{}", index + 1).parse().expect("id"),
                name: format!("n{}", index + 1),
                service: service.clone(),
                cluster: "logs".to_owned(),
                master_eligible: true,
                rule,
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
        let lost = record.is_some_and(|record| record.state == RecordState::Formed)
            && self.hosts.iter().all(|host| host.cluster.is_none());
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

    fn start(&mut self, index: usize) -> bool {
        let host = &self.hosts[index];
        if host.launcher.is_some() || host.refused.is_some() {
            return false;
        }
        if host.marker.is_none() {
            let disk = match self.sabotage {
                Sabotage::SameDisk => format!("disk-of-{index}"),
                Sabotage::Nothing | Sabotage::NoQuiet => self.draw("d"),
            };
            let disk = disk.parse().expect("disk");
            let candidate = &self.hosts[index].candidate;
            let marker = Marker::new(disk, &self.service, &candidate.cluster, &candidate.name);
            self.hosts[index].marker = Some(marker);
        }
        let incarnation = self.draw("i").parse().expect("incarnation");
        let host = &mut self.hosts[index];
        let marker = host.marker.as_ref().expect("a marker");
        let mut seed = Seed::new(
            9300,
            host.candidate.name.clone(),
            true,
            incarnation,
            marker.disk.clone(),
        );
        if let Some(claim) = &marker.claim {
            seed.data = DiskUse::Used;
            seed.claim = Some(claim.clone());
            seed.cluster_uuid.clone_from(&marker.cluster_uuid);
        }
        let machine = Machine::new(host.candidate.clone(), self.keys.clone(), marker.disk.clone());
        host.launcher = Some(Launcher {
            lease: LeaseId(0),
            seed,
            seed_revision: -1,
            phase: Phase::Forming {
                machine: Box::new(machine),
                effect: Effect::Read,
                seen: 0,
            },
        });
        self.register(index);
        // The former run's leases are revoked before the first decision.
        for lease in std::mem::take(&mut self.hosts[index].old_leases) {
            self.store.end(lease);
        }
        self.look_for_leftover(index);
        true
    }

    /// What the registration does by itself: the seed is there, as wanted, under a living lease.
    fn register(&mut self, index: usize) {
        let key = self.keys.seed(&self.hosts[index].candidate.id);
        let stored = self.store.get(&key).map(|entry| entry.mod_revision);
        let host = &mut self.hosts[index];
        let Some(launcher) = &mut host.launcher else {
            return;
        };
        if !self.store.is_alive(launcher.lease) {
            launcher.lease = self.store.grant();
        } else if stored == Some(launcher.seed_revision) {
            return;
        }
        let put = Op::Put {
            key,
            value: launcher.seed.to_value(),
            lease: Some(launcher.lease),
        };
        let txn = Txn {
            when: Vec::new(),
            then: vec![put],
        };
        launcher.seed_revision = self.store.commit(&txn).expect("a living lease").expect("no conditions");
    }

    /// A node that outlived its launcher: adopted, stopped, or refused.
    fn look_for_leftover(&mut self, index: usize) {
        let record = self.view().record.map(|stored| stored.value);
        let host = &mut self.hosts[index];
        let Some(node) = &host.node else {
            return;
        };
        let known = record.as_ref().and_then(|record| record.cluster_uuid.as_ref());
        let adopt = match (&host.cluster, &record) {
            (Some(uuid), _) if known.is_some_and(|known| known != uuid) => {
                host.refused = Some(Reason::Unmarked);
                return self.leave(index);
            }
            (Some(_), None) => true,
            (Some(uuid), Some(_)) if known == Some(uuid) => true,
            (_, Some(record)) => record.claim == node.claim,
            (None, None) => node.setting.is_none(),
        };
        if !adopt {
            host.node = None;
        } else if let Some(launcher) = &mut host.launcher {
            launcher.phase = Phase::Beside {
                pending: None,
                settled: 0,
            };
        }
    }

    /// The launcher ends in good order: its lease goes, and with it seed and claim.
    fn leave(&mut self, index: usize) {
        if let Some(launcher) = self.hosts[index].launcher.take() {
            self.store.end(launcher.lease);
        }
    }

    fn step(&mut self, index: usize, way: &Way) -> bool {
        let Some(launcher) = &mut self.hosts[index].launcher else {
            return false;
        };
        match &mut launcher.phase {
            Phase::Beside { .. } => self.record(index, way),
            Phase::Forming { machine, effect, seen } => {
                if matches!(effect, Effect::Wait(_) | Effect::WaitForOperator(_)) {
                    if *seen == self.store.revision() && self.store.is_alive(launcher.lease) {
                        return false;
                    }
                    *effect = machine.step(Event::Changed);
                    return true;
                }
                let effect = std::mem::replace(effect, Effect::Read);
                self.perform(index, effect, way);
                true
            }
        }
    }

    fn perform(&mut self, index: usize, effect: Effect, way: &Way) {
        let event = match effect {
            Effect::Read => {
                self.register(index);
                self.facts(index, way).map(|facts| Event::Seen(Box::new(facts)))
            }
            Effect::Commit(txn, used) => Some(self.commit_with_seed(index, txn, used, way)),
            Effect::Release(txn, _) => Some(self.send(txn, way).0),
            Effect::Mark(claim) => self.mark(index, &claim).map(|disk| Event::Marked(Box::new(disk))),
            Effect::Wait(_) | Effect::WaitForOperator(_) => Some(Event::Changed),
            Effect::End(End::Start(order)) => {
                let host = &mut self.hosts[index];
                if order.with_setting.is_some() {
                    let marker = host.marker.as_ref();
                    self.bootstrapped.extend(marker.map(|marker| marker.disk.clone()));
                }
                host.node = Some(Node {
                    setting: order.with_setting,
                    claim: order.claim,
                    warning: order.warning,
                });
                if let Some(launcher) = &mut host.launcher {
                    launcher.phase = Phase::Beside {
                        pending: None,
                        settled: 0,
                    };
                }
                return;
            }
            Effect::End(End::Refuse(reason)) => {
                self.hosts[index].refused = Some(reason);
                None
            }
            Effect::End(End::DiskChanged { .. }) => None,
        };
        let Some(event) = event else {
            return self.leave(index);
        };
        if let Some(Launcher {
            phase: Phase::Forming { machine, effect, .. },
            ..
        }) = &mut self.hosts[index].launcher
        {
            *effect = machine.step(event);
        }
    }

    /// None: the marker is gone, and the launcher ends.
    fn facts(&mut self, index: usize, way: &Way) -> Option<Facts> {
        let view = match way {
            Way::Answered => Ok(self.view()),
            Way::Lost | Way::Late => Err("no answer".to_owned()),
        };
        let fresh = self.draw("c").parse().expect("claim");
        // After a failed read the launcher tries again by itself.
        let revision = view.as_ref().map_or(-1, |view| view.revision);
        let host = &mut self.hosts[index];
        if let Ok(view) = &view {
            host.memory.learn(view, &view.seed_hosts(Some(&host.candidate.id)));
        }
        let launcher = host.launcher.as_mut()?;
        if let Phase::Forming { seen, .. } = &mut launcher.phase {
            *seen = revision;
        }
        Some(Facts {
            view,
            disk: Disk::Marked {
                marker: host.marker.clone()?,
                files: host.cluster.is_some(),
            },
            lease: Ok(launcher.lease),
            memory: host.memory.clone(),
            fresh,
        })
    }

    fn mark(&mut self, index: usize, claim: &ClaimId) -> Option<Disk> {
        let host = &mut self.hosts[index];
        let marker = host.marker.as_mut()?;
        let launcher = host.launcher.as_ref()?;
        if marker.disk == launcher.seed.disk {
            marker.claim = Some(claim.clone());
        }
        Some(Disk::Marked {
            marker: marker.clone(),
            files: host.cluster.is_some(),
        })
    }

    fn commit_with_seed(&mut self, index: usize, mut txn: Txn, used: Option<ClaimId>, way: &Way) -> Event {
        let host = &self.hosts[index];
        let launcher = host.launcher.as_ref().expect("a launcher");
        let mut seed = launcher.seed.clone();
        if let Some(claim) = used {
            seed.data = DiskUse::Used;
            seed.claim = Some(claim);
        }
        if self.sabotage == Sabotage::NoQuiet {
            let record = self.keys.record();
            txn.when
                .retain(|condition| matches!(condition, Compare::ModRevision(key, _) if *key == record));
        }
        let key = self.keys.seed(&host.candidate.id);
        txn.when.push(Compare::ModRevision(key.clone(), launcher.seed_revision));
        txn.then.push(Op::Put {
            key,
            value: seed.to_value(),
            lease: Some(launcher.lease),
        });
        let (event, revision) = self.send(txn, way);
        if let (Some(launcher), Some(revision)) = (&mut self.hosts[index].launcher, revision) {
            launcher.seed = seed;
            launcher.seed_revision = revision;
        }
        event
    }

    /// What the sender learns; the revision, if it learns that.
    fn send(&mut self, txn: Txn, way: &Way) -> (Event, Option<Revision>) {
        match way {
            Way::Late => self.flights.push(txn),
            Way::Lost => {
                let _ = self.commit(&txn);
            }
            Way::Answered => {
                return match self.commit(&txn) {
                    Ok(Some(revision)) => (Event::Committed, Some(revision)),
                    Ok(None) => (Event::Refused, None),
                    Err(_) => (Event::Unanswered, None),
                };
            }
        }
        (Event::Unanswered, None)
    }

    /// Commits, and looks whether a claim or an armed record stands on firm ground: the named disks are published and empty (but
    /// for the claimant's own once it is armed), and nobody else has data.
    fn commit(&mut self, txn: &Txn) -> Result<Option<Revision>, DeadLease> {
        let before = self.view();
        let committed = self.store.commit(txn)?;
        let after = self.view();
        let Some(record) = after
            .record
            .as_ref()
            .filter(|stored| Some(stored.mod_revision) == committed)
        else {
            return Ok(committed);
        };
        let record = &record.value;
        let seeds = || before.seeds.values().map(|stored| &stored.value);
        let named = |disk: &DiskId| seeds().any(|seed| seed.disk == *disk && seed.data == DiskUse::Empty);
        let firm = record.masters.iter().all(|master| named(&master.disk))
            && seeds().all(|seed| seed.data == DiskUse::Empty)
            && before.members.is_empty();
        if record.state != RecordState::Formed && !firm {
            self.broken = Some(format!("{:?} without ground: {before:?}", record.state));
        }
        Ok(committed)
    }

    fn land(&mut self, flight: usize) -> bool {
        if flight >= self.flights.len() {
            return false;
        }
        let txn = self.flights.remove(flight);
        let _ = self.commit(&txn);
        true
    }

    /// What the launcher does beside its node: the UUID goes into marker, seed and record.
    fn record(&mut self, index: usize, way: &Way) -> bool {
        if self.hosts[index].node.is_none() {
            self.leave(index);
            return true;
        }
        let view = self.view();
        let host = &mut self.hosts[index];
        let (Some(launcher), Some(marker)) = (&mut host.launcher, &mut host.marker) else {
            return false;
        };
        let Some(uuid) = host.cluster.clone() else {
            let lapsed = !self.store.is_alive(launcher.lease);
            self.register(index);
            return lapsed;
        };
        if marker.cluster_uuid.is_none() {
            marker.cluster_uuid = Some(uuid);
            return true;
        }
        if launcher.seed.cluster_uuid.is_none() || !self.store.is_alive(launcher.lease) {
            launcher.seed.data = DiskUse::Used;
            launcher.seed.claim.clone_from(&marker.claim);
            launcher.seed.cluster_uuid = Some(uuid);
            launcher.seed_revision = -1;
            self.register(index);
            return true;
        }
        let Phase::Beside { pending, settled } = &mut launcher.phase else {
            return false;
        };
        if let Some(txn) = pending.take() {
            self.send(txn, way);
            return true;
        }
        if *settled == view.revision {
            return false;
        }
        match protocol::recording(&self.keys, &view, marker, &uuid) {
            Recording::Commit(txn) => *pending = Some(txn),
            Recording::Done | Recording::Impossible(_) => *settled = view.revision,
        }
        true
    }
}

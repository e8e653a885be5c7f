//! One launcher: registration, a leftover, the formation step by step, and recording beside its node.

use quorate::{
    launcher::{
        decide::Disk,
        formation::{Effect, End, Event, Facts, Machine},
        leftover::{self, Fate, Label, Recorded},
        protocol::{self, Recording},
    },
    model::{ClaimId, DiskId, DiskUse, Marker, RecordState, Seed},
    registry::{Compare, LeaseId, Op, Revision, Txn},
    view::ClusterView,
};

use super::{Launcher, Node, Phase, Sabotage, Sim, Way};
use crate::formation_model::store::DeadLease;

impl Sim {
    pub(super) fn start(&mut self, index: usize) -> bool {
        let host = &self.hosts[index];
        if host.launcher.is_some() || host.refused.is_some() {
            return false;
        }
        if host.marker.is_none() {
            let disk = match self.sabotage {
                Sabotage::SameDisk => format!("disk-of-{index}"),
                Sabotage::Nothing | Sabotage::NoQuiet | Sabotage::NoCount => self.draw("d"),
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
            host.candidate.master_eligible,
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
        let label = Label {
            claim: Some(node.claim.clone()),
            with_setting: node.setting.is_some(),
        };
        let recorded = record.as_ref().map_or(Recorded::None, Recorded::Some);
        match leftover::judge(&label, host.cluster.as_ref(), recorded) {
            Fate::Adopt => {
                if let Some(launcher) = &mut host.launcher {
                    launcher.phase = Phase::Beside {
                        pending: None,
                        settled: 0,
                    };
                }
            }
            Fate::Stop(_) => host.node = None,
            Fate::Refuse(why) => {
                host.refused = Some(why);
                self.leave(index);
            }
        }
    }

    /// The launcher ends in good order: its lease goes, and with it seed and claim.
    pub(super) fn leave(&mut self, index: usize) {
        if let Some(launcher) = self.hosts[index].launcher.take() {
            self.store.end(launcher.lease);
        }
    }

    pub(super) fn step(&mut self, index: usize, way: &Way) -> bool {
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
                self.hosts[index].refused = Some(reason.to_string());
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
        let announces = txn.then.is_empty();
        if self.sabotage
            == (if announces {
                Sabotage::NoCount
            } else {
                Sabotage::NoQuiet
            })
        {
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
        let record = self.keys.record();
        let claims = |op: &Op| matches!(op, Op::Put { key, .. } if *key == record);
        if !txn.then.iter().any(claims) {
            return self.store.commit(txn);
        }
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

    pub(super) fn land(&mut self, flight: usize) -> bool {
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
        if *settled == self.store.revision() {
            return false;
        }
        let view = ClusterView::of(&self.keys, &self.store.read(&self.keys.all()));
        match protocol::recording(&self.keys, &view, marker, &uuid) {
            Recording::Commit(txn) => *pending = Some(txn),
            Recording::Done | Recording::Impossible(_) => *settled = view.revision,
        }
        true
    }
}

//! One launcher: registration, a leftover, and the formation step by step.

use quorate::{
    launcher::{
        decide::{Disk, Unpublished, is_emptied},
        formation::{Effect, End, Event, Facts, Machine, StartOrder},
        host_cache::HostCache,
        leftover::{self, Fate, Label, Recorded},
    },
    model::{ClaimId, ClusterRecord, DiskUse, Marker, Seed},
    registry::{Compare, Op, Txn},
};

use super::{Launcher, Node, Phase, Sabotage, Sim, Way, Weather};

/// The shell's patience.
const NO_WRITES: u32 = 3;

impl Sim {
    pub(super) fn start(&mut self, index: usize) -> bool {
        let host = &self.hosts[index];
        if host.launcher.is_some() || host.refused.is_some() {
            return false;
        }
        self.open_disk(index);
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
            seed.joined = marker.joined;
        }
        let machine = Machine::new(host.candidate.clone(), self.keys.clone(), marker.disk.clone());
        host.launcher = Some(Launcher {
            lease: None,
            seed,
            seed_revision: -1,
            unanswered: 0,
            phase: Phase::Forming {
                machine: Box::new(machine),
                effect: Effect::Read,
                seen: None,
            },
        });
        self.register(index);
        // The former run's leases are revoked before the first decision.
        self.end_old_leases(index);
        self.look_for_leftover(index);
        true
    }

    /// A directory that was never used, or was emptied, gets a fresh marker.
    fn open_disk(&mut self, index: usize) {
        let host = &mut self.hosts[index];
        let emptied = host
            .marker
            .as_ref()
            .is_some_and(|marker| is_emptied(marker, host.files));
        if emptied && self.sabotage == Sabotage::EmptiedIsUsed {
            host.files = true;
        } else if let Some(marker) = host.marker.take_if(|_| emptied) {
            Self::remember(&mut host.memory, &marker);
        }
        if host.marker.is_some() {
            return;
        }
        let disk = match self.sabotage {
            Sabotage::SameDisk => format!("disk-of-{index}"),
            Sabotage::Nothing
            | Sabotage::NoQuiet
            | Sabotage::NoCount
            | Sabotage::NoUsed
            | Sabotage::NoTombstone
            | Sabotage::RestoreUnjoined
            | Sabotage::NoLabel
            | Sabotage::NoMemory
            | Sabotage::NoRestore
            | Sabotage::EmptiedIsUsed => self.draw("d"),
        };
        let disk = disk.parse().expect("disk");
        let candidate = &self.hosts[index].candidate;
        let marker = Marker::new(disk, &self.service, &candidate.cluster, &candidate.name);
        self.hosts[index].marker = Some(marker);
    }

    /// What the registration does by itself: the seed is there, as wanted, under a living lease. Whether that took a write.
    pub(super) fn register(&mut self, index: usize) -> bool {
        let key = self.keys.seed(&self.hosts[index].candidate.id);
        let stored = self.store.get(&key).map(|entry| entry.mod_revision);
        let Some(launcher) = &self.hosts[index].launcher else {
            return false;
        };
        let alive = self.is_alive(launcher.lease);
        if self.weather != Weather::Fine || (alive && stored == Some(launcher.seed_revision)) {
            return false;
        }
        let (held, value) = (launcher.lease, launcher.seed.to_value());
        let lease = if alive { held } else { self.grant() };
        let put = Op::Put { key, value, lease };
        let txn = Txn {
            when: Vec::new(),
            then: vec![put],
        };
        let revision = self.commit(&txn).expect("a living lease").expect("no conditions");
        if let Some(launcher) = &mut self.hosts[index].launcher {
            launcher.lease = lease;
            launcher.seed_revision = revision;
        }
        true
    }

    /// A node that outlived its launcher: adopted, stopped, or refused.
    fn look_for_leftover(&mut self, index: usize) {
        let record = self.view.record.as_ref().map(|stored| &stored.value);
        let recorded = match self.weather {
            Weather::Away => Recorded::Unknown,
            Weather::Fine | Weather::ReadOnly => record.map_or(Recorded::None, Recorded::Some),
        };
        let said = self.said(index);
        let host = &mut self.hosts[index];
        let Some(node) = &host.node else {
            return;
        };
        let label = Label {
            claim: Some(node.claim.clone()),
            with_setting: node.setting.is_some(),
        };
        let fate = if self.sabotage == Sabotage::NoLabel {
            Fate::Adopt
        } else {
            leftover::judge(&label, said, recorded)
        };
        match fate {
            Fate::Adopt => {
                if let Some(launcher) = &mut host.launcher {
                    launcher.phase = Phase::beside();
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
        let Some(lease) = self.hosts[index].launcher.take().and_then(|launcher| launcher.lease) else {
            return;
        };
        if self.weather == Weather::Away {
            self.hosts[index].old_leases.push(lease);
        } else {
            self.end(lease);
        }
    }

    pub(super) fn step(&mut self, index: usize, way: &Way) -> bool {
        let tide = self.tide();
        let Some(launcher) = &self.hosts[index].launcher else {
            return false;
        };
        // An etcd that takes writes again is found by trying.
        let idle = self.is_alive(launcher.lease) && launcher.unanswered < NO_WRITES;
        let Phase::Forming { effect, seen, .. } = &launcher.phase else {
            return self.record(index, way);
        };
        if matches!(effect, Effect::Wait(_) | Effect::WaitForOperator(_)) {
            let nothing_new = *seen == Some(tide) && (idle || tide.0 != Weather::Fine);
            if !nothing_new {
                self.tell(index, Event::Changed);
            }
            return !nothing_new;
        }
        self.perform(index, way);
        true
    }

    fn tell(&mut self, index: usize, event: Event) {
        let Some(launcher) = &mut self.hosts[index].launcher else {
            return;
        };
        match event {
            Event::Unanswered => launcher.unanswered += 1,
            Event::Seen(_) | Event::Marked(_) => {}
            Event::Committed | Event::Refused | Event::Changed => launcher.unanswered = 0,
        }
        if let Phase::Forming { machine, effect, .. } = &mut launcher.phase {
            *effect = machine.step(event);
            if let Effect::End(End::Refuse(reason)) = effect {
                let reason = reason.clone();
                self.check_reason(index, &reason);
            }
        }
    }

    fn perform(&mut self, index: usize, way: &Way) {
        let Some(Launcher {
            phase: Phase::Forming { effect, .. },
            ..
        }) = &mut self.hosts[index].launcher
        else {
            return;
        };
        let effect = std::mem::replace(effect, Effect::Read);
        let event = match effect {
            Effect::Read => {
                self.register(index);
                self.facts(index, way).map(|facts| Event::Seen(Box::new(facts)))
            }
            Effect::Commit(txn, used) => Some(self.commit_with_seed(index, txn, used, way)),
            Effect::Release(txn, _) => Some(self.send(txn, way).0),
            Effect::Mark(claim) => self.mark(index, &claim).map(|disk| Event::Marked(Box::new(disk))),
            Effect::Wait(_) | Effect::WaitForOperator(_) => Some(Event::Changed),
            Effect::End(End::Start(order)) => return self.start_node(index, order),
            Effect::End(End::Refuse(reason)) => {
                self.hosts[index].refused = Some(reason.to_string());
                None
            }
            Effect::End(End::DiskChanged { .. }) => None,
        };
        match event {
            Some(event) => self.tell(index, event),
            None => self.leave(index),
        }
    }

    fn start_node(&mut self, index: usize, order: StartOrder) {
        let host = &mut self.hosts[index];
        host.files = true;
        if let (Some(_), Some(marker)) = (&order.with_setting, &host.marker) {
            let disks = self.bootstrapped.entry(order.claim.clone()).or_default();
            disks.insert(marker.disk.clone());
        }
        host.node = Some(Node {
            setting: order.with_setting,
            claim: order.claim,
            warning: order.warning,
        });
        if let Some(launcher) = &mut host.launcher {
            launcher.phase = Phase::beside();
        }
    }

    /// None: the marker is gone, and the launcher ends.
    fn facts(&mut self, index: usize, way: &Way) -> Option<Facts> {
        let lost = !matches!(way, Way::Answered);
        let view = if lost || self.weather == Weather::Away {
            Err("no answer".to_owned())
        } else {
            Ok(self.read())
        };
        let fresh = self.draw("c").parse().expect("claim");
        let (tide, forgets) = (self.tide(), self.sabotage == Sabotage::NoMemory);
        let host = &mut self.hosts[index];
        if let Ok(view) = &view {
            host.memory.learn(view, &view.seed_hosts(Some(&host.candidate.id)));
        }
        if forgets {
            host.memory = HostCache::default();
        }
        let launcher = host.launcher.as_mut()?;
        if let Phase::Forming { seen, .. } = &mut launcher.phase {
            // After a read that was lost the launcher tries again by itself.
            *seen = (!lost).then_some(tide);
        }
        let lease = launcher.lease.filter(|lease| self.store.is_alive(*lease));
        let read_only = || Unpublished::ReadOnly("no space".to_owned());
        let lease = lease.filter(|_| launcher.unanswered < NO_WRITES).ok_or_else(read_only);
        Some(Facts {
            view,
            disk: Disk::Marked {
                marker: host.marker.clone()?,
                files: host.files,
            },
            lease,
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
            files: host.files,
        })
    }

    fn commit_with_seed(&mut self, index: usize, txn: Txn, used: Option<ClaimId>, way: &Way) -> Event {
        let mut txn = self.sabotaged(txn);
        let host = &self.hosts[index];
        let launcher = host.launcher.as_ref().expect("a launcher");
        let mut seed = launcher.seed.clone();
        if let Some(claim) = used.filter(|_| self.sabotage != Sabotage::NoUsed) {
            seed.data = DiskUse::Used;
            seed.claim = Some(claim);
        }
        let key = self.keys.seed(&host.candidate.id);
        txn.when.push(Compare::ModRevision(key.clone(), launcher.seed_revision));
        txn.then.push(Op::Put {
            key,
            value: seed.to_value(),
            lease: launcher.lease,
        });
        let (event, revision) = self.send(txn, way);
        if let (Some(launcher), Some(revision)) = (&mut self.hosts[index].launcher, revision) {
            launcher.seed = seed;
            launcher.seed_revision = revision;
        }
        event
    }

    /// What the launcher writes down when it finds a directory emptied around its marker.
    pub(super) fn remember(memory: &mut HostCache, marker: &Marker) {
        if let (None, Some(claim)) = (&memory.record, &marker.claim) {
            let (cluster, uuid) = (marker.cluster.clone(), marker.cluster_uuid.clone());
            memory.record = Some(ClusterRecord::formed(claim.clone(), cluster, uuid));
        }
    }
}

//! Beside a running node: its cluster goes into marker, seed and record, and its member key is kept true.

use quorate::{
    launcher::{
        formation::Event,
        protocol::{self, Recording},
    },
    model::{ClusterRecord, DiskUse, Member},
    registry::{Compare, Op, Txn},
};

use super::{Phase, Sabotage, Sim, Way, Weather};

impl Sim {
    /// What the launcher does beside its node.
    pub(super) fn record(&mut self, index: usize, way: &Way) -> bool {
        if self.hosts[index].node.is_none() {
            self.leave(index);
            return true;
        }
        let said = self.said(index);
        let host = &mut self.hosts[index];
        let (Some(launcher), Some(marker)) = (&mut host.launcher, &mut host.marker) else {
            return false;
        };
        if self.weather != Weather::Away && self.sabotage != Sabotage::NoMemory {
            host.memory.learn(&self.view, &[]);
        }
        let Some(said) = said else {
            return self.register(index) | self.restore_unjoined(index);
        };
        if !marker.has_cluster() {
            marker.learn(&said);
            return true;
        }
        if !launcher.seed.has_cluster() || launcher.seed.data == DiskUse::Empty {
            launcher.seed.data = DiskUse::Used;
            launcher.seed.claim.clone_from(&marker.claim);
            launcher.seed.cluster_uuid.clone_from(&marker.cluster_uuid);
            launcher.seed.joined = marker.joined;
            launcher.seed_revision = -1;
            self.register(index);
            return true;
        }
        self.register(index) | self.commit_record(index, way)
    }

    fn commit_record(&mut self, index: usize, way: &Way) -> bool {
        let (tide, said) = (self.tide(), self.said(index));
        let host = &mut self.hosts[index];
        let (Some(launcher), Some(marker), Some(said)) = (&mut host.launcher, &host.marker, said) else {
            return false;
        };
        let Phase::Beside {
            pending,
            settled,
            impossible,
        } = &mut launcher.phase
        else {
            return false;
        };
        if let Some(txn) = pending.take() {
            return !matches!(self.send(txn, way).0, Event::Unanswered) || tide.0 == Weather::Fine;
        }
        if tide.0 != Weather::Fine || *settled == Some(tide) {
            return false;
        }
        let recording = protocol::recording(&self.keys, &self.view, marker, said);
        *settled = Some(tide);
        *impossible = None;
        match recording {
            Recording::Commit(txn) if self.sabotage == Sabotage::NoRestore && self.view.record.is_none() => drop(txn),
            Recording::Commit(mut txn) => {
                if self.sabotage == Sabotage::NoTombstone {
                    let record = self.keys.record();
                    txn.when
                        .retain(|when| matches!(when, Compare::ModRevision(key, _) if *key == record));
                }
                *settled = None;
                *pending = Some(txn);
            }
            Recording::Done => {}
            Recording::Impossible(why) => *impossible = Some(why),
        }
        true
    }

    fn restore_unjoined(&mut self, index: usize) -> bool {
        let node = self.hosts[index].node.as_ref();
        let (Sabotage::RestoreUnjoined, None, Some(node)) = (self.sabotage, &self.view.record, node) else {
            return false;
        };
        let record = ClusterRecord::formed(node.claim.clone(), "logs".to_owned(), None);
        let put = Op::Put {
            key: self.keys.record(),
            value: record.to_value(),
            lease: None,
        };
        let txn = Txn {
            when: Vec::new(),
            then: vec![put],
        };
        self.commit(&txn).is_ok()
    }

    /// The member key is there exactly while the node is in a cluster.
    pub(super) fn probe(&mut self, index: usize) -> bool {
        let there = self.is_alive(self.hosts[index].member);
        if self.weather != Weather::Fine || there == self.hosts[index].joined() {
            return false;
        }
        if let (true, Some(lease)) = (there, self.hosts[index].member) {
            self.end(lease);
            return true;
        }
        let lease = self.grant();
        self.hosts[index].member = lease;
        let put = Op::Put {
            key: self.keys.member(&self.hosts[index].candidate.id),
            value: Member::new(9200, 9300).to_value(),
            lease,
        };
        let txn = Txn {
            when: Vec::new(),
            then: vec![put],
        };
        self.commit(&txn).is_ok()
    }
}

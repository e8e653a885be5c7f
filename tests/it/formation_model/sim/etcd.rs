//! Everything that goes to the store: transactions with their way there and back, leases, and the look at what was committed.

use quorate::{
    launcher::formation::Event,
    model::{ClusterRecord, DiskId, DiskUse, RecordState},
    registry::{Compare, LeaseId, Op, Revision, Txn},
    view::ClusterView,
};

use super::{Sabotage, Sim, Way, Weather};

/// Why a transaction had no answer.
#[derive(Debug)]
pub(super) struct NoAnswer;

impl Sim {
    /// What the sender learns; the revision, if it learns that.
    pub(super) fn send(&mut self, txn: Txn, way: &Way) -> (Event, Option<Revision>) {
        match way {
            Way::Late => self.flights.push(txn),
            Way::Lost => {
                let _ = self.commit(&txn);
            }
            Way::Answered => {
                return match self.commit(&txn) {
                    Ok(Some(revision)) => (Event::Committed, Some(revision)),
                    Ok(None) => (Event::Refused, None),
                    Err(NoAnswer) => (Event::Unanswered, None),
                };
            }
        }
        (Event::Unanswered, None)
    }

    pub(super) fn land(&mut self, flight: usize) -> bool {
        if flight >= self.flights.len() {
            return false;
        }
        let txn = self.flights.remove(flight);
        let _ = self.commit(&txn);
        true
    }

    /// Without space etcd still deletes.
    fn takes(&self, txn: &Txn) -> bool {
        match self.weather {
            Weather::Fine => true,
            Weather::ReadOnly => txn.then.iter().all(|op| matches!(op, Op::Delete { .. })),
            Weather::Away => false,
        }
    }

    /// Commits, and looks whether a claim or an armed record stands on firm ground: the named disks are published and empty (but
    /// for the claimant's own once it is armed), and nobody else has data.
    pub(super) fn commit(&mut self, txn: &Txn) -> Result<Option<Revision>, NoAnswer> {
        if !self.takes(txn) {
            return Err(NoAnswer);
        }
        let key = self.keys.record();
        let claims = |op: &Op| matches!(op, Op::Put { key: put, .. } if *put == key);
        let firm = txn.then.iter().find(|op| claims(op)).and_then(|op| self.ground(op));
        let committed = self.store.commit(txn).map_err(|_| NoAnswer)?;
        self.watch();
        if let (Some(_), Some(wrong)) = (committed, firm) {
            self.break_down(wrong);
        }
        Ok(committed)
    }

    /// What is wrong with a record that would be written now.
    fn ground(&self, put: &Op) -> Option<String> {
        let Op::Put { value, .. } = put else {
            return None;
        };
        let record = ClusterRecord::parse(value).expect("a record");
        if record.state == RecordState::Formed {
            return None;
        }
        let seeds = || self.view.seeds.values().map(|stored| &stored.value);
        let named = |disk: &DiskId| seeds().any(|seed| seed.disk == *disk && seed.data == DiskUse::Empty);
        let firm = record.masters.iter().all(|master| named(&master.disk))
            && seeds().all(|seed| seed.data == DiskUse::Empty)
            && self.view.members.is_empty();
        (!firm).then(|| format!("{:?} without ground: {:?}", record.state, self.view))
    }

    /// The view after what has happened to the store.
    fn watch(&mut self) {
        for event in self.store.news() {
            self.view.apply(&self.keys, &event);
        }
        self.view.revision = self.store.revision();
    }

    /// What a launcher reads.
    pub(super) fn read(&self) -> ClusterView {
        let mut view = self.view.clone();
        if self.sabotage == Sabotage::NoTombstone {
            view.voids.clear();
        }
        view
    }

    pub(super) fn grant(&mut self) -> Option<LeaseId> {
        (self.weather == Weather::Fine).then(|| self.store.grant())
    }

    pub(super) fn is_alive(&self, lease: Option<LeaseId>) -> bool {
        lease.is_some_and(|lease| self.store.is_alive(lease))
    }

    pub(super) fn end(&mut self, lease: LeaseId) {
        self.store.end(lease);
        self.watch();
    }

    /// While etcd is away, or a former run's key could not be taken over, they live on.
    pub(super) fn end_old_leases(&mut self, index: usize) {
        if self.weather != Weather::Fine {
            return;
        }
        for lease in std::mem::take(&mut self.hosts[index].old_leases) {
            self.end(lease);
        }
    }

    /// Takes the compares away that the sabotage is about.
    pub(super) fn sabotaged(&self, mut txn: Txn) -> Txn {
        let record = self.keys.record();
        let of_record = |condition: &Compare| matches!(condition, Compare::ModRevision(key, _) if *key == record);
        let announces = txn.then.is_empty();
        match self.sabotage {
            Sabotage::NoCount if announces => txn.when.retain(of_record),
            Sabotage::NoQuiet if !announces => txn.when.retain(of_record),
            Sabotage::Nothing
            | Sabotage::NoCount
            | Sabotage::NoQuiet
            | Sabotage::NoUsed
            | Sabotage::SameDisk
            | Sabotage::NoTombstone
            | Sabotage::RestoreUnjoined
            | Sabotage::NoLabel
            | Sabotage::NoMemory
            | Sabotage::NoRestore
            | Sabotage::EmptiedIsUsed => {}
        }
        txn
    }

    /// The view that was kept is the one that a fresh read would give.
    pub(crate) fn view_is_true(&self) -> bool {
        self.view == ClusterView::of(&self.keys, &self.store.read(&self.keys.all()))
    }
}

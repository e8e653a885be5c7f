//! An etcd with one member key: leases on a clock of its own, compare-and-swap, and its absence.

use std::{collections::BTreeMap, time::Duration};

use quorate::{
    registration::machine::Outcome,
    registry::{Compare, Entry, Lease, LeaseId, Op as Change, RegistryError, Revision, TimeToLive, Txn},
};
use tokio::time::Instant;

use super::action::Recorded;

#[derive(Debug)]
struct Granted {
    host: usize,
    until: Instant,
}

#[derive(Debug)]
pub(super) struct Etcd {
    pub(super) up: bool,
    /// When it last came back.
    pub(super) back: Instant,
    pub(super) record: Recorded,
    pub(super) entry: Option<Entry>,
    /// The run that wrote it; none: somebody else did.
    pub(super) writer: Option<u64>,
    pub(super) revision: Revision,
    ttl: Duration,
    /// How long a lease lives by the clock of the hosts.
    lived: Duration,
    leases: BTreeMap<i64, Granted>,
    next_lease: i64,
}

/// Of whom a lease of nobody's host is.
const NOBODY: usize = usize::MAX;

impl Etcd {
    /// One whose clock takes `lived` for a TTL.
    pub(super) fn new(ttl: Duration, lived: Duration, now: Instant) -> Self {
        Self {
            up: true,
            back: now,
            record: Recorded::Ours,
            entry: None,
            writer: None,
            revision: 1,
            ttl,
            lived,
            leases: BTreeMap::new(),
            next_lease: 0,
        }
    }

    pub(super) fn go_down(&mut self) {
        self.up = false;
    }

    /// Whoever leads next gives every lease its whole life again.
    pub(super) fn come_up(&mut self, now: Instant) {
        (self.up, self.back) = (true, now);
        for lease in self.leases.values_mut() {
            lease.until = now + self.lived;
        }
    }

    /// When the next lease ends.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.leases.values().map(|lease| lease.until).min().filter(|_| self.up)
    }

    pub(super) fn expire(&mut self, now: Instant) {
        if !self.up {
            return;
        }
        let over = |(id, lease): (&i64, &Granted)| (lease.until <= now).then_some(LeaseId(*id));
        let ended: Vec<LeaseId> = self.leases.iter().filter_map(over).collect();
        for lease in ended {
            self.end(lease);
        }
    }

    pub(super) fn end(&mut self, lease: LeaseId) {
        self.leases.remove(&lease.0);
        if self.entry.as_ref().is_some_and(|entry| entry.lease == Some(lease)) {
            self.delete();
        }
    }

    pub(super) fn delete(&mut self) {
        if self.entry.take().is_some() {
            self.revision += 1;
        }
    }

    /// Whose lease it is, while it lives.
    pub(super) fn holder(&self, lease: LeaseId) -> Option<usize> {
        self.leases.get(&lease.0).map(|lease| lease.host)
    }

    /// Somebody who knows nothing of us writes the key.
    pub(super) fn script(&mut self, leased: bool, key: &str, now: Instant) {
        if self.entry.is_some() || !self.up {
            return;
        }
        let lease = leased.then(|| self.grant(NOBODY, now));
        self.write(key, br#"{"http_port":1,"transport_port":2}"#.to_vec(), lease);
        self.writer = None;
    }

    fn grant(&mut self, host: usize, now: Instant) -> LeaseId {
        self.next_lease += 1;
        let until = now + self.lived;
        self.leases.insert(self.next_lease, Granted { host, until });
        LeaseId(self.next_lease)
    }

    /// `sent`: when the call was made, from which its caller counts.
    pub(super) fn granted(&mut self, host: usize, now: Instant, sent: Instant) -> Outcome {
        Outcome::Granted(Lease {
            id: self.grant(host, now),
            ttl: self.ttl,
            deadline: sent + self.ttl,
        })
    }

    pub(super) fn renewed(&mut self, lease: Lease, now: Instant, sent: Instant) -> Outcome {
        let Some(granted) = self.leases.get_mut(&lease.id.0) else {
            return Outcome::Failed(RegistryError::LeaseGone);
        };
        granted.until = now + self.lived;
        let deadline = sent + self.ttl;
        Outcome::Renewed(Lease { deadline, ..lease })
    }

    pub(super) fn remaining(&self, lease: LeaseId, now: Instant) -> Option<TimeToLive> {
        let granted = self.leases.get(&lease.0)?;
        let share = granted.until.saturating_duration_since(now).as_secs_f64() / self.lived.as_secs_f64();
        Some(TimeToLive {
            remaining: Duration::from_secs(self.ttl.mul_f64(share).as_secs()),
            granted: self.ttl,
        })
    }

    /// Whether the transaction would change anything.
    pub(super) fn holds(&self, txn: &Txn) -> bool {
        let current = self.entry.as_ref().map_or(0, |entry| entry.mod_revision);
        txn.when.iter().all(|condition| match condition {
            Compare::ModRevision(_, revision) => *revision == current,
            Compare::Absent(_) | Compare::CreateRevision(..) | Compare::NotWrittenAfter(..) => {
                panic!("a registration does not ask for {condition:?}")
            }
        })
    }

    pub(super) fn commit(&mut self, run: u64, txn: &Txn) -> Outcome {
        if !self.holds(txn) {
            return Outcome::Committed(None);
        }
        for change in &txn.then {
            match change {
                Change::Put { key, value, lease } => {
                    if lease.is_some_and(|lease| !self.leases.contains_key(&lease.0)) {
                        return Outcome::Failed(RegistryError::LeaseGone);
                    }
                    self.write(key, value.clone(), *lease);
                    self.writer = Some(run);
                }
                Change::Delete { .. } => self.delete(),
            }
        }
        Outcome::Committed(Some(self.revision))
    }

    fn write(&mut self, key: &str, value: Vec<u8>, lease: Option<LeaseId>) {
        self.revision += 1;
        let create_revision = self.entry.as_ref().map_or(self.revision, |entry| entry.create_revision);
        self.entry = Some(Entry {
            key: key.to_owned(),
            value,
            create_revision,
            mod_revision: self.revision,
            lease,
        });
    }
}

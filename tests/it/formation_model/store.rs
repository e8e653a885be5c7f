//! An etcd in memory: reads, transactions and leases as the real one has them, which a contract test in `formation.rs` compares.

use std::collections::{BTreeMap, BTreeSet};

use quorate::registry::{Compare, Entry, LeaseId, Op, Range, Reading, Revision, Txn, WatchEvent};

/// Why nothing was done: a put named a lease that is not alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeadLease;

/// The store.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    revision: Revision,
    entries: BTreeMap<String, Entry>,
    leases: BTreeSet<i64>,
    last_lease: i64,
    /// What has changed since it was last asked for.
    news: Vec<WatchEvent>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            revision: 1,
            entries: BTreeMap::new(),
            leases: BTreeSet::new(),
            last_lease: 0,
            news: Vec::new(),
        }
    }

    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    pub(crate) fn grant(&mut self) -> LeaseId {
        self.last_lease += 1;
        self.leases.insert(self.last_lease);
        LeaseId(self.last_lease)
    }

    pub(crate) fn is_alive(&self, lease: LeaseId) -> bool {
        self.leases.contains(&lease.0)
    }

    /// Revoked or expired: its keys go at one revision.
    pub(crate) fn end(&mut self, lease: LeaseId) {
        self.leases.remove(&lease.0);
        let ended = self.entries.values().filter(|entry| entry.lease == Some(lease));
        let ended: Vec<String> = ended.map(|entry| entry.key.clone()).collect();
        if ended.is_empty() {
            return;
        }
        self.revision += 1;
        for key in ended {
            self.apply(&Op::Delete { key }, self.revision);
        }
    }

    /// What has changed since the last call, as a watcher would hear it.
    pub(crate) fn news(&mut self) -> Vec<WatchEvent> {
        std::mem::take(&mut self.news)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    pub(crate) fn read(&self, ranges: &[Range]) -> Reading {
        let of = |range: &Range| {
            let entries = self.entries.values().filter(|entry| range.contains(&entry.key));
            entries.cloned().collect::<Vec<_>>()
        };
        Reading {
            revision: self.revision,
            entries: ranges.iter().flat_map(of).collect(),
        }
    }

    pub(crate) fn commit(&mut self, txn: &Txn) -> Result<Option<Revision>, DeadLease> {
        if !txn.when.iter().all(|condition| self.holds(condition)) {
            return Ok(None);
        }
        let dead = |op: &Op| matches!(op, Op::Put { lease: Some(lease), .. } if !self.is_alive(*lease));
        if txn.then.iter().any(dead) {
            return Err(DeadLease);
        }
        let revision = self.revision + 1;
        let mut changed = false;
        for op in &txn.then {
            changed |= self.apply(op, revision);
        }
        if changed {
            self.revision = revision;
        }
        Ok(Some(self.revision))
    }

    fn apply(&mut self, op: &Op, revision: Revision) -> bool {
        match op {
            Op::Put { key, value, lease } => {
                let create_revision = self.entries.get(key).map_or(revision, |entry| entry.create_revision);
                let entry = Entry {
                    key: key.clone(),
                    value: value.clone(),
                    create_revision,
                    mod_revision: revision,
                    lease: *lease,
                };
                self.news.push(WatchEvent::Put(entry.clone()));
                self.entries.insert(key.clone(), entry);
                true
            }
            Op::Delete { key } => {
                let there = self.entries.remove(key).is_some();
                if there {
                    let key = key.clone();
                    self.news.push(WatchEvent::Deleted { key, revision });
                }
                there
            }
        }
    }

    fn holds(&self, condition: &Compare) -> bool {
        let modified = |key: &str| self.entries.get(key).map_or(0, |entry| entry.mod_revision);
        let created = |key: &str| self.entries.get(key).map_or(0, |entry| entry.create_revision);
        let mut in_range = self.entries.values();
        match condition {
            Compare::Absent(range) => !in_range.any(|entry| range.contains(&entry.key)),
            Compare::ModRevision(key, revision) => modified(key) == *revision,
            Compare::CreateRevision(key, revision) => created(key) == *revision,
            Compare::NotWrittenAfter(range, revision) => {
                in_range.all(|entry| !range.contains(&entry.key) || entry.mod_revision <= *revision)
            }
        }
    }
}

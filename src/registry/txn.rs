//! Reads, transactions and leases as data, so that the protocols that build them can be tested without a server.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::host::random_bits;

/// An etcd revision; grows with every change of the store.
pub type Revision = i64;

/// An etcd lease, shown in hexadecimal as etcdctl does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeaseId(pub i64);

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// A lease that is asked for. Asked for again, it is the same one: an answer that was lost leaves no lease behind, which etcd would
/// have to end for nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The id that it shall have.
    pub id: LeaseId,
    /// How long it shall live; whole seconds.
    pub ttl: Duration,
    /// When it was asked for first.
    pub since: Instant,
}

impl LeaseRequest {
    /// One with an id of its own, asked for from now on.
    pub fn new(ttl: Duration) -> Self {
        Self {
            // Ids are positive; with 0 etcd would choose.
            id: LeaseId((random_bits() >> 1).max(1).cast_signed()),
            ttl,
            since: Instant::now(),
        }
    }

    /// Whether a lease that was granted at the first time of asking may have ended.
    pub fn is_over(&self, now: Instant) -> bool {
        now >= self.since + self.ttl
    }
}

/// A lease and how long it surely lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Its id.
    pub id: LeaseId,
    /// What etcd granted; may be more than was asked for.
    pub ttl: Duration,
    /// Counted from before the request was sent; afterwards the lease counts as lost.
    pub deadline: Instant,
}

/// How long a lease lives unless it is renewed, as etcd says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeToLive {
    /// From now on; whole seconds, rounded down.
    pub remaining: Duration,
    /// What a renewal gives it.
    pub granted: Duration,
}

/// One key, or all keys that begin with a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Range {
    /// Exactly this key.
    Key(String),
    /// Every key with this prefix, which ends in `/`.
    Prefix(String),
}

impl Range {
    /// The key or the prefix.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Key(text) | Self::Prefix(text) => text,
        }
    }

    /// Whether `key` lies in the range.
    pub fn contains(&self, key: &str) -> bool {
        match self {
            Self::Key(own) => own == key,
            Self::Prefix(prefix) => key.starts_with(prefix.as_str()),
        }
    }
}

/// A key with its value.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value's bytes, whoever wrote them.
    pub value: Vec<u8>,
    /// The revision that made the key.
    pub create_revision: Revision,
    /// The revision that wrote this value.
    pub mod_revision: Revision,
    /// The lease it lives with; none: permanent.
    pub lease: Option<LeaseId>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The value as a text: bytes one by one fill logs and say nothing.
        f.debug_struct("Entry")
            .field("key", &self.key)
            .field("value", &String::from_utf8_lossy(&self.value))
            .field("create_revision", &self.create_revision)
            .field("mod_revision", &self.mod_revision)
            .field("lease", &self.lease)
            .finish()
    }
}

/// What was there at one revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The revision of the whole store at which everything was read.
    pub revision: Revision,
    /// All entries of the ranges asked for, in the order of the ranges, each sorted by key.
    pub entries: Vec<Entry>,
}

impl Reading {
    /// The entry of exactly this key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// A condition of a transaction. Over a range it must hold for every key in it, and holds when there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compare {
    /// The key or range does not exist.
    Absent(Range),
    /// The key was last written at exactly this revision; 0: it does not exist.
    ModRevision(String, Revision),
    /// The key was made at exactly this revision; 0: it does not exist.
    CreateRevision(String, Revision),
    /// Nothing in the range was written after this revision. Deleted keys are not noticed.
    NotWrittenAfter(Range, Revision),
}

/// A change that a transaction makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Writes a key; with a lease it ends with it, and a dead lease fails the whole transaction.
    Put {
        /// The key.
        key: String,
        /// The value.
        value: Vec<u8>,
        /// The lease; none: permanent.
        lease: Option<LeaseId>,
    },
    /// Deletes a key.
    Delete {
        /// The key.
        key: String,
    },
}

impl Op {
    fn key(&self) -> &str {
        match self {
            Self::Put { key, .. } | Self::Delete { key } => key,
        }
    }
}

/// All changes, if all conditions hold; else nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Txn {
    /// The conditions.
    pub when: Vec<Compare>,
    /// The changes.
    pub then: Vec<Op>,
}

impl Txn {
    /// What its conditions look at.
    pub(super) fn reads(&self) -> Vec<Range> {
        let range = |condition: &Compare| match condition {
            Compare::Absent(range) | Compare::NotWrittenAfter(range, _) => range.clone(),
            Compare::ModRevision(key, _) | Compare::CreateRevision(key, _) => Range::Key(key.clone()),
        };
        self.when.iter().map(range).collect()
    }

    /// The keys it changes.
    pub(super) fn writes(&self) -> Vec<&str> {
        self.then.iter().map(Op::key).collect()
    }
}

//! What the machine has done by others: one call or one file at a time, and what comes of it.

use std::time::Duration;

use crate::{
    registration::{Spec, Value, state_file::Run},
    registry::{Compare, Entry, Lease, LeaseId, RegistryError, Revision, TimeToLive, Txn},
};

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Get a lease.
    Grant,
    /// Write the state file; none: remove it.
    Save(Vec<Run>),
    /// Renew the lease.
    Renew(Lease),
    /// Read the key.
    Read,
    /// Ask how long somebody's lease lives.
    Ask(LeaseId),
    /// Write the key, which was last written at `replaces`; 0: it is not there.
    Put {
        /// What.
        value: Value,
        /// Under which lease.
        lease: LeaseId,
        /// What it replaces.
        replaces: Revision,
    },
    /// Delete the key, which was last written at `replaces`.
    Delete {
        /// What it replaces.
        replaces: Revision,
    },
    /// The caller's transaction, with the put added.
    Commit {
        /// Which question.
        id: u64,
        /// The caller's part.
        txn: Txn,
        /// What the key becomes.
        value: Value,
        /// Under which lease.
        lease: LeaseId,
        /// What it replaces.
        replaces: Revision,
    },
    /// End a lease.
    Revoke(LeaseId),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The lease is there.
    Granted(Lease),
    /// The state file is written.
    Saved,
    /// It is not, and why.
    NotSaved(String),
    /// The lease lives on.
    Renewed(Lease),
    /// What the key is.
    Read(Option<Entry>),
    /// How long the lease lives.
    Lives {
        /// None: it is over.
        ttl: Option<TimeToLive>,
        /// How long this host has been up.
        uptime: Duration,
    },
    /// The revision of the transaction; none: a condition did not hold.
    Committed(Option<Revision>),
    /// The lease is over.
    Revoked,
    /// There was no answer, or a refusal.
    Failed(RegistryError),
}

impl Op {
    /// A fixed word for logs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Save(_) => "save",
            Self::Renew(_) => "renew",
            Self::Read => "read",
            Self::Ask(_) => "ask",
            Self::Put { .. } => "put",
            Self::Delete { .. } => "delete",
            Self::Commit { .. } => "commit",
            Self::Revoke(_) => "revoke",
        }
    }

    /// Whether it may be dropped half done: nothing comes of it but knowledge, or what comes of it ends by itself.
    pub const fn may_be_dropped(&self) -> bool {
        match self {
            Self::Grant | Self::Renew(_) | Self::Read | Self::Ask(_) => true,
            Self::Save(_) | Self::Put { .. } | Self::Delete { .. } | Self::Commit { .. } | Self::Revoke(_) => false,
        }
    }

    /// The transaction, where it is one.
    pub fn txn(&self, spec: &Spec) -> Option<Txn> {
        let unchanged = |replaces: Revision| Compare::ModRevision(spec.key.clone(), replaces);
        let put = |value: &Value, lease: LeaseId| crate::registry::Op::Put {
            key: spec.key.clone(),
            value: value.to_bytes(),
            lease: Some(lease),
        };
        match self {
            Self::Put { value, lease, replaces } => Some(Txn {
                when: vec![unchanged(*replaces)],
                then: vec![put(value, *lease)],
            }),
            Self::Delete { replaces } => Some(Txn {
                when: vec![unchanged(*replaces)],
                then: vec![crate::registry::Op::Delete { key: spec.key.clone() }],
            }),
            Self::Commit {
                txn,
                value,
                lease,
                replaces,
                ..
            } => {
                let mut txn = txn.clone();
                txn.when.push(unchanged(*replaces));
                txn.then.push(put(value, *lease));
                Some(txn)
            }
            Self::Grant | Self::Save(_) | Self::Renew(_) | Self::Read | Self::Ask(_) | Self::Revoke(_) => None,
        }
    }
}

//! The handle on a registration: wishes in, standing out. The work is done by one task.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::Instant,
};

use super::{
    Obstacle, Standing, Value,
    machine::Heard,
    state_file,
    task::{self, Inputs},
};
use crate::{
    host::{FileLock, LockError},
    model::Incarnation,
    registry::{LeaseId, Registry, RegistryError, Revision, Txn, WatchEvent},
};

/// What is registered, and as whom.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The key.
    pub key: String,
    /// Where leases and incarnations are written down for the next run.
    pub state_file: PathBuf,
    /// Locked for as long as the registration lives: one run per key on a host.
    pub lock_file: PathBuf,
    /// How long the key outlives this process. Whole seconds.
    pub ttl: Duration,
    /// This run.
    pub incarnation: Incarnation,
    /// This boot of the host.
    pub boot_id: String,
    /// Whether a foreign key without a lease is taken.
    pub take_over: bool,
}

/// What the key is wanted to be. The latest wish wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// Undecided: what was taken over from the former run stays, nothing new is put.
    Keep,
    /// There, with this value; the incarnation is filled in.
    Present(Value),
    /// Not there.
    Absent,
}

/// Why a registration cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another run on this host has the key, or the lock file cannot be made.
    #[error("cannot take the lock of `{key}`")]
    Lock {
        /// The key.
        key: String,
        /// Why.
        #[source]
        source: LockError,
    },
    /// The state file is there and cannot be used.
    #[error("cannot use the state file {}: {cause}", path.display())]
    StateFile {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
}

/// Why a commit has no answer. It may or may not have taken effect: read again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Nothing was sent: the key at our id is not ours.
    #[error("{0}")]
    Obstacle(Obstacle),
    /// The registration is leaving or gone.
    #[error("the registration has ended")]
    Ended,
}

/// How leaving went wrong: the key ends with its lease, and the next run on this host takes it over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key was left to its lease: etcd did not confirm within {bound:?}")]
pub struct LeaveError {
    /// How long was waited.
    pub bound: Duration,
}

/// A change of the caller that takes the own key along.
#[derive(Debug)]
pub(super) struct CommitRequest {
    pub(super) txn: Txn,
    pub(super) value: Value,
    pub(super) answer: oneshot::Sender<Result<Option<Revision>, CommitError>>,
}

/// The handle. Dropping it ends the work and leaves the key to its lease, for the next run to take over.
#[derive(Debug)]
pub struct Registration {
    want: watch::Sender<Want>,
    commits: mpsc::Sender<CommitRequest>,
    heard: watch::Sender<Option<Heard>>,
    leave: mpsc::Sender<oneshot::Sender<()>>,
    key: String,
    standing: watch::Receiver<Standing>,
    task: JoinHandle<()>,
    /// Held until the handle is dropped.
    lock: FileLock,
}

impl Registration {
    /// Takes the lock, reads the state file and starts the work. Needs a runtime; does not wait for etcd. `held` is the lock when the
    /// program before this one held it in this process and has passed it on.
    pub fn start(registry: Registry, spec: Spec, held: Option<OwnedFd>) -> Result<Self, StartError> {
        let lock = match held.and_then(|file| FileLock::inherit(file, &spec.lock_file)) {
            Some(lock) => lock,
            None => FileLock::take(&spec.lock_file).map_err(|source| StartError::Lock {
                key: spec.key.clone(),
                source,
            })?,
        };
        // Under the lock: nobody else writes it now.
        let runs = state_file::read(&spec.state_file)?;
        let (want, wants) = watch::channel(Want::Keep);
        let (commits, commit_requests) = mpsc::channel(8);
        let (heard, hears) = watch::channel(None);
        let (leave, leave_requests) = mpsc::channel(1);
        let (publish, standing) = watch::channel(Standing::default());
        let inputs = Inputs {
            wants,
            commits: commit_requests,
            heard: hears,
            leave: leave_requests,
        };
        let key = spec.key.clone();
        let task = tokio::spawn(task::run(registry, spec, runs, inputs, publish));
        Ok(Self {
            want,
            commits,
            heard,
            leave,
            key,
            standing,
            task,
            lock,
        })
    }

    /// Wishes; the latest counts. Does not wait.
    pub fn want(&self, want: Want) {
        self.want.send_replace(want);
    }

    /// Takes in what a watch of the caller says, so that a change of the key by others is mended at once and the key need not be read.
    /// Without it, a change is seen when the key is read the next time, which is with the next renewal.
    pub fn hear(&self, event: &WatchEvent) {
        let heard = match event {
            WatchEvent::Put(entry) if entry.key == self.key => Heard {
                key: Some(entry.mod_revision),
                at: entry.mod_revision,
                seen: false,
            },
            WatchEvent::Deleted { key, revision } if *key == self.key => Heard {
                key: None,
                at: *revision,
                seen: false,
            },
            WatchEvent::Listed { revision, entries } => Heard {
                key: entries
                    .iter()
                    .find(|entry| entry.key == self.key)
                    .map(|entry| entry.mod_revision),
                at: *revision,
                seen: true,
            },
            // Still as it was told last; before the first list nothing was.
            WatchEvent::Alive { revision } => match *self.heard.borrow() {
                Some(heard) => Heard {
                    at: heard.at.max(*revision),
                    seen: true,
                    ..heard
                },
                None => return,
            },
            WatchEvent::Put(_) | WatchEvent::Deleted { .. } | WatchEvent::Away { .. } => return,
        };
        self.heard.send_replace(Some(heard));
    }

    /// Commits `txn` together with a put of the own key (`value`, under the own lease), compared with the key as it is known.
    /// Then `value` is what is wanted. None: some condition did not hold and nothing was changed.
    ///
    /// # Errors
    /// After an error the transaction may have taken effect: read again, never resend blindly. Until the next wish the
    /// registration keeps `value` if it finds that it did, and what was wanted before if not.
    pub async fn commit(&self, txn: Txn, value: Value) -> Result<Option<Revision>, CommitError> {
        let (answer, answered) = oneshot::channel();
        let request = CommitRequest { txn, value, answer };
        self.commits.send(request).await.map_err(|_| CommitError::Ended)?;
        answered.await.map_err(|_| CommitError::Ended)?
    }

    /// The lock, for the program that this process becomes.
    pub fn lock(&self) -> BorrowedFd<'_> {
        self.lock.file().as_fd()
    }

    /// How the registration stands, now and from now on.
    pub fn subscribe(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// The lease, while it surely lives; for what shall end with this run.
    pub fn lease(&self) -> Option<LeaseId> {
        let standing = self.standing.borrow();
        let lives = standing
            .lease_deadline
            .is_some_and(|deadline| Instant::now() < deadline);
        standing.lease.filter(|_| lives)
    }

    /// Waits until the work has ended although nobody told it to: a bug, never to be waited out.
    pub async fn died(&self) {
        self.want.closed().await;
    }

    /// Deletes the key, ends the lease and forgets the state, within `bound`.
    pub async fn leave(self, bound: Duration) -> Result<(), LeaveError> {
        let (answer, answered) = oneshot::channel();
        let leaving = async {
            self.leave.send(answer).await.ok()?;
            answered.await.ok()
        };
        match tokio::time::timeout(bound, leaving).await {
            Ok(Some(())) => Ok(()),
            Ok(None) | Err(_) => Err(LeaveError { bound }),
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.task.abort();
    }
}

//! Renewals of a lease over one stream that stays open from one to the next: opening one costs etcd and us more than the renewal.
//!
//! A stream that has ended, or whose answer was not waited for, is never met again.

use std::{
    future::ready,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use etcd_client::{Error, LeaseClient, LeaseKeepAliveStream, LeaseKeeper};
use tokio::time::Instant;

use crate::registry::LeaseId;

/// The stream of one connection; clones share it.
#[derive(Clone, Default)]
pub(super) struct Renewals(Arc<Mutex<Option<Open>>>);

/// An open stream without a question that waits for its answer.
struct Open {
    keeper: LeaseKeeper,
    answers: LeaseKeepAliveStream,
}

impl Renewals {
    /// Renews a lease, and says when it was asked for: its time runs at least from then on.
    pub(super) async fn renew(&self, mut lease: LeaseClient, id: LeaseId) -> Result<Instant, Error> {
        // Taken out while it is in use: who stops waiting leaves none whose next answer would be to an old question.
        let kept = self.take(id).await;
        let sent = Instant::now();
        let open = if let Some(mut open) = kept {
            open.ask().await?;
            open
        } else {
            // Opening asks once and fails when the answer says that the lease is gone.
            let (keeper, answers) = lease.keep_alive(id.0).await?;
            Open { keeper, answers }
        };
        self.swap(Some(open));
        Ok(sent)
    }

    /// The stream of this lease, if it is still open.
    async fn take(&self, id: LeaseId) -> Option<Open> {
        let mut open = self.swap(None).filter(|open| open.keeper.id() == id.0)?;
        tokio::select! {
            biased;
            // Nobody has asked: all that it can say is that it has ended, a leader ago perhaps.
            _ = open.answers.message() => None,
            () = ready(()) => Some(open),
        }
    }

    fn swap(&self, next: Option<Open>) -> Option<Open> {
        mem::replace(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), next)
    }
}

impl Open {
    async fn ask(&mut self) -> Result<(), Error> {
        let ended = || Error::WatchError("the stream of renewals has ended".to_owned());
        // What fails here is the stream, whatever the error is called, and says nothing of the lease.
        self.keeper.keep_alive().await.map_err(|_| ended())?;
        match self.answers.message().await? {
            Some(answer) if answer.ttl() > 0 => Ok(()),
            Some(_) => Err(Error::LeaseKeepAliveError("lease not found".to_owned())),
            None => Err(ended()),
        }
    }
}

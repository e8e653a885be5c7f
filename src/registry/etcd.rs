//! The adapter to etcd v3; together with the files in `etcd/` the only place that names `etcd_client`.

mod access;
mod client;
mod connection;
mod convert;
mod diagnosis;
mod passes;
mod patience;
mod renewals;
mod stream;

use std::{fmt, sync::Arc, time::Duration};

use etcd_client::LeaseGrantOptions;
use tokio::time::Instant;

use self::{
    connection::Connection,
    convert::{Freshness, Page, change_txn, is_granted_already, next_page, pages, read_txn, reading, revision},
};
use super::{
    Lease, LeaseId, LeaseRequest, Pace, Range, Reading, RegistryError, RegistrySettings, Revision, TimeToLive, Txn,
    Watcher,
};

/// The longest that an etcd grants, in seconds.
const LONGEST_TTL: u64 = 9_000_000_000;

/// A handle on etcd; clones share the connection.
#[derive(Clone)]
pub struct Registry {
    connection: Arc<Connection>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("endpoints", &self.connection.endpoints())
            .finish()
    }
}

impl Registry {
    /// A handle; nothing is connected yet, so "it was made" says nothing about etcd.
    pub fn new(settings: RegistrySettings) -> Result<Self, RegistryError> {
        let connection = Arc::new(Connection::new(settings)?);
        Ok(Self { connection })
    }

    /// The endpoints, in the order given.
    pub fn endpoints(&self) -> &[String] {
        self.connection.endpoints()
    }

    /// Reads all `ranges` at one revision, linearizably; large ones page by page. Tries every endpoint once.
    pub async fn read(&self, ranges: &[Range]) -> Result<Reading, RegistryError> {
        let txn = read_txn(ranges, Freshness::Linearizable);
        let response = self.connection.try_all(|mut clients| {
            let txn = txn.clone();
            async move { clients.kv.txn(txn).await }
        });
        let answer = response.await.map_err(|error| error.touching(ranges, &[]))?;
        let revision = revision(answer.header());
        let mut entries = Vec::new();
        for (range, mut page) in ranges.iter().zip(pages(&answer)) {
            entries.append(&mut page.entries);
            while let Some(next) = page.next {
                page = self.read_page(range.as_str(), next, revision).await?;
                entries.append(&mut page.entries);
            }
        }
        Ok(Reading { revision, entries })
    }

    /// One more page of a range whose first was read at `revision`. Fails when the store is compacted meanwhile: ask for all again.
    async fn read_page(&self, prefix: &str, from: Vec<u8>, revision: Revision) -> Result<Page, RegistryError> {
        let options = next_page(prefix, revision);
        let response = self.connection.try_all(|mut clients| {
            let (from, options) = (from.clone(), options.clone());
            async move { clients.kv.get(from, Some(options)).await }
        });
        Ok(Page::from(&response.await?))
    }

    /// Reads `ranges` from any member, one without a leader included: what that member last knew, which may be old and may
    /// differ from member to member. For showing, never for deciding.
    pub async fn read_stale(&self, ranges: &[Range]) -> Result<Reading, RegistryError> {
        let txn = read_txn(ranges, Freshness::Stale);
        let response = self.connection.try_all_leaderless(|mut clients| {
            let txn = txn.clone();
            async move { clients.kv.txn(txn).await }
        });
        let answer = response.await.map_err(|error| error.touching(ranges, &[]));
        Ok(reading(&answer?))
    }

    /// Watches `ranges`: everything that is there first, then every change. Needs a runtime; never ends by itself.
    ///
    /// What one transaction writes within one of the ranges arrives together.
    pub fn watch(&self, ranges: Vec<Range>) -> Watcher {
        self.watch_at(ranges, Pace::default())
    }

    /// Like [`watch`](Self::watch), at a pace of its own.
    pub fn watch_at(&self, ranges: Vec<Range>, pace: Pace) -> Watcher {
        Watcher::start(|events| stream::run(self.clone(), ranges, pace, events))
    }

    /// Commits `txn` if its conditions hold; the revision of the commit, or none when they do not. Sent once.
    pub async fn commit(&self, txn: &Txn) -> Result<Option<Revision>, RegistryError> {
        let request = change_txn(txn);
        let answer = self.connection.once(|mut clients| {
            let request = request.clone();
            async move { clients.kv.txn(request).await }
        });
        let (response, _) = answer
            .await
            .map_err(|error| error.touching(&txn.reads(), &txn.writes()))?;
        Ok(response.succeeded().then(|| revision(response.header())))
    }

    /// Commits a transaction that cannot take effect twice, because every change in it is compared with the revision it replaces.
    /// Tries every endpoint once. None: the conditions do not hold, or they did and the answer of that attempt was lost.
    pub async fn commit_fenced(&self, txn: &Txn) -> Result<Option<Revision>, RegistryError> {
        let request = change_txn(txn);
        let response = self.connection.try_all(|mut clients| {
            let request = request.clone();
            async move { clients.kv.txn(request).await }
        });
        let response = response
            .await
            .map_err(|error| error.touching(&txn.reads(), &txn.writes()))?;
        Ok(response.succeeded().then(|| revision(response.header())))
    }

    /// A new lease of at least `ttl`.
    pub async fn grant(&self, ttl: Duration) -> Result<Lease, RegistryError> {
        self.grant_requested(LeaseRequest::new(ttl)).await
    }

    /// The lease that was asked for, now or at an earlier attempt. Tries every endpoint.
    pub async fn grant_requested(&self, request: LeaseRequest) -> Result<Lease, RegistryError> {
        let LeaseRequest { id, ttl, since } = request;
        let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
        let response = self.connection.try_all(|mut clients| async move {
            let sent = Instant::now();
            let options = LeaseGrantOptions::new().with_id(id.0);
            match clients.lease.grant(seconds, Some(options)).await {
                Ok(answer) => Ok((answer.ttl(), sent)),
                // An earlier attempt took effect. What was granted is at least what was asked for.
                Err(error) if is_granted_already(&error) => Ok((seconds, since)),
                Err(error) => Err(error),
            }
        });
        let (ttl, sent) = response.await?;
        let ttl = seconds_of(ttl).ok_or(RegistryError::LeaseGone)?;
        Ok(Lease {
            id,
            ttl,
            deadline: sent + ttl,
        })
    }

    /// Renews a lease.
    pub async fn keep_alive(&self, lease: Lease) -> Result<Lease, RegistryError> {
        let sent = self
            .connection
            .try_all(|clients| async move { clients.renewals.renew(clients.lease, lease.id).await });
        Ok(Lease {
            deadline: sent.await? + lease.ttl,
            ..lease
        })
    }

    /// How long a lease has left; none when it is gone.
    pub async fn time_to_live(&self, id: LeaseId) -> Result<Option<TimeToLive>, RegistryError> {
        let response = self
            .connection
            .try_all(|mut clients| async move { clients.lease.time_to_live(id.0, None).await })
            .await?;
        let granted = seconds_of(response.granted_ttl()).unwrap_or_default();
        Ok(u64::try_from(response.ttl()).ok().map(|remaining| TimeToLive {
            remaining: Duration::from_secs(remaining),
            granted,
        }))
    }

    /// Ends a lease and deletes its keys. A lease that is gone already is no error.
    pub async fn revoke(&self, id: LeaseId) -> Result<(), RegistryError> {
        let answer = self
            .connection
            .try_all(|mut clients| async move { clients.lease.revoke(id.0).await });
        match answer.await {
            Ok(_) | Err(RegistryError::LeaseGone) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn seconds_of(ttl: i64) -> Option<Duration> {
    let seconds = u64::try_from(ttl).ok().filter(|ttl| *ttl > 0)?;
    // What does not fit onto a clock was never granted by an etcd.
    Some(Duration::from_secs(seconds.min(LONGEST_TTL)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_ttl_is_too_long_for_a_clock() {
        for (said, seconds) in [(-1, None), (0, None), (30, Some(30)), (i64::MAX, Some(LONGEST_TTL))] {
            let ttl = seconds_of(said);
            assert_eq!(ttl, seconds.map(Duration::from_secs));
            assert!(ttl.is_none_or(|ttl| Instant::now().checked_add(ttl).is_some()));
        }
    }
}

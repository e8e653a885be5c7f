//! Beside a running node: once it reports its cluster, marker first, then the record; and whenever the record is lost, it is
//! brought back. Never claims, never arms.

use std::{io, time::Duration};

use tokio::time::{Instant, sleep_until};

use super::disk;
use crate::{
    launcher::{
        layout::Layout,
        protocol::{self, Recording},
    },
    model::{DiskId, JoinedCluster, Marker},
    registry::{Keys, Range, Registry, Watcher},
    view::ClusterView,
};

/// An etcd that did not answer, or refused because something has just changed, is asked again after this long.
const PAUSE: Duration = Duration::from_secs(1);

/// The cluster as recorded, or why the node's cannot be.
pub type Recorded = Result<JoinedCluster, String>;

/// Keeps one node's cluster recorded.
#[derive(Debug)]
pub struct Recorder {
    registry: Registry,
    keys: Keys,
    layout: Layout,
    disk: DiskId,
    /// The marker, and the cluster that the node has reported.
    known: Option<(Marker, JoinedCluster)>,
    /// What happens to the record, from when there is something to record.
    watcher: Option<Watcher>,
    /// When the record has to be looked at.
    due: Option<Instant>,
    said: Option<Recorded>,
}

impl Recorder {
    /// For the node on `disk`.
    pub fn new(registry: Registry, keys: Keys, layout: Layout, disk: DiskId) -> Self {
        Self {
            registry,
            keys,
            layout,
            disk,
            known: None,
            watcher: None,
            due: None,
            said: None,
        }
    }

    /// The node reports its cluster: into the marker at once, which is then as returned; [`next`](Self::next) does the rest.
    ///
    /// # Errors
    /// When the marker cannot be written; then nothing is recorded.
    pub fn reported(&mut self, cluster: impl Into<JoinedCluster>) -> io::Result<Marker> {
        let cluster = cluster.into();
        let marker = disk::set_joined(&self.layout, &self.disk, &cluster)?;
        self.known = Some((marker.clone(), cluster));
        self.due = Some(Instant::now());
        Ok(marker)
    }

    /// The next news about the record, as soon as they differ from the last. Waits for ever while the node has reported nothing.
    ///
    /// Cancel safety: a transaction may be cut off; asked again, it reads the record first.
    pub async fn next(&mut self) -> Recorded {
        loop {
            self.wait().await;
            let recorded = match self.look().await {
                Ok(Some(recorded)) => recorded,
                // Committed, or somebody was faster: the next look tells.
                Ok(None) => continue,
                Err(error) => {
                    tracing::debug!(cause = %error, "cluster record not reached");
                    self.due = Some(Instant::now() + PAUSE);
                    continue;
                }
            };
            self.due = None;
            if self.said.as_ref() != Some(&recorded) {
                self.said = Some(recorded.clone());
                return recorded;
            }
        }
    }

    /// Until a look is due, or the record has changed.
    async fn wait(&mut self) {
        match (&self.known, self.due, &mut self.watcher) {
            (None, ..) => std::future::pending().await,
            (Some(_), Some(due), _) => sleep_until(due).await,
            (Some(_), None, Some(watcher)) => {
                if watcher.next().await.is_none() {
                    tracing::error!("the watch of the cluster record has died");
                    self.watcher = None;
                }
                self.due = Some(Instant::now());
            }
            (Some(_), None, None) => self.watcher = Some(self.registry.watch(vec![Range::Key(self.keys.record())])),
        }
    }

    /// One look, and the transaction that it asks for. None: look again.
    async fn look(&mut self) -> Result<Option<Recorded>, crate::registry::RegistryError> {
        let Some((marker, cluster)) = &self.known else {
            return Ok(None);
        };
        let reading = self.registry.read(&self.keys.all()).await?;
        let view = ClusterView::of(&self.keys, &reading);
        match protocol::recording(&self.keys, &view, marker, cluster.clone()) {
            Recording::Done => Ok(Some(Ok(cluster.clone()))),
            Recording::Impossible(why) => Ok(Some(Err(why))),
            Recording::Commit(txn) => {
                let committed = self.registry.commit(&txn).await?.is_some();
                tracing::info!(%cluster, committed, "cluster recorded");
                Ok(None)
            }
        }
    }
}

//! Records the cluster where the launcher could not: any sidecar whose own node has joined it and whose data directory carries
//! the record's claim may do so. What to write is [`protocol::recording`]'s matter; this file only says when, and sends it.

use std::{io, path::Path, time::Duration};

use tokio::time::Instant;

use crate::{
    host,
    launcher::protocol::{self, Recording},
    model::{JoinedCluster, Marker, RecordState},
    probe::Report,
    registry::{Keys, Txn},
    view::ClusterView,
};

/// Between two attempts, and before the first one a part of it by chance: the launcher is asked to do it first, and all sidecars of
/// a cluster learn at the same moment that it is missing.
const PAUSE: Duration = Duration::from_secs(5);

/// When the next attempt may be made.
#[derive(Debug)]
pub(super) struct Recorder {
    /// Whose record it is, and how it may be written.
    keys: Keys,
    /// None: nothing is missing.
    due: Option<Instant>,
}

impl Recorder {
    pub(super) fn new(keys: Keys) -> Self {
        Self { keys, due: None }
    }

    /// The transaction to commit now, if any. `chance` is between 0 and 1.
    pub(super) fn due(
        &mut self,
        now: Instant,
        chance: f64,
        view: &ClusterView,
        report: Option<&Report>,
        data: Option<&str>,
    ) -> Option<Txn> {
        let wanted = missing(view, report).zip(data);
        let Some((cluster, data)) = wanted else {
            self.due = None;
            return None;
        };
        let due = *self.due.get_or_insert(now + PAUSE.mul_f64(chance));
        if now < due {
            return None;
        }
        self.due = Some(now + PAUSE);
        let marker = marker(data)?;
        match protocol::recording(&self.keys, view, &marker, cluster) {
            Recording::Commit(txn) => Some(txn),
            Recording::Done => None,
            Recording::Impossible(why) => {
                tracing::debug!(why, "the cluster is not recorded");
                None
            }
        }
    }
}

/// What the record lacks of the cluster that the own node has joined.
fn missing(view: &ClusterView, report: Option<&Report>) -> Option<JoinedCluster> {
    let cluster = report.filter(|report| report.joined())?.cluster()?;
    let recorded = view.record.as_ref().is_some_and(|stored| match cluster {
        JoinedCluster::Uuid(_) => stored.value.cluster_uuid.is_some(),
        JoinedCluster::Name(_) => stored.value.state == RecordState::Formed,
    });
    (!recorded).then_some(cluster)
}

/// The data directory's marker, where this user may read it.
fn marker(data: &str) -> Option<Marker> {
    match host::read_optional(&Path::new(data).join(".quorate.json")) {
        Ok(bytes) => Marker::parse(&bytes?).ok(),
        // The usual case: the data directory belongs to the node's user.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
        Err(error) => {
            tracing::debug!(%error, "the marker cannot be read");
            None
        }
    }
}

//! The cluster of the rig's nodes, seen from outside: who is a member, who is the master, and that there is only one cluster.
//!
//! Invariant: whoever looks at a node looks at its UUID too, and a second one ends the scenario on the spot.

use std::collections::BTreeSet;

use quorate::{
    model::RecordState,
    probe::{Access, Prober, Report},
};
use tokio::time::{Duration, Instant};

use super::{
    host::{MAIN, SIDECAR},
    hosts::Rig,
};
use crate::support::{LONG, SETTLED, eventually};

/// A node that takes longer to answer hangs.
const PATIENCE: Duration = Duration::from_secs(2);

impl Rig {
    /// What the node of a host says; none when it does not answer.
    pub(super) async fn look(&self, host: usize) -> Option<Report> {
        let ip = self.hosts[host].ip.to_string();
        let mut prober = Prober::new(ip, 9200, PATIENCE, Access::default());
        let report = Box::pin(prober.probe()).await.result.ok()?;
        if let Some(uuid) = report.uuid.known() {
            let mut known = self.uuid.lock().expect("no panic");
            let known = known.get_or_insert_with(|| uuid.clone());
            assert_eq!(known, uuid, "a second cluster, on host {host}");
        }
        Some(report)
    }

    /// Who is the master in the eyes of all of these, when they agree. One that stood still believes for seconds that it still is.
    pub(super) async fn master(&self, who: &[usize]) -> Option<usize> {
        let (mut named, mut master) = (BTreeSet::new(), None);
        for &one in who {
            let report = self.look(one).await?;
            named.insert(report.master.clone()?);
            master = master.or(report.is_master().then_some(one));
        }
        master.filter(|_| named.len() == 1)
    }

    /// Whether there are member keys of these hosts and of nobody else.
    pub(super) fn are_the_members(&self, who: &[usize]) -> Option<()> {
        let wanted: BTreeSet<String> = who.iter().map(|one| self.id(*one)).collect();
        let members: BTreeSet<String> = self.followed.members().into_keys().collect();
        (members == wanted).then_some(())
    }

    /// The id of a host's node.
    pub(super) fn id(&self, host: usize) -> String {
        self.hosts[host].ip.to_string()
    }

    /// Its member key.
    pub(super) fn key(&self, host: usize) -> String {
        self.followed.keys.member(&self.id(host).parse().expect("an id"))
    }

    /// Waits until these, and nobody else, are registered and name one master, and the record names their cluster; who the master is.
    pub(super) async fn together(&self, who: &[usize]) -> usize {
        let what = format!("{who:?} are members, with one master");
        let master = eventually(&what, SETTLED, || async {
            self.are_the_members(who)?;
            self.master(who).await
        });
        let master = master.await;
        let uuid = self.uuid.lock().expect("no panic").clone();
        eventually("the record names the cluster", LONG, || async {
            let record = self.followed.record()?;
            (record.state == RecordState::Formed && record.cluster_uuid == uuid).then_some(())
        })
        .await;
        for (id, member) in self.followed.members() {
            assert_eq!(member.cluster_uuid, uuid, "{id}");
        }
        master
    }

    /// Waits until the key of a host is gone; how long that took. Panics after `max`.
    pub(super) async fn loses_its_key(&self, host: usize, since: Instant, max: Duration) -> Duration {
        self.followed.until(&self.key(host), false, max).await - since
    }

    /// Waits until the key of a host is there; how long that took.
    pub(super) async fn has_its_key(&self, host: usize, since: Instant) -> Duration {
        self.followed.until(&self.key(host), true, SETTLED).await - since
    }

    /// What `systemctl status` says of both units where all is well.
    pub(super) async fn read_well(&self, who: &[usize]) {
        for &one in who {
            let host = &self.hosts[one];
            let uuid = self.uuid.lock().expect("no panic").clone().expect("a cluster");
            let others = who.len() - 1;
            host.says(MAIN, &format!("; other masters: {others}; cluster UUID {uuid}"))
                .await;
            assert!(
                host.status(MAIN).await.starts_with("node runs as process "),
                "{}",
                host.name
            );
            host.says(SIDECAR, "ready: joined, and the node that is expected; registered")
                .await;
            for unit in [MAIN, SIDECAR] {
                assert_eq!(
                    host.property(unit, "ActiveState").await,
                    "active",
                    "{unit} on {}",
                    host.name
                );
            }
        }
    }

    /// Three nodes that are one cluster with documents in it: as they stand, or put up now.
    pub(super) async fn stands(&self) -> usize {
        let all = [0, 1, 2];
        if self.followed.record().is_none() {
            self.clean().await;
            for one in all {
                self.equip(one).await;
            }
            for one in all {
                self.hosts[one].enable().await;
            }
        }
        let master = self.together(&all).await;
        if self.documents.is_empty() {
            self.makes_an_index().await;
            self.writes_some(0, "stands").await;
            self.is_green(&all).await;
        }
        master
    }

    /// Makes the index of the documents.
    pub(super) async fn makes_an_index(&self) {
        self.documents.make_index(self.hosts[0].ip).await;
    }

    /// Writes some documents through a host's node.
    pub(super) async fn writes_some(&self, via: usize, chapter: &str) {
        self.documents.write_some(self.hosts[via].ip, chapter).await;
    }

    /// Waits until these are the cluster, whole, with every acknowledged document.
    pub(super) async fn is_green(&self, who: &[usize]) {
        let nodes: Vec<_> = who.iter().map(|one| self.hosts[*one].ip).collect();
        self.documents.is_whole(&nodes).await;
    }
}

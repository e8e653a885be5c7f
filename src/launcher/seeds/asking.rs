//! Asks the own node, now and then, whom else its cluster has. Never decides who is in the list.
//!
//! Two small questions that the node answers from its own memory: seldom while etcd is there and both say the same, oftener while the
//! answer matters.

use std::{
    future::pending,
    time::{Duration, SystemTime},
};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{list::Event, sources::peers};
use crate::{
    model::{ClusterUuid, JoinedCluster},
    probe::{Peer, ProbeFailure, Prober, Report, ReportedUuid},
};

/// While nothing is in doubt.
const SELDOM: Duration = Duration::from_secs(30);
/// While etcd is away: then the nodes are the only ones who know.
const AWAY: Duration = Duration::from_secs(10);
/// While the sources differ, for [`SETTLE`] after a change in etcd: one of them has not heard yet.
const SOON: Duration = Duration::from_secs(2);
/// What differs for longer than this differs for good.
const SETTLE: Duration = Duration::from_secs(30);

type Answer = (Box<Prober>, Result<(Report, Vec<Peer>), ProbeFailure>);

/// What is asked of the own node, and what it last said.
#[derive(Debug)]
pub(super) struct Asking {
    /// Somebody else may answer on the port.
    name: String,
    /// The cluster it must be in, once that is known.
    cluster: Option<ClusterUuid>,
    /// Why it is not asked at all.
    distrust: Option<String>,
    /// None while it is asking.
    prober: Option<Box<Prober>>,
    question: JoinSet<Answer>,
    due: Instant,
    /// When etcd last told of a change.
    changed: Option<Instant>,
    /// When it was last asked, and why the answer is of no use, if it is of none.
    pub(super) last: Option<(SystemTime, Option<String>)>,
}

impl Asking {
    /// Of the node with this name, on a disk of this cluster.
    pub(super) fn new(prober: Prober, name: String, cluster: Option<ClusterUuid>) -> Self {
        Self {
            name,
            cluster,
            distrust: None,
            prober: Some(Box::new(prober)),
            question: JoinSet::new(),
            due: Instant::now(),
            changed: None,
            last: None,
        }
    }

    /// The record says whether the node's cluster is the one that is meant.
    pub(super) fn recorded(&mut self, recorded: Result<&JoinedCluster, &str>) {
        match recorded {
            Ok(cluster) => {
                self.cluster = cluster.uuid().cloned();
                self.distrust = None;
            }
            Err(why) => self.distrust = Some(why.to_owned()),
        }
        self.due = Instant::now();
    }

    /// etcd has told of a change: the nodes will know in a moment.
    pub(super) fn etcd_changed(&mut self) {
        self.changed = Some(Instant::now());
        self.due = self.due.min(Instant::now() + SOON);
    }

    /// The next answer. Cancel safety: nothing is lost.
    pub(super) async fn next(&mut self) -> Event {
        if self.question.is_empty() {
            sleep_until(self.due).await;
            if let Some(why) = self.distrust.clone() {
                self.due = Instant::now() + SELDOM;
                return self.tell(Err(why));
            }
            if let Some(mut prober) = self.prober.take() {
                self.question.spawn(async move {
                    let answer = prober.peers().await;
                    (prober, answer)
                });
            }
        }
        match self.question.join_next().await {
            Some(Ok((prober, answer))) => {
                self.prober = Some(prober);
                self.due = Instant::now() + SELDOM;
                let useful = answer
                    .map_err(|failure| failure.to_string())
                    .and_then(|(report, found)| believe(&self.name, self.cluster.as_ref(), &report).map(|()| found));
                self.tell(useful)
            }
            // Nobody ends that task, and in a release a panic ends the process.
            Some(Err(_)) | None => pending().await,
        }
    }

    fn tell(&mut self, useful: Result<Vec<Peer>, String>) -> Event {
        let (event, why) = match useful {
            Ok(found) => (Event::Nodes(peers(&found)), None),
            Err(why) => (Event::NodesSilent, Some(why)),
        };
        self.last = Some((SystemTime::now(), why));
        event
    }

    /// When to ask again, now that the answer was taken in.
    pub(super) fn pace(&mut self, etcd_away: bool, in_doubt: bool) {
        let settling = self.changed.is_some_and(|at| at.elapsed() < SETTLE);
        let pause = if in_doubt && settling {
            SOON
        } else if etcd_away {
            AWAY
        } else {
            SELDOM
        };
        self.due = self.due.min(Instant::now() + pause);
    }
}

/// Whether what this node says of its cluster counts; else why not.
fn believe(name: &str, cluster: Option<&ClusterUuid>, report: &Report) -> Result<(), String> {
    let found = &report.identity.name;
    if found != name {
        return Err(format!("a node named `{found}` answers"));
    }
    if !report.joined() {
        return Err("the node names no master".to_owned());
    }
    match (&report.uuid, cluster) {
        (ReportedUuid::Known(found), Some(own)) if found == own => Ok(()),
        (ReportedUuid::Known(found), Some(own)) => {
            Err(format!("the node is in cluster UUID {found}, {own} is expected"))
        }
        (ReportedUuid::Known(_), None) | (ReportedUuid::NotYet, _) => {
            Err("the node's cluster is not recorded yet".to_owned())
        }
        // A line that has none is believed by its name.
        (ReportedUuid::Unsaid, _) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_node_in_the_own_cluster_with_a_master_is_believed() {
        let own: ClusterUuid = "u1".parse().expect("uuid");
        for (name, said, master, cluster, believed) in [
            ("n1", "u1", true, Some(&own), true),
            ("n2", "u1", true, Some(&own), false),
            ("n1", "u1", false, Some(&own), false),
            ("n1", "u2", true, Some(&own), false),
            ("n1", "u1", true, None, false),
            ("n1", "_na_", true, Some(&own), false),
            ("n1", "", true, None, true),
        ] {
            let report = Report::example(name, said, master.then_some("id"));
            let found = believe("n1", cluster, &report);
            assert_eq!(found.is_ok(), believed, "{report:?} {cluster:?}: {found:?}");
        }
    }
}

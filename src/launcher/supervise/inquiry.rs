//! Asks the node for its cluster until it has joined one. Never decides what that means.

use std::{future::pending, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    model::JoinedCluster,
    probe::{ProbeFailure, Prober},
};

/// How often a node is asked at first.
const OFTEN: Duration = Duration::from_millis(250);
/// How often a node is asked that has not answered for [`PATIENCE`].
const SELDOM: Duration = Duration::from_secs(2);
/// A cluster that is not there after this long waits for something.
const PATIENCE: Duration = Duration::from_mins(2);

/// What is worth telling of a question.
#[derive(Debug)]
pub(super) enum Said {
    /// The node's cluster.
    Joined(JoinedCluster),
    /// It lives and will not tell us; each new reason is said once.
    Denied(ProbeFailure),
}

/// One question to one node.
#[derive(Debug)]
pub(in crate::launcher) struct Inquiry {
    prober: Prober,
    /// Somebody else may answer on the port.
    name: String,
    begun: Instant,
    /// Why it will not tell us, as it was said last.
    denied: Option<ProbeFailure>,
    /// It has said its cluster, and nobody could make use of that yet.
    said: bool,
    closed: bool,
}

impl Inquiry {
    /// To the node with this name.
    pub(in crate::launcher) fn new(prober: Prober, name: String) -> Self {
        Self {
            prober,
            name,
            begun: Instant::now(),
            denied: None,
            said: false,
            closed: false,
        }
    }

    /// The node's word; never once the inquiry is closed. Cancel safety: the node is asked again.
    pub(super) async fn next(&mut self) -> Said {
        if self.closed {
            return pending().await;
        }
        if self.said {
            sleep(SELDOM).await;
        }
        loop {
            match self.prober.probe().await.result {
                Ok(report) => {
                    if let Some(cluster) = report.cluster().filter(|_| report.identity.name == self.name) {
                        self.said = true;
                        return Said::Joined(cluster);
                    }
                }
                Err(failure) if failure.is_denied() && self.denied.as_ref() != Some(&failure) => {
                    self.denied = Some(failure.clone());
                    return Said::Denied(failure);
                }
                Err(_) => {}
            }
            let patient = self.begun.elapsed() > PATIENCE;
            sleep(if patient { SELDOM } else { OFTEN }).await;
        }
    }

    /// The answer is in good hands.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }
}

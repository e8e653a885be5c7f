//! Asks the node for its cluster's UUID until it says one. Never decides what that means.

use std::{future::pending, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{model::ClusterUuid, probe::Prober};

/// How often a node is asked at first.
const OFTEN: Duration = Duration::from_millis(250);
/// How often a node is asked that has not answered for [`PATIENCE`].
const SELDOM: Duration = Duration::from_secs(2);
/// A cluster that is not there after this long waits for something.
const PATIENCE: Duration = Duration::from_mins(2);

/// One question to one node.
#[derive(Debug)]
pub(in crate::launcher) struct Inquiry {
    prober: Prober,
    /// Somebody else may answer on the port.
    name: String,
    begun: Instant,
    closed: bool,
}

impl Inquiry {
    /// To the node with this name.
    pub(in crate::launcher) fn new(prober: Prober, name: String) -> Self {
        Self {
            prober,
            name,
            begun: Instant::now(),
            closed: false,
        }
    }

    /// The node's word; never once the inquiry is closed. Cancel safety: the node is asked again.
    pub(super) async fn uuid(&mut self) -> ClusterUuid {
        if self.closed {
            return pending().await;
        }
        loop {
            if let Ok(report) = self.prober.probe().await.result
                && report.identity.name == self.name
                && let Some(uuid) = report.uuid.known()
            {
                return uuid.clone();
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

//! Opens the connection to an endpoint: which pass it is tried with, and what is learnt of a pass that fails.

use std::{sync::atomic::AtomicBool, time::Duration};

use tokio::time::Instant;

use super::{
    super::{
        client::{Clients, Leader},
        convert::is_open,
        diagnosis,
        passes::Fault,
    },
    Connected, Connection, Failed,
};
use crate::registry::{RegistryError, pass::Pass};

/// An attempt that fails sooner was refused or closed; one that fails later had no answer.
const CLOSED: Duration = Duration::from_millis(500);

impl Connection {
    /// Clients for an endpoint, with the pass of the moment, and where that fails with the other one that there may be. Where it
    /// has a login, etcd has taken it.
    pub(super) async fn connect(&self, endpoint: usize, leader: Leader, bound: Duration) -> Result<Connected, Failed> {
        let first = self.pass().await?;
        match self.connect_with(&first, endpoint, leader, bound).await {
            Err(_) if self.access.has_other_than(&first) => {
                let other = self.pass().await?;
                self.connect_with(&other, endpoint, leader, bound).await
            }
            answer => answer,
        }
    }

    async fn pass(&self) -> Result<Pass, Failed> {
        self.access.pass().await.map_err(|error| Failed {
            error,
            electing: false,
            again: false,
            unanswered: false,
        })
    }

    async fn connect_with(
        &self,
        pass: &Pass,
        endpoint: usize,
        leader: Leader,
        bound: Duration,
    ) -> Result<Connected, Failed> {
        let start = Instant::now();
        let mut answer = Clients::connect(self.url(endpoint), pass, leader, bound).await;
        if pass.login.is_some() && answer.as_ref().is_err_and(is_open) {
            self.access.is_open(&self.url(endpoint));
            let open = Pass {
                login: None,
                ..pass.clone()
            };
            answer = Clients::connect(self.url(endpoint), &open, leader, bound).await;
        }
        let mut failed = match answer {
            Ok(clients) => {
                return Ok(Connected {
                    clients,
                    pass: pass.clone(),
                    proven: AtomicBool::new(false),
                });
            }
            Err(error) => self.failure(&error, endpoint),
        };
        diagnose(start, pass, &mut failed).await;
        match &failed.error {
            RegistryError::Refused { .. } => self.access.failed(pass, Fault::Login, &failed.error),
            RegistryError::Tls { .. } => self.access.failed(pass, Fault::Tls, &failed.error),
            RegistryError::Away { .. }
            | RegistryError::Busy { .. }
            | RegistryError::Denied { .. }
            | RegistryError::LeaseGone
            | RegistryError::Settings { .. } => {}
        }
        Err(failed)
    }
}

/// Finds the words for a connection that was closed before it had any answer.
pub(super) async fn diagnose(start: Instant, pass: &Pass, failed: &mut Failed) {
    let RegistryError::Away { endpoint, .. } = &failed.error else {
        return;
    };
    if failed.electing || start.elapsed() >= CLOSED {
        return;
    }
    if let Some((cause, trouble)) = diagnosis::ask(endpoint, pass).await {
        failed.error = RegistryError::Tls {
            endpoint: endpoint.clone(),
            cause,
            trouble,
        };
    }
}

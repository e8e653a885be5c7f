//! The pass in use: read again from its files for each new connection, never for a request.
//!
//! Files that cannot be used change nothing: the last good ones stay, and a warning says so once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::passes::{Fault, Passes};
use crate::{
    host::random_fraction,
    registry::{
        RegistryError, RegistrySettings,
        pass::{BadPass, Pass},
    },
};

/// How to get in.
pub(super) struct Access {
    settings: Arc<RegistrySettings>,
    state: Mutex<State>,
}

struct State {
    passes: Passes,
    /// What the files were complained about last.
    complaint: Option<String>,
    /// Whether it was said that etcd asks for no password.
    open: bool,
}

impl Access {
    /// Reads everything for the first time.
    pub(super) fn new(settings: Arc<RegistrySettings>) -> Result<Self, RegistryError> {
        let first = Pass::read(&settings).map_err(|bad| RegistryError::Settings { cause: bad.to_string() })?;
        let state = Mutex::new(State {
            passes: Passes::new(first),
            complaint: None,
            open: false,
        });
        Ok(Self { settings, state })
    }

    /// The pass to show now, or what etcd said to those that there are.
    pub(super) async fn pass(&self) -> Result<Pass, RegistryError> {
        if Pass::may_change(&self.settings) {
            let settings = Arc::clone(&self.settings);
            // A file on a disk that hangs holds up this call alone.
            if let Ok(read) = tokio::task::spawn_blocking(move || Pass::read(&settings)).await {
                self.take(read);
            }
        }
        self.state()
            .passes
            .choose(Instant::now())
            .cloned()
            .map_err(Clone::clone)
    }

    fn take(&self, read: Result<Pass, BadPass>) {
        let mut state = self.state();
        match read {
            Ok(pass) => {
                if state.passes.renew(pass) {
                    tracing::info!("certificates or password for etcd are new");
                } else if state.complaint.is_some() {
                    tracing::info!("certificates and password for etcd are in order again");
                }
                state.complaint = None;
            }
            Err(bad) => {
                let cause = bad.to_string();
                if state.complaint.as_ref() != Some(&cause) {
                    tracing::warn!(
                        cause,
                        "certificates or password for etcd cannot be used, the last good ones stay"
                    );
                }
                state.complaint = Some(cause);
            }
        }
    }

    /// Whether another pass may be shown at once.
    pub(super) fn has_other_than(&self, pass: &Pass) -> bool {
        self.state()
            .passes
            .choose(Instant::now())
            .is_ok_and(|next| next != pass)
    }

    /// A pass worked.
    pub(super) fn worked(&self, pass: &Pass) {
        self.state().passes.worked(pass);
    }

    /// A pass failed.
    pub(super) fn failed(&self, pass: &Pass, fault: Fault, error: &RegistryError) {
        let mut state = self.state();
        state
            .passes
            .failed(Instant::now(), random_fraction(), pass, fault, error);
    }

    /// etcd has no users: what we know for it is not asked for. Said once.
    pub(super) fn is_open(&self, endpoint: &str) {
        if !std::mem::replace(&mut self.state().open, true) {
            tracing::warn!(
                endpoint,
                "etcd asks nobody for a password: authentication is not enabled there"
            );
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! `quorate sidecar`: its settings, then [`crate::sidecar`].

use crate::{
    config::{self, Sources},
    exit::{Exit, Failure},
    sidecar,
};

/// Runs until it is told to stop.
pub(super) async fn run(sources: &Sources) -> Result<Exit, Failure> {
    let settings = super::resolve(sources, config::sidecar)?;
    sidecar::run(settings).await
}

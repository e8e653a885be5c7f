//! `quorate sidecar`: its settings, then [`crate::sidecar`]; with `--dry-run` its settings alone.

use clap::ArgMatches;

use super::{config_show, resolve};
use crate::{
    cli::SIDECAR,
    config::{self, Sources},
    exit::{Exit, Failure},
    reload::{Handover, Reload},
    sidecar,
};

/// Runs until it is told to stop.
pub(super) async fn run(matches: &ArgMatches, sources: &Sources) -> Result<Exit, Failure> {
    if matches.get_flag("dry-run") {
        resolve(sources, config::sidecar)?;
        config_show::table(sources, &SIDECAR)?;
        return Ok(Exit::Done);
    }
    let handover = Handover::receive(sources);
    let reload = Reload::new(matches, &SIDECAR, sources, handover.as_ref())?;
    let settings = resolve(reload.running(), config::sidecar)?;
    sidecar::run(settings, reload, handover).await
}

//! `quorate launch`: starts the local node and stays with it, or prints what it would do.

use clap::ArgMatches;

use super::resolve;
use crate::{
    cli::LAUNCH,
    config::{Sources, launch},
    exit::{Exit, Failure},
    launcher::{self, container::Absent, dry_run, plan::Plan},
    output,
    reload::{Handover, Reload},
};

/// Runs the launcher, or with `--dry-run` only the plan.
pub(super) async fn run(matches: &ArgMatches, sources: &Sources) -> Result<Exit, Failure> {
    let exposed = sources.exposed();
    if !exposed.is_empty() {
        let hint = "give it in a configuration file, or in QUORATE_ENV or QUORATE_SET";
        tracing::warn!(
            setting = exposed.join(", "),
            hint,
            "a secret on the command line can be read by everybody on this host"
        );
    }
    if matches.get_flag("dry-run") {
        let plan = Plan::find(resolve(sources, launch)?, Absent::Leave).await?;
        output::bytes(dry_run::text(&plan).as_bytes())?;
        return Ok(Exit::Done);
    }
    let handover = Handover::receive(sources);
    let reload = Reload::new(matches, &LAUNCH, sources, handover.as_ref())?;
    let settings = resolve(reload.running(), launch)?;
    Box::pin(launcher::launch(settings, reload, handover)).await
}

//! `quorate check`: whether this host can run the node, one line per question.

use clap::ArgMatches;

use super::resolve;
use crate::{
    cli,
    config::{Sources, launch},
    exit::{Exit, Failure},
    launcher::{
        leftover,
        plan::Plan,
        preflight::{Check, Grade, checks},
    },
    output,
    registry::Registry,
};

/// Asks everything, prints the answers, and fails when one of them stands in the way of a start.
pub(super) async fn run(matches: &ArgMatches, sources: &Sources) -> Result<Exit, Failure> {
    let plan = Plan::new(resolve(sources, launch)?)?;
    let own = leftover::of_plan(&plan)?.map(|leftover| leftover.process);
    let mut checks = checks(&plan, own);
    checks.push(etcd(&plan).await);
    if cli::wants_json(matches) {
        output::json(&checks)?;
    } else {
        let row = |check: &Check| {
            let hint = check
                .hint
                .as_ref()
                .map_or_else(String::new, |hint| format!(" ({hint})"));
            vec![
                check.name.to_owned(),
                check.result.name().to_owned(),
                format!("{}{hint}", check.what),
            ]
        };
        output::table(
            &["CHECK", "RESULT", "FOUND"],
            &checks.iter().map(row).collect::<Vec<_>>(),
        )?;
    }
    let failed = checks.iter().any(|check| check.result == Grade::Fail);
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// Only `check` asks: a launcher waits for an etcd that is away.
async fn etcd(plan: &Plan) -> Check {
    const NAME: &str = "etcd";
    let common = &plan.settings.common;
    let read = async {
        let registry = Registry::new(common.registry.clone())?;
        registry.read(&common.keys.all()).await
    };
    match read.await {
        Ok(reading) => Check::ok(NAME, format!("answers, at revision {}", reading.revision)),
        Err(error) => Check::fail(NAME, error.to_string(), error.hint()),
    }
}

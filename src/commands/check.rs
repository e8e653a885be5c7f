//! `quorate check`: whether this host can run the node, one line per question; with `--fix` first what can be mended safely.

mod etcd;

use clap::ArgMatches;

use super::resolve;
use crate::{
    cli,
    config::{Sources, launch},
    exit::{Exit, Failure},
    launcher::{
        container::{Absent, Dead},
        leftover,
        plan::Plan,
        preflight::{self, Check, Grade, fix},
        user::is_root,
    },
    output,
};

/// Asks everything, prints the answers, and fails when one of them stands in the way of a start.
pub(super) async fn run(matches: &ArgMatches, sources: &Sources) -> Result<Exit, Failure> {
    let plan = Plan::find(resolve(sources, launch)?, Absent::Leave).await?;
    let own = leftover::of_plan(&plan, Dead::Leave)
        .await?
        .map(|leftover| leftover.process);
    let fixed = if matches.get_flag("fix") {
        if !is_root() {
            let hint = "run it with `sudo`, or do by hand what `quorate check` says";
            return Err(Failure::with_hint(
                Exit::Failed,
                "only root can mend what `--fix` mends",
                hint,
            ));
        }
        fix::run(&plan, &preflight::checks(&plan, own))
    } else {
        Vec::new()
    };
    let mut checks = preflight::checks(&plan, own);
    checks.extend(preflight::of_engine(&plan).await);
    checks.extend(etcd::checks(&plan).await);
    preflight::skip(&mut checks, &plan.settings.skip_checks);
    fix::note(&mut checks, fixed);
    if cli::wants_json(matches) {
        output::json(&checks)?;
    } else {
        let rows: Vec<Vec<String>> = checks.iter().flat_map(rows).collect();
        output::table(&["CHECK", "RESULT", "FOUND"], &rows)?;
    }
    let failed = checks.iter().any(|check| check.result == Grade::Fail);
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// What was found, and below it what was done and what to do.
fn rows(check: &Check) -> Vec<Vec<String>> {
    let below = |word: &str, text: &String| vec![String::new(), String::new(), format!("{word}: {text}")];
    let mut rows = vec![vec![
        check.name.to_owned(),
        check.result.name().to_owned(),
        check.what.clone(),
    ]];
    rows.extend(check.fixed.as_ref().map(|text| below("done", text)));
    rows.extend(check.hint.as_ref().map(|text| below("hint", text)));
    rows
}

//! The launcher: starts one node so that it joins the one right cluster, and stays with it.
//!
//! Order of a start, written once: pre-flight → lock per id → a node that outlived its launcher → directories and the lock on the data
//! → marker → formation (seed, claim, arm) → config directory → launcher's file → node → supervision. Nothing is started before the
//! formation says so, and nothing that could wait comes between its word and the start.

pub mod decide;
pub mod desk;
pub mod distribution;
pub mod dry_run;
pub mod formation;
pub mod host_cache;
pub mod java;
pub mod layout;
pub mod leftover;
mod limits;
pub mod live_seeds;
pub mod marker_file;
pub mod plan;
pub mod preflight;
pub mod prepare;
pub mod process;
pub mod product;
pub mod protocol;
pub mod render;
pub mod runtime;
pub mod seed_file;
mod start;
mod supervise;
pub mod user;

use std::time::Duration;

use desk::Desk;
use plan::{Node, Plan};
use preflight::Grade;
use process::ProcessRuntime;
use runtime::Runtime;
use start::Ground;
use tokio::time::{Instant, sleep};

use crate::{
    exit::{Exit, Failure},
    host::{Notifier, Signals},
};

/// While a start waits, the service manager is asked this often for this much more time.
const EXTENSION: (Duration, Duration) = (Duration::from_secs(20), Duration::from_mins(1));

/// Starts the node of `plan`, or stays with the one that runs already, until it has ended.
pub async fn launch(plan: Plan) -> Result<Exit, Failure> {
    match &plan.node {
        Node::Process(unpacked) => {
            let runtime = ProcessRuntime::new(plan.program(unpacked));
            Box::pin(launch_on(runtime, plan)).await
        }
    }
}

async fn launch_on<R: Runtime>(mut runtime: R, plan: Plan) -> Result<Exit, Failure> {
    let begun = Instant::now();
    // From here on a signal is an event: an early one must not leave a half-made node behind.
    let mut signals = Signals::new()?;
    let skipped = look_at_the_host(&plan)?;
    limits::raise();
    let mut desk = Desk::new(&plan, runtime.name(), skipped.clone())?;
    let ground = Ground::new(plan, skipped)?;
    let up = tokio::select! {
        biased;
        up = ground.bring_up(&mut runtime, &mut desk, &mut signals) => up,
        () = keep_the_service_manager_waiting() => Ok(None),
    };
    let up = match up {
        Ok(Some(up)) => up,
        ended => {
            ground.withdraw(&mut desk).await;
            return ended.map(|_| Exit::Done);
        }
    };
    tracing::info!(pid = up.process.pid, adopted = up.adopted, took = ?begun.elapsed(), "node runs");
    let node = ground.running(up, &mut runtime, &mut desk, &mut signals);
    let exit = Box::pin(node.stay()).await;
    match exit {
        Some(exit) => {
            ground.withdraw(&mut desk).await;
            Ok(exit)
        }
        // The node lives on, for the next run: its file and its seed stay.
        None => Ok(Exit::Failed),
    }
}

/// The checks that failed and were skipped. Nothing that is found stands in the way of a node that runs already.
fn look_at_the_host(plan: &Plan) -> Result<Vec<String>, Failure> {
    let leftover = leftover::of_plan(plan)?;
    let checks = preflight::checks(plan, leftover.as_ref().map(|leftover| leftover.process));
    for check in &checks {
        let (name, found) = (check.name, &check.what);
        match check.result {
            Grade::Warn => tracing::warn!(check = name, found, "pre-flight"),
            Grade::Skipped => tracing::warn!(check = name, found, "pre-flight: failed, and skipped by hand"),
            Grade::Fail if leftover.is_some() => {
                tracing::warn!(check = name, found, "pre-flight: the next start would fail");
            }
            // A failure is said when it stops the start.
            Grade::Ok | Grade::Fail => {}
        }
    }
    if let Some(leftover) = leftover {
        return Ok(leftover.file.skipped_checks);
    }
    preflight::refuse(&checks)?;
    Ok(preflight::skipped(&checks))
}

/// Never returns.
async fn keep_the_service_manager_waiting() {
    let notifier = Notifier::new();
    loop {
        notifier.extend(EXTENSION.1);
        sleep(EXTENSION.0).await;
    }
}

//! The launcher: starts one node so that it joins the one right cluster, and stays with it.
//!
//! Order of a start, written once: pre-flight → lock per id → a node that outlived its launcher → directories and the lock on the data
//! → marker → formation (seed, claim, arm) → config directory → launcher's file → node → supervision. Nothing is started before the
//! formation says so, and nothing that could wait comes between its word and the start.

pub mod container;
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

use std::{convert::Infallible, time::Duration};

use container::{Absent, ContainerRuntime, Dead};
use desk::Desk;
use plan::{Node, Plan};
use preflight::Grade;
use process::ProcessRuntime;
use runtime::Runtime;
use start::Ground;
use tokio::time::{Instant, sleep};

use crate::{
    config::LaunchSettings,
    exit::{Exit, Failure},
    host::{Notifier, Signals},
};

/// While a start waits, the service manager is asked this often for this much more time.
const EXTENSION: (Duration, Duration) = (Duration::from_secs(20), Duration::from_mins(1));

/// Starts the node, or stays with the one that runs already, until it has ended.
pub async fn launch(settings: LaunchSettings) -> Result<Exit, Failure> {
    let begun = Instant::now();
    // From here on a signal is an event: an early one must not leave a half-made node behind.
    let mut signals = Signals::new()?;
    let mut notifier = Notifier::new();
    let mut pulling = |sentence: &str| {
        tracing::info!("{sentence}");
        notifier.status(sentence);
    };
    let plan = tokio::select! {
        biased;
        plan = Plan::find(settings, Absent::Pull(&mut pulling)) => plan?,
        // Nothing was begun but a pull, which goes on from there.
        () = signals.told_to_stop() => return Ok(Exit::Done),
        never = keep_the_service_manager_waiting() => match never {},
    };
    match &plan.node {
        Node::Process(unpacked) => {
            let runtime = ProcessRuntime::new(plan.program(unpacked));
            Box::pin(launch_on(runtime, plan, signals, begun)).await
        }
        Node::Container(packed) => {
            let runtime = ContainerRuntime::new(&plan, packed);
            Box::pin(launch_on(runtime, plan, signals, begun)).await
        }
    }
}

async fn launch_on<R: Runtime>(
    mut runtime: R,
    plan: Plan,
    mut signals: Signals,
    begun: Instant,
) -> Result<Exit, Failure> {
    let skipped = look_at_the_host(&plan).await?;
    limits::raise();
    let mut desk = Desk::new(&plan, runtime.name(), skipped.clone())?;
    let ground = Ground::new(plan, skipped)?;
    let up = tokio::select! {
        biased;
        up = ground.bring_up(&mut runtime, &mut desk, &mut signals) => up,
        never = keep_the_service_manager_waiting() => match never {},
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
async fn look_at_the_host(plan: &Plan) -> Result<Vec<String>, Failure> {
    let leftover = leftover::of_plan(plan, Dead::Leave).await?;
    let checks = preflight::before_a_start(plan, leftover.as_ref().map(|leftover| leftover.process)).await;
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

async fn keep_the_service_manager_waiting() -> Infallible {
    let notifier = Notifier::new();
    loop {
        notifier.extend(EXTENSION.1);
        sleep(EXTENSION.0).await;
    }
}

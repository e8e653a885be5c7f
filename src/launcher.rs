//! The launcher: starts one node so that it joins the one right cluster, and stays with it.
//!
//! Order of a start, written once: pre-flight → lock per id → a node that outlived its launcher → directories and the lock on the data
//! → marker → formation (seed, claim, arm) → config directory → launcher's file → node → supervision. Nothing is started before the
//! formation says so, and nothing that could wait comes between its word and the start.

pub mod container;
pub mod decide;
pub mod desk;
pub mod disk;
pub mod distribution;
pub mod dry_run;
pub mod formation;
pub mod host_cache;
pub mod java;
pub mod layout;
pub mod leftover;
mod limits;
pub mod marker_file;
mod passed;
pub mod plan;
pub mod preflight;
pub mod prepare;
pub mod process;
pub mod product;
pub mod protocol;
pub mod render;
pub mod runtime;
pub mod seeds;
mod start;
mod supervise;
mod unwritten;
pub mod user;

use std::{convert::Infallible, time::Duration};

use container::{Absent, ContainerRuntime, Dead};
use desk::Desk;
use passed::Passed;
use plan::{Node, Plan};
use preflight::Grade;
use process::ProcessRuntime;
use runtime::Runtime;
use start::{Brought, Ground};
use tokio::time::{Instant, sleep};

use crate::{
    config::LaunchSettings,
    exit::{Exit, Failure},
    host::{Notifier, Signals},
    reload::{Handover, Reload},
};

/// While a start waits, the service manager is asked this often for this much more time.
const EXTENSION: (Duration, Duration) = (Duration::from_secs(20), Duration::from_mins(1));

/// Starts the node, or stays with the one that runs already, until it has ended; after a reload it goes on with the one that the
/// program before it stayed with.
pub async fn launch(settings: LaunchSettings, reload: Reload, handover: Option<Handover>) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let passed = Passed::of(handover);
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
            Box::pin(launch_on(runtime, plan, signals, begun, (reload, passed))).await
        }
        Node::Container(packed) => {
            let runtime = ContainerRuntime::new(&plan, packed);
            Box::pin(launch_on(runtime, plan, signals, begun, (reload, passed))).await
        }
    }
}

async fn launch_on<R: Runtime>(
    mut runtime: R,
    plan: Plan,
    mut signals: Signals,
    begun: Instant,
    (reload, passed): (Reload, Passed),
) -> Result<Exit, Failure> {
    let Passed {
        lock,
        data,
        node,
        helper,
    } = passed;
    let skipped = look_at_the_host(&plan, node.is_some()).await?;
    limits::raise();
    let mut desk = Desk::new(&plan, runtime.name(), skipped.clone())?;
    let ground = Ground::new(plan, skipped, lock)?;
    let passed = node.map(|node| (node, data));
    let brought = tokio::select! {
        biased;
        brought = ground.bring_up(&mut runtime, &mut desk, &mut signals, passed) => brought,
        never = keep_the_service_manager_waiting() => match never {},
    };
    let up = match brought {
        Ok(Brought::Up(up)) => up,
        Ok(Brought::Over(exit)) => {
            ground.withdraw(&mut desk).await;
            return Ok(exit);
        }
        Err(failure) => {
            ground.withdraw(&mut desk).await;
            return Err(failure);
        }
    };
    tracing::info!(pid = up.process.pid, adopted = up.adopted, took = ?begun.elapsed(), "node runs");
    let node = ground.running(*up, &mut runtime, &mut desk, &mut signals, (reload, helper));
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

/// The checks that failed and were skipped. Nothing that is found stands in the way of a node that runs already, or did so a moment ago,
/// when it was `passed` on.
async fn look_at_the_host(plan: &Plan, passed: bool) -> Result<Vec<String>, Failure> {
    let leftover = leftover::of_plan(plan, Dead::Leave).await?;
    let checks = preflight::before_a_start(plan, leftover.as_ref().map(|leftover| leftover.process)).await;
    for check in &checks {
        let (name, found) = (check.name, &check.what);
        match check.result {
            Grade::Warn => tracing::warn!(check = name, found, "pre-flight"),
            Grade::Skipped => tracing::warn!(check = name, found, "pre-flight: failed, and skipped by hand"),
            Grade::Fail if passed || leftover.is_some() => {
                tracing::warn!(check = name, found, "pre-flight: the next start would fail");
            }
            // A failure is said when it stops the start.
            Grade::Ok | Grade::Fail => {}
        }
    }
    if let Some(leftover) = leftover {
        return Ok(leftover.file.skipped_checks);
    }
    if !passed {
        preflight::refuse(&checks)?;
    }
    Ok(preflight::skipped(&checks))
}

async fn keep_the_service_manager_waiting() -> Infallible {
    let notifier = Notifier::new();
    loop {
        notifier.extend(EXTENSION.1);
        sleep(EXTENSION.0).await;
    }
}

//! What runs already: the container of this node, and others on its data directory.

use std::{collections::BTreeMap, path::PathBuf};

use super::{arguments, inspect, labels, look, program::Program};
use crate::{
    config::{Cli, ContainerSettings},
    exit::{Exit, Failure},
    host,
    launcher::{
        leftover::Leftover,
        plan::{Packed, Plan},
    },
    model::FORMAT,
    nodefile::{ContainerId, NodeFile, Phase, ProcessId},
};

/// The container of this node, if it runs. One that does not is taken away, so that the name is free; one of somebody else is in the way.
pub async fn leftover(plan: &Plan, packed: &Packed, dead: Dead) -> Result<Option<Leftover>, Failure> {
    let program = Program::new(&packed.container);
    let name = &packed.name;
    let found = look::inspect_container(&program, name).await;
    let Some(found) = found.map_err(|refusal| refusal.failure("ask for the node's container"))? else {
        return Ok(None);
    };
    let label = |name: &str| found.labels.get(name).cloned();
    let ours = (label(labels::SERVICE), label(labels::ID));
    let id = &plan.settings.node.id;
    if ours != (Some(plan.settings.common.service.to_string()), Some(id.to_string())) {
        return Err(taken(program.cli, name));
    }
    let inspect::Standing::Runs { pid } = found.standing else {
        if dead == Dead::Remove {
            tracing::info!(container = name, "removing the container of a node that has ended");
            let removed = look::remove(&program, &found.id).await;
            removed.map_err(|refusal| refusal.failure(&format!("remove the container {name}")))?;
        }
        return Ok(None);
    };
    let process = pid
        .and_then(ProcessId::of)
        .unwrap_or(ProcessId { pid: 0, start_time: 0 });
    let file = NodeFile {
        format: FORMAT,
        engine: program.cli.program().to_owned(),
        container: Some(ContainerId {
            name: name.clone(),
            id: found.id.clone(),
        }),
        process: Some(process),
        server: None,
        name: label(labels::NAME).unwrap_or_default(),
        cluster: label(labels::CLUSTER).unwrap_or_default(),
        phase: Phase::Running,
        data: label(labels::DATA).unwrap_or_default(),
        claim: label(labels::CLAIM).and_then(|claim| claim.parse().ok()),
        // No label: the launcher's file knows.
        skipped_checks: Vec::new(),
        disk: None,
        with_setting: label(labels::WITH_SETTING).is_some_and(|value| value == "true"),
        boot: host::boot_id()?,
        reason: None,
    };
    Ok(Some(Leftover { process, file }))
}

/// What becomes of a container that does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dead {
    /// Whoever only looks leaves it.
    Leave,
    /// It makes room.
    Remove,
}

fn taken(cli: Cli, name: &str) -> Failure {
    let program = cli.program();
    Failure::with_hint(
        Exit::Config,
        format!("the name {name} is taken by a container that is not this node's"),
        format!("look at it, `{program} inspect {name}`, and rename or remove it"),
    )
}

/// Names of other containers that run on this data directory.
pub async fn neighbours(plan: &Plan, packed: &Packed) -> Result<Vec<String>, Failure> {
    let program = Program::new(&packed.container);
    let data = plan.layout.data.display().to_string();
    let names = program.ask(&arguments::running_with(labels::DATA, &data)).await;
    let names = names.map_err(|refusal| refusal.failure("list the containers"))?;
    let names = String::from_utf8_lossy(&names).into_owned();
    Ok(names
        .lines()
        .filter(|name| *name != packed.name && !name.is_empty())
        .map(str::to_owned)
        .collect())
}

/// Removes the containers on these data directories, whatever they do. Their names.
pub async fn remove_on(
    cli: Cli,
    environment: BTreeMap<String, String>,
    data: &[PathBuf],
) -> Result<Vec<String>, Failure> {
    let program = Program { cli, environment };
    let mut removed = Vec::new();
    for dir in data {
        let names = program
            .ask(&arguments::all_with(labels::DATA, &dir.display().to_string()))
            .await;
        let names = names.map_err(|refusal| refusal.failure("list the containers"))?;
        for name in String::from_utf8_lossy(&names).lines().filter(|name| !name.is_empty()) {
            let done = look::remove(&program, name).await;
            done.map_err(|refusal| refusal.failure(&format!("remove the container {name}")))?;
            removed.push(name.to_owned());
        }
    }
    Ok(removed)
}

/// The engine's version; only one that answers can say it.
pub async fn engine_version(settings: &ContainerSettings) -> Result<String, Failure> {
    let program = Program::new(settings);
    let version = program.ask(&arguments::version(settings.cli)).await;
    let version = version.map_err(|refusal| refusal.failure(&format!("use the engine {}", settings.cli.title())))?;
    Ok(String::from_utf8_lossy(&version).trim().to_owned())
}

//! The container engines, Docker and Podman, by their command-line programs: the node as a container that outlives its launcher.
//!
//! What is said stands in `arguments`, what is heard in `inspect` and `refusal`, what follows from it in `life`, all of them
//! pure; this file performs. Invariants: the programs are never signalled to stop a node; what a program's end means is found out by a
//! look at the container; the name belongs to one node, so that no second container of it can be.
//!
//! The lock on the data directory ends with the launcher: no container can inherit it. What keeps two nodes off one directory then is
//! the name (for the same id), the label with the directory (for other ids on the same engine, looked for before every start), and at
//! last the node's own lock in it.

pub mod arguments;
mod environment;
mod found;
mod image;
mod inspect;
pub(super) mod labels;
mod life;
mod look;
mod node;
mod output;
mod program;
mod pull;
mod refusal;
mod tar;

use std::{io, path::PathBuf, time::Duration};

use arguments::Blueprint;
use environment::EnvFile;
pub use found::{Dead, engine_version, leftover, neighbours, remove_on};
pub use image::{Image, Knowledge};
use life::Event;
pub use look::{Absent, look, name};
use node::Node;
use output::Heard;
use program::Program;
use refusal::Refusal;

use super::{
    layout::Layout,
    leftover::Leftover,
    plan::{Packed, Plan},
    runtime::{Ending, Order, Runtime, Started},
};
use crate::{
    exit::{Exit, Failure},
    host::FileLock,
    nodefile::{ContainerId, ProcessId},
};

/// One node, or none yet.
#[derive(Debug)]
pub struct ContainerRuntime {
    program: Program,
    blueprint: Blueprint,
    env_file: PathBuf,
    /// Whether the image was looked into; it was not when a node was found that runs.
    looked_into: bool,
    node: Option<Node>,
}

/// Where the variables of a node lie while its container is made.
pub fn env_file(layout: &Layout) -> PathBuf {
    layout.dir.join(".environment")
}

impl ContainerRuntime {
    /// For the node of a plan.
    pub fn new(plan: &Plan, packed: &Packed) -> Self {
        Self {
            program: Program::new(&packed.container),
            blueprint: plan.blueprint(packed),
            env_file: env_file(&plan.layout),
            looked_into: packed.image.from == Knowledge::Inside,
            node: None,
        }
    }

    async fn create(&self, order: &Order) -> Result<String, Refusal> {
        let failed = |error: io::Error| Refusal::of_error(self.program.cli, &error);
        let text = arguments::env_file(&self.blueprint.environment);
        let file = EnvFile::write(&self.env_file, &text).map_err(failed)?;
        let created = self
            .program
            .change(&self.blueprint.create(&order.label, file.path()))
            .await;
        drop(file);
        let answer = String::from_utf8_lossy(&created?).trim().to_owned();
        // Warnings may stand before it.
        Ok(answer.lines().last().unwrap_or_default().to_owned())
    }

    /// From a container that does not run yet to one that does.
    async fn bring_up(&self, id: &str, order: &Order) -> Result<ProcessId, Refusal> {
        let blueprint = &self.blueprint;
        let settings = tar::Entry::File(order.settings.as_bytes());
        let mut entries = vec![(blueprint.settings_file.as_str(), settings)];
        if let Some((link, target)) = &blueprint.seed_link {
            entries.push((link.as_str(), tar::Entry::Link(target)));
        }
        let archive = tar::archive(&entries, blueprint.user);
        self.program
            .give(&arguments::copy_in(id, &blueprint.config), &archive)
            .await?;
        self.program.change(&arguments::start(id)).await?;
        self.process(id).await
    }

    /// The node's main process. One that has ended already is told of by the number that it would have had.
    async fn process(&self, id: &str) -> Result<ProcessId, Refusal> {
        let found = look::inspect_container(&self.program, id).await?;
        let pid = found.and_then(|found| match found.standing {
            inspect::Standing::Runs { pid } => pid,
            inspect::Standing::Created | inspect::Standing::Ended { .. } => None,
        });
        Ok(pid
            .and_then(ProcessId::of)
            .unwrap_or(ProcessId { pid: 0, start_time: 0 }))
    }

    fn stay_with(&mut self, id: String, process: ProcessId, heard: Heard) {
        self.node = Some(Node::new(&self.program, id, process, heard));
    }

    fn take_in(&mut self, event: Event) -> Option<Ending> {
        self.node.as_mut()?.take_in(&self.program, event)
    }
}

impl Runtime for ContainerRuntime {
    fn name(&self) -> &'static str {
        self.program.cli.program()
    }

    async fn start(&mut self, order: &Order, _lock: &FileLock) -> Result<Started, Failure> {
        if !self.looked_into {
            let what = "the node that ran was stopped, and its image was not looked into";
            return Err(Failure::with_hint(Exit::Failed, what, "start the launcher again"));
        }
        let what = format!("start the container {}", self.blueprint.name);
        let refused = |refusal: Refusal| refusal.failure(&what);
        let id = self.create(order).await.map_err(refused)?;
        match self.bring_up(&id, order).await {
            Ok(process) => {
                self.stay_with(id.clone(), process, Heard::nothing());
                let name = self.blueprint.name.clone();
                Ok(Started {
                    process,
                    container: Some(ContainerId { name, id }),
                })
            }
            Err(refusal) => {
                if let Err(error) = look::remove(&self.program, &id).await {
                    tracing::warn!(cause = %error, "the container that did not start was not removed");
                }
                Err(refused(refusal))
            }
        }
    }

    async fn adopt(&mut self, leftover: &Leftover) -> Result<(), Failure> {
        let container = leftover.file.container.as_ref();
        let id = container.map_or_else(|| self.blueprint.name.clone(), |container| container.id.clone());
        self.stay_with(id, leftover.process, Heard::nearly_all());
        Ok(())
    }

    fn terminate(&mut self, grace: Duration) -> io::Result<()> {
        self.take_in(Event::StopAsked { grace });
        Ok(())
    }

    fn kill(&mut self) -> io::Result<()> {
        self.take_in(Event::KillAsked);
        Ok(())
    }

    async fn let_go(&mut self) {
        if let Some(node) = &mut self.node {
            node.let_go().await;
        }
    }

    async fn ended(&mut self) -> Ending {
        loop {
            let Some(node) = self.node.as_mut() else {
                return Ending::Unknown;
            };
            let event = node.next().await;
            if let Some(ending) = self.take_in(event) {
                self.node = None;
                return ending;
            }
        }
    }
}

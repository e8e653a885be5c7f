//! Everything that is known about a start before etcd is asked: what is started, as whom, with which settings and environment.
//!
//! Made once, from the settings and a look at the distribution or image; all that is wrong with them is reported together.

mod packed;
mod unpacked;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub use packed::Packed;
pub use unpacked::Unpacked;

use super::{
    container::{self, Absent},
    decide::{self, Candidate, Rule},
    disk::room::Watermarks,
    layout::Layout,
    leftover::PROCESS,
    prepare::seed_path,
    product::{Formation, Heap, Line, Version},
    render::{NodeSetup, Reach},
    user::User,
};
use crate::{
    config::{Engine, LaunchSettings},
    exit::{Exit, Failure, Problem},
};

/// What is started and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What was said.
    pub settings: LaunchSettings,
    /// What its version wants.
    pub line: &'static Line,
    /// Its version.
    pub version: Version,
    /// What becomes the node.
    pub node: Node,
    /// Whose rights the node gets; none: the launcher's.
    pub user: Option<User>,
    /// Where its files are.
    pub layout: Layout,
    /// Its settings.
    pub setup: NodeSetup,
    /// How its line forms a cluster.
    pub rule: Rule,
}

/// What becomes the node; each engine has a kind of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A distribution on this host, as a plain process.
    Process(Unpacked),
    /// An image, as a container.
    Container(Packed),
}

impl Node {
    /// The name of what runs it.
    pub fn engine(&self) -> &'static str {
        match self {
            Self::Process(_) => PROCESS,
            Self::Container(packed) => packed.container.cli.program(),
        }
    }
}

/// What the engine's side has found out.
struct Found {
    /// None when something is wrong with it, which is noted.
    node: Option<Node>,
    line: &'static Line,
    version: Version,
    has_security: bool,
    /// Data and log directory as the node sees them.
    seen: (PathBuf, PathBuf),
    reach: Reach,
}

impl Plan {
    /// The plan, or everything that is wrong. Of an image this asks the engine, and pulls it if it may.
    pub async fn find(settings: LaunchSettings, absent: Absent<'_>) -> Result<Self, Failure> {
        match settings.engine.clone() {
            Engine::Process { home } => Self::of_home(settings, &home),
            Engine::Container(container) => {
                let image = container::look(&settings, &container, absent).await?;
                Self::of_image(settings, container, image)
            }
        }
    }

    /// With what was found, unless something is wrong.
    fn complete(
        settings: LaunchSettings,
        mut found: Option<Found>,
        user: Option<User>,
        mut problems: Vec<Problem>,
    ) -> Result<Self, Failure> {
        let line = found.as_ref().map(|found| found.line);
        let rule = line.and_then(|line| rule(line, &settings).map_err(|problem| problems.push(problem)).ok());
        let setup = found.as_ref().map(|found| setup(found, &settings, rule.as_ref()));
        problems.extend(setup.iter().flat_map(NodeSetup::problems));
        let node = found.as_mut().and_then(|found| found.node.take());
        match (problems.is_empty(), found, node, setup, rule) {
            (true, Some(found), Some(node), Some(setup), Some(rule)) => Ok(Self {
                layout: layout(&settings),
                settings,
                line: found.line,
                version: found.version,
                node,
                user,
                setup,
                rule,
            }),
            _ => Err(Failure {
                exit: Exit::Config,
                problems,
            }),
        }
    }

    /// Who decides how the node may start.
    pub fn candidate(&self, skipped_checks: Vec<String>) -> Candidate {
        let settings = &self.settings;
        Candidate {
            id: settings.node.id.clone(),
            name: settings.name.clone(),
            service: settings.common.service.clone(),
            cluster: settings.cluster.clone(),
            master_eligible: self.setup.master_eligible(),
            votes_only: self.setup.votes_only(),
            rule: self.rule,
            skipped_checks,
        }
    }

    /// How full the node lets its disk become.
    pub fn watermarks(&self) -> Watermarks {
        Watermarks::new(&self.setup.set, self.line.flood_headroom)
    }

    /// The live seed file.
    pub fn seed_file(&self) -> PathBuf {
        seed_path(&self.layout)
    }
}

fn layout(settings: &LaunchSettings) -> Layout {
    let node = &settings.node;
    Layout::new(&node.state_dir, &settings.common.service, &node.id, &settings.data)
}

fn rule(line: &Line, settings: &LaunchSettings) -> Result<Rule, Problem> {
    match line.formation {
        Formation::Bootstrap { .. } => Ok(Rule::coordinated(settings.bootstrap_expect)),
        Formation::Quorum { .. } => Rule::zen(settings.bootstrap_expect, settings.expected_masters),
    }
}

fn setup(found: &Found, settings: &LaunchSettings, rule: Option<&Rule>) -> NodeSetup {
    NodeSetup {
        line: found.line,
        version: found.version,
        cluster: settings.cluster.clone(),
        name: settings.name.clone(),
        address: settings.node.address,
        reach: found.reach,
        http_port: settings.node.http_port,
        transport_port: settings.node.transport_port,
        data: found.seen.0.clone(),
        logs: found.seen.1.clone(),
        roles: settings.roles.clone(),
        attributes: settings.attributes.clone(),
        minimum_masters: rule.and_then(|rule| match rule.line() {
            decide::Line::Coordinated => None,
            decide::Line::Zen { minimum_master_nodes } => Some(minimum_master_nodes),
        }),
        has_security: found.has_security,
        certificates: settings.certificates.clone(),
        set: settings.set.clone(),
    }
}

/// The heap, in the way of the line. A variable that was said stays as it is.
fn heap(line: &Line, heap: Option<&str>, environment: &mut BTreeMap<String, String>) {
    let Some(heap) = heap else {
        return;
    };
    match line.script.heap {
        Heap::Options => java_option(line, &format!("-Xms{heap} -Xmx{heap}"), environment),
        Heap::Variable(name) => {
            environment.entry(name.to_owned()).or_insert_with(|| heap.to_owned());
        }
    }
}

/// One more Java option; those that are there come later and win.
fn java_option(line: &Line, option: &str, environment: &mut BTreeMap<String, String>) {
    let name = line.variable("JAVA_OPTS");
    let said = environment.get(&name).map(|said| format!(" {said}"));
    environment.insert(name, format!("{option}{}", said.unwrap_or_default()));
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;

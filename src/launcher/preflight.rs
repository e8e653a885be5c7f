//! Whether this host can run the node: one named result per question, for `quorate check` and before every start. Changes nothing.

mod certificates;
mod disk;
mod engine;
mod files;
pub mod fix;
mod host;
mod java;
mod memory;
mod neighbours;
mod network;
mod roles;
mod topics;

pub use disk::look;
pub use engine::of_engine;
pub use files::in_use;
use serde::Serialize;
pub use topics::{TOPICS, Topic, exists};

use super::plan::{Node, Plan, Unpacked};
use crate::{
    exit::{Exit, Failure, Problem},
    nodefile::ProcessId,
};

/// How a question was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// The node starts, but somebody should know.
    Warn,
    /// The node would not start, or not work.
    Fail,
    /// The same, and somebody said that it is to start all the same.
    Skipped,
}

impl Grade {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
        }
    }
}

/// One question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was asked.
    pub name: &'static str,
    /// How it stands.
    pub result: Grade,
    /// What was found.
    pub what: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What `quorate check --fix` did about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed: Option<String>,
}

impl Check {
    /// As it should be.
    pub fn ok(name: &'static str, what: impl Into<String>) -> Self {
        Self {
            name,
            result: Grade::Ok,
            what: what.into(),
            hint: None,
            fixed: None,
        }
    }

    /// Worth knowing.
    pub fn warn(name: &'static str, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            result: Grade::Warn,
            hint: Some(hint.into()),
            ..Self::ok(name, what)
        }
    }

    /// In the way of a start.
    pub fn fail(name: &'static str, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            result: Grade::Fail,
            ..Self::warn(name, what, hint)
        }
    }
}

impl From<Check> for Problem {
    fn from(check: Check) -> Self {
        Self {
            what: format!("{} (check `{}`)", check.what, check.name),
            hint: check.hint,
        }
    }
}

impl From<Check> for Failure {
    fn from(check: Check) -> Self {
        Self {
            exit: Exit::Config,
            problems: vec![check.into()],
        }
    }
}

/// All checks that need no etcd. `own` is the node of an earlier launcher that still runs: it may hold ports and data.
pub fn checks(plan: &Plan, own: Option<ProcessId>) -> Vec<Check> {
    let node = &plan.settings.node;
    let mut checks = vec![
        network::address(plan),
        network::port("http-port", plan, node.http_port, own),
        network::port("transport-port", plan, node.transport_port, own),
        neighbours::name(plan),
        files::run_dir(plan),
        files::lock(plan, own),
        disk::marker(plan),
        disk::space(plan),
        disk::filesystem(plan),
        memory::swap(locks_memory(plan)),
    ];
    match &plan.node {
        Node::Process(unpacked) => checks.extend(of_process(plan, unpacked)),
        Node::Container(packed) => checks.extend(engine::of_host(plan, packed)),
    }
    checks.extend(roles::check(plan));
    checks.extend(security(plan));
    checks.extend(certificates::of_node(plan));
    checks.extend(certificates::access(plan));
    skip(&mut checks, &plan.settings.skip_checks);
    checks
}

/// All of them, with those that only the engine can answer.
pub async fn before_a_start(plan: &Plan, own: Option<ProcessId>) -> Vec<Check> {
    let mut all = checks(plan, own);
    all.extend(of_engine(plan).await);
    skip(&mut all, &plan.settings.skip_checks);
    all
}

/// What a plain process gets from this host: its files, its Java, the limits of the launcher.
fn of_process(plan: &Plan, unpacked: &Unpacked) -> Vec<Check> {
    let options = java::Options::of(plan, unpacked);
    let heap = options.heap();
    // The node itself refuses to start only where others can reach it, unless it is told to be strict.
    let enforced = !plan.settings.node.address.is_loopback() || options.enforce();
    let mut checks = files::rights(plan, unpacked);
    checks.push(java::version(plan, &unpacked.java));
    checks.push(java::heap(heap, enforced));
    checks.push(options.check());
    checks.extend(memory::heap_fits(heap));
    if enforced {
        checks.push(host::map_count(plan));
        checks.extend(host::limits(locks_memory(plan)));
    }
    checks.extend(files::settings_by_hand(plan, unpacked));
    checks
}

fn locks_memory(plan: &Plan) -> bool {
    plan.setup.locks_memory()
}

/// What was named does not stand in the way; that it would have is still said.
pub fn skip(checks: &mut [Check], names: &[String]) {
    let named = |check: &&mut Check| check.result == Grade::Fail && names.iter().any(|name| name == check.name);
    checks
        .iter_mut()
        .filter(named)
        .for_each(|check| check.result = Grade::Skipped);
}

/// The names of the checks that failed and were skipped.
pub fn skipped(checks: &[Check]) -> Vec<String> {
    let skipped = checks.iter().filter(|check| check.result == Grade::Skipped);
    skipped.map(|check| check.name.to_owned()).collect()
}

/// Everything that failed, as one error.
pub fn refuse(checks: &[Check]) -> Result<(), Failure> {
    let failed = checks.iter().filter(|check| check.result == Grade::Fail);
    let problems: Vec<Problem> = failed.cloned().map(Problem::from).collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure {
        exit: Exit::Config,
        problems,
    })
}

fn security(plan: &Plan) -> Option<Check> {
    let (setting, value) = plan.setup.line.security.off;
    plan.setup.unprotected().then(|| {
        Check::warn(
            "security",
            format!("the node asks nobody for a password: {setting} is {value}"),
            format!(
                "set any of `{}*` by `--set` to decide this yourself",
                plan.setup.line.security.namespace
            ),
        )
    })
}

//! Whether this host can run the node: one named result per question, for `quorate check` and before every start. Changes nothing.

mod files;
mod host;

use std::{io, net::TcpListener};

pub use files::in_use;
use serde::Serialize;

use super::{
    java::{Java, JavaSource},
    plan::{Node, Plan},
};
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
}

impl Grade {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
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
}

impl Check {
    /// As it should be.
    pub fn ok(name: &'static str, what: impl Into<String>) -> Self {
        Self {
            name,
            result: Grade::Ok,
            what: what.into(),
            hint: None,
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
            what: check.what,
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
    let mut checks = vec![address(plan)];
    checks.push(port("http-port", plan, node.http_port, own));
    checks.push(port("transport-port", plan, node.transport_port, own));
    let Node::Process(unpacked) = &plan.node;
    checks.push(java(plan, &unpacked.java));
    checks.extend(files::rights(plan, unpacked));
    checks.push(files::run_dir(plan));
    checks.push(files::lock(plan, own));
    if !node.address.is_loopback() {
        // The node itself enforces these there, and there only.
        checks.push(host::map_count(plan));
        checks.push(host::open_files());
    }
    checks.extend(files::settings_by_hand(plan, unpacked));
    checks.extend(security(plan));
    checks
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

/// Binding a port that the system chooses proves that the address is on an interface.
fn address(plan: &Plan) -> Check {
    const NAME: &str = "address";
    let node = &plan.settings.node;
    if let Err(error) = TcpListener::bind((node.address, 0)) {
        return Check::fail(
            NAME,
            format!(
                "`--address` is {}, which is on no interface of this host: {error}",
                node.address
            ),
            "name an address that `ip addr` shows",
        );
    }
    match host::engine_bridge(node.address).filter(|_| !node.address_given) {
        Some(bridge) => Check::fail(
            NAME,
            format!(
                "no `--address` is given and {} belongs to {bridge}, which other hosts cannot reach",
                node.address
            ),
            "name the address that other nodes reach: `--address IP`",
        ),
        None => Check::ok(NAME, format!("{} is on this host", node.address)),
    }
}

fn port(name: &'static str, plan: &Plan, port: u16, own: Option<ProcessId>) -> Check {
    let address = plan.settings.node.address;
    if let Some(process) = own {
        return Check::ok(
            name,
            format!(
                "port {port} belongs to the node that runs already, process {}",
                process.pid
            ),
        );
    }
    match TcpListener::bind((address, port)) {
        Ok(_) => Check::ok(name, format!("port {port} on {address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Check::fail(
            name,
            format!("port {port} on {address} is taken by another process"),
            format!("see who it is, `ss -ltnp 'sport = :{port}'`, or choose another `--{name}`"),
        ),
        // What is wrong with the address is said once, by its own check.
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
            Check::warn(name, format!("port {port} was not tried: {error}"), "see `address`")
        }
        Err(error) => Check::fail(
            name,
            format!("port {port} on {address} cannot be used: {error}"),
            "ports below 1024 need a privilege",
        ),
    }
}

fn java(plan: &Plan, java: &Java) -> Check {
    const NAME: &str = "java";
    let line = plan.line;
    let place = format!("{} (from {})", java.home.display(), java.from);
    match java.major {
        // What a distribution brings fits it.
        _ if java.from == JavaSource::Bundled => Check::ok(NAME, place),
        Some(major) if line.java.contains(major) => Check::ok(NAME, format!("Java {major} in {place}")),
        Some(major) => Check::fail(
            NAME,
            format!(
                "Java {major} in {place} does not fit {} {}",
                line.product.title(),
                plan.version
            ),
            format!("give it {}: `--env {}=DIR`", line.java, line.java_variable),
        ),
        None => Check::warn(
            NAME,
            format!("{place} does not say which version it is"),
            format!("{} wants {}", line.label, line.java),
        ),
    }
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

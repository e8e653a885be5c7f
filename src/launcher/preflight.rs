//! Whether this host can run the node: one named result per question, for `quorate check` and before every start. Changes nothing.

mod host;

use std::{io, net::TcpListener, path::Path};

use rustix::fs::{Access, access};
use serde::Serialize;

use super::{java::JavaSource, plan::Plan, user::with_rights_of};
use crate::{
    exit::{Exit, Failure, Problem},
    host::FileLock,
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
    checks.push(java(plan));
    checks.extend(files(plan));
    checks.push(lock(plan, own));
    if !node.address.is_loopback() {
        // The node itself enforces these there, and there only.
        checks.push(host::map_count(plan));
        checks.push(host::open_files());
    }
    checks.extend(settings_by_hand(plan));
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

fn java(plan: &Plan) -> Check {
    const NAME: &str = "java";
    let (java, line) = (&plan.java, plan.distribution.line);
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
                plan.distribution.version
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

/// What the node's user can do with the files, seen with its rights.
fn files(plan: &Plan) -> Vec<Check> {
    let look = || vec![program(plan), data(plan), state(plan)];
    match with_rights_of(plan.user.as_ref(), look) {
        Ok(checks) => checks,
        Err(error) => vec![Check::fail(
            "user",
            format!("the rights of `{}` cannot be taken on: {error}", whose(plan)),
            "start the launcher as root, or leave `--user` out",
        )],
    }
}

fn program(plan: &Plan) -> Check {
    const NAME: &str = "home";
    let config = plan.distribution.config();
    let wanted = [
        (plan.distribution.program(), Access::READ_OK | Access::EXEC_OK),
        (plan.java.home.join("bin/java"), Access::EXEC_OK),
        (plan.distribution.home.join("lib"), Access::READ_OK | Access::EXEC_OK),
        (config, Access::READ_OK | Access::EXEC_OK),
    ];
    for (path, rights) in wanted {
        if let Err(error) = access(&path, rights) {
            return Check::fail(
                NAME,
                format!("{} cannot use {}: {error}", whose(plan), path.display()),
                "look at its modes and at those of every directory above it",
            );
        }
    }
    let (title, version) = (plan.distribution.line.product.title(), plan.distribution.version);
    Check::ok(
        NAME,
        format!("{title} {version} in {}", plan.distribution.home.display()),
    )
}

fn data(plan: &Plan) -> Check {
    const NAME: &str = "data";
    let data = &plan.layout.data;
    match writable(data, plan) {
        Ok(true) => Check::ok(NAME, format!("{} can be written by {}", data.display(), whose(plan))),
        Ok(false) => Check::ok(NAME, format!("{} will be made", data.display())),
        Err(error) => Check::fail(
            NAME,
            format!(
                "{} cannot write the data directory {}: {error}",
                whose(plan),
                data.display()
            ),
            format!(
                "give it away: `chown -R {} {}`, and look at the directories above it",
                whose(plan),
                data.display()
            ),
        ),
    }
}

/// The directory under `--state-dir` holds files that the launcher makes for the node: the node has to reach it.
fn state(plan: &Plan) -> Check {
    const NAME: &str = "state-dir";
    let dir = existing(&plan.layout.dir);
    match access(dir, to_make(plan)) {
        Ok(()) => Check::ok(NAME, format!("{} is within reach", plan.layout.dir.display())),
        Err(error) => Check::fail(
            NAME,
            format!("{} cannot use {}: {error}", whose(plan), dir.display()),
            "look at the modes of the directories above it, or choose another `--state-dir`",
        ),
    }
}

/// Whether `dir` is there and can be written; an error when it is there and cannot, or when it cannot be made.
fn writable(dir: &Path, plan: &Plan) -> io::Result<bool> {
    let there = existing(dir);
    access(
        there,
        if there == dir {
            Access::WRITE_OK | Access::EXEC_OK
        } else {
            to_make(plan)
        },
    )?;
    Ok(there == dir)
}

/// The right to a directory in which others are to be made: as root the launcher makes them, and the node only goes through.
fn to_make(plan: &Plan) -> Access {
    match plan.user {
        Some(_) => Access::EXEC_OK,
        None => Access::WRITE_OK | Access::EXEC_OK,
    }
}

/// The part of `path` that is there.
fn existing(path: &Path) -> &Path {
    path.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("/"))
}

fn lock(plan: &Plan, own: Option<ProcessId>) -> Check {
    const NAME: &str = "data-lock";
    let data = plan.layout.data.display();
    match (FileLock::is_held(&plan.layout.lock), own) {
        (Ok(true), Some(process)) => Check::ok(
            NAME,
            format!("held by the node that runs already, process {}", process.pid),
        ),
        (Ok(true), None) => in_use(plan),
        (Ok(false), _) => Check::ok(NAME, format!("{data} is used by nobody")),
        (Err(error), _) => Check::fail(
            NAME,
            format!("{} cannot be opened: {error}", plan.layout.lock.display()),
            "start the launcher as the user that owns it, or as root",
        ),
    }
}

/// What is said of a data directory that another launcher or node holds.
pub fn in_use(plan: &Plan) -> Check {
    let who = FileLock::holder(&plan.layout.lock).map_or_else(String::new, |pid| format!(", process {pid}"));
    Check::fail(
        "data-lock",
        format!(
            "the data directory {} is in use by another launcher or node{who}",
            plan.layout.data.display()
        ),
        "each node needs a `--data` of its own; stop the other one first if it is this node",
    )
}

/// The distribution's own settings file is replaced: whoever wrote into it should know.
fn settings_by_hand(plan: &Plan) -> Option<Check> {
    let path = plan.distribution.config().join(plan.distribution.line.settings_file());
    let text = std::fs::read_to_string(&path).ok()?;
    let written = text
        .lines()
        .map(str::trim)
        .any(|line| !line.is_empty() && !line.starts_with('#'));
    written.then(|| {
        Check::warn(
            "settings",
            format!("settings in {} are not used", path.display()),
            "give them as `--set KEY=VALUE`, or under `[set]` in quorate's configuration file",
        )
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

fn whose(plan: &Plan) -> String {
    match &plan.user {
        Some(user) => user.name.clone(),
        None => format!("user {}", rustix::process::geteuid().as_raw()),
    }
}

//! Settings of the launcher.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Common, Engine, NodeSettings, Resolver, Source,
    common::common,
    engine::engine,
    node::{directory, node},
    suggest::nearest,
    time,
};
use crate::{
    exit::Problem,
    host,
    launcher::preflight::{self, TOPICS},
    model::{DEFAULT_TRANSPORT_PORT, NodeId, ServiceName},
};

/// Settings of `quorate launch`.
#[derive(Debug, Clone)]
pub struct LaunchSettings {
    /// Registry and service.
    pub common: Common,
    /// The node.
    pub node: NodeSettings,
    /// What runs it.
    pub engine: Engine,
    /// The product, when named.
    pub product: Option<String>,
    /// The version, when named.
    pub version: Option<String>,
    /// The node's name.
    pub name: String,
    /// The cluster's name.
    pub cluster: String,
    /// The data directory.
    pub data: PathBuf,
    /// The user of the node when started as root, when named.
    pub user: Option<String>,
    /// Masters that must be there before the cluster is formed; none: the product's default.
    pub bootstrap_expect: Option<usize>,
    /// Masters the cluster will have, when said.
    pub expected_masters: Option<usize>,
    /// The node's roles, when said; never an empty list.
    pub roles: Option<Vec<String>>,
    /// Attributes of the node.
    pub attributes: BTreeMap<String, String>,
    /// Java heap, when said.
    pub heap: Option<String>,
    /// The directory with the node's certificates, when said.
    pub certificates: Option<PathBuf>,
    /// Settings of the node, YAML values.
    pub set: BTreeMap<String, String>,
    /// Environment of the node, as said.
    pub env: BTreeMap<String, String>,
    /// Variables of the launcher itself from which the node's environment is made.
    pub inherited: BTreeMap<String, String>,
    /// Time for readers between leaving and the stop.
    pub drain_wait: Duration,
    /// Time for the node to stop by itself.
    pub grace: Duration,
    /// The longest that a start may wait; none: for ever.
    pub wait_for: Option<Duration>,
    /// How often the disk under the data is tried; none: never.
    pub disk_interval: Option<Duration>,
    /// Checks whose failure does not stop the start.
    pub skip_checks: Vec<String>,
}

/// The node gets a clean environment: secrets of the launcher, its notification socket and `JAVA_TOOL_OPTIONS` stay out.
const INHERITED: &[&str] = &[
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "JAVA_HOME",
    "ES_JAVA_HOME",
    "OPENSEARCH_JAVA_HOME",
];

/// Settings of `quorate launch`, or none when something is wrong (the resolver then knows what).
pub fn launch(r: &mut Resolver<'_>) -> Option<LaunchSettings> {
    let common = common(r);
    let endpoints = common
        .as_ref()
        .map(|c| c.registry.endpoints.clone())
        .unwrap_or_default();
    let node = node(r, &endpoints, "/var/lib/quorate");
    let engine = engine(r);
    let name = name(r, node.as_ref());
    let bootstrap_expect = masters(r, "bootstrap-expect").filter(|_| !is_default(r, "bootstrap-expect"));
    let expected_masters = masters(r, "expected-masters");
    let roles = roles(r);
    let heap = heap(r);
    let (attributes, set, env) = (r.pairs("attr"), r.pairs("set"), r.pairs("env"));
    let inherited = inherited(r);
    let (drain_wait, grace) = (zero_or_duration(r, "drain-wait"), r.duration("grace"));
    let wait_for = r.duration("wait-for");
    let disk_interval = r.duration_or_off("disk-interval");
    let skip_checks = skip_checks(r);
    let (product, version, user, cluster) = (r.text("product"), r.text("version"), r.text("user"), r.text("cluster"));
    let (data, certificates) = (directory(r, "data"), directory(r, "certificates"));
    let (common, node) = (common?, node?);
    let data = data.unwrap_or_else(|| default_data(&node.state_dir, &common.service, &node.id));
    let cluster = cluster.unwrap_or_else(|| common.service.to_string());
    Some(LaunchSettings {
        engine: engine?,
        product,
        version,
        name: name?,
        cluster,
        data,
        user,
        bootstrap_expect,
        expected_masters,
        roles,
        attributes,
        heap,
        certificates,
        set,
        env,
        inherited,
        drain_wait: drain_wait?,
        grace: grace?,
        wait_for,
        disk_interval: disk_interval?,
        skip_checks,
        common,
        node,
    })
}

/// The host's name, and like the id with the port where it is not the usual one: several nodes of a host are several names.
fn name(r: &mut Resolver<'_>, node: Option<&NodeSettings>) -> Option<String> {
    let of_host = |host: String| match node.map(|node| node.transport_port) {
        Some(port) if port != DEFAULT_TRANSPORT_PORT => format!("{host}-{port}"),
        Some(_) | None => host,
    };
    let name = r.text("name").or_else(|| host::name().map(of_host));
    if name.is_none() {
        r.problem(Problem::with_hint("this host has no name", "give `--name`"));
    }
    name
}

fn inherited(r: &Resolver<'_>) -> BTreeMap<String, String> {
    let variable = |name: &&str| Some(((*name).to_owned(), r.sources().variable(name)?.to_owned()));
    INHERITED.iter().filter_map(variable).collect()
}

fn heap(r: &mut Resolver<'_>) -> Option<String> {
    r.parse_with("heap", "a size such as `512m` or `4g`", |text| {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        (matches!(unit, "k" | "m" | "g") && number.parse::<u32>().is_ok_and(|n| n > 0)).then(|| text.to_owned())
    })
}

/// Names of checks; a misspelt one would be an override that silently does nothing.
fn skip_checks(r: &mut Resolver<'_>) -> Vec<String> {
    let names = r.list("skip-check");
    for name in names.iter().filter(|name| !preflight::exists(name)) {
        let near = nearest(name, TOPICS.iter().map(|topic| topic.name));
        let hint = near.map_or_else(
            || "`quorate check` lists all names".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        r.problem(Problem::with_hint(
            format!("`{name}` in `--skip-check` is no check"),
            hint,
        ));
    }
    names
}

/// An empty list is a variable that was not set more often than a node without roles.
fn roles(r: &mut Resolver<'_>) -> Option<Vec<String>> {
    let (roles, source) = r.raw("roles")?;
    if roles.is_empty() {
        r.problem(Problem::with_hint(
            format!("`--roles` is empty (from {source})"),
            "leave it out for the product's own roles; a node without any is `--roles coordinating`",
        ));
    }
    Some(roles)
}

fn is_default(r: &mut Resolver<'_>, key: &str) -> bool {
    r.raw(key).is_none_or(|(_, source)| source == Source::Default)
}

fn masters(r: &mut Resolver<'_>, key: &str) -> Option<usize> {
    r.parse_with(key, "a number of masters from 1 to 99", |text| {
        text.parse().ok().filter(|n| (1..=99).contains(n))
    })
}

fn zero_or_duration(r: &mut Resolver<'_>, key: &str) -> Option<Duration> {
    r.parse_with(
        key,
        "a time with its unit, e.g. `5s`, at most a year; `0s` for none",
        time,
    )
}

fn default_data(state_dir: &Path, service: &ServiceName, id: &NodeId) -> PathBuf {
    state_dir.join(service.as_str()).join(id.dir_name()).join("data")
}

//! Settings that say which node this host has; both daemons take them.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use super::{Resolver, Source, access, address, option};
use crate::{
    exit::Problem,
    model::{NodeId, ServiceName},
    probe::Access,
};

/// The longest one round over the endpoints of etcd may take, which a TTL has to leave room for.
const REGISTRY_ROUND: Duration = Duration::from_secs(3);

/// Which node this host has.
#[derive(Debug, Clone)]
pub struct NodeSettings {
    /// Its id.
    pub id: NodeId,
    /// Its publish address.
    pub address: IpAddr,
    /// Whether somebody named the address; a guessed one may not be loopback or a bridge.
    pub address_given: bool,
    /// Where it answers HTTP.
    pub http_port: u16,
    /// Where other nodes reach it.
    pub transport_port: u16,
    /// How it is asked.
    pub access: Access,
    /// How long a key outlives its writer.
    pub ttl: Duration,
    /// Root of what the launcher tells the sidecar.
    pub run_dir: PathBuf,
    /// Root of what the next run takes over.
    pub state_dir: PathBuf,
    /// Whether a foreign key without a lease at our id is taken.
    pub take_over: bool,
}

impl NodeSettings {
    /// `<run-dir>/<service>/<id>.json`, the launcher's file.
    pub fn run_file(&self, service: &ServiceName) -> PathBuf {
        self.run_dir.join(service.as_str()).join(format!("{}.json", self.id))
    }

    /// `<state-dir>/<service>/<id>.json`, what the next run takes over.
    pub fn state_file(&self, service: &ServiceName) -> PathBuf {
        self.state_dir.join(service.as_str()).join(format!("{}.json", self.id))
    }
}

/// The node, or none when something is wrong (the resolver then knows what).
pub(super) fn node(r: &mut Resolver<'_>, endpoints: &[String], default_state_dir: &str) -> Option<NodeSettings> {
    let address = address(r, endpoints);
    let http_port = r.port("http-port");
    let transport_port = r.port("transport-port");
    let access = access(r);
    let ttl = r.duration("ttl");
    if let Some(ttl) = ttl.filter(|ttl| *ttl < 3 * REGISTRY_ROUND || ttl.subsec_nanos() != 0) {
        let shown = humantime::format_duration(ttl).to_string();
        r.complain(
            "ttl",
            &shown,
            "whole seconds, at least 9s: a third of it must leave room for one round over etcd's endpoints",
        );
    }
    let run_dir = directory(r, "run-dir");
    let state_dir = directory(r, "state-dir").unwrap_or_else(|| PathBuf::from(default_state_dir));
    let take_over = r.switch("take-over");
    if http_port.is_some() && http_port == transport_port {
        r.problem(Problem::new("`--http-port` and `--transport-port` are the same"));
    }
    let (address, address_given) = address?;
    let transport_port = transport_port?;
    Some(NodeSettings {
        id: NodeId::new(address, transport_port),
        address,
        address_given,
        http_port: http_port?,
        transport_port,
        access: access?,
        ttl: ttl?,
        run_dir: run_dir?,
        state_dir,
        take_over,
    })
}

/// The id of this host's node alone, for commands that only ask about it.
pub fn own_id(r: &mut Resolver<'_>, endpoints: &[String]) -> Option<NodeId> {
    let address = address(r, endpoints);
    let transport_port = r.port("transport-port");
    Some(NodeId::new(address?.0, transport_port?))
}

/// Where launchers tell of their nodes, for commands that only read that.
pub fn run_dir(r: &mut Resolver<'_>) -> Option<PathBuf> {
    directory(r, "run-dir")
}

/// An absolute path.
pub(super) fn directory(r: &mut Resolver<'_>, key: &str) -> Option<PathBuf> {
    r.parse_with(key, "an absolute path", |text| {
        Some(PathBuf::from(text)).filter(|path| path.is_absolute())
    })
}

fn address(r: &mut Resolver<'_>, endpoints: &[String]) -> Option<(IpAddr, bool)> {
    if let Some((_, source)) = r.raw("address") {
        let address: IpAddr = r.parse("address", "an IP address of this host, e.g. `10.0.0.1`")?;
        // What the host thinks of itself is a guess too: it says 127.0.0.1 where it knows no better. A default is a kept guess.
        let given = !host_says(&source) && source != Source::Default;
        if address.is_unspecified() || address.is_multicast() || (address.is_loopback() && !given) {
            r.complain("address", &address.to_string(), "an address that other hosts can reach");
            return None;
        }
        return Some((address, given));
    }
    if endpoints.is_empty() {
        // What is wrong with them is noted already; a guess that rests on them would only repeat it.
        return None;
    }
    let hint = "name the address that other nodes reach: `--address IP` or QUORATE_ADDRESS";
    let what = match address::guess(endpoints) {
        Ok(address) => return Some((address, false)),
        Err(address::NoAddress::NoRoute) => {
            "no `--address` is given and no endpoint of etcd can be routed to".to_owned()
        }
        Err(address::NoAddress::Ambiguous(found)) => {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            format!(
                "no `--address` is given and etcd is reached from several: {}",
                found.join(", ")
            )
        }
        Err(address::NoAddress::Loopback(address)) => {
            format!("no `--address` is given and etcd is reached from {address}, which no other host can reach")
        }
    };
    r.problem(Problem::with_hint(what, hint));
    None
}

fn host_says(source: &Source) -> bool {
    let names = option("address").map_or(&[][..], |opt| opt.host_env);
    matches!(source, Source::Environment(name) if names.contains(&name.as_str()))
}

//! Who plays: etcd, and for each node a launcher and a sidecar, as command lines. Pure.
//!
//! Each launcher and sidecar is this very program, started as on a host of its own: own address, own run and state directories,
//! and nothing of this host's configuration.

#[cfg(test)]
mod tests;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use super::options::{Options, Stock};
use crate::{
    config::Cli,
    launcher::product::{Formation, Line, Version},
    model::{NodeId, ServiceName},
    registry::{Keys, RegistrySettings},
};

/// Where a sidecar answers, on its node's address.
pub(super) const SIDECAR_PORT: u16 = 9190;

/// One of the processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Who {
    /// The registry.
    Etcd,
    /// The launcher of a node, by its index.
    Launcher(usize),
    /// The sidecar of a node, by its index.
    Sidecar(usize),
}

/// A command line, and where its output goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) log: PathBuf,
}

/// A node's part.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) id: NodeId,
    pub(super) name: String,
    pub(super) address: Ipv4Addr,
    pub(super) http_port: u16,
    /// Settings of its launcher.
    pub(super) launch: Vec<(&'static str, String)>,
    /// Settings of its sidecar.
    pub(super) sidecar: Vec<(&'static str, String)>,
    /// Where its launcher says what runs.
    pub(super) file: PathBuf,
}

impl Part {
    /// Where it answers HTTP.
    pub(super) fn http(&self) -> SocketAddr {
        SocketAddr::from((self.address, self.http_port))
    }
}

/// Ports of etcd, on the first node's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EtcdPorts {
    pub(super) client: u16,
    pub(super) peer: u16,
}

/// What was found in the distribution or image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    pub(super) version: Version,
    pub(super) line: &'static Line,
}

/// What the machine has to offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programs {
    /// This program.
    pub(super) own: PathBuf,
    /// The etcd binary.
    pub(super) etcd: PathBuf,
    /// Where it can listen.
    pub(super) ports: EtcdPorts,
}

/// Everybody.
#[derive(Debug, Clone)]
pub(super) struct Cast {
    /// Product and version in words.
    pub(super) title: String,
    /// This program.
    pub(super) program: PathBuf,
    /// The demo's own folder.
    pub(super) dir: PathBuf,
    /// Where etcd answers: `host:port`.
    pub(super) endpoint: String,
    /// What runs the nodes; none: they are processes.
    pub(super) engine: Option<Cli>,
    pub(super) etcd: Command,
    pub(super) keys: Keys,
    pub(super) nodes: Vec<Part>,
}

impl Cast {
    /// Everybody's part, under `service`.
    pub(super) fn new(options: &Options, made: Made, programs: &Programs, service: &ServiceName) -> Self {
        let engine = match options.stock {
            Stock::Home { .. } => None,
            Stock::Image { cli, .. } => Some(cli),
        };
        let place = engine.map_or_else(String::new, |cli| format!(" in {}", cli.title()));
        let ports = programs.ports;
        let first = options.addresses.first().copied().unwrap_or(Ipv4Addr::LOCALHOST);
        let endpoint = format!("{first}:{}", ports.client);
        let parts = options.addresses.iter().enumerate();
        Self {
            title: format!("{} {}{place}", made.line.product.title(), made.version),
            engine,
            program: programs.own.clone(),
            dir: options.dir.clone(),
            etcd: etcd_command(&programs.etcd, &options.dir, first, ports),
            keys: Keys::new("/services", "/quorate", service),
            nodes: parts
                .map(|(index, address)| part(options, made, &endpoint, service, index, *address))
                .collect(),
            endpoint,
        }
    }

    /// The command line of one process.
    pub(super) fn command(&self, who: Who) -> Option<Command> {
        let ours = |name: &str, index: usize, settings: &[(&'static str, String)]| Command {
            program: self.program.clone(),
            args: std::iter::once(name.to_owned())
                .chain(
                    settings
                        .iter()
                        .flat_map(|(key, value)| [format!("--{key}"), value.clone()]),
                )
                .collect(),
            log: self.dir.join("log").join(format!("{name}-{}.log", index + 1)),
        };
        match who {
            Who::Etcd => Some(self.etcd.clone()),
            Who::Launcher(index) => Some(ours("launch", index, &self.nodes.get(index)?.launch)),
            Who::Sidecar(index) => Some(ours("sidecar", index, &self.nodes.get(index)?.sidecar)),
        }
    }

    /// A process in words.
    pub(super) fn call(&self, who: Who) -> String {
        let name = |index: usize| self.nodes.get(index).map_or("?", |part| part.name.as_str());
        match who {
            Who::Etcd => "etcd".to_owned(),
            Who::Launcher(index) => format!("the launcher of {}", name(index)),
            Who::Sidecar(index) => format!("the sidecar of {}", name(index)),
        }
    }

    /// How to reach its etcd.
    pub(super) fn registry(&self) -> RegistrySettings {
        RegistrySettings {
            endpoints: vec![format!("http://{}", self.endpoint)],
            ..RegistrySettings::default()
        }
    }

    /// The configuration file that everybody reads in place of the host's.
    pub(super) fn config(&self) -> PathBuf {
        config(&self.dir)
    }
}

fn config(dir: &Path) -> PathBuf {
    dir.join("quorate.toml")
}

fn etcd_command(program: &Path, dir: &Path, address: Ipv4Addr, ports: EtcdPorts) -> Command {
    let client = format!("http://{address}:{}", ports.client);
    let peer = format!("http://{address}:{}", ports.peer);
    let data = dir.join("etcd").display().to_string();
    let args = [
        ("name", "demo"),
        ("data-dir", &data),
        ("listen-client-urls", &client),
        ("advertise-client-urls", &client),
        ("listen-peer-urls", &peer),
        ("initial-advertise-peer-urls", &peer),
        ("initial-cluster", &format!("demo={peer}")),
    ];
    Command {
        program: program.to_owned(),
        args: args
            .into_iter()
            .flat_map(|(key, value)| [format!("--{key}"), value.to_owned()])
            .collect(),
        log: dir.join("log/etcd.log"),
    }
}

/// What the node is made of.
fn stock(options: &Options, line: &Line) -> Vec<(&'static str, String)> {
    match &options.stock {
        Stock::Home { home, java_home, user } => {
            let java = |java: &PathBuf| ("env", format!("{}={}", line.java_variable, java.display()));
            std::iter::once(("home", home.display().to_string()))
                .chain(user.clone().map(|user| ("user", user)))
                .chain(java_home.as_ref().map(java))
                .collect()
        }
        Stock::Image { cli, image } => vec![("engine", cli.program().to_owned()), ("image", image.clone())],
    }
}

fn part(options: &Options, made: Made, endpoint: &str, service: &ServiceName, index: usize, address: Ipv4Addr) -> Part {
    let (dir, name) = (&options.dir, format!("node-{}", index + 1));
    let id = NodeId::new(address.into(), options.transport_port);
    let path = |name: &str| dir.join(name).display().to_string();
    let common = vec![
        ("config", config(dir).display().to_string()),
        ("endpoints", endpoint.to_owned()),
        ("service", service.to_string()),
        ("address", address.to_string()),
        ("http-port", options.http_port.to_string()),
        ("transport-port", options.transport_port.to_string()),
        ("name", name.clone()),
        ("cluster", "demo".to_owned()),
        ("run-dir", path("run")),
    ];
    let masters = options.addresses.len().to_string();
    let mut launch = common.clone();
    launch.extend([
        ("state-dir", path("launcher")),
        ("heap", options.heap.clone()),
        ("bootstrap-expect", masters.clone()),
        // A person waits for the end.
        ("grace", "20s".to_owned()),
    ]);
    launch.extend(stock(options, made.line));
    if matches!(made.line.formation, Formation::Quorum { .. }) {
        launch.push(("expected-masters", masters));
    }
    let mut sidecar = common;
    sidecar.extend([
        ("state-dir", path("sidecar")),
        ("listen", format!("{address}:{SIDECAR_PORT}")),
    ]);
    Part {
        file: dir.join("run").join(service.as_str()).join(format!("{id}.json")),
        http_port: options.http_port,
        id,
        name,
        address,
        launch,
        sidecar,
    }
}

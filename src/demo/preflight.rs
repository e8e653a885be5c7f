//! Everything that can be known before anything is started: the parts are there, the ports are free, the nodes can start.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

use super::{
    cast::{Cast, EtcdPorts, Made, Programs, SIDECAR_PORT},
    options::{Options, Stock},
};
use crate::{
    commands::resolve,
    config::{self, Sources},
    exit::{Exit, Failure, Problem},
    launcher::{
        container::Absent,
        distribution::Distribution,
        plan::Plan,
        preflight::{checks, refuse},
    },
    output,
};

/// The usual ports of etcd; others are taken when these are in use.
const ETCD: [u16; 2] = [2379, 2380];

/// Everybody's part, or all that stands in the way.
pub(super) async fn cast(options: &Options, sources: &Sources) -> Result<Cast, Failure> {
    let made = made(options, sources).await?;
    let programs = Programs {
        own: std::env::current_exe()?,
        etcd: etcd(options, sources)?,
        ports: etcd_ports(first(options), options)?,
    };
    let service = config::option("service")
        .and_then(|opt| opt.default)
        .unwrap_or_default();
    let service = service
        .parse()
        .map_err(|error: crate::model::IdError| Failure::new(Exit::Failed, error.to_string()))?;
    let cast = Cast::new(options, made, &programs, &service);
    let mut problems = Vec::new();
    for part in &cast.nodes {
        let ready = async {
            let settings = resolve(&sources.neutral(&part.launch), config::launch)?;
            let plan = Plan::find(settings, Absent::Leave).await?;
            refuse(&checks(&plan, None))
        };
        let ready = ready.await;
        problems.extend(ready.err().into_iter().flat_map(|failure| failure.problems));
        problems.extend(taken(part.address, SIDECAR_PORT));
    }
    // What is wrong with the distribution, the Java or the folder is wrong for every node.
    problems.dedup();
    if problems.is_empty() {
        return Ok(cast);
    }
    problems.sort_by(|a, b| a.what.cmp(&b.what));
    problems.dedup();
    Err(Failure {
        exit: Exit::Failed,
        problems,
    })
}

fn first(options: &Options) -> Ipv4Addr {
    options.addresses.first().copied().unwrap_or(Ipv4Addr::LOCALHOST)
}

/// Looks into the distribution or image, which is pulled when it is not here.
async fn made(options: &Options, sources: &Sources) -> Result<Made, Failure> {
    let (version, line) = match &options.stock {
        Stock::Home { home, .. } => {
            let found = Distribution::find(home, None, None).map_err(failure)?;
            (found.version, found.line)
        }
        Stock::Image { cli, image } => {
            let masters = options.addresses.len().to_string();
            let flags = [
                ("engine", cli.program().to_owned()),
                ("image", image.clone()),
                ("address", first(options).to_string()),
                ("bootstrap-expect", masters.clone()),
                ("expected-masters", masters),
                ("state-dir", options.dir.join("launcher").display().to_string()),
            ];
            let settings = resolve(&sources.neutral(&flags), config::launch)?;
            let mut tell = |text: &str| output::note(text);
            let plan = Plan::find(settings, Absent::Pull(&mut tell)).await?;
            (plan.version, plan.line)
        }
    };
    Ok(Made { version, line })
}

fn failure(problem: Problem) -> Failure {
    Failure {
        exit: Exit::Failed,
        problems: vec![problem],
    }
}

/// The etcd binary: the one named, or the first one in PATH.
fn etcd(options: &Options, sources: &Sources) -> Result<PathBuf, Failure> {
    let runs = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    if let Some(path) = &options.etcd {
        if runs(path) {
            return Ok(path.clone());
        }
        let what = format!("`--etcd` is {}, which is no program", path.display());
        return Err(failure(Problem::with_hint(
            what,
            "name the etcd binary itself, e.g. `--etcd /usr/bin/etcd`",
        )));
    }
    let path = sources.variable("PATH").unwrap_or_default();
    let mut places = path
        .split(':')
        .filter(|place| !place.is_empty())
        .map(|place| Path::new(place).join("etcd"));
    places.find(|place| runs(place)).ok_or_else(|| {
        failure(Problem::with_hint(
            "there is no etcd in PATH",
            "install it (Debian: `apt-get install etcd-server`), or name one: `--etcd FILE`; `make demo` fetches it",
        ))
    })
}

fn etcd_ports(address: Ipv4Addr, options: &Options) -> Result<EtcdPorts, Failure> {
    let ours = [options.http_port, options.transport_port];
    let usual = |port: u16| !ours.contains(&port) && TcpListener::bind((address, port)).is_ok();
    let [client, peer] = ETCD;
    if usual(client) && usual(peer) {
        return Ok(EtcdPorts { client, peer });
    }
    // Held together, so that they are two.
    let any = || TcpListener::bind((address, 0));
    let ports = any().and_then(|client| any().and_then(|peer| Ok([client.local_addr()?, peer.local_addr()?])));
    let [client, peer] = ports.map_err(|error| {
        failure(Problem::with_hint(
            format!("nothing can listen on {address}: {error}"),
            "choose another `--address`",
        ))
    })?;
    Ok(EtcdPorts {
        client: client.port(),
        peer: peer.port(),
    })
}

fn taken(address: Ipv4Addr, port: u16) -> Option<Problem> {
    match TcpListener::bind((address, port)) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Some(Problem::with_hint(
            format!("port {port} on {address}, where a sidecar answers, is taken by another process"),
            format!("see who it is, `ss -ltnp 'sport = :{port}'`, or choose another `--address`"),
        )),
        Ok(_) | Err(_) => None,
    }
}

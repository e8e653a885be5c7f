//! The sidecar: probes the local node, keeps the member key equal to the verdict, tells everyone who asks.
//!
//! One loop owns the machine and everything that is said about it: it selects an input, gives it to the machine, and does what
//! the machine says. Probe, key and HTTP answers are worked on by tasks of their own, none of which may die unnoticed. The sidecar
//! never stops, restarts or reconfigures the node.
//!
//! Stop order: verdict `leaving` → key deleted → lease revoked → end; bounded, because etcd may be away.

pub mod disk;
mod http;
pub mod illness;
pub mod judge;
mod launcher_file;
pub mod machine;
mod member;
mod metrics;
mod recorder;
mod reload;
pub mod resumed;
mod shell;
mod snapshot;
mod sources;
pub mod step;
pub mod symptom;
mod told;
pub mod verdict;
mod vigil;

use std::{
    net::SocketAddr,
    os::fd::OwnedFd,
    time::{Duration, SystemTime},
};

use resumed::Resumed;
use tokio::{net::TcpListener, time::Instant};

use crate::{
    config::SidecarSettings,
    exit::{Exit, Failure},
    host::{self, LockError, Signals},
    launcher::seeds::told::SeedsTold,
    model::Incarnation,
    probe::Prober,
    registration::{Registration, Spec, StartError},
    registry::{Pace, Range, Registry},
    reload::{Handover, Looking, Reload},
};

/// What a turn of the loop may take beyond the longest wait for a probe.
const TURN_SLACK: Duration = Duration::from_secs(5);

/// What is passed on to the next program: the lock of the id, and the socket that answers HTTP.
const LOCK: &str = "lock";
const LISTENER: &str = "listener";

/// Runs the sidecar until it is told to stop; after a reload it goes on where the program before it stood.
pub async fn run(settings: SidecarSettings, reload: Reload, handover: Option<Handover>) -> Result<Exit, Failure> {
    let signals = Signals::new()?;
    let resumed = handover.as_ref().and_then(Handover::state::<Resumed>);
    let (mut handover, passed) = (handover, [LOCK, LISTENER]);
    let [lock, socket] = passed.map(|name| handover.as_mut()?.take(name));
    let listener = match inherited(socket, settings.listen) {
        Some(listener) => Some(listener),
        None => listen(settings.listen).await?,
    };
    let (boot, incarnation) = (host::boot_id()?, Incarnation::random()?);
    let (common, node) = (&settings.common, &settings.node);
    let registry = Registry::new(common.registry.clone())?;
    let key = common.keys.member(&node.id);
    let registration = register(&settings, registry.clone(), &incarnation, &boot, lock)?;
    let now = Instant::now();
    let machine = match &resumed {
        Some(resumed) => machine::Machine::resumed(expected(&settings), rhythm(&settings), now, resumed),
        None => machine::Machine::new(expected(&settings), rhythm(&settings), now),
    };
    let metrics = metrics::Metrics::new();
    let since = resumed.map_or_else(SystemTime::now, |resumed| resumed.since);
    let (told, snapshots) = told::Told::new(metrics.clone(), machine.conclusion().clone(), since, now);
    told.settings(reload.reading());
    let pages = http::Pages {
        facts: facts(&settings, key.clone(), incarnation, now),
        snapshots,
        metrics,
    };
    let server = listener.map(|listener| http::Server::start(listener, pages));
    let prober = Prober::new(
        node.address.to_string(),
        node.http_port,
        settings.timeout,
        node.access.clone(),
    );
    let watcher = registry.watch_at(vec![Range::Key(common.keys.record()), Range::Key(key)], Pace::calm());
    let sources = sources::Sources::start(signals, prober, watcher, registration.subscribe(), server)
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot set an alarm: {error}")))?;
    let shell = shell::Shell {
        keys: common.keys.clone(),
        host: member::Host {
            machine: host::machine_hash(),
            boot: boot.clone(),
        },
        registry,
        machine,
        registration,
        sources,
        seeds: launcher_file::SeedsFile::new(SeedsTold::path(&node.run_dir, &common.service, &node.id)),
        launcher: launcher_file::LauncherFile::new(node.run_file(&common.service), boot, now),
        recorder: recorder::Recorder::new(common.keys.clone()),
        told,
        seen: shell::Seen::default(),
        looking: Looking::new(reload),
        listen: settings.listen,
        node: settings.node,
    };
    shell.run().await
}

fn facts(settings: &SidecarSettings, key: String, incarnation: Incarnation, started: Instant) -> snapshot::Facts {
    snapshot::Facts {
        id: settings.node.id.clone(),
        service: settings.common.service.clone(),
        key,
        probed_at: settings.node.id.host_port(settings.node.http_port),
        incarnation,
        started,
        turn: settings.interval + settings.timeout + TURN_SLACK,
    }
}

fn expected(settings: &SidecarSettings) -> judge::Expected {
    judge::Expected {
        name: settings.name.clone(),
        cluster: settings.cluster.clone(),
        transport_port: settings.node.transport_port,
        ready_when: settings.ready_when,
        disk_patience: settings.disk_patience,
    }
}

const fn rhythm(settings: &SidecarSettings) -> machine::Rhythm {
    machine::Rhythm {
        interval: settings.interval,
        timeout: settings.timeout,
        rise: settings.rise,
        fall: settings.fall,
    }
}

/// The socket that the program before this one answered on, or has opened for this one.
fn inherited(socket: Option<OwnedFd>, wanted: Option<SocketAddr>) -> Option<TcpListener> {
    let (socket, wanted) = (std::net::TcpListener::from(socket?), wanted?);
    let is = socket.local_addr().ok()?;
    let fits = is.ip() == wanted.ip() && (is.port() == wanted.port() || wanted.port() == 0);
    fits.then(|| TcpListener::from_std(socket).ok()).flatten()
}

async fn listen(address: Option<SocketAddr>) -> Result<Option<TcpListener>, Failure> {
    let Some(address) = address else { return Ok(None) };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) => Err(Failure::with_hint(
            Exit::Config,
            format!("cannot listen on {address}: {error}"),
            "`--listen ADDRESS:PORT` takes another one, `--listen off` none; several nodes on a host need a port each",
        )),
    }
}

fn register(
    settings: &SidecarSettings,
    registry: Registry,
    incarnation: &Incarnation,
    boot: &str,
    lock: Option<OwnedFd>,
) -> Result<Registration, Failure> {
    let (common, node) = (&settings.common, &settings.node);
    let state_file = node.state_file(&common.service);
    let spec = Spec {
        key: common.keys.member(&node.id),
        lock_file: state_file.with_extension("lock"),
        state_file,
        ttl: node.ttl,
        incarnation: incarnation.clone(),
        boot_id: boot.to_owned(),
        take_over: node.take_over,
    };
    Registration::start(registry, spec, lock).map_err(|error| cannot_register(&error))
}

fn cannot_register(error: &StartError) -> Failure {
    let (cause, hint) = match error {
        StartError::Lock {
            source: LockError::Held { .. },
            ..
        } => (
            "another sidecar of this host has the key",
            "one sidecar per node: is it running already?",
        ),
        StartError::Lock { .. } => (
            "the lock file cannot be used",
            "`--state-dir` must be a directory that this user may write",
        ),
        StartError::StateFile { .. } => (
            "the state file cannot be used",
            "delete it, then the key waits for the end of its old lease",
        ),
    };
    let source = std::error::Error::source(error).map_or_else(String::new, |source| format!(" ({source})"));
    Failure::with_hint(Exit::Config, format!("{error}{source}: {cause}"), hint)
}

//! Brings the node up: adopts the one that outlived its launcher, or lets the formation decide and starts one.
//!
//! Shell. Until the node runs, everything here can be cut off at any wait without leaving anything but what the next run expects.

mod outlived;

use std::{io, os::fd::OwnedFd, time::Duration};

use tokio::{task::spawn_blocking, time::timeout};

use super::{
    container::Dead,
    decide::Candidate,
    desk::Desk,
    disk::DiskWatch,
    formation::{self, Formation, Formed, Recorder, StartOrder},
    host_cache::HostCache,
    leftover::{self, Label},
    marker_file,
    plan::Plan,
    preflight, prepare,
    runtime::{Order, Runtime},
    seeds::{
        file as seed_file,
        live::{LiveSeeds, tell_remembered},
    },
    supervise::{self, Inquiry, Running},
};
use crate::{
    config::NodeSettings,
    exit::{Exit, Failure},
    host::{self, FileLock, LockError, Signals},
    model::{Incarnation, Marker},
    nodefile::ProcessId,
    probe::Prober,
    registration::{Registration, Spec, StartError, Want},
    registry::Registry,
    reload::{Looking, Reload},
};

/// One probe of the own node, which answers locally.
const PROBE: Duration = Duration::from_secs(2);
/// A disk that takes longer than this for a few small files hangs; that is said as often.
const DISK: Duration = Duration::from_secs(30);
/// The longest that withdrawing the seed may hold up the end: without etcd it goes with its lease.
const LEAVE: Duration = Duration::from_secs(3);

/// A node that the program before this one stayed with, and its lock on the data directory.
type Node = (ProcessId, Option<OwnedFd>);

/// What a start needs and what stays when it is over.
pub(super) struct Ground {
    pub(super) plan: Plan,
    registry: Registry,
    pub(super) registration: Registration,
    incarnation: Incarnation,
    candidate: Candidate,
}

/// What has come of bringing a node up.
pub(super) enum Brought {
    /// It runs.
    Up(Box<Up>),
    /// The launcher's end: somebody told us to stop first, or the node that was passed on has ended meanwhile.
    Over(Exit),
}

/// A node that runs.
pub(super) struct Up {
    pub(super) process: ProcessId,
    pub(super) adopted: bool,
    /// The name it was started with.
    name: String,
    marker: Marker,
    /// What the seed file holds.
    seeds: Vec<String>,
    /// What the host remembers.
    memory: HostCache,
    /// The data directory's; an adopted node holds it by itself, if its engine can hand it on.
    lock: Option<FileLock>,
}

impl Ground {
    /// Takes the lock of the node's id: from here on nobody else on this host starts or adopts it.
    pub(super) fn new(plan: Plan, skipped_checks: Vec<String>, held: Option<OwnedFd>) -> Result<Self, Failure> {
        let settings = &plan.settings;
        let (common, node) = (&settings.common, &settings.node);
        if let Some(dir) = node.run_file(&common.service).parent() {
            // The sidecar is another user.
            prepare::open_to_all(dir)?;
        }
        let registry = Registry::new(common.registry.clone())?;
        let incarnation = Incarnation::random()?;
        let spec = Spec {
            key: common.keys.seed(&node.id),
            state_file: node.state_file(&common.service),
            lock_file: node.run_file(&common.service).with_extension("lock"),
            ttl: node.ttl,
            incarnation: incarnation.clone(),
            boot_id: host::boot_id()?,
            take_over: node.take_over,
        };
        let registration =
            Registration::start(registry.clone(), spec, held).map_err(|error| not_registered(&plan, &error))?;
        let candidate = plan.candidate(skipped_checks);
        Ok(Self {
            plan,
            registry,
            registration,
            incarnation,
            candidate,
        })
    }

    /// A node that runs, the one that the program before this one stayed with if there was one.
    pub(super) async fn bring_up<R: Runtime>(
        &self,
        runtime: &mut R,
        desk: &mut Desk,
        signals: &mut Signals,
        passed: Option<Node>,
    ) -> Result<Brought, Failure> {
        let node = passed.as_ref().map(|(node, _)| *node);
        let leftover = leftover::of_plan(&self.plan, Dead::Remove).await?;
        if let Some(leftover) = &leftover
            && let Some(up) = self.keep_or_end(leftover, runtime, desk, passed).await?
        {
            return Ok(Brought::Up(Box::new(up)));
        }
        if let Some(node) = node {
            // It ended while this process became this program: what comes next is the service manager's to say.
            desk.goes_on();
            return Ok(Brought::Over(supervise::ended_meanwhile(node).await));
        }
        if leftover.is_some() {
            // What does not matter to a node that runs already does to the one that is started now.
            preflight::refuse(&preflight::before_a_start(&self.plan, None).await)?;
        }
        let lock = self.ready_disk(desk).await?;
        tell_remembered(&self.plan, &HostCache::read(&self.plan.layout.cache)?);
        let mut watcher = self.registry.watch(self.plan.settings.common.keys.all());
        let formation = Formation {
            registry: &self.registry,
            registration: &self.registration,
            watcher: &mut watcher,
            keys: &self.plan.settings.common.keys,
            candidate: self.candidate.clone(),
            layout: &self.plan.layout,
            http_port: self.plan.settings.node.http_port,
            incarnation: self.incarnation.clone(),
            wait_for: self.plan.settings.wait_for,
        };
        let run = formation.run(signals.told_to_stop(), |reason| desk.waiting(reason));
        match Box::pin(run).await? {
            Formed::Start(order) => self
                .start(&order, lock, runtime, desk)
                .await
                .map(|up| Brought::Up(Box::new(up))),
            Formed::Stopped => Ok(Brought::Over(Exit::Done)),
        }
    }

    /// Directories, marker, and the lock: nobody else may use the data directory from here on, for as long as this process or the
    /// node lives. On a thread of its own: the disk takes its time, and meanwhile the registration gets its lease.
    async fn ready_disk(&self, desk: &mut Desk) -> Result<FileLock, Failure> {
        let (layout, user) = (self.plan.layout.clone(), self.plan.user.clone());
        let Candidate {
            service, cluster, name, ..
        } = self.candidate.clone();
        let mut work = spawn_blocking(move || {
            prepare::directories(&layout, user.as_ref())?;
            let lock = FileLock::take(&layout.lock);
            if lock.is_ok() {
                marker_file::open(&layout, |disk| Marker::new(disk, &service, &cluster, &name))?;
            }
            Ok::<_, io::Error>(lock)
        });
        let worked = loop {
            if let Ok(worked) = timeout(DISK, &mut work).await {
                break worked;
            }
            let reason = format!("the disk under {} does not answer", self.plan.layout.data.display());
            tracing::warn!(reason, "waiting");
            desk.waiting(&reason);
        };
        let lock = worked.map_err(io::Error::other)??;
        lock.map_err(|error| match error {
            LockError::Held { .. } => preflight::in_use(&self.plan).into(),
            LockError::Io { path, source } => {
                Failure::new(Exit::Config, format!("cannot lock {}: {source}", path.display()))
            }
        })
    }

    /// Nothing that could wait stands here: the formation's word is fresh.
    async fn start<R: Runtime>(
        &self,
        order: &StartOrder,
        lock: FileLock,
        runtime: &mut R,
        desk: &mut Desk,
    ) -> Result<Up, Failure> {
        let plan = &self.plan;
        seed_file::write(&plan.seed_file(), &order.seeds)?;
        desk.starting(&order.claim, order.with_setting.is_some())?;
        // Once the node runs, nothing may fail any more.
        let (marker, memory) = (self.marker()?, HostCache::read(&plan.layout.cache)?);
        let order_of_engine = Order {
            settings: plan.setup.render(order.with_setting.as_deref(), &order.seeds),
            label: Label {
                claim: Some(order.claim.clone()),
                with_setting: order.with_setting.is_some(),
            },
        };
        let started = runtime.start(&order_of_engine, &lock).await?;
        let process = started.process;
        desk.running(started);
        Ok(Up {
            process,
            adopted: false,
            name: self.candidate.name.clone(),
            marker,
            seeds: order.seeds.clone(),
            memory,
            lock: Some(lock),
        })
    }

    /// Everything that belongs to a node that runs.
    pub(super) fn running<'a, R: Runtime>(
        &'a self,
        up: Up,
        runtime: &'a mut R,
        desk: &'a mut Desk,
        signals: &'a mut Signals,
        (reload, helper): (Reload, Option<u32>),
    ) -> Running<'a, R> {
        let settings = &self.plan.settings;
        let keys = &settings.common.keys;
        let hang = desk.disk_hangs_since();
        let recorder = Recorder::new(
            self.registry.clone(),
            keys.clone(),
            self.plan.layout.clone(),
            up.marker.disk.clone(),
        );
        Running {
            ground: self,
            runtime,
            process: up.process,
            lock: up.lock,
            signals,
            desk,
            // A fresh one: its first event is everything, which the formation's has given away already.
            watcher: self.registry.watch(keys.all()),
            seeds: LiveSeeds::new(&self.plan, up.seeds, up.memory, &up.name, &up.marker),
            inquiry: Inquiry::new(prober(&settings.node), up.name.clone()),
            name: up.name,
            recorder,
            disk: DiskWatch::start(&self.plan, helper, hang),
            reading: reload.reading(),
            looking: Looking::new(reload),
        }
    }

    fn marker(&self) -> Result<Marker, Failure> {
        let path = &self.plan.layout.marker;
        marker_file::read(path)?.ok_or_else(|| {
            let hint = "was the data directory emptied under a node that runs?";
            Failure::with_hint(Exit::Config, format!("the marker {} is gone", path.display()), hint)
        })
    }

    /// The seed of the node with this name, as its disk's marker makes it.
    pub(super) fn want_seed(&self, marker: &Marker, name: &str) {
        let port = self.plan.settings.node.http_port;
        let candidate = Candidate {
            name: name.to_owned(),
            ..self.candidate.clone()
        };
        let seed = formation::seed(&candidate, port, self.incarnation.clone(), marker);
        self.registration.want(Want::Present((&seed).into()));
    }

    /// Seed key and launcher's file away.
    pub(super) async fn withdraw(self, desk: &mut Desk) {
        if let Err(error) = self.registration.leave(LEAVE).await {
            tracing::warn!(cause = %error, "seed not withdrawn");
        }
        desk.closed();
    }
}

/// Asks the own node.
pub(super) fn prober(node: &NodeSettings) -> Prober {
    Prober::new(node.address.to_string(), node.http_port, PROBE, node.access.clone())
}

fn not_registered(plan: &Plan, error: &StartError) -> Failure {
    match error {
        StartError::Lock {
            source: LockError::Held { path },
            ..
        } => {
            let who = FileLock::holder(path).map_or_else(String::new, |pid| format!(", process {pid}"));
            let what = format!("another launcher runs for {} on this host{who}", plan.settings.node.id);
            Failure::with_hint(
                Exit::Config,
                what,
                "stop it first, or give this node an address or ports of its own",
            )
        }
        StartError::Lock {
            source: LockError::Io { path, source },
            ..
        } => {
            let hint = "`--run-dir` must be a directory that the launcher can write";
            Failure::with_hint(Exit::Config, format!("cannot lock {}: {source}", path.display()), hint)
        }
        StartError::StateFile { path, .. } => {
            let hint = format!("if no other launcher uses it, delete {}", path.display());
            Failure::with_hint(Exit::Config, error.to_string(), hint)
        }
    }
}

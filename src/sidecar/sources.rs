//! Everything that can happen to the sidecar, as one stream of inputs. Only receives.
//!
//! The probe works in a task of its own, which also holds the connection between the probes and says when it ends. A death has two
//! witnesses: that connection, and the threads of the node's process.

use std::{io, path::Path};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior},
};

use super::{
    http::Server,
    vigil::{Vigil, Witness},
};
use crate::{
    host::{Alarm, FolderWatch, Notifier, Signal, Signals},
    nodefile::ProcessId,
    probe::{ProbeOutcome, Prober},
    registration::{Registration, Standing},
    registry::{Registry, RegistryError, Revision, Txn, WatchEvent, Watcher},
    reload::{Found, Looking},
};

/// What happened.
#[derive(Debug)]
pub(super) enum Input {
    /// A signal came.
    Signalled(Signal),
    /// The probe saw something.
    Saw(Sight),
    /// The process that owns the node's socket is dead: what is known of it.
    NodeDied(ProcessId, String),
    /// Where the launcher's file is put, something has changed.
    FolderChanged,
    /// Something changed in the registry.
    Watched(WatchEvent),
    /// The registration stands differently.
    StandsDifferently,
    /// The time asked for has come.
    Woke,
    /// The service manager wants to hear that the loop turns.
    WatchdogDue,
    /// What a reload would change, or why it cannot be.
    Looked(Result<Found, String>),
    /// An attempt to record the cluster's UUID has ended.
    Recorded(Result<Option<Revision>, RegistryError>),
    /// A task has ended that never should.
    Died(&'static str),
}

/// What the probe's task says.
#[derive(Debug)]
pub(super) enum Sight {
    /// The probe that was asked for has ended.
    Probed(ProbeOutcome),
    /// The held connection has ended.
    ConnectionEnded,
}

/// The sources of inputs.
#[derive(Debug)]
pub(super) struct Sources {
    signals: Signals,
    probes: mpsc::Sender<()>,
    sights: mpsc::Receiver<Sight>,
    watcher: Watcher,
    standing: watch::Receiver<Standing>,
    alarm: Alarm,
    watchdog: Option<Interval>,
    server: Option<Server>,
    /// Where the launcher's file is put; none while that is not there.
    folder: Option<FolderWatch>,
    /// On the process that owns the node's socket, while that is known and can be seen.
    vigil: Option<Vigil>,
    recordings: JoinSet<Result<Option<Revision>, RegistryError>>,
}

impl Sources {
    /// Starts the probe's task; `server` answers HTTP, if anybody does.
    pub(super) fn start(
        signals: Signals,
        prober: Prober,
        watcher: Watcher,
        standing: watch::Receiver<Standing>,
        server: Option<Server>,
    ) -> io::Result<Self> {
        let (probes, asked) = mpsc::channel(1);
        let (saw, sights) = mpsc::channel(4);
        tokio::spawn(keep_probing(prober, asked, saw));
        let watchdog = Notifier::watchdog_period().map(|period| {
            let mut ticks = tokio::time::interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        Ok(Self {
            signals,
            probes,
            sights,
            watcher,
            standing,
            alarm: Alarm::new()?,
            watchdog,
            server,
            folder: None,
            vigil: None,
            recordings: JoinSet::new(),
        })
    }

    /// The next input; `wake` is when [`Input::Woke`] is wanted. Cancel safety: nothing is lost.
    pub(super) async fn next(
        &mut self,
        wake: Option<Instant>,
        registration: &Registration,
        looking: &mut Looking,
    ) -> Input {
        tokio::select! {
            biased;
            signal = self.signals.next() => Input::Signalled(signal),
            (process, why) = death(&mut self.vigil) => Input::NodeDied(process, why),
            sight = self.sights.recv() => sight.map_or(Input::Died("probe"), Input::Saw),
            () = changed(&mut self.folder) => Input::FolderChanged,
            () = registration.died() => Input::Died("registration"),
            event = self.watcher.next() => event.map_or(Input::Died("watch"), Input::Watched),
            changed = self.standing.changed() => changed.map_or(Input::Died("registration"), |()| Input::StandsDifferently),
            () = self.alarm.until(wake) => Input::Woke,
            () = tick(&mut self.watchdog) => Input::WatchdogDue,
            () = died(&mut self.server) => Input::Died("HTTP"),
            looked = looking.next() => Input::Looked(looked),
            Some(ended) = self.recordings.join_next() => ended.map_or(Input::Died("recording"), Input::Recorded),
        }
    }

    /// Asks for a probe; answered by [`Sight::Probed`]. One at a time.
    pub(super) fn probe(&self) {
        // Full or closed: a probe is on its way already, or the death of its task is the next input.
        let _ = self.probes.try_send(());
    }

    /// Says [`Input::FolderChanged`] at the next change of `folder`, if that is there; until it is, only a probe looks.
    pub(super) fn watch(&mut self, folder: &Path) {
        if self.folder.is_none() && folder.is_dir() {
            self.folder = FolderWatch::open(folder).ok();
        }
    }

    /// Watches this process from now on, and no other. One that cannot be seen is left to the connection.
    pub(super) fn watch_over(&mut self, process: Option<ProcessId>) {
        if self.vigil.as_ref().map(Vigil::process) == process {
            return;
        }
        self.vigil = process.and_then(|process| {
            let vigil = Vigil::begin(process);
            let refused = |error: &io::Error| tracing::debug!(pid = process.pid, cause = %error, "the node's process cannot be watched");
            vigil.inspect_err(refused).ok()
        });
    }

    /// Which witnesses of a death there are beside the connection.
    pub(super) fn witness(&self) -> Witness {
        match &self.vigil {
            None => Witness::Connection,
            Some(vigil) if vigil.sees_threads() => Witness::Threads,
            Some(_) => Witness::Process,
        }
    }

    /// Commits `txn`; answered by [`Input::Recorded`]. One at a time.
    pub(super) fn record(&mut self, registry: Registry, txn: Txn) {
        if self.recordings.is_empty() {
            self.recordings.spawn(async move { registry.commit(&txn).await });
        }
    }

    /// What answers HTTP.
    pub(super) fn server(&mut self) -> Option<&mut Server> {
        self.server.as_mut()
    }

    /// Who hears signals.
    pub(super) fn signals(&mut self) -> &mut Signals {
        &mut self.signals
    }

    /// How the registration stands.
    pub(super) fn standing(&mut self) -> Standing {
        self.standing.borrow_and_update().clone()
    }
}

async fn keep_probing(mut prober: Prober, mut asked: mpsc::Receiver<()>, saw: mpsc::Sender<Sight>) {
    loop {
        let sight = tokio::select! {
            biased;
            () = prober.ended() => Sight::ConnectionEnded,
            asked = asked.recv() => match asked {
                Some(()) => Sight::Probed(prober.probe().await),
                None => return,
            },
        };
        if saw.send(sight).await.is_err() {
            return;
        }
    }
}

async fn tick(watchdog: &mut Option<Interval>) {
    match watchdog {
        Some(ticks) => {
            ticks.tick().await;
        }
        None => std::future::pending().await,
    }
}

async fn death(vigil: &mut Option<Vigil>) -> (ProcessId, String) {
    match vigil {
        Some(watch) => {
            let (process, why) = (watch.process(), watch.death().await);
            *vigil = None;
            (process, why)
        }
        None => std::future::pending().await,
    }
}

async fn changed(folder: &mut Option<FolderWatch>) {
    match folder {
        Some(watch) => {
            watch.changed().await;
            *folder = None;
        }
        None => std::future::pending().await,
    }
}

async fn died(server: &mut Option<Server>) {
    match server {
        Some(server) => server.died().await,
        None => std::future::pending().await,
    }
}

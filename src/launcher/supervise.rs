//! Stays with a started node: keeps its seed file live, has its cluster recorded, passes signals on and reports its end.
//!
//! Order of the end, written once: phase `leaving` → time for readers → SIGTERM → grace → SIGKILL; then the caller takes seed key and
//! launcher's file away. An etcd that is away changes nothing of it. The machine decides; this file listens and acts.

mod inquiry;
mod machine;
mod reload;

use std::{future::pending, io, time::Duration};

pub(super) use inquiry::Inquiry;
use inquiry::Said;
use machine::{Effect, Event, State, Supervision};
use tokio::time::{Instant, sleep_until};

use super::{
    desk::Desk,
    disk::{DiskNews, DiskWatch},
    formation::{Recorded, Recorder},
    passed::Passed,
    plan::Plan,
    process,
    runtime::Runtime,
    seeds::live::{self, LiveSeeds},
    start::Ground,
};
use crate::{
    exit::Exit,
    host::{self, FileLock, Signal, Signals},
    model::JoinedCluster,
    nodefile::ProcessId,
    probe::ProbeFailure,
    registry::{WatchEvent, Watcher},
    reload::{Found, Looking, Reading},
};

/// A node that runs, with everything that belongs to it.
pub(super) struct Running<'a, R> {
    pub(super) ground: &'a Ground,
    pub(super) runtime: &'a mut R,
    pub(super) process: ProcessId,
    /// Held until the node is gone: not every engine hands it on to the node.
    pub(super) lock: Option<FileLock>,
    /// The name it was started with.
    pub(super) name: String,
    pub(super) signals: &'a mut Signals,
    pub(super) desk: &'a mut Desk,
    /// Everything that is registered, from the beginning.
    pub(super) watcher: Watcher,
    pub(super) seeds: LiveSeeds,
    pub(super) inquiry: Inquiry,
    pub(super) recorder: Recorder,
    pub(super) disk: DiskWatch,
    pub(super) looking: Looking,
    /// What came of reading the settings.
    pub(super) reading: Reading,
}

/// What was heard.
enum Heard {
    /// Of the node's life.
    Life(Event),
    /// Of everything around it.
    News(News),
}

/// What does not change what becomes of the node.
enum News {
    ReloadAsked,
    /// The launcher's file could not be written a moment ago.
    Unsaid,
    Looked(Result<Found, String>),
    Registry(Option<WatchEvent>),
    Seeds(live::News),
    Reported(JoinedCluster),
    Denied(ProbeFailure),
    Recorded(Recorded),
    Disk(DiskNews),
    RegistrationDied,
}

/// What is shown in the one sentence.
#[derive(Default)]
struct Shown {
    recorded: Option<Recorded>,
    away: Option<String>,
    /// Why the node does not tell its cluster.
    denied: Option<String>,
}

impl<R: Runtime> Running<'_, R> {
    /// Stays until the node has ended; the launcher's exit code. None: this launcher cannot go on, and the node runs.
    pub(super) async fn stay(mut self) -> Option<Exit> {
        let Plan { settings, .. } = &self.ground.plan;
        let mut node = Supervision::of_running(settings.drain_wait, settings.grace);
        let mut shown = Shown::default();
        let mut wake = None;
        loop {
            let sentence = self.sentence(node.state(), &shown);
            self.desk.status(&sentence);
            let event = match self.listen(wake).await {
                Heard::Life(event) => event,
                // Who leaves becomes nothing new.
                Heard::News(News::ReloadAsked | News::Looked(_)) if node.state() != State::Running => continue,
                Heard::News(News::Looked(looked)) => match self.looked(looked).await {
                    Some(event) => event,
                    None => continue,
                },
                Heard::News(news) => match self.take_in(news, &mut shown) {
                    Ok(()) => continue,
                    Err(task) => {
                        tracing::error!(task, "a task has died, leaving the node to the next launcher");
                        return None;
                    }
                },
            };
            // A time that has come is over; the step may name the next.
            wake = wake.filter(|_| event != Event::Woke);
            for effect in node.step(Instant::now(), event) {
                match effect {
                    Effect::WakeAt(time) => wake = Some(time),
                    Effect::SayLeaving { at_most } => self.say_leaving(at_most),
                    Effect::Terminate { grace } => self.send("SIGTERM", |node| node.terminate(grace)),
                    Effect::Kill => self.send("SIGKILL", R::kill),
                    Effect::Finish(exit) => {
                        // Or the service manager complains of a process that is left.
                        self.disk.let_go().await;
                        return Some(ended(event, exit));
                    }
                }
            }
        }
    }

    /// Only receives. Cancel safety: every branch can be asked again.
    async fn listen(&mut self, wake: Option<Instant>) -> Heard {
        tokio::select! {
            biased;
            signal = self.signals.next() => match signal {
                Signal::Stop => Heard::Life(Event::StopAsked),
                Signal::Reload => Heard::News(News::ReloadAsked),
            },
            ending = self.runtime.ended() => Heard::Life(Event::NodeEnded(ending)),
            () = at(wake) => Heard::Life(Event::Woke),
            () = at(self.desk.again()) => Heard::News(News::Unsaid),
            event = self.watcher.next() => Heard::News(News::Registry(event)),
            news = self.seeds.next() => Heard::News(News::Seeds(news)),
            said = self.inquiry.next() => Heard::News(match said {
                Said::Joined(cluster) => News::Reported(cluster),
                Said::Denied(failure) => News::Denied(failure),
            }),
            looked = self.looking.next() => Heard::News(News::Looked(looked)),
            recorded = self.recorder.next() => Heard::News(News::Recorded(recorded)),
            news = self.disk.next() => Heard::News(News::Disk(news)),
            () = self.ground.registration.died() => Heard::News(News::RegistrationDied),
        }
    }

    /// The task that has died, if one has.
    fn take_in(&mut self, news: News, shown: &mut Shown) -> Result<(), &'static str> {
        match news {
            News::ReloadAsked => self.reload_asked(),
            News::Unsaid => self.desk.repeat(),
            // Taken in where the program is that it may end.
            News::Looked(_) => {}
            News::Registry(Some(event)) => {
                let mut events = vec![event];
                events.extend(std::iter::from_fn(|| self.watcher.ready()));
                for event in &events {
                    self.ground.registration.hear(event);
                    shown.away = match event {
                        WatchEvent::Away { cause } => Some(cause.clone()),
                        WatchEvent::Listed { .. }
                        | WatchEvent::Put(_)
                        | WatchEvent::Deleted { .. }
                        | WatchEvent::Alive { .. } => None,
                    };
                }
                self.seeds.hear(&events);
            }
            News::Seeds(news) => self.seeds.take(news),
            News::Reported(cluster) => {
                self.find_server();
                if let Err(why) = self.reported(&cluster)
                    && shown.recorded.as_ref() != Some(&Err(why.clone()))
                {
                    tracing::error!(why, "the node's cluster cannot be recorded");
                    self.seeds.recorded(&Err(why.clone()));
                    shown.recorded = Some(Err(why));
                }
            }
            News::Denied(failure) => {
                self.find_server();
                tracing::warn!(cause = %failure, "the node does not tell its cluster");
                shown.denied = Some(failure.to_string());
            }
            News::Recorded(recorded) => {
                if let Err(why) = &recorded {
                    tracing::error!(why, "the node's cluster cannot be recorded");
                }
                self.seeds.recorded(&recorded);
                shown.recorded = Some(recorded);
            }
            News::Disk(DiskNews::Changed(told)) => self.desk.disk(told),
            News::Disk(DiskNews::Same) => self.desk.still_so(),
            News::Registry(None) => return Err("watch"),
            News::RegistrationDied => return Err("registration"),
        }
        Ok(())
    }

    /// It has just answered, so its port is open: the sidecar should know which process to watch.
    fn find_server(&mut self) {
        let port = self.ground.plan.settings.node.http_port;
        if let Some(server) = host::listener_below(self.process.pid, port).and_then(ProcessId::of) {
            self.desk.serving(server);
        } else {
            tracing::debug!(port, "no process of the node is seen to listen");
        }
    }

    /// Marker first, then the seed; the recorder sees to the record. Else why not: the node is asked again, in case that can be mended.
    fn reported(&mut self, cluster: &JoinedCluster) -> Recorded {
        let marker = self
            .recorder
            .reported(cluster.clone())
            .map_err(|error| error.to_string())?;
        tracing::info!(%cluster, "the node reports its cluster");
        self.inquiry.close();
        self.ground.want_seed(&marker, &self.name);
        Ok(cluster.clone())
    }

    fn say_leaving(&mut self, at_most: Duration) {
        tracing::info!(drain = ?self.ground.plan.settings.drain_wait, "leaving");
        self.desk.leaving(at_most);
    }

    fn send(&mut self, signal: &'static str, send: impl FnOnce(&mut R) -> io::Result<()>) {
        let pid = self.process.pid;
        match send(self.runtime) {
            Ok(()) => tracing::info!(signal, pid, "signal sent to the node"),
            Err(error) => tracing::error!(signal, pid, cause = %error, "signal not sent to the node"),
        }
    }

    fn sentence(&self, state: State, shown: &Shown) -> String {
        let pid = self.process.pid;
        let life = match state {
            State::Running => format!("node runs as process {pid}"),
            State::Draining { .. } => format!("leaving, time for readers; node runs as process {pid}"),
            State::Stopping { .. } => format!("waiting for the node to end, process {pid}"),
            State::Killed | State::Ended => "node killed".to_owned(),
        };
        let cluster = match &shown.recorded {
            Some(Ok(cluster)) => cluster.to_string(),
            Some(Err(why)) => why.clone(),
            None => match &shown.denied {
                Some(why) => format!("its cluster is not known: {why}"),
                None => "its cluster is not known yet".to_owned(),
            },
        };
        let away = shown.away.as_ref();
        let away = away.map_or_else(String::new, |cause| format!("; etcd is away: {cause}"));
        let masters = self.seeds.seeds().len();
        format!(
            "{life}; other masters: {masters}; {cluster}{}{away}{}",
            self.disk.words(),
            self.reading.words()
        )
    }
}

/// The launcher's exit code for a node that ended while this process became this program.
pub(super) async fn ended_meanwhile(node: ProcessId) -> Exit {
    let ending = process::ending_of(node).await;
    ended(Event::NodeEnded(ending), machine::exit(State::Running, ending))
}

fn ended(event: Event, exit: Exit) -> Exit {
    if let Event::NodeEnded(ending) = event {
        if exit == Exit::Done {
            tracing::info!(%ending, "node ended");
        } else {
            tracing::error!(%ending, exit = exit.code(), "node ended");
        }
    }
    exit
}

/// Waits until `time`, or for ever.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

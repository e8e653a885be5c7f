//! The loop: input → event → step → effects. Decides nothing that the machine could decide.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use tokio::time::Instant;

use super::{
    disk::Disk,
    judge::{Launched, Record},
    launcher_file::{LauncherFile, SeedsFile},
    machine::Machine,
    member::{Host, member},
    recorder::Recorder,
    snapshot::RecordSeen,
    sources::{Input, Sight, Sources},
    step::{Effect, Event},
    symptom::Symptom,
    told::{Around, Told},
    verdict::Wish,
};
use crate::{
    config::NodeSettings,
    exit::{Exit, Failure},
    host::{self, Signal, Stillness},
    model::Member,
    nodefile::ProcessId,
    probe::ProbeFailure,
    registration::{Registration, Value, Want},
    registry::{Keys, Registry, WatchEvent},
    reload::{Found, Looking},
    view::ClusterView,
};

/// The longest that leaving may take; when etcd is away, the key ends with its lease.
const LEAVE: Duration = Duration::from_secs(3);

/// The sidecar with all its parts.
#[derive(Debug)]
pub(super) struct Shell {
    pub(super) node: NodeSettings,
    pub(super) keys: Keys,
    pub(super) host: Host,
    pub(super) registry: Registry,
    pub(super) machine: Machine,
    pub(super) registration: Registration,
    pub(super) sources: Sources,
    pub(super) launcher: LauncherFile,
    /// What the launcher tells of its seed list.
    pub(super) seeds: SeedsFile,
    pub(super) recorder: Recorder,
    pub(super) told: Told,
    pub(super) seen: Seen,
    pub(super) looking: Looking,
    /// Where HTTP is answered, as it was said.
    pub(super) listen: Option<SocketAddr>,
}

/// What the loop remembers between its turns.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Record and own key, as etcd last showed them; none: not heard yet.
    view: Option<ClusterView>,
    /// The cluster record, as it was last heard of.
    record: RecordSeen,
    /// What the machine was last told of the launcher.
    launched: Option<Launched>,
    /// What was seen of the node's process when it last did not answer; none: it has answered since.
    still: Option<(ProcessId, Stillness)>,
    /// When the machine wants to be woken; none while a probe is on its way.
    wake: Option<Instant>,
    /// Since when the member has been ready, as its key says; none while it is not wanted there.
    since: Option<String>,
    /// What the key was last wanted to be; none: nothing yet.
    wanted: Option<Wish>,
}

/// How a turn of the loop ends.
enum Turn {
    /// With the next one.
    Go,
    /// The sidecar was told to stop.
    Leave,
    /// There is something new to become.
    Become(Box<Found>),
}

impl Turn {
    const fn leave(leaving: bool) -> Self {
        if leaving { Self::Leave } else { Self::Go }
    }
}

impl Shell {
    /// Runs until the sidecar is told to stop.
    pub(super) async fn run(mut self) -> Result<Exit, Failure> {
        self.told.ready();
        let mut leaving = self.feed(Event::Woke);
        while !leaving {
            let input = self.sources.next(self.seen.wake, &self.registration, &mut self.looking);
            let input = input.await;
            leaving = match self.take(input)? {
                Turn::Go => false,
                Turn::Leave => true,
                Turn::Become(found) => self.become_next(&found).await,
            };
            self.record_uuid();
            let around = Around {
                witness: self.sources.witness(),
                standing: self.sources.standing(),
                record: self.seen.record.clone(),
                disk: self.disk(),
            };
            self.told.turned(Instant::now(), &self.machine, around);
        }
        self.told.stopping();
        if let Err(error) = self.registration.leave(LEAVE).await {
            tracing::warn!(%error, "left without an answer");
        }
        Ok(Exit::Done)
    }

    /// The disk as the launcher tells it, and when it last did.
    fn disk(&self) -> Option<(Disk, Instant)> {
        let disk = self.seen.launched.as_ref()?.disk.clone()?;
        Some((disk, self.launcher.heard()))
    }

    fn take(&mut self, input: Input) -> Result<Turn, Failure> {
        let leaving = match input {
            Input::Signalled(Signal::Stop) => self.feed(Event::Stopped),
            Input::Signalled(Signal::Reload) => {
                self.reload_asked();
                false
            }
            Input::Looked(looked) => return Ok(self.looked(looked).map_or(Turn::Go, Turn::Become)),
            Input::Saw(Sight::Probed(outcome)) => {
                self.told.probed(Instant::now(), &outcome);
                match &outcome.result {
                    Ok(_) => self.seen.still = None,
                    Err(failure) => self.look_at_process(failure),
                }
                self.feed(Event::Probed(outcome.result))
            }
            Input::NodeDied(process, why) => self.feed(Event::ProcessDied { process, why }),
            Input::Saw(Sight::ConnectionEnded) => self.feed(Event::ConnectionEnded),
            Input::FolderChanged => match self.look_at_launcher() {
                Some(event) => self.feed(event),
                None => false,
            },
            Input::Watched(event) => self.watched(&event),
            Input::Woke => self.feed(Event::Woke),
            Input::WatchdogDue => {
                self.told.alive();
                false
            }
            // The snapshot is made anew after every turn.
            Input::StandsDifferently => false,
            Input::Recorded(result) => {
                tracing::debug!(?result, "tried to record the cluster's UUID");
                false
            }
            Input::Died(task) => return Err(Failure::new(Exit::Failed, format!("the {task} task has died"))),
        };
        Ok(Turn::leave(leaving))
    }

    /// Gives an event to the machine and does what it says; whether it says to leave.
    pub(super) fn feed(&mut self, event: Event) -> bool {
        let now = Instant::now();
        let mut leaving = false;
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.machine.step(now, event) {
                match effect {
                    Effect::Probe => {
                        self.seen.wake = None;
                        events.extend(self.look_at_launcher());
                        self.sources.probe();
                    }
                    Effect::WakeAt(at) => self.seen.wake = Some(at),
                    Effect::Want(wish) => self.want(wish),
                    Effect::Publish => self.told.concluded(self.machine.conclusion()),
                    Effect::Leave => leaving = true,
                }
            }
        }
        leaving
    }

    /// A node that does not answer may be dead already: while the kernel writes its memory into a file, all its sockets stay open. Or
    /// it can be seen why it does not.
    fn look_at_process(&mut self, failure: &ProbeFailure) {
        let server = self.seen.launched.as_ref().and_then(|launched| launched.server);
        let Some(process) = server.filter(|server| server.is_alive()) else {
            return;
        };
        if matches!(failure, ProbeFailure::Hung(_) | ProbeFailure::TimedOut(_))
            && let Some(now) = Stillness::of(process.pid)
        {
            let before = self.seen.still.filter(|(of, _)| *of == process).map(|(_, still)| still);
            self.seen.still = Some((process, now));
            self.feed(Event::Seen(Symptom::of(before, now)));
        }
        if host::is_dumping_core(process.pid) {
            let why = format!(
                "the node's process {} is dead, the kernel writes its core dump",
                process.pid
            );
            self.feed(Event::ProcessDied { process, why });
        }
    }

    /// What the launcher says of the node, if it is something new; what it says of the seed list is told on.
    fn look_at_launcher(&mut self) -> Option<Event> {
        // Before the look: what comes after it is told.
        self.sources.watch(self.launcher.folder());
        self.told.seeds(self.seeds.look());
        let launched = self.launcher.look(Instant::now());
        if launched == self.seen.launched {
            return None;
        }
        self.seen.launched.clone_from(&launched);
        self.sources
            .watch_over(launched.as_ref().and_then(|launched| launched.server));
        Some(Event::LauncherSaid(launched))
    }

    /// Record or own key changed, or etcd is away.
    fn watched(&mut self, event: &WatchEvent) -> bool {
        self.registration.hear(event);
        if let WatchEvent::Away { cause } = event {
            tracing::debug!(cause, "the watch is interrupted");
            if self.seen.view.is_none() {
                self.seen.record = RecordSeen::Unreadable(cause.clone());
            }
            return false;
        }
        self.seen.view.get_or_insert_default().apply(&self.keys, event);
        let record = self.record();
        if record == self.seen.record {
            return false;
        }
        self.seen.record = record;
        match &self.seen.record {
            RecordSeen::Unheard => false,
            RecordSeen::Unreadable(why) => {
                tracing::warn!(
                    why,
                    "the cluster record cannot be read; what it said before still counts"
                );
                false
            }
            RecordSeen::Absent => self.feed(Event::RecordChanged(Record::Absent)),
            RecordSeen::There(record) => {
                let record = Record::from(record.as_ref());
                self.feed(Event::RecordChanged(record))
            }
        }
    }

    fn want(&mut self, wish: Wish) {
        let want = match wish {
            Wish::Keep => Want::Keep,
            Wish::Absent => {
                self.seen.since = None;
                Want::Absent
            }
            Wish::Present => match self.member() {
                Some(member) => Want::Present(Value::from(&member)),
                None => return,
            },
        };
        self.seen.wanted = Some(wish);
        self.registration.want(want);
    }

    /// The member as its key should say it.
    fn member(&mut self) -> Option<Member> {
        let report = self.machine.good_report()?;
        let since = match (&self.seen.since, self.seen.wanted) {
            (Some(since), _) => since.clone(),
            // The last run's key stands: for its readers the node has been ready all the time.
            (None, None) => self.inherited(&report.identity.name).unwrap_or_else(now_text),
            (None, Some(_)) => now_text(),
        };
        let member = member(&self.node, &self.host, report, &since);
        self.seen.since = Some(since);
        Some(member)
    }

    /// Since when the last run's key says that the same node is ready.
    fn inherited(&self, name: &str) -> Option<String> {
        let last = &self.seen.view.as_ref()?.members.get(&self.node.id)?.value;
        let same = last.name.as_deref() == Some(name) && last.boot.as_ref() == Some(&self.host.boot);
        last.since.clone().filter(|_| same)
    }

    fn record_uuid(&mut self) {
        let Some(view) = &self.seen.view else { return };
        let (now, chance) = (Instant::now(), host::random_fraction());
        let txn = self
            .recorder
            .due(now, chance, view, self.machine.report(), self.launcher.data());
        if let Some(txn) = txn {
            self.sources.record(self.registry.clone(), txn);
        }
    }

    fn record(&self) -> RecordSeen {
        let Some(view) = &self.seen.view else {
            return RecordSeen::Unheard;
        };
        match (view.record_unreadable(&self.keys), &view.record) {
            (Some(why), _) => RecordSeen::Unreadable(why.to_owned()),
            (None, Some(stored)) => RecordSeen::There(Box::new(stored.value.clone())),
            (None, None) => RecordSeen::Absent,
        }
    }
}

fn now_text() -> String {
    host::utc(std::time::SystemTime::now())
}

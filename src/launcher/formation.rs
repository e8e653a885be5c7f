//! From the published seed to the order to start: reads, lets the [`Machine`] decide, acts, and waits for changes in between.
//!
//! Shell. It never sends a transaction twice: after a lost answer it reads again. It starts nothing itself. When it is stopped or
//! ends with an error, the caller leaves the [`Registration`]: a claim lives with the seed's lease and goes with it.

mod disk;
mod machine;
mod recorder;
mod saying;

use std::time::Duration;

pub use machine::{Effect, End, Event, Facts, Machine, StartOrder};
pub use recorder::{Recorded, Recorder};
use saying::{Say, Saying};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{
    decide::{Candidate, Reason, Unpublished, usable_marker},
    host_cache::HostCache,
    layout::Layout,
    seeds::at_start,
};
use crate::{
    exit::{Exit, Failure},
    model::{ClaimId, DiskUse, Incarnation, Marker, Seed},
    registration::{CommitError, Obstacle, Registration, Standing, Want},
    registry::{Keys, LeaseId, Registry, RegistryError, Revision, Txn, WatchEvent, Watcher},
    view::ClusterView,
};

/// Without any news everything is read again after this long: a net below the watch.
const NET: Duration = Duration::from_secs(15);
/// How long the seed may take to be published before the read says what is wrong.
const PUBLISH: Duration = Duration::from_secs(5);
/// After so many commits in a row that nobody answered, although reads are answered, etcd takes no writes. One may be bad luck.
const NO_WRITES: u32 = 3;
/// Pauses after transactions that did not go through: none after the first, then doubling.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// One start. The registration is fresh: the seed is wanted from here.
#[derive(Debug)]
pub struct Formation<'a> {
    /// For reads and releases.
    pub registry: &'a Registry,
    /// The registration of the own seed.
    pub registration: &'a Registration,
    /// A watch of all the service's keys.
    pub watcher: &'a mut Watcher,
    /// The service's keys.
    pub keys: &'a Keys,
    /// Who decides.
    pub candidate: Candidate,
    /// Where marker and host cache are.
    pub layout: &'a Layout,
    /// Where the node will answer HTTP.
    pub http_port: u16,
    /// The launcher's run.
    pub incarnation: Incarnation,
    /// The longest wait; none: for ever.
    pub wait_for: Option<Duration>,
}

/// How it ended.
#[derive(Debug)]
pub enum Formed {
    /// Start the node so.
    Start(Box<StartOrder>),
    /// `stop` came first.
    Stopped,
}

/// The seed of a node on the disk with this marker.
pub fn seed(candidate: &Candidate, http_port: u16, incarnation: Incarnation, marker: &Marker) -> Seed {
    let port = candidate.id.transport_port();
    let mut seed = Seed::new(
        port,
        candidate.name.clone(),
        candidate.master_eligible,
        incarnation,
        marker.disk.clone(),
    );
    seed.http_port = Some(http_port);
    seed.skipped_checks.clone_from(&candidate.skipped_checks);
    match &marker.claim {
        Some(claim) => used(seed, claim, marker),
        None => seed,
    }
}

impl Formation<'_> {
    /// Runs until the node may start, may never start, or `stop` comes. `tell` hears each new reason to wait, once.
    ///
    /// # Errors
    /// 78 when the start is refused, 4 when the longest wait is over, 1 when data directory or host cache cannot be used.
    pub async fn run(self, stop: impl Future<Output = ()>, tell: impl FnMut(&str)) -> Result<Formed, Failure> {
        // A disk that could not start must not count as an empty one for others either.
        let disk = disk::look(self.layout)?;
        let marker = usable_marker(&self.candidate.service, &disk)
            .map_err(|reason| refused(&reason))?
            .clone();
        let seed = seed(&self.candidate, self.http_port, self.incarnation.clone(), &marker);
        self.registration.want(Want::Present((&seed).into()));
        let memory = HostCache::read(&self.layout.cache)?;
        let run = Run {
            machine: Machine::new(self.candidate.clone(), self.keys.clone(), marker.disk.clone()),
            last_good: memory.seeds.clone(),
            memory,
            standing: self.registration.subscribe(),
            deadline: self.wait_for.map(|bound| Instant::now() + bound),
            failures: 0,
            unanswered: 0,
            cause: String::new(),
            read_at: None,
            saying: Saying::default(),
            seed,
            marker,
            tell,
            given: self,
        };
        // On the heap: callers hold this future beside others.
        let complete = Box::pin(run.complete());
        tokio::select! {
            biased;
            () = stop => Ok(Formed::Stopped),
            formed = complete => formed,
        }
    }
}

/// A formation under way.
struct Run<'a, T> {
    given: Formation<'a>,
    machine: Machine,
    marker: Marker,
    /// The seed as it is published.
    seed: Seed,
    memory: HostCache,
    /// The seed list as the host remembered it when the run began: what is seen while it waits does not pile up.
    last_good: Vec<String>,
    standing: tokio::sync::watch::Receiver<Standing>,
    deadline: Option<Instant>,
    /// Transactions in a row that did not go through.
    failures: u32,
    /// Commits in a row without an answer, since the last wait.
    unanswered: u32,
    /// The cause of the last one.
    cause: String,
    /// The revision of the last read; none: it failed.
    read_at: Option<Revision>,
    saying: Saying,
    tell: T,
}

impl<T: FnMut(&str)> Run<'_, T> {
    async fn complete(mut self) -> Result<Formed, Failure> {
        let mut effect = Effect::Read;
        loop {
            let event = match effect {
                Effect::Read => Event::Seen(Box::new(self.facts().await?)),
                Effect::Commit(txn, claim) => self.commit(txn, claim).await,
                Effect::Release(txn, reason) => self.release(&txn, &reason).await,
                Effect::Mark(claim) => {
                    Event::Marked(Box::new(disk::mark(self.given.layout, &self.marker.disk, &claim)?))
                }
                Effect::Wait(reason) => self.wait(reason, false).await?,
                Effect::WaitForOperator(reason) => self.wait(reason, true).await?,
                Effect::End(end) => return ended(end).map(Box::new).map(Formed::Start),
            };
            effect = self.machine.step(event);
        }
    }

    /// Publishing comes before reading: of two launchers that start at once, at least one sees the other.
    async fn facts(&mut self) -> Result<Facts, Failure> {
        let settled =
            |standing: &Standing| standing.registered || standing.obstacle.is_some() || standing.away_since.is_some();
        // Neither is an error here: the lease below says how it stands.
        let _ = timeout(PUBLISH, self.standing.wait_for(settled)).await;
        let registered = lease(&self.standing.borrow_and_update());
        let lease = registered.and_then(|lease| self.writable().map(|()| lease));
        let given = &self.given;
        let view = match given.registry.read(&given.keys.all()).await {
            Ok(reading) => Ok(ClusterView::of(given.keys, &reading)),
            Err(error) => Err(explained(&error)),
        };
        self.read_at = view.as_ref().ok().map(|view| view.revision);
        if let Ok(view) = &view {
            let seeds = at_start(view, &given.candidate.id, &self.marker, &self.last_good);
            if self.memory.learn(view, &seeds) {
                self.memory.write(&given.layout.cache)?;
            }
        }
        Ok(Facts {
            view,
            disk: disk::look(given.layout)?,
            lease,
            memory: self.memory.clone(),
            fresh: ClaimId::random()?,
        })
    }

    /// An etcd that runs out of space keeps leases and answers reads.
    fn writable(&self) -> Result<(), Unpublished> {
        if self.unanswered < NO_WRITES {
            return Ok(());
        }
        Err(Unpublished::ReadOnly(self.cause.clone()))
    }

    async fn commit(&mut self, txn: Txn, claim: Option<ClaimId>) -> Event {
        let seed = match &claim {
            Some(claim) => used(self.seed.clone(), claim, &self.marker),
            None => self.seed.clone(),
        };
        let event = match self.given.registration.commit(txn, (&seed).into()).await {
            Ok(Some(_)) => {
                self.seed = seed;
                Event::Committed
            }
            Ok(None) => Event::Refused,
            Err(error) => {
                tracing::warn!(cause = %error, "commit without an answer");
                self.unanswered += 1;
                self.cause = match &error {
                    CommitError::Registry(error) => explained(error),
                    CommitError::Obstacle(_) | CommitError::Ended => error.to_string(),
                };
                Event::Unanswered
            }
        };
        self.pace(event).await
    }

    async fn release(&mut self, txn: &Txn, reason: &Reason) -> Event {
        tracing::info!(%reason, "releasing the claim");
        let event = match self.given.registry.commit(txn).await {
            Ok(Some(_)) => Event::Committed,
            Ok(None) => Event::Refused,
            Err(error) => {
                tracing::warn!(cause = %error, "commit without an answer");
                Event::Unanswered
            }
        };
        self.pace(event).await
    }

    /// Transactions that go on failing are tried at a walk.
    async fn pace(&mut self, event: Event) -> Event {
        if !matches!(event, Event::Unanswered) {
            self.unanswered = 0;
        }
        if matches!(event, Event::Committed) {
            self.failures = 0;
            return event;
        }
        if self.failures > 0 {
            sleep(PAUSES.1.min(PAUSES.0 * 2_u32.pow(self.failures.min(6)))).await;
        }
        self.failures += 1;
        event
    }

    /// Until something is different, or it is time to look again.
    async fn wait(&mut self, reason: Reason, operator: bool) -> Result<Event, Failure> {
        self.say(&reason, operator);
        self.unanswered = 0;
        let net = Instant::now() + NET;
        loop {
            let repeat = self.saying.again().unwrap_or(net);
            tokio::select! {
                biased;
                () = at(self.deadline) => return Err(Failure::new(Exit::TimedOut, format!("gave up waiting: {reason}"))),
                changed = self.standing.changed() => match changed {
                    Ok(()) => return Ok(Event::Changed),
                    Err(_) => return Err(died("registration")),
                },
                event = self.given.watcher.next() => {
                    let event = event.ok_or_else(|| died("watch"))?;
                    self.given.registration.hear(&event);
                    if self.is_news(&event) {
                        return Ok(Event::Changed);
                    }
                }
                () = sleep_until(net) => return Ok(Event::Changed),
                () = sleep_until(repeat) => self.say(&reason, operator),
            }
        }
    }

    /// Whether the last read did not show it yet.
    fn is_news(&self, event: &WatchEvent) -> bool {
        let revision = match event {
            WatchEvent::Listed { revision, .. } | WatchEvent::Deleted { revision, .. } => *revision,
            WatchEvent::Put(entry) => entry.mod_revision,
            WatchEvent::Alive { .. } => return false,
            WatchEvent::Away { .. } => return self.read_at.is_some(),
        };
        self.read_at.is_none_or(|read| revision > read)
    }

    /// Says a new reason, and an old one every half minute.
    fn say(&mut self, reason: &Reason, operator: bool) {
        let Some(say) = self.saying.due(Instant::now(), reason) else {
            return;
        };
        if say == Say::New {
            (self.tell)(&reason.to_string());
        }
        if operator {
            tracing::error!(%reason, "waiting, somebody has to act");
        } else {
            tracing::info!(%reason, "waiting");
        }
    }
}

/// The seed once a node was started on its disk, or is about to be.
fn used(seed: Seed, claim: &ClaimId, marker: &Marker) -> Seed {
    Seed {
        data: DiskUse::Used,
        claim: Some(claim.clone()),
        cluster_uuid: marker.cluster_uuid.clone(),
        joined: marker.joined,
        ..seed
    }
}

fn lease(standing: &Standing) -> Result<LeaseId, Unpublished> {
    let cause = || {
        standing
            .cause
            .clone()
            .unwrap_or_else(|| "not registered yet".to_owned())
    };
    match (&standing.obstacle, standing.lease) {
        (Some(Obstacle::Refused(error)), _) => Err(Unpublished::ReadOnly(explained(error))),
        (Some(obstacle), _) => Err(Unpublished::Blocked(obstacle.to_string())),
        (None, Some(lease)) if standing.registered => Ok(lease),
        (None, _) if standing.away_since.is_some() => Err(Unpublished::ReadOnly(cause())),
        (None, _) => Err(Unpublished::Blocked(cause())),
    }
}

/// What an etcd that answers has to say; waiting alone does not help there.
fn explained(error: &RegistryError) -> String {
    match error {
        RegistryError::Away { .. } | RegistryError::Busy { .. } => error.to_string(),
        RegistryError::LeaseGone
        | RegistryError::Refused { .. }
        | RegistryError::Denied { .. }
        | RegistryError::Tls { .. }
        | RegistryError::Settings { .. } => format!("{error} ({})", error.hint()),
    }
}

fn ended(end: End) -> Result<StartOrder, Failure> {
    match end {
        End::Start(order) => {
            let StartOrder {
                with_setting,
                seeds,
                claim,
                warning,
            } = &order;
            tracing::info!(%claim, ?with_setting, ?seeds, "the node may start");
            if let Some(reason) = warning {
                tracing::warn!(%reason, "started all the same");
            }
            Ok(order)
        }
        End::Refuse(reason) => Err(refused(&reason)),
        End::DiskChanged { was, is } => {
            let is = is.map_or_else(|| "none".to_owned(), |disk| disk.to_string());
            let what = format!("the data directory changed during the start: it was disk {was}, it is {is}");
            Err(Failure::new(Exit::Failed, what))
        }
    }
}

fn refused(reason: &Reason) -> Failure {
    Failure::new(Exit::Config, reason.to_string())
}

fn died(task: &str) -> Failure {
    Failure::new(Exit::Failed, format!("the task of the {task} has died"))
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

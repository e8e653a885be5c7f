//! The one task of a registration: receives, steps the machine, does the work that it asks for, publishes how things stand.
//!
//! Stop order: key deleted, lease ended, state file removed, task ends. When the handle is dropped instead, the task ends where
//! it is and the key is left to its lease.

use std::{collections::HashMap, pin::Pin};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::{
    CommitError, Spec, Standing, Want,
    handle::CommitRequest,
    machine::{Effect, Event, Heard, Machine, Op, Outcome},
    state_file::{self, Run},
};
use crate::{
    host,
    registry::{LeaseRequest, Range, Registry, RegistryError, Revision},
};

/// How the handle speaks to the task.
pub(super) struct Inputs {
    pub(super) wants: watch::Receiver<Want>,
    pub(super) commits: mpsc::Receiver<CommitRequest>,
    pub(super) heard: watch::Receiver<Option<Heard>>,
    pub(super) leave: mpsc::Receiver<oneshot::Sender<()>>,
}

type Work = Pin<Box<dyn Future<Output = Outcome> + Send>>;

struct Task {
    registry: Registry,
    spec: Spec,
    machine: Machine,
    publish: watch::Sender<Standing>,
    work: Option<Work>,
    wake: Option<Instant>,
    answers: HashMap<u64, oneshot::Sender<Result<Option<Revision>, CommitError>>>,
    commits: u64,
    /// The lease that is asked for, from the first attempt to the answer.
    requested: Option<LeaseRequest>,
    /// The revision of the key that the log spoke of last; none: that it is not there, or nothing yet.
    told: Option<Revision>,
    left: bool,
}

/// Runs until the caller has left, or is gone.
pub(super) async fn run(
    registry: Registry,
    spec: Spec,
    runs: Vec<Run>,
    mut inputs: Inputs,
    publish: watch::Sender<Standing>,
) {
    let machine = Machine::new(spec.clone(), registry.endpoints().len(), runs, Instant::now());
    let mut task = Task {
        registry,
        spec,
        machine,
        publish,
        work: None,
        wake: None,
        answers: HashMap::new(),
        commits: 0,
        requested: None,
        told: None,
        left: false,
    };
    let mut leave = None;
    task.step(Event::Woke);
    while !task.left {
        let event = tokio::select! {
            biased;
            Some(answer) = inputs.leave.recv() => {
                leave = Some(answer);
                Event::LeaveAsked
            }
            changed = inputs.wants.changed() => match changed {
                Ok(()) => Event::Wanted(inputs.wants.borrow_and_update().clone()),
                Err(_) => return,
            },
            outcome = done(&mut task.work) => {
                task.work = None;
                if let Outcome::Granted(_) = outcome {
                    task.requested = None;
                }
                Event::Done(outcome)
            }
            Some(request) = inputs.commits.recv() => task.commit_event(request),
            Some(heard) = next(&mut inputs.heard) => Event::Heard(heard),
            () = wake(task.wake) => Event::Woke,
        };
        task.step(event);
    }
    if let Some(answer) = leave {
        // Nobody waits any more when the time for leaving was up.
        let _ = answer.send(());
    }
}

/// The outcome of the work under way; never when there is none. Cancel safety: the work goes on.
async fn done(work: &mut Option<Work>) -> Outcome {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

/// The latest that a watch said, once.
async fn next(heard: &mut watch::Receiver<Option<Heard>>) -> Option<Heard> {
    heard.changed().await.ok()?;
    *heard.borrow_and_update()
}

async fn wake(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

impl Task {
    fn commit_event(&mut self, request: CommitRequest) -> Event {
        let CommitRequest { txn, value, answer } = request;
        self.commits += 1;
        let id = self.commits;
        self.answers.insert(id, answer);
        Event::CommitAsked { id, txn, value }
    }

    fn step(&mut self, event: Event) {
        let now = Instant::now();
        self.wake = None;
        for effect in self.machine.step(now, host::random_fraction(), event) {
            self.perform(effect);
        }
        let standing = self.machine.standing(now);
        self.tell_of_key(&standing);
        self.publish.send_if_modified(|before| {
            tell(&self.spec, before, &standing, now);
            let changed = *before != standing;
            *before = standing;
            changed
        });
    }

    /// The lease that a grant asks for: the same one at each attempt, for as long as it would live.
    fn lease_request(&mut self) -> LeaseRequest {
        let same = self.requested.filter(|request| !request.is_over(Instant::now()));
        *self
            .requested
            .insert(same.unwrap_or_else(|| LeaseRequest::new(self.spec.ttl)))
    }

    fn tell_of_key(&mut self, standing: &Standing) {
        if let Some(to) = standing.news(self.told) {
            self.told = standing.key_revision;
            let lease = standing.lease.map(|lease| lease.to_string()).unwrap_or_default();
            tracing::info!(key = self.spec.key, lease, rev = self.told, to, "the key has changed");
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Run(op) => {
                let request = (op == Op::Grant).then(|| self.lease_request());
                self.work = Some(Box::pin(work(self.registry.clone(), self.spec.clone(), op, request)));
            }
            Effect::Drop => self.work = None,
            Effect::WakeAt(at) => self.wake = Some(at),
            Effect::Answer { id, answer } => {
                if let Some(waiting) = self.answers.remove(&id) {
                    // A caller that went away wants no answer.
                    let _ = waiting.send(answer);
                }
            }
            Effect::Left => self.left = true,
        }
    }
}

/// Does one piece of work.
async fn work(registry: Registry, spec: Spec, op: Op, request: Option<LeaseRequest>) -> Outcome {
    let start = Instant::now();
    let kind = op.kind();
    let outcome = attempt(&registry, &spec, op, request)
        .await
        .unwrap_or_else(Outcome::Failed);
    let elapsed = start.elapsed();
    tracing::debug!(key = spec.key, work = kind, ?elapsed, ?outcome, "registry call");
    outcome
}

async fn attempt(
    registry: &Registry,
    spec: &Spec,
    op: Op,
    request: Option<LeaseRequest>,
) -> Result<Outcome, RegistryError> {
    if let Some(txn) = op.txn(spec) {
        return registry.commit(&txn).await.map(Outcome::Committed);
    }
    match op {
        Op::Grant => {
            let request = request.unwrap_or_else(|| LeaseRequest::new(spec.ttl));
            registry.grant_requested(request).await.map(Outcome::Granted)
        }
        Op::Renew(lease) => registry.keep_alive(lease).await.map(Outcome::Renewed),
        Op::Revoke(lease) => registry.revoke(lease).await.map(|()| Outcome::Revoked),
        Op::Ask(lease) => {
            let ttl = registry.time_to_live(lease).await?;
            // After the answer: an uptime that is too long can only make the ruling stricter.
            let uptime = host::uptime();
            Ok(Outcome::Lives { ttl, uptime })
        }
        Op::Save(runs) => Ok(save(spec, runs).await),
        Op::Read | Op::Put { .. } | Op::Delete { .. } | Op::Commit { .. } => {
            let reading = registry.read(&[Range::Key(spec.key.clone())]).await?;
            Ok(Outcome::Read(reading.entries.into_iter().next()))
        }
    }
}

/// Writes the state file where a hanging disk holds up nobody else.
async fn save(spec: &Spec, runs: Vec<Run>) -> Outcome {
    let path = spec.state_file.clone();
    let written = tokio::task::spawn_blocking(move || state_file::write(&path, &runs)).await;
    match written {
        Ok(Ok(())) => Outcome::Saved,
        Ok(Err(error)) => Outcome::NotSaved(format!("{}: {error}", spec.state_file.display())),
        Err(error) => Outcome::NotSaved(error.to_string()),
    }
}

/// Logs what changed: once per streak, with its cause.
fn tell(spec: &Spec, before: &Standing, after: &Standing, now: Instant) {
    let key = spec.key.as_str();
    match (before.away_since, after.away_since) {
        (None, Some(_)) => {
            let cause = after.cause.as_deref().unwrap_or_default();
            tracing::warn!(key, cause, "etcd is away, nothing changes here");
        }
        (Some(since), None) => {
            let elapsed = now.saturating_duration_since(since);
            tracing::info!(key, ?elapsed, "etcd is back");
        }
        (None, None) | (Some(_), Some(_)) => {}
    }
    if after.counters.lease_losses > before.counters.lease_losses {
        tracing::warn!(key, "the lease was lost");
    }
    let kind = |standing: &Standing| standing.obstacle.as_ref().map(super::Obstacle::kind);
    if let Some(obstacle) = after.obstacle.as_ref().filter(|_| kind(before) != kind(after)) {
        let hint = obstacle.hint();
        tracing::warn!(key, cause = %obstacle, hint, "the key cannot be what it should");
    }
}

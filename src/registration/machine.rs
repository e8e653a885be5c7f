//! What a registration does next. Pure: events in, effects out; time and randomness are arguments.
//!
//! The machine compares what is wanted with what is known and picks one piece of work, never two at a time. Its state is what
//! it knows, not where it stands in a plan, so every event leads on from wherever it finds things.
//!
//! Invariants: nothing is put before the state file names its lease; every change of the key is compared with the revision
//! that it replaces; a key of another owner is never changed.

mod decide;
mod learn;
mod op;
mod owner;

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

pub use self::op::{Op, Outcome};
use self::{
    decide::Next,
    owner::{Owner, Ruling, owner},
};
use super::{CommitError, Counters, Obstacle, Run, Spec, Standing, Value, Want};
use crate::{
    backoff::Backoff,
    registry::{Entry, Lease, LeaseId, Revision, Txn},
};

/// Waits between attempts while etcd is away: back within seconds, whatever the outage took, and not all hosts of an etcd within one.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(8));
/// Waits after etcd turned a write away: it has thousands of them before it, and the hosts that sent them. Longer each time until
/// nothing is left to do; an answer in between says little, because what only reads is never turned away.
const BUSY: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(64));

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// There is a new wish.
    Wanted(Want),
    /// The caller wants a transaction that takes the key along.
    CommitAsked {
        /// By which the answer is known.
        id: u64,
        /// The caller's part.
        txn: Txn,
        /// What the key becomes with it.
        value: Value,
    },
    /// The caller wants to leave.
    LeaveAsked,
    /// A watch tells of the key.
    Heard(Heard),
    /// The time asked for has come.
    Woke,
    /// The work is done.
    Done(Outcome),
}

/// What a watch says of the key. It may be older than what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// The revision that wrote it; none: it is not there.
    pub key: Option<Revision>,
    /// The revision at which it was so.
    pub at: Revision,
    /// It is so by now: it was read, or the watch gave a sign of life. A change is told when it comes, be it late.
    pub seen: bool,
}

/// What to do. After every step the last `WakeAt` counts.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Start this work; none other is going on.
    Run(Op),
    /// Drop the work that is going on.
    Drop,
    /// Come back then, if nothing else comes before.
    WakeAt(Instant),
    /// Answer a commit.
    Answer {
        /// Which.
        id: u64,
        /// The revision; none: a condition did not hold.
        answer: Result<Option<Revision>, CommitError>,
    },
    /// Everything is cleared away: end.
    Left,
}

/// The lease, in the order of its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holding {
    /// There is none; one may be asked for from then on.
    None { not_before: Instant },
    /// It is not in the state file yet, so nothing may be put with it.
    Granted(Lease),
    /// It is ours, and renewed from then on.
    Held { lease: Lease, renew_at: Instant },
}

/// The key, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    /// It may be anything.
    Unknown,
    /// It is not there.
    Absent,
    /// It is there.
    There(Entry),
}

impl Key {
    fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Unknown | Self::Absent => None,
            Self::There(entry) => Some(entry),
        }
    }
}

/// A commit that waits for its turn.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    id: u64,
    txn: Txn,
    value: Value,
    /// How many wishes there had been when it was asked.
    wishes: u64,
}

/// Everything that is known.
#[derive(Debug)]
pub struct Machine {
    spec: Spec,
    /// How many endpoints there are to try before etcd counts as away.
    endpoints: usize,
    want: Want,
    /// How many wishes there were: a commit that is older than a wish does not replace it.
    wishes: u64,
    /// How many wishes there had been when the commit under way was asked.
    commit_wishes: u64,
    /// The runs in the state file.
    runs: Vec<Run>,
    /// Leases in the state file that are over.
    ended: Vec<LeaseId>,
    holding: Holding,
    /// The key as last read or written.
    key: Key,
    /// What etcd says about leases of other boots.
    rulings: Vec<Ruling>,
    /// Somewhere a put may be under way that makes the key as soon as it is gone. Ends with the lease.
    create_in_limbo: bool,
    /// A commit had no answer: when the key turns out to have this value, it took effect.
    unanswered: Option<Value>,
    commits: VecDeque<Asked>,
    leaving: bool,
    left: bool,
    doing: Option<Op>,
    /// What a watch said last.
    heard: Option<Heard>,
    /// When a watch last showed that it lives.
    watched_at: Option<Instant>,
    verify_at: Instant,
    verified_at: Option<Instant>,
    backoff: Backoff,
    busy: Backoff,
    retry_at: Option<Instant>,
    /// Endpoints that have failed in a row.
    failed_endpoints: usize,
    away_since: Option<Instant>,
    cause: Option<String>,
    /// What etcd refused, or what could not be written, until there is nothing left to do.
    refused: Option<Obstacle>,
    counters: Counters,
}

impl Machine {
    /// The beginning. `runs` is what the state file tells of former runs.
    pub fn new(spec: Spec, endpoints: usize, runs: Vec<Run>, now: Instant) -> Self {
        // An etcd that starts again gives every lease its whole TTL: time for several attempts.
        let longest = RETRY.1.min(spec.ttl / 4);
        let busy = Backoff::new(BUSY.0, BUSY.1.min(spec.ttl * 2));
        Self {
            spec,
            endpoints,
            want: Want::Keep,
            wishes: 0,
            commit_wishes: 0,
            runs,
            ended: Vec::new(),
            holding: Holding::None { not_before: now },
            key: Key::Unknown,
            rulings: Vec::new(),
            create_in_limbo: false,
            unanswered: None,
            commits: VecDeque::new(),
            leaving: false,
            left: false,
            doing: None,
            heard: None,
            watched_at: None,
            verify_at: now,
            verified_at: None,
            backoff: Backoff::new(RETRY.0.min(longest), longest),
            busy,
            retry_at: None,
            failed_endpoints: 0,
            away_since: None,
            cause: None,
            refused: None,
            counters: Counters::default(),
        }
    }

    /// Takes in what happened and says what to do. `fraction` is drawn evenly from 0 to 1.
    #[must_use]
    pub fn step(&mut self, now: Instant, fraction: f64, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Wanted(want) => self.wish(want, &mut effects),
            Event::CommitAsked { id, .. } if self.leaving => effects.push(ended(id)),
            Event::CommitAsked { id, txn, value } => {
                let wishes = self.wishes;
                self.commits.push_back(Asked { id, txn, value, wishes });
            }
            Event::LeaveAsked => self.leave(&mut effects),
            Event::Heard(heard) => self.hear(now, heard, &mut effects),
            Event::Woke => {}
            Event::Done(outcome) => {
                // There is none when the work was dropped just as it was done.
                if let Some(op) = self.doing.take() {
                    self.learn(now, fraction, op, outcome, &mut effects);
                }
            }
        }
        if let (false, Some(Owner::Other(obstacle))) = (self.may_write(), self.owner()) {
            self.refuse_commits(&CommitError::Obstacle(obstacle), &mut effects);
        }
        if self.left {
            effects.push(Effect::Left);
            return effects;
        }
        let mut wake = self.lease_deadline().filter(|deadline| *deadline > now);
        if self.doing.is_none() {
            match self.decide(now) {
                Next::Run(op) => {
                    if let Op::Commit { .. } = op {
                        self.commit_wishes = self.commits.pop_front().map_or(self.wishes, |asked| asked.wishes);
                    }
                    self.doing = Some(op.clone());
                    effects.push(Effect::Run(op));
                }
                Next::Wait(at) => {
                    if self.retry_at.is_none_or(|retry_at| retry_at <= now) {
                        self.refused = None;
                        self.backoff.reset();
                        self.busy.reset();
                    }
                    wake = Some(wake.map_or(at, |deadline| deadline.min(at)));
                }
            }
        }
        effects.extend(wake.map(Effect::WakeAt));
        effects
    }

    /// How things stand.
    pub fn standing(&self, now: Instant) -> Standing {
        let lease = self.held().filter(|lease| now < lease.deadline);
        let there = self.key.entry().filter(|_| self.owner() == Some(Owner::Us));
        let as_wanted = there.is_some_and(|entry| match &self.want {
            Want::Keep => true,
            Want::Present(value) => self.is_stored(value, entry),
            Want::Absent => false,
        });
        let in_the_way = match self.owner() {
            Some(Owner::Other(obstacle)) if !self.may_write() => Some(obstacle),
            Some(_) | None => None,
        };
        Standing {
            registered: as_wanted && lease.is_some_and(|lease| there.and_then(|entry| entry.lease) == Some(lease.id)),
            lease: lease.map(|lease| lease.id),
            lease_deadline: lease.map(|lease| lease.deadline),
            key_revision: there.map(|entry| entry.mod_revision),
            known: self.key != Key::Unknown,
            away_since: self.away_since,
            cause: self.cause.clone(),
            obstacle: in_the_way.or_else(|| self.refused.clone()),
            verified_at: self.verified_at,
            counters: self.counters.clone(),
        }
    }

    fn wish(&mut self, want: Want, effects: &mut Vec<Effect>) {
        self.wishes += 1;
        self.unanswered = None;
        if self.want == want {
            return;
        }
        self.want = want;
        self.refused = None;
        // A wish does not wait for the next attempt, and a deletion for no answer that is mere knowledge.
        self.retry_at = None;
        if self.deletable().is_some() {
            self.drop_work(effects);
        }
    }

    fn leave(&mut self, effects: &mut Vec<Effect>) {
        self.leaving = true;
        self.retry_at = None;
        self.refuse_commits(&CommitError::Ended, effects);
        self.drop_work(effects);
    }

    fn drop_work(&mut self, effects: &mut Vec<Effect>) {
        if self.doing.as_ref().is_some_and(Op::may_be_dropped) {
            self.doing = None;
            effects.push(Effect::Drop);
        }
    }

    fn refuse_commits(&mut self, error: &CommitError, effects: &mut Vec<Effect>) {
        effects.extend(self.commits.drain(..).map(|asked| Effect::Answer {
            id: asked.id,
            answer: Err(error.clone()),
        }));
    }

    /// Whose key it is, as far as is known.
    fn owner(&self) -> Option<Owner> {
        let known = self.key != Key::Unknown;
        known.then(|| owner(&self.spec, &self.runs, &self.rulings, self.key.entry()))
    }

    /// Whether the key may be written: it is ours, or nobody's, or one that was given to us to take.
    fn may_write(&self) -> bool {
        match self.owner() {
            Some(Owner::Nobody | Owner::Us | Owner::Former) => true,
            Some(Owner::Other(Obstacle::ForeignKey { .. })) => self.spec.take_over,
            Some(Owner::Other(_) | Owner::Undecided(_)) | None => false,
        }
    }

    /// The revision to delete, when our key is there and is not wanted.
    fn deletable(&self) -> Option<Revision> {
        let unwanted = self.leaving || self.want == Want::Absent;
        let ours = matches!(self.owner(), Some(Owner::Us | Owner::Former));
        let entry = self.key.entry()?;
        (unwanted && ours).then_some(entry.mod_revision)
    }

    fn lease(&self) -> Option<Lease> {
        match self.holding {
            Holding::None { .. } => None,
            Holding::Granted(lease) | Holding::Held { lease, .. } => Some(lease),
        }
    }

    fn held(&self) -> Option<Lease> {
        match self.holding {
            Holding::None { .. } | Holding::Granted(_) => None,
            Holding::Held { lease, .. } => Some(lease),
        }
    }

    fn lease_deadline(&self) -> Option<Instant> {
        self.lease().map(|lease| lease.deadline)
    }

    /// Whether `value`, as this run writes it, is what `entry` holds.
    fn is_stored(&self, value: &Value, entry: &Entry) -> bool {
        Value::parse(&entry.value).as_ref() == Some(&value.clone().of_run(&self.spec.incarnation))
    }
}

fn ended(id: u64) -> Effect {
    let answer = Err(CommitError::Ended);
    Effect::Answer { id, answer }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

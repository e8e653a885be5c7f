//! What the machine learns from the work that it had done: knowledge, and what a failure leaves open. Pure.

use std::time::Duration;

use tokio::time::Instant;

use super::{Effect, Holding, Key, Machine, Op, Outcome, Owner, Ruling};
use crate::{
    backoff::spread,
    registration::{CommitError, Obstacle, Value, Want, state_file::Run},
    registry::{Entry, LeaseId, RegistryError, Revision},
};

/// The longest that a new lease waits after an outage in which many lost theirs.
const LONGEST_SPREAD: Duration = Duration::from_secs(3);
/// The longest wait after etcd turned a write away: as long as it needs for what it has taken on.
const BUSY: Duration = Duration::from_secs(2);
/// How often somebody else's key is looked at, to see it end.
const WAITING: Duration = Duration::from_secs(1);

impl Machine {
    /// Takes in what came of the work.
    pub(super) fn learn(&mut self, now: Instant, fraction: f64, op: Op, outcome: Outcome, effects: &mut Vec<Effect>) {
        let outcome = match outcome {
            Outcome::Failed(error) => return self.fail(now, fraction, &op, error, effects),
            Outcome::NotSaved(cause) => {
                self.refused = Some(Obstacle::StateFile { cause });
                self.retry_at = Some(now + self.backoff.next(fraction));
                return;
            }
            answer @ (Outcome::Granted(_)
            | Outcome::Saved
            | Outcome::Renewed(_)
            | Outcome::Read(_)
            | Outcome::Lives { .. }
            | Outcome::Committed(_)
            | Outcome::Revoked) => answer,
        };
        self.succeed();
        match (op, outcome) {
            (Op::Grant, Outcome::Granted(lease)) => self.holding = Holding::Granted(lease),
            (Op::Save(runs), Outcome::Saved) => self.saved(now, fraction, runs),
            (Op::Renew(_), Outcome::Renewed(lease)) => {
                let renew_at = now + spread(lease.ttl / 3, fraction);
                self.holding = Holding::Held { lease, renew_at };
                self.verify_at = now;
            }
            (Op::Read, Outcome::Read(entry)) => self.read(now, entry),
            (Op::Ask(lease), Outcome::Lives { ttl: Some(ttl), uptime }) => {
                self.rulings.push(Ruling::new(lease, ttl, uptime));
            }
            (Op::Ask(lease), Outcome::Lives { ttl: None, .. }) => {
                self.ended.push(lease);
                // If it was the key's, the key is gone with it.
                self.key = Key::Unknown;
            }
            (Op::Put { value, lease, .. }, Outcome::Committed(revision)) => self.put(now, &value, lease, revision),
            (Op::Commit { id, value, lease, .. }, Outcome::Committed(revision)) => {
                self.put(now, &value, lease, revision);
                if revision.is_some() && self.commit_wishes == self.wishes {
                    self.want = Want::Present(value);
                    self.unanswered = None;
                }
                let answer = Ok(revision);
                effects.push(Effect::Answer { id, answer });
            }
            (Op::Delete { .. }, Outcome::Committed(revision)) => {
                self.key = revision.map_or(Key::Unknown, |_| Key::Absent);
                self.counters.deletes += u64::from(revision.is_some());
            }
            (Op::Revoke(lease), Outcome::Revoked) => self.revoked(now, lease),
            // Answers come to the questions that were asked; another one tells nothing.
            (
                Op::Grant
                | Op::Save(_)
                | Op::Renew(_)
                | Op::Read
                | Op::Ask(_)
                | Op::Put { .. }
                | Op::Delete { .. }
                | Op::Commit { .. }
                | Op::Revoke(_),
                _,
            ) => {}
        }
    }

    fn succeed(&mut self) {
        self.away_since = None;
        self.cause = None;
        self.failed_endpoints = 0;
        self.retry_at = None;
        if self.refused.is_none() {
            self.backoff.reset();
        }
    }

    fn saved(&mut self, now: Instant, fraction: f64, runs: Vec<Run>) {
        self.ended.retain(|lease| runs.iter().any(|run| run.lease == *lease));
        self.runs = runs;
        self.left = self.leaving && self.runs.is_empty();
        if let Holding::Granted(lease) = self.holding {
            // The first renewal anywhere in the first period: many that start together spread over it.
            let renew_at = now + (lease.ttl / 3).mul_f64(fraction);
            self.holding = Holding::Held { lease, renew_at };
        }
    }

    fn read(&mut self, now: Instant, entry: Option<Entry>) {
        // A lease that lives on is asked about again: it may be renewed at any time.
        self.rulings
            .retain(|ruling| entry.as_ref().is_none_or(|entry| entry.lease != Some(ruling.lease)));
        self.key = entry.map_or(Key::Absent, Key::There);
        self.verified_at = Some(now);
        let waits = matches!(self.owner(), Some(Owner::Other(_) | Owner::Undecided(_)));
        self.verify_at = now + if waits { WAITING } else { self.spec.ttl };
        if let (Some(value), Key::There(entry)) = (&self.unanswered, &self.key)
            && self.is_stored(value, entry)
        {
            self.want = Want::Present(value.clone());
        }
    }

    fn put(&mut self, now: Instant, value: &Value, lease: LeaseId, revision: Option<Revision>) {
        let Some(revision) = revision else {
            // The key is not what it was thought to be.
            self.key = Key::Unknown;
            return;
        };
        let create_revision = self.key.entry().map_or(revision, |entry| entry.create_revision);
        self.key = Key::There(Entry {
            key: self.spec.key.clone(),
            value: value.to_bytes(),
            create_revision,
            mod_revision: revision,
            lease: Some(lease),
        });
        self.verified_at = Some(now);
        self.counters.puts += 1;
    }

    fn revoked(&mut self, now: Instant, lease: LeaseId) {
        self.ended.push(lease);
        if self.lease().is_some_and(|own| own.id == lease) {
            self.holding = Holding::None { not_before: now };
            self.create_in_limbo = false;
            self.key = Key::Unknown;
        }
    }

    fn fail(&mut self, now: Instant, fraction: f64, op: &Op, error: RegistryError, effects: &mut Vec<Effect>) {
        *self.counters.errors.entry(error.kind()).or_default() += 1;
        self.doubt(op, &error);
        let sent_once = matches!(op, Op::Put { .. } | Op::Delete { .. } | Op::Commit { .. });
        let mut least = Duration::ZERO;
        let needs_lease = matches!(op, Op::Renew(_) | Op::Put { .. } | Op::Commit { .. });
        if let Op::Commit { id, .. } = op {
            let answer = Err(CommitError::Registry(error.clone()));
            effects.push(Effect::Answer { id: *id, answer });
        }
        match &error {
            RegistryError::LeaseGone if needs_lease => return self.lose_lease(now, fraction),
            RegistryError::LeaseGone => {}
            RegistryError::Away { .. } | RegistryError::Tls { .. } => {
                self.failed_endpoints += 1;
                if sent_once && self.failed_endpoints < self.endpoints {
                    // The next attempt goes to the next endpoint, at once.
                    return;
                }
                self.away_since.get_or_insert(now);
                self.cause = Some(error.to_string());
            }
            RegistryError::Busy { .. } => {
                self.away_since.get_or_insert(now);
                self.cause = Some(error.to_string());
                least = BUSY.mul_f64(fraction);
            }
            // The caller's transaction is the caller's to mend; the wish does not wait for it.
            RegistryError::Refused { .. } | RegistryError::Denied { .. } | RegistryError::Settings { .. }
                if matches!(op, Op::Commit { .. }) =>
            {
                return;
            }
            RegistryError::Refused { .. } | RegistryError::Denied { .. } | RegistryError::Settings { .. } => {
                self.refused = Some(Obstacle::Refused(error.clone()));
            }
        }
        self.refuse_commits(&CommitError::Registry(error), effects);
        self.retry_at = Some(now + self.backoff.next(fraction).max(least));
        // When it is back: first the lease, then a look at the key.
        if let Holding::Held { renew_at, .. } = &mut self.holding {
            *renew_at = now.min(*renew_at);
        }
        self.verify_at = now;
    }

    /// What an unanswered write leaves open.
    fn doubt(&mut self, op: &Op, error: &RegistryError) {
        let unanswered = error.is_of_the_endpoint();
        match op {
            Op::Put { replaces, .. } | Op::Commit { replaces, .. } if unanswered => {
                self.key = Key::Unknown;
                self.create_in_limbo |= *replaces == 0;
                if let Op::Commit { value, .. } = op
                    && self.commit_wishes == self.wishes
                {
                    self.unanswered = Some(value.clone());
                }
            }
            // A deletion may be repeated: it is compared with the revision that it deletes.
            Op::Put { .. }
            | Op::Commit { .. }
            | Op::Delete { .. }
            | Op::Grant
            | Op::Save(_)
            | Op::Renew(_)
            | Op::Read
            | Op::Ask(_)
            | Op::Revoke(_) => {}
        }
    }

    fn lose_lease(&mut self, now: Instant, fraction: f64) {
        let outlived = self.lease_deadline().is_some_and(|deadline| deadline <= now);
        let spread = (self.spec.ttl / 4).min(LONGEST_SPREAD).mul_f64(fraction);
        self.ended.extend(self.lease().map(|lease| lease.id));
        self.holding = Holding::None {
            // An outage that outlived our lease outlived everybody's.
            not_before: if outlived { now + spread } else { now },
        };
        self.counters.lease_losses += 1;
        self.create_in_limbo = false;
        self.key = Key::Unknown;
    }
}

//! What the machine learns from the work that it had done: knowledge, and what a failure leaves open. Pure.

use std::time::Duration;

use tokio::time::Instant;

use super::{Effect, Heard, Holding, Key, Machine, Op, Outcome, Owner, Ruling};
use crate::{
    backoff::spread,
    registration::{CommitError, Obstacle, Value, Want, state_file::Run},
    registry::{Entry, Lease, LeaseId, RegistryError, Revision},
};

/// The longest that a new lease waits after an outage in which many lost theirs.
const LONGEST_SPREAD: Duration = Duration::from_secs(3);
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
            (Op::Renew(_), Outcome::Renewed(lease)) => self.renewed(now, fraction, lease),
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
                self.deleted(now, revision);
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
            // The first renewal anywhere in the first period: many that start together spread over it. An answer that was long in
            // coming has used that period up.
            let renew_at = (now + (lease.ttl / 3).mul_f64(fraction)).min(lease.deadline - lease.ttl / 2);
            self.holding = Holding::Held { lease, renew_at };
        }
    }

    fn renewed(&mut self, now: Instant, fraction: f64, lease: Lease) {
        let renew_at = now + spread(lease.ttl / 3, fraction);
        self.holding = Holding::Held { lease, renew_at };
        let is_told = self.watched_at.is_some_and(|at| now < at + self.spec.ttl);
        if !is_told {
            // Without a watch that lives, a change has to be looked for.
            self.verify_at = now;
        }
    }

    fn read(&mut self, now: Instant, entry: Option<Entry>) {
        // A lease that lives on is asked about again: it may be renewed at any time.
        self.rulings
            .retain(|ruling| entry.as_ref().is_none_or(|entry| entry.lease != Some(ruling.lease)));
        self.key = entry.map_or(Key::Absent, Key::There);
        self.verified_at = Some(now);
        self.verify_at = now + self.next_look();
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
        self.changed(now, revision);
    }

    fn deleted(&mut self, now: Instant, revision: Option<Revision>) {
        self.key = revision.map_or(Key::Unknown, |_| Key::Absent);
        if let Some(revision) = revision {
            self.counters.deletes += 1;
            self.changed(now, revision);
        }
    }

    /// Takes in what a watch says. It only ever leads to a look of our own: what is decided rests on what was read for it.
    pub(super) fn hear(&mut self, now: Instant, heard: Heard, effects: &mut Vec<Effect>) {
        self.heard = Some(heard);
        let (known, since) = match &self.key {
            Key::Unknown | Key::Absent => (None, 0),
            Key::There(entry) => (Some(entry.mod_revision), entry.mod_revision),
        };
        // A store that does not know of the key's last change yet was late, or has gone back.
        if heard.seen && heard.at >= since {
            self.watched_at = Some(now);
        }
        if self.key == Key::Unknown {
            // It is going to be read.
            return;
        }
        if heard.key != known && heard.at > since {
            self.verify_at = now;
            // That look may have been before the change.
            if self.doing == Some(Op::Read) {
                self.drop_work(effects);
            }
        } else if heard.seen && known.is_some() && heard.key == known {
            self.verified_at = Some(now);
            self.verify_at = self.verify_at.max(now + self.next_look());
        }
    }

    /// Our own change is answered. A watch is often faster than the answer: then it told our change, or one that came after it.
    fn changed(&mut self, now: Instant, revision: Revision) {
        let Some(heard) = self.heard else { return };
        let known = self.key.entry().map(|entry| entry.mod_revision);
        if heard.at > revision && heard.key != known {
            self.verify_at = now;
        } else if heard.at == revision {
            self.verify_at = now + self.next_look();
        }
    }

    /// How long the key counts as known. Somebody else's is looked at more often, to see it end.
    fn next_look(&self) -> Duration {
        match self.owner() {
            Some(Owner::Other(_) | Owner::Undecided(_)) => WAITING,
            Some(Owner::Nobody | Owner::Us | Owner::Former) | None => self.spec.ttl,
        }
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
                least = self.busy.next(fraction);
                if self.lease().is_some() {
                    // Its renewal waits too, and is due after a third of the TTL. Who has no lease has nothing to lose.
                    least = least.min((self.spec.ttl / 2).mul_f64(fraction));
                }
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
        let busy = matches!(error, RegistryError::Busy { .. });
        self.refuse_commits(&CommitError::Registry(error), effects);
        self.retry_at = Some(now + self.backoff.next(fraction).max(least));
        if busy {
            // It was never away.
            return;
        }
        // When it is back: the lease, if it is due by then, and a look at the key, which would be gone with it. To renew every lease
        // at once would be the largest part of what thousands of hosts ask of an etcd that has just come back.
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

//! The next piece of work, from what is wanted and what is known. Pure and without memory.

use tokio::time::Instant;

use super::{Holding, Key, Machine, Op, Owner};
use crate::{
    registration::{Value, Want, state_file::Run},
    registry::LeaseId,
};

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// This work.
    Run(Op),
    /// Nothing until then.
    Wait(Instant),
}

impl Machine {
    /// The order is the rule: what must be gone, then the lease, then knowledge, then what shall be there, then tidiness.
    pub(super) fn decide(&self, now: Instant) -> Next {
        if let Some(retry_at) = self.retry_at.filter(|at| *at > now) {
            return Next::Wait(retry_at);
        }
        if let Some(replaces) = self.deletable() {
            return Next::Run(Op::Delete { replaces });
        }
        if self.leaving {
            return Next::Run(self.clear_away());
        }
        let (lease, renew_at) = match self.holding {
            Holding::Held { lease, renew_at } if now >= renew_at => return Next::Run(Op::Renew(lease)),
            Holding::Held { lease, renew_at } => (lease.id, renew_at),
            // One that was never written down is not worth renewing.
            Holding::Granted(lease) if now < lease.deadline => return Next::Run(self.write_down(lease.id)),
            Holding::None { not_before } if now < not_before => return Next::Wait(not_before),
            Holding::Granted(_) | Holding::None { .. } => return Next::Run(Op::Grant),
        };
        if self.key == Key::Unknown {
            return Next::Run(Op::Read);
        }
        let work = self
            .make_true(lease)
            .or_else(|| self.tidy_up(lease))
            .or_else(|| (now >= self.verify_at).then_some(Op::Read));
        work.map_or(Next::Wait(renew_at.min(self.verify_at)), Next::Run)
    }

    /// What makes the wish true, when it is not.
    fn make_true(&self, lease: LeaseId) -> Option<Op> {
        let entry = self.key.entry();
        let owner = self.owner()?;
        if let Owner::Undecided(lease) = owner {
            return Some(Op::Ask(lease));
        }
        if !self.may_write() {
            return None;
        }
        let replaces = entry.map_or(0, |entry| entry.mod_revision);
        if let Some(asked) = self.commits.front() {
            return Some(Op::Commit {
                id: asked.id,
                txn: asked.txn.clone(),
                value: asked.value.clone().of_run(&self.spec.incarnation),
                lease,
                replaces,
            });
        }
        let put = |value: Value| Op::Put {
            value: value.of_run(&self.spec.incarnation),
            lease,
            replaces,
        };
        let under_our_lease = entry.is_some_and(|entry| entry.lease == Some(lease));
        match (&self.want, owner) {
            (Want::Present(value), Owner::Us)
                if under_our_lease && entry.is_some_and(|entry| self.is_stored(value, entry)) =>
            {
                None
            }
            (Want::Present(value), _) => Some(put(value.clone())),
            (Want::Keep, Owner::Us) if under_our_lease => None,
            (Want::Keep, Owner::Us | Owner::Former) => entry.and_then(|entry| Value::parse(&entry.value)).map(put),
            // A put that is under way somewhere would make the key again: it cannot with a lease that is over.
            (Want::Absent, Owner::Nobody) if self.create_in_limbo => Some(Op::Revoke(lease)),
            // What another left here is not ours to take away, and what is ours is deleted by now.
            (Want::Keep | Want::Absent, Owner::Nobody | Owner::Other(_) | Owner::Undecided(_))
            | (Want::Absent, Owner::Us | Owner::Former) => None,
        }
    }

    /// Ends the leases of former runs, then forgets them. Only once the key is not a former run's any more.
    fn tidy_up(&self, lease: LeaseId) -> Option<Op> {
        if matches!(self.owner()?, Owner::Former | Owner::Undecided(_)) || self.waits_for_other_boot() {
            return None;
        }
        let former = || self.runs.iter().filter(|run| run.lease != lease);
        former().next()?;
        let own = || self.runs.iter().filter(|run| run.lease == lease).cloned().collect();
        Some(
            former()
                .find_map(|run| self.end(run))
                .unwrap_or_else(|| Op::Save(own())),
        )
    }

    /// What ends the lease of a former run. A lease of another boot may be that of a clone of this host, which lives.
    fn end(&self, run: &Run) -> Option<Op> {
        if self.ended.contains(&run.lease) {
            return None;
        }
        let ruling = self.rulings.iter().find(|ruling| ruling.lease == run.lease);
        match ruling {
            None if run.boot != self.spec.boot_id => Some(Op::Ask(run.lease)),
            Some(ruling) if !ruling.free => None,
            Some(_) | None => Some(Op::Revoke(run.lease)),
        }
    }

    fn waits_for_other_boot(&self) -> bool {
        use crate::registration::Obstacle::OtherBoot;
        matches!(self.owner(), Some(Owner::Other(OtherBoot { .. })))
    }

    fn write_down(&self, lease: LeaseId) -> Op {
        let mut runs = self.runs.clone();
        runs.push(Run {
            lease,
            incarnation: self.spec.incarnation.clone(),
            boot: self.spec.boot_id.clone(),
        });
        Op::Save(runs)
    }

    /// The steps of leaving once the key is deleted: our lease and those of former runs, then the state file.
    fn clear_away(&self) -> Op {
        let end = self.runs.iter().find_map(|run| self.end(run));
        end.unwrap_or_else(|| Op::Save(Vec::new()))
    }
}

//! What is promised, looked at before and after everything that happens: invariants 2, 4 and 6 of the design, with their bounds.

use std::time::Duration;

use quorate::{
    nodefile::Phase,
    registration::machine::Op,
    registry::{LeaseId, Txn},
    sidecar::verdict::Verdict,
};
use tokio::time::Instant;

use super::{
    host::{Host, Link, Sidecar},
    world::{Settings, World},
};

/// From the end of the faults until a sidecar that wants its key true has made it so.
pub(super) const RECOVERY: Duration = Duration::from_secs(15);
/// The longest that a call is on its way.
const LATEST: Duration = Duration::from_secs(20);
/// What is allowed beyond a bound that is made of parts.
const SLACK: Duration = Duration::from_millis(60);

impl Settings {
    /// A node that is not well is found out within this.
    pub(super) fn found_out(&self) -> Duration {
        self.interval + self.timeout * self.fall + SLACK
    }

    /// A closed port is found within this, though the end of the connection was not heard.
    pub(super) fn refused(&self) -> Duration {
        self.interval + self.timeout + SLACK
    }

    /// A node that is well counts as ready within this, wherever it stood.
    pub(super) fn believed(&self) -> Duration {
        (self.interval + self.timeout) * (self.rise + 1) + SLACK
    }

    /// What the decision about the key takes on the way: whatever is under way first, then the deletion.
    fn done(&self) -> Duration {
        self.latency * 6 + SLACK
    }

    /// As often as the lease is renewed the key is looked at: nobody tells of what others do to it.
    fn looked_again(&self) -> Duration {
        self.ttl.mul_f64(0.4)
    }

    /// What a lease may live.
    fn lease(&self) -> Duration {
        self.lived.max(self.ttl) + SLACK
    }
}

impl World {
    /// Brings up to date since when things are as they are, and looks at every promise.
    pub(super) fn look(&mut self) {
        for index in 0..self.hosts.len() {
            self.update(index);
        }
        if self.broken.is_none() {
            let wrong = (0..self.hosts.len()).find_map(|index| self.wrong(index));
            self.broken = wrong;
        }
    }

    /// Whether nothing stands in the way of the sidecar there.
    fn is_calm(&self, index: usize) -> bool {
        let host = &self.hosts[index];
        let stranger = self.etcd.entry.is_some() && !self.wrote(index);
        let other_boot =
            host.boots > 0 && self.now < host.booted.max(self.etcd.back) + self.settings.lease() * 2 + LATEST;
        let reachable = host.link == Link::Fine && self.etcd.up && host.fates.is_empty();
        reachable && !host.disk_full && host.awake().is_some() && !stranger && !other_boot
    }

    /// Whether a run of this host wrote the key.
    fn wrote(&self, index: usize) -> bool {
        let writer = self.etcd.writer.filter(|_| self.etcd.entry.is_some());
        writer.is_some_and(|writer| self.hosts[index].runs.contains(&writer))
    }

    fn update(&mut self, index: usize) {
        let (calm, is_true) = (self.is_calm(index), self.is_true(index));
        let (now, is_off) = (self.now, self.is_off());
        let node = &self.node;
        let host = &mut self.hosts[index];
        if !calm {
            host.disturbed = now;
        }
        // What stands in the way of one that leaves: then its key is left to the end of its lease.
        let frozen = host.awake().is_none() && host.sidecar.is_some();
        if host.link != Link::Fine || !self.etcd.up || !host.fates.is_empty() || frozen {
            host.left = None;
        }
        if is_true {
            host.true_at = now;
        }
        let Some(sidecar) = &mut host.sidecar else { return };
        // The other host's sidecar has no launcher to listen to.
        let leaving = index == 1 && matches!(node.file, Some((Phase::Leaving, _)));
        let good = node.is_good(sidecar.heard);
        sidecar.good_since = (good && !leaving).then(|| sidecar.good_since.unwrap_or(now).max(node.since));
        sidecar.bad_since = (!good && !leaving).then(|| sidecar.bad_since.unwrap_or(now));
        sidecar.off_since = is_off.then(|| sidecar.off_since.unwrap_or(now));
        if node.is_alive() {
            sidecar.dead_since = None;
        }
    }

    fn wrong(&self, index: usize) -> Option<String> {
        let host = &self.hosts[index];
        let own = self.wrote(index) && self.etcd.up;
        if own {
            let lease = self.etcd.entry.as_ref().and_then(|entry| entry.lease);
            if lease.is_none() {
                return Some("a key without a lease".to_owned());
            }
            let silent = host.renewed.max(self.etcd.back);
            if self.now > silent + self.settings.lease() {
                return Some("the key outlives a sidecar that is silent".to_owned());
            }
        }
        if own && host.left.is_some_and(|left| self.now > left + self.settings.done() * 2) {
            return Some("the key was left behind".to_owned());
        }
        let sidecar = host.awake().filter(|sidecar| sidecar.leaving.is_none())?;
        self.wrong_verdict(sidecar)
            .or_else(|| {
                if own {
                    self.key_of_a_bad_node(host, sidecar)
                } else {
                    None
                }
            })
            .or_else(|| self.no_key_of_a_good_node(index, host, sidecar))
    }

    fn wrong_verdict(&self, sidecar: &Sidecar) -> Option<String> {
        let verdict = sidecar.judge.conclusion().verdict;
        let since = |since: Option<Instant>| since.map(|since| since.max(sidecar.awake_since));
        let ready = verdict == Verdict::Ready;
        let overdue = |from: Option<Instant>, bound| since(from).is_some_and(|from| self.now > from + bound);
        if ready && overdue(sidecar.bad_since, self.settings.found_out()) {
            return Some("a node that is not well counts as ready".to_owned());
        }
        if ready && overdue(sidecar.off_since, self.settings.refused()) {
            return Some("a node with a closed port counts as ready".to_owned());
        }
        if ready && overdue(sidecar.dead_since, Duration::ZERO) {
            return Some("a dead process counts as ready".to_owned());
        }
        if !ready && overdue(sidecar.good_since, self.settings.believed()) {
            return Some(format!("a node that is well counts as {verdict:?}"));
        }
        None
    }

    /// Invariant 2.
    fn key_of_a_bad_node(&self, host: &Host, sidecar: &Sidecar) -> Option<String> {
        let overdue = |from: Option<Instant>, bound: Duration| {
            let from = from?.max(sidecar.awake_since);
            let quiet = host.disturbed.max(sidecar.awake_since) + RECOVERY <= from;
            let due = if quiet {
                from + bound + self.settings.done()
            } else {
                from.max(host.disturbed) + bound + RECOVERY
            };
            (self.now > due).then(|| format!("the key is there {:?} after it should be gone", self.now - due))
        };
        overdue(sidecar.bad_since, self.settings.found_out())
            .or_else(|| overdue(sidecar.off_since, self.settings.refused()))
            .or_else(|| overdue(sidecar.dead_since, Duration::ZERO))
    }

    fn no_key_of_a_good_node(&self, index: usize, host: &Host, sidecar: &Sidecar) -> Option<String> {
        sidecar.heard?;
        let good = sidecar.good_since?.max(sidecar.awake_since) + self.settings.believed();
        let unheard = host.true_at + self.settings.looked_again();
        let due = good.max(host.disturbed).max(unheard) + RECOVERY;
        let missing = self.is_calm(index) && !self.is_true(index);
        (missing && self.now > due).then(|| {
            let (written, standing) = (&self.etcd.entry, sidecar.keeper.standing(self.now));
            format!("the key of a node that is well is not there: {written:?} {standing:?}")
        })
    }

    /// Nobody takes away the key of a node that has been well for long.
    pub(super) fn may_ask(&mut self, index: usize, op: &Op) {
        let Some(sidecar) = &self.hosts[index].sidecar else {
            return;
        };
        let believed = self.settings.believed();
        let since = sidecar
            .good_since
            .map(|since| since.max(sidecar.awake_since) + believed);
        // One that leaves is right to.
        let leaves = sidecar.judge.conclusion().verdict == Verdict::Leaving;
        // Before the record was heard of, what was decided before stands.
        let good = sidecar.heard.is_some() && self.node.is_good(sidecar.heard);
        let well = good && since.is_some_and(|since| since < self.now) && !leaves;
        if well && matches!(op, Op::Delete { .. }) {
            self.break_down("the key of a node that is well is taken away".to_owned());
        }
    }

    /// Invariant 4.
    pub(super) fn may_write(&mut self, index: usize, run: u64, txn: &Txn) {
        if self.etcd.entry.is_none() || !self.etcd.holds(txn) {
            return;
        }
        match self.etcd.writer {
            None => self.break_down("a key that a script wrote is changed".to_owned()),
            // The runs of a host take over from each other, never back.
            Some(writer) if self.wrote(index) && writer <= run => {}
            Some(writer) => self.break_down(format!("run {run} changes the key of run {writer}")),
        }
    }

    /// A lease is ended by those whose it is.
    pub(super) fn may_revoke(&mut self, index: usize, lease: LeaseId) {
        if self.etcd.holder(lease).is_some_and(|holder| holder != index) {
            self.break_down(format!("host {index} ends the lease {lease} of another"));
        }
    }
}

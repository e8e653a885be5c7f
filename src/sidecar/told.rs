//! What others are told: log, service manager, metrics, and the snapshot from which HTTP answers.

use std::time::SystemTime;

use tokio::{sync::watch, time::Instant};

use super::{
    disk::Disk,
    machine::Machine,
    metrics::Metrics,
    snapshot::{LastProbe, RecordSeen, Snapshot},
    verdict::{Conclusion, Verdict},
    vigil::Witness,
};
use crate::{
    host::{self, Notifier},
    launcher::seeds::told::SeedsTold,
    probe::ProbeOutcome,
    registration::Standing,
    reload::Reading,
};

/// What is told beside what the machine knows.
#[derive(Debug)]
pub(super) struct Around {
    pub(super) witness: Witness,
    pub(super) standing: Standing,
    pub(super) record: RecordSeen,
    /// The disk under the data, and when the launcher last showed that it lives.
    pub(super) disk: Option<(Disk, Instant)>,
}

/// Tells everyone.
#[derive(Debug)]
pub(super) struct Told {
    snapshots: watch::Sender<Snapshot>,
    metrics: Metrics,
    notifier: Notifier,
    /// The verdict that was told last.
    verdict: Verdict,
}

impl Told {
    /// Nothing was told yet but the start, or, of this verdict `since` then, by the program before this one. Also gives what HTTP reads.
    pub(super) fn new(
        metrics: Metrics,
        conclusion: Conclusion,
        since: SystemTime,
        now: Instant,
    ) -> (Self, watch::Receiver<Snapshot>) {
        let verdict = conclusion.verdict;
        let (snapshots, pages) = watch::channel(Snapshot {
            turned: now,
            conclusion,
            since,
            probe: None,
            report: None,
            standing: Standing::default(),
            record: RecordSeen::Unheard,
            settings: Reading::default(),
            witness: Witness::Connection,
            seeds: None,
            disk: None,
        });
        let told = Self {
            snapshots,
            metrics,
            notifier: Notifier::new(),
            verdict,
        };
        (told, pages)
    }

    /// The loop runs.
    pub(super) fn ready(&self) {
        self.notifier.ready();
    }

    /// The loop has turned, and the service manager wants to know.
    pub(super) fn alive(&self) {
        self.notifier.alive();
    }

    /// A reload has begun; it ends with [`ready`](Self::ready).
    pub(super) fn reloading(&self) {
        self.notifier.reloading();
    }

    /// What came of reading the settings.
    pub(super) fn settings(&self, reading: Reading) {
        self.snapshots.send_modify(|snapshot| snapshot.settings = reading);
    }

    /// Everything as it was last told.
    pub(super) fn snapshot(&self) -> watch::Ref<'_, Snapshot> {
        self.snapshots.borrow()
    }

    /// What the launcher tells of its seed list, where that is something new.
    pub(super) fn seeds(&self, seeds: Option<&SeedsTold>) {
        self.snapshots.send_if_modified(|snapshot| {
            let is_new = snapshot.seeds.as_ref() != seeds;
            if is_new {
                snapshot.seeds = seeds.cloned();
            }
            is_new
        });
    }

    /// The stop has begun.
    pub(super) fn stopping(&self) {
        self.notifier.stopping();
    }

    /// A probe ended.
    pub(super) fn probed(&self, now: Instant, outcome: &ProbeOutcome) {
        self.metrics.probed(outcome);
        match &outcome.result {
            Ok(_) => tracing::debug!(elapsed = ?outcome.took, "probed"),
            Err(failure) => tracing::debug!(elapsed = ?outcome.took, cause = %failure, "probe failed"),
        }
        self.snapshots.send_modify(|snapshot| {
            snapshot.probe = Some(LastProbe {
                ended: now,
                outcome: outcome.clone(),
            });
        });
    }

    /// Verdict or reason changed.
    pub(super) fn concluded(&mut self, conclusion: &Conclusion) {
        if conclusion.verdict == self.verdict {
            tracing::debug!(why = conclusion.why, "reason changed");
            return;
        }
        let (from, to) = (self.verdict.word(), conclusion.verdict.word());
        tracing::info!(from, to, why = conclusion.why, "verdict changed");
        self.verdict = conclusion.verdict;
        self.metrics.verdict(conclusion.verdict);
        self.snapshots
            .send_modify(|snapshot| snapshot.since = SystemTime::now());
    }

    /// The loop has turned: everything as it is now.
    pub(super) fn turned(&mut self, now: Instant, machine: &Machine, around: Around) {
        let arrived = around.standing.registered && !self.snapshots.borrow().standing.registered;
        self.snapshots.send_modify(|snapshot| {
            snapshot.turned = now;
            snapshot.conclusion = machine.conclusion().clone();
            snapshot.report = machine.report().cloned();
            snapshot.witness = around.witness;
            snapshot.standing = around.standing;
            snapshot.record = around.record;
            snapshot.disk = around.disk;
        });
        let sentence = self.snapshots.borrow().sentence();
        self.notifier.status(&sentence);
        if arrived {
            // What it took to get there is not needed again soon.
            host::settle();
        }
    }
}

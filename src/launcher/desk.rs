//! What the launcher tells others about its node: the sidecar and the next run by the file in the run directory, the service manager
//! by one sentence, people by the log. Shell; decides nothing.

use std::{io, path::PathBuf, time::Duration};

use tokio::time::Instant;

use super::{leftover::Leftover, plan::Plan, runtime::Started, unwritten::Unwritten};
use crate::{
    host::{self, Notifier},
    model::{ClaimId, FORMAT},
    nodefile::{DiskState, DiskTold, NodeFile, Phase, ProcessId},
};

/// What is to be done after the node has ended takes no longer.
const TIDY: Duration = Duration::from_secs(30);

/// Everything that is said.
#[derive(Debug)]
pub struct Desk {
    path: PathBuf,
    file: NodeFile,
    /// Whether the file is this run's.
    written: bool,
    /// What the file does not say yet.
    unwritten: Unwritten,
    /// Whether the disk is tried at all.
    tries_disk: bool,
    notifier: Notifier,
}

impl Desk {
    /// Of a node that is not started yet. Nothing is said so far.
    pub fn new(plan: &Plan, engine: &str, skipped_checks: Vec<String>) -> io::Result<Self> {
        let settings = &plan.settings;
        Ok(Self {
            path: settings.node.run_file(&settings.common.service),
            file: NodeFile {
                format: FORMAT,
                engine: engine.to_owned(),
                container: None,
                process: None,
                server: None,
                name: settings.name.clone(),
                cluster: settings.cluster.clone(),
                phase: Phase::Starting,
                data: plan.layout.data.display().to_string(),
                claim: None,
                with_setting: false,
                boot: host::boot_id()?,
                reason: None,
                skipped_checks,
                disk: None,
            },
            written: false,
            unwritten: Unwritten::default(),
            tries_disk: settings.disk_interval.is_some(),
            notifier: Notifier::new(),
        })
    }

    /// The start waits for something.
    pub fn waiting(&mut self, reason: &str) {
        self.notifier.status(reason);
        self.file.reason = Some(reason.to_owned());
        self.tell();
    }

    /// The next thing is the start, under this claim. On disk before the node is: a run that finds the node can then judge it.
    pub fn starting(&mut self, claim: &ClaimId, with_setting: bool) -> io::Result<()> {
        self.file.claim = Some(claim.clone());
        self.file.with_setting = with_setting;
        self.file.process = None;
        self.file.server = None;
        self.file.container = None;
        self.file.reason = None;
        self.file.phase = Phase::Starting;
        self.write()
    }

    /// It runs.
    pub fn running(&mut self, node: Started) {
        self.file.process = Some(node.process);
        self.file.container = node.container;
        self.file.phase = Phase::Running;
        self.file.reason = None;
        self.tell();
        self.ready();
    }

    /// Its HTTP port is open, and this process has opened it.
    pub fn serving(&mut self, server: ProcessId) {
        if self.file.server != Some(server) {
            self.file.server = Some(server);
            self.tell();
        }
    }

    /// It was running before this launcher; what was said of its start stays true.
    pub fn adopted(&mut self, leftover: &Leftover) {
        self.file = leftover.file.clone();
        // Who hung then may hang still: the helper of that time holds its lock for as long as it does.
        self.file.disk = self
            .file
            .disk
            .take()
            .filter(|told| self.tries_disk && told.state == DiskState::Stalled);
        self.running(Started {
            process: leftover.process,
            container: leftover.file.container.clone(),
        });
    }

    /// Since when the disk hangs, in milliseconds since boot, as an earlier run told.
    pub fn disk_hangs_since(&self) -> Option<u64> {
        self.file.disk.as_ref().map(|told| told.since_ms)
    }

    /// The disk under its data stands like this.
    pub fn disk(&mut self, told: DiskTold) {
        self.file.disk = Some(told);
        self.tell();
    }

    /// What was said of the disk is still so.
    pub fn still_so(&self) {
        // Of what could not be written nobody must think that it is so.
        if self.written
            && self.again().is_none()
            && let Err(error) = NodeFile::touch(&self.path)
        {
            tracing::debug!(path = %self.path.display(), cause = %error, "the launcher's file was not touched");
        }
    }

    /// A reload has begun; it ends with [`ready`](Self::ready).
    pub fn reloading(&self) {
        self.notifier.reloading();
    }

    /// The start, or a reload that changed nothing, is over.
    pub fn ready(&self) {
        host::settle();
        self.notifier.ready();
    }

    /// It still runs and readers should go elsewhere; the stop takes at most this long.
    pub fn leaving(&mut self, at_most: Duration) {
        self.notifier.stopping();
        self.notifier.extend(at_most + TIDY);
        self.file.phase = Phase::Leaving;
        self.tell();
    }

    /// One sentence about now.
    pub fn status(&mut self, sentence: &str) {
        self.notifier.status(sentence);
    }

    /// There is no node any more. What an earlier run wrote about a node that may live stays.
    pub fn closed(&mut self) {
        if !std::mem::take(&mut self.written) {
            return;
        }
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), cause = %error, "the launcher's file was not removed");
        }
    }

    /// What the program before this one wrote was written by this process.
    pub(super) fn goes_on(&mut self) {
        self.written = true;
    }

    /// Says again what was said: the next program finds the node by it.
    pub(super) fn repeat(&mut self) {
        self.tell();
    }

    /// When the file has to be [repeated](Self::repeat), because it could not be written; else never.
    pub(super) fn again(&self) -> Option<Instant> {
        self.unwritten.again()
    }

    /// A sidecar that does not hear this goes by what it sees of the node itself.
    fn tell(&mut self) {
        let written = self.write();
        self.unwritten.tried(&self.path, &written);
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.write(&self.path)?;
        self.written = true;
        Ok(())
    }
}

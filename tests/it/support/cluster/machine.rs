//! One host of a cluster: a launcher with its real node, and a sidecar beside it.

use std::time::Duration;

use quorate::{
    model::{Marker, NodeId},
    probe::{Access, Prober, Report},
};
use rustix::process::Signal;
use tokio::time::Instant;

use crate::support::{LONG, address::Address, launcher::Host, sidecar::Sidecar};

/// One host.
pub(crate) struct Machine {
    pub(crate) host: Host,
    pub(crate) id: NodeId,
    pub(super) address: Address,
    pub(super) endpoint: String,
    pub(super) sidecar: Option<Sidecar>,
    pub(super) more: Vec<String>,
    /// How much of the log is old.
    pub(super) read: usize,
}

/// How everything ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Everybody is told to stop.
    Told,
    /// The power fails: SIGKILL for everything at once.
    Failed,
}

impl Machine {
    /// Starts launcher and sidecar.
    pub(crate) fn start(&mut self) {
        self.start_launcher(&[]);
        match &mut self.sidecar {
            Some(sidecar) => sidecar.start_again(),
            none => {
                let run = self.host.path("run").display().to_string();
                let mut more = vec!["--run-dir", &run];
                more.extend(self.more.iter().map(String::as_str));
                *none = Some(Sidecar::start(&self.endpoint, &self.address, &more));
            }
        }
    }

    /// Starts the launcher alone.
    pub(crate) fn start_launcher(&mut self, more: &[&str]) {
        self.read = self.host.log().len();
        self.host.start_with(more);
    }

    /// What launcher and node have said since the last start.
    pub(crate) fn said(&self) -> String {
        self.host.log().split_off(self.read)
    }

    pub(crate) fn sidecar(&self) -> &Sidecar {
        self.sidecar.as_ref().expect("it was started")
    }

    /// The same, to do something with it.
    pub(crate) fn sidecar_mut(&mut self) -> &mut Sidecar {
        self.sidecar.as_mut().expect("it was started")
    }

    /// Starts again what has ended, as a service manager would.
    pub(crate) fn start_what_ended(&mut self) {
        if !self.host.lives() {
            self.host.kill();
            self.start_launcher(&[]);
        }
        let sidecar = self.sidecar_mut();
        if !sidecar.lives() {
            sidecar.kill();
            sidecar.start_again();
        }
    }

    /// What the node itself says, once it says anything.
    pub(crate) async fn report(&self) -> Option<Report> {
        let mut prober = Prober::new(self.address.to_string(), 9200, LONG, Access::default());
        prober.probe().await.result.ok()
    }

    pub(crate) fn marker(&self) -> Option<Marker> {
        let bytes = std::fs::read(self.host.data().join(".quorate.json")).ok()?;
        Some(Marker::parse(&bytes).expect("readable"))
    }

    /// Waits until the launcher says why it waits.
    pub(crate) async fn waits(&mut self, for_what: &str) -> String {
        let start = Instant::now();
        loop {
            let reason = self.host.file().and_then(|file| file.reason);
            if let Some(reason) = reason.filter(|reason| reason.contains(for_what)) {
                return reason;
            }
            let patient = self.host.lives() && start.elapsed() < LONG;
            assert!(patient, "{} does not wait for {for_what}: {}", self.id, self.said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Begins the end.
    pub(crate) fn end(&mut self, end: End) {
        match end {
            End::Told => {
                self.host.signal(Signal::TERM);
                if let Some(sidecar) = &self.sidecar {
                    sidecar.signal(Signal::TERM);
                }
            }
            End::Failed => {
                self.host.fail();
                if let Some(sidecar) = &self.sidecar {
                    sidecar.signal(Signal::KILL);
                }
            }
        }
    }

    /// Waits for the end.
    pub(crate) async fn ended(&mut self, end: End) {
        let code = self.host.gone().await;
        assert!(end == End::Failed || code == Some(0), "{code:?}: {}", self.said());
        if let Some(sidecar) = &mut self.sidecar {
            let status = sidecar.ends().await;
            assert!(end == End::Failed || status.success(), "{status}");
        }
    }

    /// To its end.
    pub(crate) async fn stop(&mut self, end: End) {
        self.end(end);
        self.ended(end).await;
    }

    /// The launcher alone, which ends by itself with 78; all that it said.
    pub(crate) fn refused(&self, sentence: &str) -> String {
        let run = self.host.says("launch", &[]);
        assert_eq!(run.code, Some(78), "{}", run.err);
        assert!(run.err.contains(sentence), "no `{sentence}` in {}", run.err);
        run.err
    }

    /// A disk without anything on it, as after a change of disks.
    pub(crate) fn wipe(&self) {
        std::fs::remove_dir_all(self.host.data()).expect("emptied");
        self.host.make_data();
    }
}

//! A node, as a probe, a connection and a look at its process find it.

use std::time::Duration;

use quorate::{
    model::ClusterUuid,
    nodefile::{Phase, ProcessId},
    probe::{Identity, ProbeFailure, Report, ReportedUuid, Who},
    sidecar::judge::{Launched, Record},
};
use tokio::time::Instant;

use super::action::{Kind, Recorded};

/// The name that is expected.
pub(super) const NAME: &str = "n1";
const CLUSTER: &str = "shapes";
/// How long a node in good order takes to answer.
const ANSWER: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// The process, or the last one that there was.
    pub(super) pid: u32,
    /// Who the process is, if that was seen.
    pub(super) who: Option<u8>,
    /// Since when this process is the one.
    pub(super) since: Instant,
    /// The launcher's file: the phase, and the process that it names.
    pub(super) file: Option<(Phase, Option<u32>)>,
}

impl Node {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            kind: Kind::Ready,
            pid: 1,
            who: Kind::Ready.who(),
            since: now,
            file: None,
        }
    }

    pub(super) const fn is_alive(&self) -> bool {
        !matches!(self.kind, Kind::Off | Kind::Dying)
    }

    /// How long the answer to a probe takes; none: longer than it may.
    pub(super) fn delay(&self, timeout: Duration) -> Option<Duration> {
        match self.kind {
            Kind::Hung | Kind::Dying => None,
            Kind::Slow => Some(timeout.mul_f64(0.9)),
            Kind::Off
            | Kind::Joining
            | Kind::Ready
            | Kind::Masterless
            | Kind::Denied
            | Kind::Stranger
            | Kind::Renamed
            | Kind::Moved => Some(ANSWER),
        }
    }

    /// What it answers. `pid`: who was asked.
    pub(super) fn answer(&self, pid: u32, timeout: Duration) -> Result<Report, ProbeFailure> {
        if self.kind == Kind::Off {
            return Err(ProbeFailure::Refused);
        }
        if self.pid != pid {
            return Err(ProbeFailure::Closed);
        }
        match self.kind {
            Kind::Hung | Kind::Dying => Err(ProbeFailure::Hung(timeout)),
            Kind::Off => Err(ProbeFailure::Refused),
            Kind::Denied => Err(ProbeFailure::Unauthorized {
                status: 401,
                who: Who::Anybody,
            }),
            Kind::Stranger => Err(ProbeFailure::Status(404)),
            Kind::Ready | Kind::Slow => Ok(report(NAME, "ours", true)),
            Kind::Masterless => Ok(report(NAME, "ours", false)),
            Kind::Joining => Ok(report(NAME, "_na_", false)),
            Kind::Renamed => Ok(report("n2", "ours", true)),
            Kind::Moved => Ok(report(NAME, "theirs", true)),
        }
    }

    /// Whether it is what is expected, ready, as far as the record was heard of.
    pub(super) fn is_good(&self, heard: Option<Recorded>) -> bool {
        let leaving = matches!(self.file, Some((Phase::Leaving, _)));
        let fits = match self.kind {
            Kind::Ready | Kind::Slow => heard != Some(Recorded::Theirs),
            Kind::Moved => heard != Some(Recorded::Ours),
            Kind::Off
            | Kind::Joining
            | Kind::Masterless
            | Kind::Hung
            | Kind::Denied
            | Kind::Stranger
            | Kind::Renamed
            | Kind::Dying => false,
        };
        fits && !leaving
    }

    /// What a look at the launcher's file finds.
    pub(super) fn launched(&self) -> Option<Launched> {
        let (phase, named) = self.file?;
        let lives = |pid: &u32| *pid == self.pid && self.is_alive();
        Some(Launched {
            name: NAME.to_owned(),
            cluster: CLUSTER.to_owned(),
            phase,
            process: named.filter(lives).map(process),
            server: named.map(process),
            reason: None,
            disk: None,
        })
    }
}

pub(super) const fn process(pid: u32) -> ProcessId {
    ProcessId { pid, start_time: 1 }
}

fn report(name: &str, uuid: &str, joined: bool) -> Report {
    Report {
        identity: Identity {
            node_id: "id".to_owned(),
            name: name.to_owned(),
            cluster: CLUSTER.to_owned(),
            product: None,
            version: "9.5.3".to_owned(),
            roles: None,
            http_port: None,
            transport_port: None,
        },
        uuid: ClusterUuid::reported(uuid).map_or(ReportedUuid::NotYet, ReportedUuid::Known),
        master: joined.then(|| "id".to_owned()),
    }
}

/// What the record says to a sidecar.
pub(super) fn record(recorded: Recorded) -> Record {
    let says = |uuid: Option<&str>| Record::Says {
        cluster: CLUSTER.to_owned(),
        uuid: uuid.and_then(ClusterUuid::reported),
    };
    match recorded {
        Recorded::Nothing => Record::Absent,
        Recorded::Unnamed => says(None),
        Recorded::Ours => says(Some("ours")),
        Recorded::Theirs => says(Some("theirs")),
    }
}

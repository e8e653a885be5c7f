//! What a launcher may do now: start, claim, release, wait, refuse. The decision table of `docs/design/formation.md` as one pure,
//! total function.
//!
//! Invariant: the bootstrap setting is handed out only to the claimant of an armed record, on the disk that the record names, while
//! neither that disk's marker nor the record knows a UUID. Whoever cannot show that disk never gets it, whatever else is true.

mod coordinated;
mod reason;
mod seen;
mod unpublished;
mod unrecorded;
mod zen;

#[cfg(test)]
mod tests;

pub use reason::{Belongs, Reason, Reset};
use seen::Seen;
pub use unpublished::Unpublished;

use super::host_cache::HostCache;
use crate::{
    model::{ClaimId, ClusterRecord, Marker, NamedMaster, NodeId, ServiceName},
    registry::Keys,
    view::ClusterView,
};

/// Who decides; does not change during a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The node's id.
    pub id: NodeId,
    /// Its name, as the bootstrap setting would list it.
    pub name: String,
    /// The service.
    pub service: ServiceName,
    /// The name of the search cluster.
    pub cluster: String,
    /// Whether the node takes part in elections.
    pub master_eligible: bool,
    /// Whether it does so without ever being elected: it never claims, a cluster of it alone would have no master.
    pub votes_only: bool,
    /// When a cluster may be founded.
    pub rule: Rule,
    /// Checks of the host that failed and were skipped: for others to see, no part of any decision.
    pub skipped_checks: Vec<String>,
}

impl Candidate {
    /// Whether the node may found a cluster.
    fn may_found(&self) -> bool {
        self.master_eligible && !self.votes_only
    }
}

/// When a cluster may be founded: [`Rule::coordinated`] or [`Rule::zen`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    expect: usize,
    line: Line,
}

impl Rule {
    /// For lines with a bootstrap setting; one master is enough unless more are asked for.
    pub fn coordinated(bootstrap_expect: Option<usize>) -> Self {
        Self {
            expect: bootstrap_expect.unwrap_or(1),
            line: Line::Coordinated,
        }
    }

    /// Masters that must be there before the cluster is formed, all named.
    pub fn expect(&self) -> usize {
        self.expect
    }

    /// How the line comes to its first master.
    pub fn line(&self) -> Line {
        self.line
    }
}

/// How nodes of a line come to a first master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Elasticsearch 7 and later, OpenSearch: a node founds a cluster only with the bootstrap setting.
    Coordinated,
    /// Before: every start of an empty master-eligible node may found one, so the start itself is guarded.
    Zen {
        /// The quorum set on every node at every start.
        minimum_master_nodes: usize,
    },
}

/// The data directory.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Disk {
    /// It has a marker.
    Marked {
        /// What it says.
        marker: Marker,
        /// Whether files of a node are there.
        files: bool,
    },
    /// Files of a node are there, and nobody knows whose.
    Unmarked,
}

/// Everything a decision rests on.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Who decides.
    pub candidate: &'a Candidate,
    /// The data directory.
    pub disk: &'a Disk,
    /// The service's keys.
    pub keys: &'a Keys,
    /// Record, seeds and members from one linearizable read, or why etcd does not answer.
    pub view: Result<&'a ClusterView, &'a str>,
    /// What this host remembers beside the data directory.
    pub memory: &'a HostCache,
    /// The claim that this run made and still pursues.
    pub claim: Option<&'a ClaimId>,
    /// Why the own seed is not published, if it is not.
    pub unpublished: Option<&'a Unpublished>,
}

/// What to do.
#[must_use]
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Start the node.
    Start(Start),
    /// Ask for the right to bootstrap, naming exactly these masters.
    Claim {
        /// The claimant first.
        masters: Vec<NamedMaster>,
    },
    /// Delete a claim of this id that nobody pursues, then read again.
    Release(Reason),
    /// Wait; passes by itself.
    Wait(Reason),
    /// Wait; a person has to act, or to bring something back.
    Operator(Reason),
    /// End with exit code 78.
    Refuse(Reason),
}

/// A start that is allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// The masters of the bootstrap setting, by name; none: without the setting.
    pub with_setting: Option<Vec<String>>,
    /// The claim that the marker must hold before the node starts.
    pub claim: ClaimId,
    /// What has to be committed before.
    pub by: StartBy,
    /// What a person should know although the start is right.
    pub warning: Option<Reason>,
}

/// The transaction that comes before a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartBy {
    /// Makes the own claim permanent.
    Arm,
    /// Says that the disk is used from now on, as long as the record is the one that was read.
    Announce,
    /// The same, and nobody else has written a seed since the read.
    AnnounceAlone,
    /// None: the disk has its cluster and etcd, or its record, cannot be used.
    Offline,
}

/// The decision.
pub fn decide(situation: &Situation<'_>) -> Decision {
    let marker = match usable_marker(&situation.candidate.service, situation.disk) {
        Ok(marker) => marker,
        Err(reason) => return Decision::Refuse(*reason),
    };
    let decision = on_view(situation, marker);
    match situation.unpublished {
        Some(why) => why.hold(decision, marker),
        None => decision,
    }
}

fn on_view(situation: &Situation<'_>, marker: &Marker) -> Decision {
    let view = match situation.view {
        Ok(view) => view,
        Err(cause) => {
            let cause = cause.to_owned();
            return without_record(marker, Decision::Wait(Reason::RegistryAway { cause }));
        }
    };
    let s = Seen {
        candidate: situation.candidate,
        keys: situation.keys,
        view,
        memory: situation.memory,
        marker,
    };
    if let Some(why) = view.record_unreadable(s.keys) {
        return s.record_unusable(why.to_owned());
    }
    match &view.record {
        None => unrecorded::decide(&s),
        Some(record) => s.with_record(record, situation.claim),
    }
}

/// A marker that this version may rewrite and that says whose data it is; else why the start is refused, whatever etcd shows.
pub fn usable_marker<'a>(service: &ServiceName, disk: &'a Disk) -> Result<&'a Marker, Box<Reason>> {
    let (marker, files) = match disk {
        Disk::Marked { marker, files } => (marker, *files),
        Disk::Unmarked => return Err(Box::new(Reason::Unmarked)),
    };
    if let Err(error) = marker.writable() {
        return Err(Box::new(Reason::MarkerUnusable { why: error.to_string() }));
    }
    if is_emptied(marker, files) {
        return Err(Box::new(Reason::Emptied {
            disk: marker.disk.clone(),
            belongs: Belongs::of_marker(marker),
        }));
    }
    if files && marker.claim.is_none() {
        return Err(Box::new(Reason::DataWithoutClaim {
            disk: marker.disk.clone(),
        }));
    }
    let service = service.as_str();
    if marker.claim.is_some() && marker.service != service {
        return Err(Box::new(Reason::OtherService {
            of: marker.service.clone(),
            own: service.to_owned(),
        }));
    }
    Ok(marker)
}

/// Whether the marker is all that is left: it knows a cluster, so there were files of a node. `rm -r <data>/*` does that.
pub fn is_emptied(marker: &Marker, files: bool) -> bool {
    !files && marker.has_cluster()
}

/// Nothing is known of the record: a disk that has its cluster rejoins it, every other one does as told.
fn without_record(marker: &Marker, otherwise: Decision) -> Decision {
    match (&marker.claim, marker.has_cluster()) {
        (Some(claim), true) => Decision::Start(Start {
            with_setting: None,
            claim: claim.clone(),
            by: StartBy::Offline,
            warning: None,
        }),
        (Some(_), false) | (None, _) => otherwise,
    }
}

fn names(record: &ClusterRecord) -> Vec<String> {
    record.masters.iter().map(|master| master.name.clone()).collect()
}

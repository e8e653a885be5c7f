//! Elasticsearch up to 6: no bootstrap setting, no stored votes. Any `minimum_master_nodes` empty masters that meet found a cluster,
//! so the record guards their starts.

use super::{
    Decision, Line, Reason, Rule, Seen, Start, StartBy,
    unrecorded::{record_gone, rejoin},
};
use crate::{
    exit::Problem,
    model::{ClaimId, ClusterRecord, DiskUse, NodeId, RecordState},
};

impl Rule {
    /// For lines without a bootstrap setting: the quorum is a majority of the masters the cluster will have, and at least that many
    /// are named, or the named ones could never elect.
    ///
    /// # Errors
    /// When the number of masters is not said, or fewer than the quorum or more than all of them are to be named.
    pub fn zen(bootstrap_expect: Option<usize>, expected_masters: Option<usize>) -> Result<Self, Problem> {
        let masters = expected_masters.ok_or_else(|| {
            let hint = "say how many master-eligible nodes the cluster will have, the same on every host, e.g. `--expected-masters 3`";
            Problem::with_hint("`--expected-masters` is missing; before Elasticsearch 7 the quorum is set from it", hint)
        })?;
        let quorum = masters / 2 + 1;
        let expect = bootstrap_expect.unwrap_or(quorum);
        if !(quorum..=masters).contains(&expect) {
            return Err(Problem::with_hint(
                format!("`--bootstrap-expect` is {expect}, but {masters} expected masters have a quorum of {quorum}"),
                format!("give {quorum} to {masters}, or leave it away for {quorum}"),
            ));
        }
        Ok(Self {
            expect,
            line: Line::Zen {
                minimum_master_nodes: quorum,
            },
        })
    }
}

/// Without a record only a disk that surely has its cluster goes on: any other might found a second one.
pub(super) fn used_without_record(s: &Seen<'_>, claim: &ClaimId) -> Decision {
    if s.marker.has_cluster() || !s.candidate.master_eligible {
        return rejoin(s, claim);
    }
    Decision::Operator(record_gone(s, claim))
}

/// A start once the record is armed or formed and the disk is empty or the record's.
pub(super) fn start(s: &Seen<'_>, record: &ClusterRecord, minimum_master_nodes: usize) -> Decision {
    let by = |by| {
        Decision::Start(Start {
            with_setting: None,
            claim: record.claim.clone(),
            by,
            warning: None,
        })
    };
    // Neither a node that is never elected nor one that has its cluster can found another.
    if !s.candidate.master_eligible || s.marker.has_cluster() {
        return by(StartBy::Announce);
    }
    let named = record.masters.iter().any(|master| master.disk == s.marker.disk);
    if record.state != RecordState::Formed {
        return if named {
            by(StartBy::Announce)
        } else {
            not_named(s, record)
        };
    }
    let others = started_without_uuid(s);
    if minimum_master_nodes == 1 {
        // Alone, every node is a quorum: only the disk that founded the cluster may start.
        return if named && s.used().is_some() {
            by(StartBy::Announce)
        } else {
            single(s, record)
        };
    }
    if others.len() + 1 < minimum_master_nodes {
        return by(StartBy::AnnounceAlone);
    }
    match s.used() {
        None => Decision::Wait(Reason::ZenFull {
            others,
            minimum_master_nodes,
        }),
        // This disk may hold the very cluster that they wait for; nobody can know.
        Some(_) => Decision::Operator(Reason::ZenBlocked {
            others,
            minimum_master_nodes,
        }),
    }
}

fn not_named(s: &Seen<'_>, record: &ClusterRecord) -> Decision {
    let claim = record.claim.clone();
    match record.masters.iter().find(|master| master.id == s.candidate.id) {
        Some(named) => Decision::Operator(Reason::NamedDiskGone {
            claim,
            recorded: named.disk.clone(),
            own: s.marker.disk.clone(),
            reset: s.reset(),
        }),
        None => Decision::Wait(Reason::NotNamed {
            claim,
            named: record.masters.iter().map(|master| master.id.clone()).collect(),
        }),
    }
}

fn single(s: &Seen<'_>, record: &ClusterRecord) -> Decision {
    Decision::Operator(Reason::SingleMaster {
        belongs: super::Belongs::of_record(record),
        own: s.marker.disk.clone(),
        reset: s.reset(),
    })
}

/// Other masters that were started and of which nobody knows yet that they have the cluster.
fn started_without_uuid(s: &Seen<'_>) -> Vec<NodeId> {
    let others = s.view.seeds.iter().filter(|(id, _)| **id != s.candidate.id);
    let fresh = others.filter(|(_, stored)| {
        let seed = &stored.value;
        seed.master_eligible && seed.data == DiskUse::Used && !seed.has_cluster()
    });
    fresh.map(|(id, _)| id.clone()).collect()
}

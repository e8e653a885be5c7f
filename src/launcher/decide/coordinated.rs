//! Starts of lines that have a bootstrap setting, once the record is armed or formed and the disk is empty or the record's.

use super::{Belongs, Decision, Reason, Seen, Start, StartBy, names};
use crate::model::{ClusterRecord, RecordState};

/// Everybody starts at once; who may have the setting is the claimant on the claim's disk while nobody knows a UUID.
pub(super) fn start(s: &Seen<'_>, record: &ClusterRecord) -> Decision {
    if record.state != RecordState::Armed || s.marker.has_cluster() {
        return without_setting(record, nobody_has_data(s, record));
    }
    let claimant = record.claimant.as_ref() == Some(&s.candidate.id);
    let disk = record.disk.as_ref() == Some(&s.marker.disk);
    let misplaced = match (claimant, disk) {
        (true, true) => return with_setting(s, record),
        (false, false) => return without_setting(record, None),
        (true, false) => Reason::ClaimantDiskGone {
            claim: record.claim.clone(),
            recorded: record.disk.clone(),
            own: s.marker.disk.clone(),
            reset: s.reset(),
        },
        (false, true) => Reason::ClaimDiskElsewhere {
            claim: record.claim.clone(),
            claimant: record.claimant.clone(),
            disk: s.marker.disk.clone(),
            reset: s.reset(),
        },
    };
    // A used disk may have the cluster although its marker does not know it yet; an empty one can only confuse.
    match s.used() {
        Some(_) => without_setting(record, Some(misplaced)),
        None => Decision::Operator(misplaced),
    }
}

/// The setting lists the claimant under the name it had: under another one the engine would skip the bootstrap without a word.
fn with_setting(s: &Seen<'_>, record: &ClusterRecord) -> Decision {
    let was = record.masters.iter().find(|master| master.id == s.candidate.id);
    let same_name = was.is_none_or(|was| was.name == s.candidate.name);
    if !same_name || !s.candidate.may_found() {
        return Decision::Refuse(Reason::ClaimantChanged {
            claim: record.claim.clone(),
            was: was.map_or_else(|| s.candidate.name.clone(), |was| was.name.clone()),
            own: s.candidate.name.clone(),
        });
    }
    Decision::Start(Start {
        with_setting: Some(names(record)),
        claim: record.claim.clone(),
        by: StartBy::Announce,
        warning: None,
    })
}

fn without_setting(record: &ClusterRecord, warning: Option<Reason>) -> Decision {
    Decision::Start(Start {
        with_setting: None,
        claim: record.claim.clone(),
        by: StartBy::Announce,
        warning,
    })
}

fn nobody_has_data(s: &Seen<'_>, record: &ClusterRecord) -> Option<Reason> {
    let nobody = s.used().is_none() && s.data_elsewhere().is_empty();
    nobody.then(|| Reason::NobodyHasData {
        belongs: Belongs::of_record(record),
        reset: s.reset(),
    })
}

//! Starts of lines that have a bootstrap setting, once the record is armed or formed and the disk is empty or the record's.

use super::{Decision, Reason, Seen, Start, StartBy, names};
use crate::model::{ClusterRecord, RecordState};

/// Everybody starts at once; who may have the setting is the claimant on the claim's disk while nobody knows a UUID.
pub(super) fn start(s: &Seen<'_>, record: &ClusterRecord) -> Decision {
    let armed = record.state == RecordState::Armed;
    let claimant = record.claimant.as_ref() == Some(&s.candidate.id);
    let disk = record.disk.as_ref() == Some(&s.marker.disk);
    let empty = s.used().is_none();
    match (armed, claimant, disk) {
        (true, true, true) if s.marker.cluster_uuid.is_none() => with_setting(s, record),
        (true, true, false) if empty => Decision::Operator(Reason::ClaimantDiskGone {
            claim: record.claim.clone(),
            recorded: record.disk.clone(),
            own: s.marker.disk.clone(),
            reset: s.reset(record),
        }),
        (true, false, true) if empty => Decision::Operator(Reason::ClaimDiskElsewhere {
            claim: record.claim.clone(),
            claimant: record.claimant.clone(),
            disk: s.marker.disk.clone(),
            reset: s.reset(record),
        }),
        _ => without_setting(s, record),
    }
}

/// The setting lists the claimant under the name it had: under another one the engine would skip the bootstrap without a word.
fn with_setting(s: &Seen<'_>, record: &ClusterRecord) -> Decision {
    let was = record.masters.iter().find(|master| master.id == s.candidate.id);
    let same_name = was.is_none_or(|was| was.name == s.candidate.name);
    if !same_name || !s.candidate.master_eligible {
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

fn without_setting(s: &Seen<'_>, record: &ClusterRecord) -> Decision {
    let formed = record.state == RecordState::Formed;
    let nobody = formed && s.used().is_none() && s.data_elsewhere().is_empty();
    Decision::Start(Start {
        with_setting: None,
        claim: record.claim.clone(),
        by: StartBy::Announce,
        warning: nobody.then(|| Reason::NobodyHasData {
            belongs: super::Belongs::of_record(record),
            reset: s.reset(record),
        }),
    })
}

//! The transactions of the formation, each a pure function of the view on which its decision rests. `docs/design/formation.md` is
//! their contract.
//!
//! Invariant: none of them writes the record without comparing it to the revision that was read, and none is ever sent twice.
//! The put of the own seed is not part of them: the seed's [registration](crate::registry) adds it, with its fence.

use crate::{
    model::{ClaimId, ClusterRecord, ClusterUuid, JoinedCluster, Marker, NamedMaster, NodeId, RecordState, Tombstone},
    registry::{Compare, Keys, LeaseId, Op, Txn},
    view::ClusterView,
};

/// Asks for the right to bootstrap: `record`, fresh and `claimed`, living with the lease of the own seed.
///
/// Compares: there is no record; quiet (everything the decision rests on is as it was read). That the named seeds are empty and
/// nobody has data is the decision's part: the compares only keep it true.
pub fn claim(keys: &Keys, view: &ClusterView, record: &ClusterRecord, lease: LeaseId) -> Txn {
    let mut when = vec![Compare::ModRevision(keys.record(), 0)];
    when.extend(quiet(keys, view, &record.masters));
    let put = Op::Put {
        key: keys.record(),
        value: record.to_value(),
        lease: Some(lease),
    };
    Txn { when, then: vec![put] }
}

/// The last step before the claimant starts: the claim becomes permanent. None when the view shows no claim.
///
/// Compares: the record is the claim as read, so a claim whose lease has ended cannot be armed late; quiet once more, with the
/// revision of a fresh read.
pub fn arm(keys: &Keys, view: &ClusterView) -> Option<Txn> {
    let stored = view
        .record
        .as_ref()
        .filter(|stored| stored.value.state == RecordState::Claimed)?;
    let armed = ClusterRecord {
        state: RecordState::Armed,
        ..stored.value.clone()
    };
    let mut when = vec![Compare::ModRevision(keys.record(), stored.mod_revision)];
    when.extend(quiet(keys, view, &stored.value.masters));
    Some(Txn {
        when,
        then: vec![put_record(keys, &armed)],
    })
}

/// Goes with the own seed's change to `used` before every start that is not the claimant's first.
///
/// Compares: the record is as read, or still absent, so that the start belongs to the cluster that was decided on.
pub fn announce(keys: &Keys, view: &ClusterView) -> Txn {
    Txn {
        when: vec![as_read(keys, view)],
        then: Vec::new(),
    }
}

/// [`announce`] where the number of started nodes counts.
///
/// Compares besides: no seed was written since the read, so two nodes cannot both take the last place.
pub fn announce_alone(keys: &Keys, view: &ClusterView) -> Txn {
    Txn {
        when: vec![
            as_read(keys, view),
            Compare::NotWrittenAfter(keys.seeds(), view.revision),
        ],
        then: Vec::new(),
    }
}

/// Deletes a claim of `me` that nobody pursues; none when there is nothing to delete.
///
/// Compares: it is still the claim that was read, so a claim that another run has made meanwhile stays.
pub fn release(keys: &Keys, view: &ClusterView, me: &NodeId) -> Option<Txn> {
    let stored = view.record.as_ref()?;
    let own = stored.value.state == RecordState::Claimed && stored.value.claimant.as_ref() == Some(me);
    own.then(|| Txn {
        when: vec![Compare::ModRevision(keys.record(), stored.mod_revision)],
        then: vec![Op::Delete { key: keys.record() }],
    })
}

/// What is to be done once the own node reports its cluster, by anybody who can show a marker with a claim.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recording {
    /// The record knows it already.
    Done,
    /// Commit this; when it is refused, read again.
    Commit(Txn),
    /// The record is another cluster's, or may not be written: the node is never ready, and a person has to look.
    Impossible(String),
}

/// Records the cluster that the own node has joined, or brings a lost record back. On lines that report no UUID the record has none
/// either, and the claim and the cluster's name have to do.
///
/// - `record` (the record is `armed` by the marker's claim, or lacks a UUID) compares that it is as read.
/// - `restore` (there is none, or only a claim, which started nobody) compares the same, and that the marker's claim was not reset.
pub fn recording(keys: &Keys, view: &ClusterView, marker: &Marker, cluster: impl Into<JoinedCluster>) -> Recording {
    let cluster = cluster.into();
    let Some(claim) = &marker.claim else {
        return Recording::Impossible("the data directory's marker knows no claim".to_owned());
    };
    if let Some(why) = view.record_unreadable(keys) {
        return Recording::Impossible(why.to_owned());
    }
    let Some(stored) = &view.record else {
        return restore(keys, view, claim, marker, &cluster);
    };
    let record = &stored.value;
    if let Err(error) = record.writable() {
        return Recording::Impossible(error.to_string());
    }
    if record.state == RecordState::Claimed {
        return restore(keys, view, claim, marker, &cluster);
    }
    match stranger(record, claim, &cluster) {
        Some(why) => Recording::Impossible(why),
        None if is_recorded(record, &cluster) => Recording::Done,
        None => {
            let formed = ClusterRecord {
                state: RecordState::Formed,
                cluster_uuid: cluster.uuid().cloned(),
                ..record.clone()
            };
            Recording::Commit(Txn {
                when: vec![as_read(keys, view)],
                then: vec![put_record(keys, &formed)],
            })
        }
    }
}

/// Whether an armed or formed record says all that the node does.
fn is_recorded(record: &ClusterRecord, cluster: &JoinedCluster) -> bool {
    match cluster {
        JoinedCluster::Uuid(uuid) => record.cluster_uuid.as_ref() == Some(uuid),
        JoinedCluster::Name(_) => record.state == RecordState::Formed,
    }
}

/// Why the node's cluster is not that of an armed or formed record.
fn stranger(record: &ClusterRecord, claim: &ClaimId, cluster: &JoinedCluster) -> Option<String> {
    match (cluster, &record.cluster_uuid) {
        // The same UUID is proof enough.
        (JoinedCluster::Uuid(uuid), Some(recorded)) => {
            (uuid != recorded).then(|| format!("the node has cluster UUID {uuid}, the record says {recorded}"))
        }
        (JoinedCluster::Name(name), _) if *name != record.cluster => Some(format!(
            "the node has joined a cluster named `{name}`, the record says `{}`",
            record.cluster
        )),
        (JoinedCluster::Uuid(_), None) | (JoinedCluster::Name(_), _) => (record.claim != *claim).then(|| {
            format!(
                "the data directory belongs to claim {claim}, the record to claim {}",
                record.claim
            )
        }),
    }
}

/// Registers a cluster that was there before: `formed`, with a fresh claim. None when there is a record already, readable or not.
///
/// Compares: there is still no record.
pub fn adopt(keys: &Keys, view: &ClusterView, claim: ClaimId, cluster: &str, uuid: Option<ClusterUuid>) -> Option<Txn> {
    if view.record.is_some() || view.record_unreadable(keys).is_some() {
        return None;
    }
    let record = ClusterRecord::formed(claim, cluster.to_owned(), uuid);
    Some(Txn {
        when: vec![Compare::ModRevision(keys.record(), 0)],
        then: vec![put_record(keys, &record)],
    })
}

/// Takes a claim back: its record, if that is there, goes and its tombstone comes.
///
/// Compares: the record is as read, or still absent; there is no seed and no member, so no launcher and no sidecar lives that could
/// go on with the claim.
pub fn reset(keys: &Keys, view: &ClusterView, claim: &ClaimId, tombstone: &Tombstone) -> Txn {
    let delete = view.record.iter().map(|_| Op::Delete { key: keys.record() });
    let bury = Op::Put {
        key: keys.void(claim),
        value: tombstone.to_value(),
        lease: None,
    };
    Txn {
        when: vec![
            as_read(keys, view),
            Compare::Absent(keys.seeds()),
            Compare::Absent(keys.members()),
        ],
        then: delete.chain([bury]).collect(),
    }
}

fn restore(keys: &Keys, view: &ClusterView, claim: &ClaimId, marker: &Marker, cluster: &JoinedCluster) -> Recording {
    if view.voids.contains(claim) {
        return Recording::Impossible(format!("claim {claim} of the data directory was reset"));
    }
    let record = ClusterRecord::formed(claim.clone(), marker.cluster.clone(), cluster.uuid().cloned());
    Recording::Commit(Txn {
        when: vec![as_read(keys, view), Compare::ModRevision(keys.void(claim), 0)],
        then: vec![put_record(keys, &record)],
    })
}

/// What keeps a claim's ground firm until it is committed:
///
/// - each named seed is the value that was read: a range compare does not notice that one was deleted;
/// - nothing under `seeds/` was written since: a node with data, or one that has started meanwhile, would be there;
/// - no member exists: it would be a node with data whose launcher is gone.
fn quiet(keys: &Keys, view: &ClusterView, masters: &[NamedMaster]) -> Vec<Compare> {
    let named = masters.iter().map(|master| {
        let read = view.seeds.get(&master.id).map_or(0, |seed| seed.mod_revision);
        Compare::ModRevision(keys.seed(&master.id), read)
    });
    let others = [
        Compare::NotWrittenAfter(keys.seeds(), view.revision),
        Compare::Absent(keys.members()),
    ];
    named.chain(others).collect()
}

/// The record is the one that was read, or still absent.
fn as_read(keys: &Keys, view: &ClusterView) -> Compare {
    let revision = view.record.as_ref().map_or(0, |stored| stored.mod_revision);
    Compare::ModRevision(keys.record(), revision)
}

fn put_record(keys: &Keys, record: &ClusterRecord) -> Op {
    Op::Put {
        key: keys.record(),
        value: record.to_value(),
        lease: None,
    }
}

#[cfg(test)]
mod tests;

//! The transactions, each with what it compares.

use super::*;
use crate::{registry::Range, view::Stored};

fn keys() -> Keys {
    Keys::new("/services", "/quorate", &"es".parse().expect("name"))
}

fn marker(claim: Option<&str>) -> Marker {
    let service = "es".parse().expect("name");
    let mut marker = Marker::new("d1".parse().expect("disk"), &service, "logs", "n1");
    marker.claim = claim.map(|claim| claim.parse().expect("claim"));
    marker
}

fn uuid(text: &str) -> ClusterUuid {
    text.parse().expect("uuid")
}

fn view(state: RecordState, change: impl FnOnce(&mut ClusterRecord)) -> ClusterView {
    let (claim, id) = ("c1".parse().expect("claim"), "10.0.0.1".parse().expect("id"));
    let mut record = ClusterRecord::claimed(claim, id, "d1".parse().expect("disk"), Vec::new(), "logs".to_owned());
    record.state = state;
    change(&mut record);
    let stored = Stored {
        value: record,
        mod_revision: 8,
        create_revision: 7,
        lease: None,
    };
    ClusterView {
        revision: 10,
        record: Some(stored),
        ..ClusterView::default()
    }
}

fn record_of(txn: &Txn) -> ClusterRecord {
    match txn.then.as_slice() {
        [Op::Put { value, lease: None, .. }] => ClusterRecord::parse(value).expect("a record"),
        other => panic!("one permanent put: {other:?}"),
    }
}

#[test]
fn a_uuid_is_recorded_for_the_claim_of_the_marker() {
    let armed = view(RecordState::Armed, |_| {});
    let Recording::Commit(txn) = recording(&keys(), &armed, &marker(Some("c1")), &uuid("U1")) else {
        panic!("recorded");
    };
    assert_eq!(txn.when, [Compare::ModRevision(keys().record(), 8)]);
    let formed = record_of(&txn);
    assert_eq!(
        (formed.state, formed.cluster_uuid),
        (RecordState::Formed, Some(uuid("U1")))
    );
    assert_eq!(formed.claimant, armed.record.and_then(|stored| stored.value.claimant));
}

#[test]
fn a_cluster_without_a_uuid_is_recorded_by_its_claim_and_its_name() {
    let joined = |name: &str| JoinedCluster::Name(name.to_owned());
    let (armed, own) = (view(RecordState::Armed, |_| {}), marker(Some("c1")));
    let Recording::Commit(txn) = recording(&keys(), &armed, &own, joined("logs")) else {
        panic!("recorded");
    };
    let formed = record_of(&txn);
    assert_eq!((formed.state, formed.cluster_uuid), (RecordState::Formed, None));
    let done = view(RecordState::Formed, |_| {});
    assert_eq!(recording(&keys(), &done, &own, joined("logs")), Recording::Done);
    for (name, claim) in [("metrics", "c1"), ("logs", "c2")] {
        let recording = recording(&keys(), &done, &marker(Some(claim)), joined(name));
        assert!(matches!(recording, Recording::Impossible(_)), "{recording:?}");
    }
    let Recording::Commit(txn) = recording(&keys(), &ClusterView::default(), &own, joined("logs")) else {
        panic!("restored");
    };
    let restored = record_of(&txn);
    assert_eq!((restored.claim.as_str(), restored.cluster_uuid), ("c1", None));
    // The same disks with a newer version report one: it is learned.
    let Recording::Commit(txn) = recording(&keys(), &done, &own, &uuid("U1")) else {
        panic!("learned");
    };
    assert_eq!(record_of(&txn).cluster_uuid, Some(uuid("U1")));
}

#[test]
fn a_lost_record_or_a_mere_claim_is_replaced_unless_the_claim_was_reset() {
    let void = keys().void(&"c0".parse().expect("claim"));
    for (view, revision) in [(ClusterView::default(), 0), (view(RecordState::Claimed, |_| {}), 8)] {
        let Recording::Commit(txn) = recording(&keys(), &view, &marker(Some("c0")), &uuid("U0")) else {
            panic!("restored");
        };
        let expected = [
            Compare::ModRevision(keys().record(), revision),
            Compare::ModRevision(void.clone(), 0),
        ];
        assert_eq!(txn.when, expected);
        assert_eq!(record_of(&txn).claim.as_str(), "c0");
    }
    let mut reset = ClusterView::default();
    reset.voids.insert("c0".parse().expect("claim"));
    assert!(matches!(
        recording(&keys(), &reset, &marker(Some("c0")), &uuid("U0")),
        Recording::Impossible(_)
    ));
}

#[test]
fn what_is_recorded_is_never_changed() {
    let formed = |uuid: &str| {
        let uuid = self::uuid(uuid);
        view(RecordState::Formed, |record| record.cluster_uuid = Some(uuid))
    };
    assert_eq!(
        recording(&keys(), &formed("U1"), &marker(Some("c1")), &uuid("U1")),
        Recording::Done
    );
    let newer = view(RecordState::Armed, |record| record.format = 2);
    for (view, marker) in [
        (formed("U2"), marker(Some("c1"))),
        (view(RecordState::Armed, |_| {}), marker(Some("c2"))),
        (newer, marker(Some("c1"))),
        (view(RecordState::Armed, |_| {}), marker(None)),
    ] {
        let recording = recording(&keys(), &view, &marker, &uuid("U1"));
        assert!(matches!(recording, Recording::Impossible(_)), "{recording:?}");
    }
}

#[test]
fn a_claim_rests_on_everything_that_was_read() {
    let id: NodeId = "10.0.0.1".parse().expect("id");
    let disk = "d1".parse().expect("disk");
    let named = NamedMaster {
        id: id.clone(),
        name: "n1".to_owned(),
        disk,
    };
    let record = ClusterRecord {
        masters: vec![named],
        ..view(RecordState::Claimed, |_| {}).record.expect("a record").value
    };
    let view = ClusterView {
        revision: 10,
        ..ClusterView::default()
    };
    let txn = claim(&keys(), &view, &record, LeaseId(7));
    let expected = [
        Compare::ModRevision(keys().record(), 0),
        Compare::ModRevision(keys().seed(&id), 0),
        Compare::NotWrittenAfter(keys().seeds(), 10),
        Compare::Absent(Range::Prefix("/services/es/".to_owned())),
    ];
    assert_eq!(txn.when, expected);
    assert!(matches!(
        txn.then.as_slice(),
        [Op::Put {
            lease: Some(LeaseId(7)),
            ..
        }]
    ));
}

#[test]
fn only_the_own_claim_is_released_and_only_an_absent_record_adopted() {
    let (me, other): (NodeId, NodeId) = ("10.0.0.1".parse().expect("id"), "10.0.0.2".parse().expect("id"));
    let claimed = view(RecordState::Claimed, |_| {});
    assert!(release(&keys(), &claimed, &me).is_some());
    assert_eq!(release(&keys(), &claimed, &other), None);
    assert_eq!(release(&keys(), &view(RecordState::Armed, |_| {}), &me), None);
    let adopted = |view: &ClusterView| adopt(&keys(), view, "c9".parse().expect("claim"), "logs", Some(uuid("U9")));
    assert_eq!(adopted(&claimed), None);
    let txn = adopted(&ClusterView::default()).expect("adopted");
    assert_eq!(record_of(&txn).cluster_uuid, Some(uuid("U9")));
}

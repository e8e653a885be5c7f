//! Lines without a bootstrap setting.

use super::*;

#[test]
fn before_the_setting_only_named_disks_start_until_the_cluster_is_formed() {
    let armed = |case: Case| case.record(RecordState::Armed, |_| {});
    starts(&armed(Case::zen()), StartBy::Announce, "c1", None);
    starts(&armed(Case::zen().used("c1", None)), StartBy::Announce, "c1", None);
    let wiped = armed(Case::zen()).marker(|marker, _| marker.disk = "d9".parse().expect("disk"));
    needs_an_operator(
        &wiped,
        &format!(
            "claim c1 names this node with disk d1, here is disk d9: waiting until the others have formed the cluster; if they are too \
             few, bring the disk back, or stop all nodes and {RESET}"
        ),
    );
    let unnamed = Case::zen().record(RecordState::Armed, |record| {
        by_another(record);
        record.masters.remove(0);
    });
    waits(
        &unnamed,
        "claim c1 is founding the cluster with 10.0.0.2, 10.0.0.3: this disk may start once it is formed",
    );
    let data_only = Case {
        candidate: Candidate {
            master_eligible: false,
            ..Case::zen().candidate
        },
        ..unnamed
    };
    starts(&data_only, StartBy::Announce, "c1", None);
}

#[test]
fn before_the_setting_fewer_than_a_quorum_may_be_without_the_cluster() {
    let formed = || Case::zen().record(RecordState::Formed, |_| {});
    let started = |case: Case| case.seed("10.0.0.2", "n2", "d2", |seed| seed.data = DiskUse::Used);
    let joined = |case: Case| {
        case.seed("10.0.0.2", "n2", "d2", |seed| {
            seed.data = DiskUse::Used;
            seed.cluster_uuid = Some(uuid("U1"));
        })
    };
    starts(&formed(), StartBy::AnnounceAlone, "c1", None);
    starts(&joined(formed()), StartBy::AnnounceAlone, "c1", None);
    let text = "started masters without the cluster's UUID: 10.0.0.2; one more could found a second cluster with them \
                (minimum_master_nodes 2): waiting until they have joined";
    waits(&started(formed()), text);
    needs_an_operator(
        &started(Case::zen().used("c1", None).record(RecordState::Formed, |_| {})),
        "this disk was used, but does not know whether it has the cluster, and started masters without its UUID (10.0.0.2) could found \
         a second one with it (minimum_master_nodes 2): waiting until they have joined; if they cannot, stop them until this node has \
         joined",
    );
    let has_it = Case::zen().used("c1", Some("U1")).record(RecordState::Formed, |_| {});
    starts(&started(has_it), StartBy::Announce, "c1", None);
}

#[test]
fn a_disk_whose_line_reports_no_uuid_has_its_cluster_once_it_has_joined() {
    let unnamed = |record: &mut ClusterRecord| record.cluster_uuid = None;
    let joined = |case: Case| case.used("c1", None).marker(|marker, _| marker.joined = true);
    let other = |case: Case, has: bool| {
        case.seed("10.0.0.2", "n2", "d2", move |seed| {
            seed.data = DiskUse::Used;
            seed.joined = has;
        })
    };
    let formed = || Case::zen().record(RecordState::Formed, unnamed);
    starts(&other(joined(formed()), false), StartBy::Announce, "c1", None);
    starts(&other(formed(), true), StartBy::AnnounceAlone, "c1", None);
    starts(&joined(Case::zen()), StartBy::Announce, "c1", None);
    let emptied = joined(Case::zen()).marker(|_, files| *files = false);
    assert!(matches!(emptied.decide(), Decision::Refuse(Reason::Emptied { .. })));
    let away = Case {
        view: Err("refused".to_owned()),
        ..joined(Case::zen())
    };
    starts(&away, StartBy::Offline, "c1", None);
    let theirs = Case::zen().record(RecordState::Formed, |record| {
        unnamed(record);
        record.claim = "c9".parse().expect("claim");
    });
    refuses(
        &joined(theirs),
        "the data directory belongs to claim c1, cluster `logs`, which reports no UUID, but the record says claim c9, cluster `logs`, \
         which reports no UUID: move the disk back to its cluster, or empty it to join this one",
    );
}

#[test]
fn before_the_setting_one_master_stays_the_only_one() {
    let one = || Case::new(Rule::zen(None, Some(1)).expect("rule")).record(RecordState::Formed, by_another);
    let other = one().marker(|marker, _| marker.disk = "d9".parse().expect("disk"));
    needs_an_operator(
        &other,
        &format!(
            "the cluster (claim c1, cluster UUID U1) has one master, and this disk (d9) is not its: give this node roles without \
             `master`; if that master's disk is lost, stop all nodes and {RESET}"
        ),
    );
    starts(&one().used("c1", None), StartBy::Announce, "c1", None);
}

#[test]
fn before_the_setting_a_used_disk_without_a_cluster_waits_for_the_record() {
    needs_an_operator(&Case::zen().used("c1", None), RECORD_GONE);
    starts(&Case::zen().used("c1", Some("U1")), StartBy::Announce, "c1", None);
}

#[test]
fn the_quorum_is_a_majority_of_the_masters_that_were_said() {
    for (masters, quorum) in [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)] {
        let rule = Rule::zen(None, Some(masters)).expect("rule");
        let line = Line::Zen {
            minimum_master_nodes: quorum,
        };
        assert_eq!((rule.expect(), rule.line()), (quorum, line), "{masters} masters");
        assert_eq!(
            Rule::zen(Some(masters), Some(masters)).map(|rule| rule.expect()),
            Ok(masters)
        );
        for wrong in [quorum - 1, masters + 1] {
            let problem = Rule::zen(Some(wrong), Some(masters)).expect_err("refused");
            let text =
                format!("`--bootstrap-expect` is {wrong}, but {masters} expected masters have a quorum of {quorum}");
            assert_eq!(problem.what, text);
        }
    }
    let problem = Rule::zen(Some(2), None).expect_err("refused");
    assert_eq!(
        problem.what,
        "`--expected-masters` is missing; before Elasticsearch 7 the quorum is set from it"
    );
    assert_eq!(Rule::coordinated(None).expect(), 1);
}

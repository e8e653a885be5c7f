//! A record that is claimed, armed or formed, on lines with a bootstrap setting.

use super::*;

#[test]
fn a_claim_of_another_is_waited_for() {
    let text = "claim c1 is held by 10.0.0.2; it becomes a cluster, or ends with its lease";
    waits(&Case::three().record(RecordState::Claimed, by_another), text);
    waits(&Case::zen().record(RecordState::Claimed, by_another), text);
    waits(
        &Case::three()
            .used("c0", Some("U0"))
            .record(RecordState::Claimed, by_another),
        "claim c1 is held by 10.0.0.2 while this disk belongs to claim c0: waiting until it ends with its lease",
    );
    let for_ever = Case::three().record(RecordState::Claimed, by_another).view(|view| {
        if let Some(record) = &mut view.record {
            record.lease = None;
        }
    });
    let text = format!("claim c1 has no lease, so it never ends by itself: if nothing was started, {RESET}");
    needs_an_operator(&for_ever, &text);
}

#[test]
fn an_own_claim_is_armed_by_the_run_that_made_it_and_released_by_any_other() {
    let own = |case: Case| Case {
        claim: Some("c1".parse().expect("claim")),
        ..case
    };
    let claimed = |case: Case| case.record(RecordState::Claimed, |_| {});
    starts(
        &own(claimed(Case::three())),
        StartBy::Arm,
        "c1",
        Some(&["n1", "n2", "n3"]),
    );
    starts(&own(claimed(Case::zen())), StartBy::Arm, "c1", None);

    let stale = "claim c1 of this node is not pursued by this run";
    releases(&claimed(Case::three()), stale);
    releases(
        &Case {
            claim: Some("c9".parse().expect("claim")),
            ..claimed(Case::three())
        },
        stale,
    );
    releases(
        &own(claimed(Case::three()).marker(|marker, _| marker.disk = "d9".parse().expect("disk"))),
        stale,
    );
    releases(&own(claimed(Case::three().used("c0", Some("U0")))), stale);

    let changed = "a master that claim c1 names is gone or changed, or a node with data has come";
    let gone = claimed(Case::three()).view(|view| {
        view.seeds.remove(&id("10.0.0.2"));
    });
    releases(&own(gone), changed);
    releases(
        &own(claimed(Case::three().seed("10.0.0.2", "n2", "d9", |_| {}))),
        changed,
    );
    releases(
        &own(claimed(
            Case::three().seed("10.0.0.9", "n9", "d9", |seed| seed.data = DiskUse::Used),
        )),
        changed,
    );
}

#[test]
fn the_setting_goes_to_the_disk_of_the_claim_and_to_no_other() {
    let setting: Option<&[&str]> = Some(&["n1", "n2", "n3"]);
    let armed = |case: Case| case.record(RecordState::Armed, |_| {});
    starts(&armed(Case::three()), StartBy::Announce, "c1", setting);
    starts(&armed(Case::three().used("c1", None)), StartBy::Announce, "c1", setting);
    starts(
        &armed(Case::three().used("c1", Some("U1"))),
        StartBy::Announce,
        "c1",
        None,
    );

    let other_disk = |case: Case| case.marker(|marker, _| marker.disk = "d9".parse().expect("disk"));
    needs_an_operator(
        &other_disk(armed(Case::three())),
        &format!(
            "the disk of claim c1 is gone: the claim names disk d1, here is disk d9, and only the former may found the cluster: bring \
             it back; or, as nothing was stored yet, stop all nodes and {RESET}"
        ),
    );
    let used = other_disk(armed(Case::three().used("c1", None)));
    assert!(matches!(
        used.decide(),
        Decision::Start(Start {
            with_setting: None,
            warning: Some(Reason::ClaimantDiskGone { .. }),
            ..
        })
    ));
    let elsewhere = Case::three().record(RecordState::Armed, |record| record.claimant = Some(id("10.0.0.2")));
    needs_an_operator(
        &elsewhere,
        &format!(
            "the disk of claim c1 (d1) is here, but 10.0.0.2 made the claim: move it back there; or, as nothing was stored yet, stop \
             all nodes and {RESET}"
        ),
    );
}

#[test]
fn a_claimant_that_is_not_what_it_was_is_refused() {
    let text = "claim c1 was made by this node under the name `n1`, master-eligible; it is started as `nX` now, which could never \
                found the cluster: start it as it was";
    let renamed = Case::three().record(RecordState::Armed, |_| {});
    let renamed = Case {
        candidate: Candidate {
            name: "nX".to_owned(),
            ..Case::three().candidate
        },
        ..renamed
    };
    refuses(&renamed, text);
    let data_only = Case::three().record(RecordState::Armed, |_| {});
    let data_only = Case {
        candidate: Candidate {
            master_eligible: false,
            ..Case::three().candidate
        },
        ..data_only
    };
    refuses(&data_only, &text.replace("nX", "n1"));
}

#[test]
fn everybody_else_joins_at_once() {
    starts(
        &Case::three().record(RecordState::Armed, by_another),
        StartBy::Announce,
        "c1",
        None,
    );
    let formed = Case::three().seed("10.0.0.2", "n2", "d2", |seed| seed.data = DiskUse::Used);
    starts(
        &formed.record(RecordState::Formed, by_another),
        StartBy::Announce,
        "c1",
        None,
    );
    let Decision::Start(start) = Case::three().record(RecordState::Formed, by_another).decide() else {
        panic!("an empty node joins a formed cluster");
    };
    let text = format!(
        "the cluster is recorded (claim c1, cluster UUID U1), but no node with data is there: start the hosts that have data; if all \
         data is lost, stop all nodes and {RESET}"
    );
    assert_eq!(start.warning.map(|warning| warning.to_string()), Some(text));
}

#[test]
fn a_used_disk_goes_back_to_its_cluster() {
    starts(&Case::three().used("c1", Some("U1")), StartBy::Announce, "c1", None);
    let Decision::Start(start) = Case::three().used("c1", None).decide() else {
        panic!("a used disk starts without the setting, as it may have a cluster");
    };
    assert_eq!((start.with_setting, start.by), (None, StartBy::Announce));
    assert_eq!(
        start.warning.map(|warning| warning.to_string()).as_deref(),
        Some(RECORD_GONE)
    );
    for uuid in [None, Some("U1")] {
        let formed = Case::three().used("c1", uuid).record(RecordState::Formed, |_| {});
        starts(&formed, StartBy::Announce, "c1", None);
    }
    let adopted = Case::three().used("c0", Some("U1")).record(RecordState::Formed, |_| {});
    starts(&adopted, StartBy::Announce, "c1", None);
    let reset = Case::three().used("c1", Some("U1")).view(|view| {
        view.voids.insert("c1".parse().expect("claim"));
    });
    refuses(
        &reset,
        "the data directory belongs to claim c1, which was reset: empty it to join what is founded next",
    );
}

#[test]
fn a_disk_of_another_cluster_is_refused_with_both_ids() {
    let foreign = |claim, uuid| Case::three().used(claim, uuid).record(RecordState::Formed, |_| {});
    let text = "the data directory belongs to claim c0, cluster UUID U0, but the record says claim c1, cluster UUID U1: move the disk \
                back to its cluster, or empty it to join this one";
    refuses(&foreign("c0", Some("U0")), text);
    refuses(&foreign("c1", Some("U0")), &text.replace("c0", "c1"));
    refuses(
        &foreign("c0", None),
        &text.replace("cluster UUID U0", "cluster UUID not known"),
    );
    let armed = Case::three().used("c0", Some("U0")).record(RecordState::Armed, |_| {});
    refuses(&armed, &text.replace("cluster UUID U1", "cluster UUID not known"));
}

#[test]
fn a_cluster_of_another_name_is_refused() {
    let metrics = |case: Case| Case {
        candidate: Candidate {
            cluster: "metrics".to_owned(),
            ..case.candidate
        },
        ..case
    };
    let text = "the recorded cluster is `logs`, this launcher was told `metrics`, and nodes of two names never join each other: give \
                `--cluster logs`, or another `--service`";
    for state in [RecordState::Armed, RecordState::Formed] {
        for case in [Case::three(), Case::zen(), Case::three().used("c1", None)] {
            refuses(&metrics(case.record(state, |_| {})), text);
        }
    }
    let nameless = Case::three().record(RecordState::Formed, |record| record.cluster = String::new());
    assert!(matches!(metrics(nameless).decide(), Decision::Start(_)));
}

//! No usable record: etcd away, an unreadable record, none at all; and disks that nobody knows.

use super::*;

#[test]
fn without_etcd_only_a_disk_that_has_its_cluster_starts() {
    let away = |case: Case| Case {
        view: Err("connection refused".to_owned()),
        ..case
    };
    starts(
        &away(Case::three().used("c1", Some("U1"))),
        StartBy::Offline,
        "c1",
        None,
    );
    let text = "etcd cannot be asked (connection refused), and this data directory has no cluster yet: none is founded without etcd";
    waits(&away(Case::three()), text);
    waits(&away(Case::three().used("c1", None)), text);
    waits(&away(Case::zen().used("c1", None)), text);
}

#[test]
fn a_record_that_cannot_be_used_forbids_founding_but_not_rejoining() {
    let broken = |case: Case| {
        case.view(|view| {
            view.unreadable.insert(
                "/quorate/es/cluster".to_owned(),
                "not a readable cluster record: x".to_owned(),
            );
        })
    };
    let text = "the cluster record /quorate/es/cluster cannot be used: not a readable cluster record: x; nothing is founded while it \
                is there: repair it, or update quorate";
    needs_an_operator(&broken(Case::three()), text);
    needs_an_operator(&broken(Case::three().used("c1", None)), text);
    starts(
        &broken(Case::three().used("c1", Some("U1"))),
        StartBy::Offline,
        "c1",
        None,
    );

    let newer = |case: Case| case.record(RecordState::Armed, |record| record.format = 2);
    let text = "the cluster record /quorate/es/cluster cannot be used: cluster record has format 2, this version writes 1: update \
                quorate before it may change this value; nothing is founded while it is there: repair it, or update quorate";
    needs_an_operator(&newer(Case::three()), text);
    starts(
        &newer(Case::three().used("c1", Some("U1"))),
        StartBy::Offline,
        "c1",
        None,
    );
    assert!(matches!(
        newer(Case::three().used("c2", Some("U2"))).decide(),
        Decision::Refuse(Reason::OtherCluster { .. })
    ));
}

#[test]
fn a_disk_whose_owner_is_not_known_is_refused() {
    let unmarked = Case {
        disk: Disk::Unmarked,
        ..Case::three()
    };
    refuses(
        &unmarked,
        "the data directory holds files of a node but no marker, so nobody knows of which cluster: start the node by hand and run \
         `quorate cluster adopt`, or empty the directory",
    );
    refuses(
        &Case::three().marker(|_, files| *files = true),
        "the data directory (disk d1) holds files of a node, but its marker knows no claim: start the node by hand and run \
         `quorate cluster adopt`, or empty the directory",
    );
    refuses(
        &Case::three().marker(|marker, _| marker.format = 2),
        "the data directory's marker cannot be changed: marker has format 2, this version writes 1: update quorate before it may \
         change this value",
    );
    refuses(
        &Case::three()
            .used("c1", Some("U1"))
            .marker(|marker, _| marker.service = "logs".to_owned()),
        "the data directory belongs to service `logs`, this launcher serves `es`: give `--service logs` or another `--data`",
    );
    refuses(
        &Case::three().used("c1", Some("U1")).marker(|_, files| *files = false),
        "the data directory (disk d1, claim c1, cluster UUID U1) was emptied while its launcher waited, only the marker is left: start \
         the launcher again, the directory counts as a fresh one then",
    );
    claims(
        &Case::three().marker(|marker, _| marker.service = "logs".to_owned()),
        &[ME, "10.0.0.2", "10.0.0.3"],
    );
}

#[test]
fn an_empty_disk_without_a_record_claims_when_enough_masters_are_there() {
    claims(&Case::three(), &[ME, "10.0.0.2", "10.0.0.3"]);
    claims(&Case::new(Rule::coordinated(Some(2))), &[ME, "10.0.0.2"]);
    claims(&Case::new(Rule::coordinated(None)), &[ME]);
    claims(&Case::zen(), &[ME, "10.0.0.2"]);
    let last = Case::new(Rule::coordinated(Some(2))).seed("10.0.0.0", "n0", "d0", |_| {});
    claims(&last, &[ME, "10.0.0.0"]);
}

#[test]
fn an_empty_disk_without_a_record_waits_for_masters() {
    let four = Case::new(Rule::coordinated(Some(4)));
    let text =
        "masters 3 of 4 (10.0.0.1, 10.0.0.2, 10.0.0.3): start the others, or lower `--bootstrap-expect` on every host";
    waits(&four, text);
    let four = Case::new(Rule::coordinated(Some(4))).seed("10.0.0.4", "n4", "d4", |seed| seed.master_eligible = false);
    waits(&four, text);
    let gone = Case::three().view(|view| {
        view.seeds.remove(&id(ME));
    });
    waits(
        &gone,
        "the own seed is not published: etcd shows none of 10.0.0.1 with disk d1",
    );
    let old = Case::three().seed(ME, "n1", "d0", |_| {});
    waits(
        &old,
        "the own seed is not published: etcd shows none of 10.0.0.1 with disk d1",
    );
    for (master_eligible, votes_only) in [(false, false), (true, true)] {
        let never_elected = Case {
            candidate: Candidate {
                master_eligible,
                votes_only,
                ..Case::three().candidate
            },
            ..Case::three()
        };
        waits(
            &never_elected,
            "no cluster is recorded, and this node is never elected: waiting for a master to found one",
        );
    }
}

#[test]
fn an_empty_disk_without_a_record_waits_while_a_node_with_data_is_there() {
    let text = "no cluster is recorded, but there are nodes that have data (10.0.0.2): those that quorate started bring the record back; for a cluster that was there before, run `quorate cluster adopt`";
    let joined = Case::three().seed("10.0.0.2", "n2", "d2", |seed| {
        seed.data = DiskUse::Used;
        seed.cluster_uuid = Some(uuid("U1"));
    });
    waits(&joined, text);
    waits(&remembers(joined), text);
    let member = Case::three().view(|view| {
        view.members.insert(id("10.0.0.2"), stored(Member::new(9200, 9300), 3));
    });
    waits(&member, text);
    let used_data_node = Case::three().seed("10.0.0.9", "n9", "d9", |seed| {
        seed.data = DiskUse::Used;
        seed.master_eligible = false;
    });
    needs_an_operator(
        &used_data_node,
        "no cluster is recorded, and of the nodes that were started (10.0.0.9) none knows a cluster: if one has joined, it brings the \
         record back; else stop them and empty their disks",
    );
}

#[test]
fn an_empty_disk_without_a_record_waits_while_a_node_cannot_be_read() {
    let garbage = |key: &str| {
        Case::three().view(|view| {
            view.unreadable
                .insert(key.to_owned(), "not a readable member: x".to_owned());
        })
    };
    needs_an_operator(
        &garbage("/services/es/10.0.0.9"),
        "no cluster is recorded, and nobody can tell what these nodes hold: /services/es/10.0.0.9 cannot be read: repair the keys, or \
         delete those whose nodes are gone",
    );
    assert!(matches!(
        garbage("/quorate/es/seeds/x y").decide(),
        Decision::Operator(Reason::NodesUnreadable { .. })
    ));
}

#[test]
fn a_node_whose_seed_is_not_published_starts_only_with_a_cluster_on_its_disk_and_an_etcd_that_takes_no_writes() {
    let held = |case: Case, why: Unpublished| Case {
        unpublished: Some(why),
        ..case
    };
    let read_only = |case: Case| held(case, Unpublished::ReadOnly("no space".to_owned()));
    let blocked = |case: Case| held(case, Unpublished::Blocked("another owner".to_owned()));
    let formed = |case: Case| case.record(RecordState::Formed, |_| {});
    let text = "etcd answers, but takes no writes (no space), and this data directory has no cluster yet: it starts only when others can \
                see it: end that, e.g. free space and `etcdctl alarm disarm`, or let the user write";
    for case in [
        Case::three(),
        formed(Case::three()),
        formed(Case::three().used("c1", None)),
        formed(Case::zen()),
    ] {
        waits(&read_only(case), text);
    }
    let unseen = Case::three().view(|view| view.seeds.clear());
    waits(&read_only(unseen), text);
    for case in [Case::three(), Case::zen()] {
        starts(&read_only(case.used("c1", Some("U1"))), StartBy::Offline, "c1", None);
    }
    starts(
        &read_only(formed(Case::three().used("c1", Some("U1")))),
        StartBy::Offline,
        "c1",
        None,
    );
    assert!(matches!(
        read_only(formed(Case::three().used("c0", Some("U0")))).decide(),
        Decision::Refuse(Reason::OtherCluster { .. })
    ));
    for case in [
        Case::three(),
        formed(Case::three().used("c1", Some("U1"))),
        remembers(Case::three()).seed("10.0.0.2", "n2", "d2", |seed| seed.data = DiskUse::Used),
    ] {
        waits(&blocked(case), "the own seed is not published: another owner");
    }
}

#[test]
fn a_host_that_knew_a_cluster_does_not_found_another() {
    refuses(
        &remembers(Case::three()),
        "this host knew a cluster (claim c0, cluster UUID U0), but the record and this host's data are gone: start a node that has \
         data, it brings the record back; or, if the cluster is given up, run \
         `quorate cluster reset --service es --claim c0`",
    );
    let given_up = remembers(Case::three()).view(|view| {
        view.voids.insert("c0".parse().expect("claim"));
    });
    claims(&given_up, &[ME, "10.0.0.2", "10.0.0.3"]);
}

#[test]
fn nodes_that_share_a_name_are_not_named() {
    let twice = |name: &'static str| Case::new(Rule::coordinated(Some(2))).seed("10.0.0.2", name, "d2", |_| {});
    needs_an_operator(
        &twice("n1"),
        "several masters have the same name (`n1`: 10.0.0.1, 10.0.0.2), which cancels a bootstrap: give each its own `--name`",
    );
    needs_an_operator(
        &twice("n3"),
        "several masters have the same name (`n3`: 10.0.0.2, 10.0.0.3), which cancels a bootstrap: give each its own `--name`",
    );
    claims(&twice("n3").seed("10.0.0.4", "n4", "d4", |_| {}), &[ME, "10.0.0.4"]);
}

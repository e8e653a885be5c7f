//! The decision table, row by row, each with the words a person reads.

use super::*;
use crate::model::{ClusterUuid, Incarnation, Member};

const ME: &str = "10.0.0.1";

fn keys() -> Keys {
    Keys::new("/services", "/quorate", &service())
}

fn service() -> ServiceName {
    "es".parse().expect("name")
}

fn id(text: &str) -> NodeId {
    text.parse().expect("id")
}

fn stored<T>(value: T, mod_revision: i64) -> Stored<T> {
    Stored {
        value,
        mod_revision,
        create_revision: mod_revision,
        lease: Some(crate::registry::LeaseId(7)),
    }
}

fn uuid(text: &str) -> ClusterUuid {
    text.parse().expect("uuid")
}

/// A situation that is built up from "three empty masters, nothing else".
struct Case {
    candidate: Candidate,
    disk: Disk,
    view: Result<ClusterView, String>,
    memory: HostCache,
    claim: Option<ClaimId>,
}

impl Case {
    fn new(rule: Rule) -> Self {
        let mut marker = Marker::new("d1".parse().expect("disk"), &service(), "logs", "n1");
        marker.claim = None;
        let mut case = Self {
            candidate: Candidate {
                id: id(ME),
                name: "n1".to_owned(),
                service: service(),
                cluster: "logs".to_owned(),
                master_eligible: true,
                rule,
            },
            disk: Disk::Marked { marker, files: false },
            view: Ok(ClusterView {
                revision: 10,
                ..ClusterView::default()
            }),
            memory: HostCache::default(),
            claim: None,
        };
        for (node, name, disk) in [(ME, "n1", "d1"), ("10.0.0.2", "n2", "d2"), ("10.0.0.3", "n3", "d3")] {
            case = case.seed(node, name, disk, |_| {});
        }
        case
    }

    fn three() -> Self {
        Self::new(Rule::coordinated(Some(3)))
    }

    fn zen() -> Self {
        Self::new(Rule::zen(None, Some(3)).expect("rule"))
    }

    fn view(mut self, change: impl FnOnce(&mut ClusterView)) -> Self {
        change(self.view.as_mut().expect("etcd answers"));
        self
    }

    fn seed(self, node: &str, name: &str, disk: &str, change: impl FnOnce(&mut Seed)) -> Self {
        let incarnation = Incarnation::try_from("run".to_owned()).expect("incarnation");
        let mut seed = Seed::new(9300, name.to_owned(), true, incarnation, disk.parse().expect("disk"));
        change(&mut seed);
        self.view(|view| {
            view.seeds.insert(id(node), stored(seed, 5));
        })
    }

    /// The disk of a node that was started under `claim`.
    fn used(mut self, claim: &str, uuid: Option<&str>) -> Self {
        if let Disk::Marked { marker, .. } = &mut self.disk {
            marker.claim = Some(claim.parse().expect("claim"));
            marker.cluster_uuid = uuid.map(self::uuid);
        }
        self.seed(ME, "n1", "d1", |seed| seed.data = DiskUse::Used)
    }

    fn marker(mut self, change: impl FnOnce(&mut Marker, &mut bool)) -> Self {
        if let Disk::Marked { marker, files } = &mut self.disk {
            change(marker, files);
        }
        self
    }

    /// The record of claim `c1` by the first node on `d1`, naming all three.
    fn record(self, state: RecordState, change: impl FnOnce(&mut ClusterRecord)) -> Self {
        let masters = [(ME, "n1", "d1"), ("10.0.0.2", "n2", "d2"), ("10.0.0.3", "n3", "d3")];
        let masters = masters.map(|(node, name, disk)| NamedMaster {
            id: id(node),
            name: name.to_owned(),
            disk: disk.parse().expect("disk"),
        });
        let (claim, disk) = ("c1".parse().expect("claim"), "d1".parse().expect("disk"));
        let mut record = ClusterRecord::claimed(claim, id(ME), disk, masters.to_vec(), "logs".to_owned());
        record.state = state;
        if state == RecordState::Formed {
            record.cluster_uuid = Some(uuid("U1"));
        }
        change(&mut record);
        self.view(|view| view.record = Some(stored(record, 8)))
    }

    fn decide(&self) -> Decision {
        decide(&Situation {
            candidate: &self.candidate,
            disk: &self.disk,
            keys: &keys(),
            view: self.view.as_ref().map_err(String::as_str),
            memory: &self.memory,
            claim: self.claim.as_ref(),
        })
    }
}

fn by_another(record: &mut ClusterRecord) {
    record.claimant = Some(id("10.0.0.2"));
    record.disk = Some("d2".parse().expect("disk"));
}

fn remembers(case: Case) -> Case {
    let memory = HostCache {
        record: Some(ClusterRecord::formed(
            "c0".parse().expect("claim"),
            "logs".to_owned(),
            Some(uuid("U0")),
        )),
        ..HostCache::default()
    };
    Case { memory, ..case }
}

#[track_caller]
fn starts(case: &Case, by: StartBy, claim: &str, with_setting: Option<&[&str]>) {
    let names = with_setting.map(|names| names.iter().map(|&name| name.to_owned()).collect());
    let expected = Start {
        with_setting: names,
        claim: claim.parse().expect("claim"),
        by,
        warning: None,
    };
    assert_eq!(case.decide(), Decision::Start(expected));
}

#[track_caller]
fn waits(case: &Case, text: &str) {
    let Decision::Wait(reason) = case.decide() else {
        panic!("{:?}", case.decide());
    };
    assert_eq!(reason.to_string(), text);
}

#[track_caller]
fn needs_an_operator(case: &Case, text: &str) {
    let Decision::Operator(reason) = case.decide() else {
        panic!("{:?}", case.decide());
    };
    assert_eq!(reason.to_string(), text);
}

#[track_caller]
fn refuses(case: &Case, text: &str) {
    let Decision::Refuse(reason) = case.decide() else {
        panic!("{:?}", case.decide());
    };
    assert_eq!(reason.to_string(), text);
}

#[track_caller]
fn releases(case: &Case, text: &str) {
    let Decision::Release(reason) = case.decide() else {
        panic!("{:?}", case.decide());
    };
    assert_eq!(reason.to_string(), text);
}

#[track_caller]
fn claims(case: &Case, nodes: &[&str]) {
    let Decision::Claim { masters } = case.decide() else {
        panic!("{:?}", case.decide());
    };
    let ids: Vec<String> = masters.iter().map(|master| master.id.to_string()).collect();
    assert_eq!(ids, nodes);
}

const RECORD_GONE: &str = "no cluster is recorded, and this disk of claim c1 does not know whether it has one: a node that has it \
                           brings the record back; if none has, stop all nodes, empty their disks and `etcdctl put \
                           /quorate/es/void/c1 given-up`";
const RESET: &str = "`etcdctl put /quorate/es/void/c1 reset` and `etcdctl del /quorate/es/cluster`";

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
    let text = "etcd does not answer (connection refused), and this data directory has no cluster yet: none is founded without etcd";
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
    let data_only = Case {
        candidate: Candidate {
            master_eligible: false,
            ..Case::three().candidate
        },
        ..Case::three()
    };
    waits(
        &data_only,
        "no cluster is recorded, and this node is not master-eligible: waiting for a master to found one",
    );
}

#[test]
fn an_empty_disk_without_a_record_waits_while_a_node_with_data_is_there() {
    let text = "no cluster is recorded, but there are nodes that have data (10.0.0.2): they will bring the record back";
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
fn a_host_that_knew_a_cluster_does_not_found_another() {
    refuses(
        &remembers(Case::three()),
        "this host knew a cluster (claim c0, cluster UUID U0), but the record and this host's data are gone: start a node that has \
         data, it brings the record back; or, if the cluster is given up, `etcdctl put /quorate/es/void/c0 given-up`",
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
    waits(
        &started(Case::zen().used("c1", None).record(RecordState::Formed, |_| {})),
        text,
    );
    let has_it = Case::zen().used("c1", Some("U1")).record(RecordState::Formed, |_| {});
    starts(&started(has_it), StartBy::Announce, "c1", None);
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

//! The decision table, row by row, each with the words a person reads.

mod absent;
mod product;
mod recorded;
mod zen;

use std::collections::BTreeMap;

use super::*;
use crate::{
    model::{ClusterUuid, DiskUse, Incarnation, Member, RecordState, Seed},
    view::Stored,
};

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
#[derive(Debug, Clone)]
struct Case {
    candidate: Candidate,
    disk: Disk,
    view: Result<ClusterView, String>,
    memory: HostCache,
    claim: Option<ClaimId>,
    unpublished: Option<Unpublished>,
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
                votes_only: false,
                rule,
                skipped_checks: Vec::new(),
            },
            disk: Disk::Marked { marker, files: false },
            view: Ok(ClusterView {
                revision: 10,
                ..ClusterView::default()
            }),
            memory: HostCache::default(),
            claim: None,
            unpublished: None,
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
        if let Disk::Marked { marker, files } = &mut self.disk {
            marker.claim = Some(claim.parse().expect("claim"));
            marker.cluster_uuid = uuid.map(self::uuid);
            *files = true;
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
            unpublished: self.unpublished.as_ref(),
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
                           brings the record back; if none has, stop all nodes, empty their disks and run \
                           `quorate cluster reset --service es --claim c1`";
const RESET: &str = "run `quorate cluster reset --service es`";

//! Every combination of everything a decision rests on, and what must hold in each.

use super::*;

type Change = fn(Case) -> Case;

/// The classes of each input; their product is what there is.
fn every_case() -> Vec<Case> {
    let inputs: [&[Change]; 8] = [ELIGIBILITY, MARKERS, DISKS, SEEDS, RECORDS, MEMORIES, CLAIMS, ETCD];
    inputs
        .into_iter()
        .fold(vec![Case::three(), Case::zen()], |cases, changes| {
            let each = |case: &Case| changes.iter().map(|change| change(case.clone())).collect::<Vec<_>>();
            cases.iter().flat_map(each).collect()
        })
}

const ELIGIBILITY: &[Change] = &[
    |c| c,
    |c| Case {
        candidate: Candidate {
            master_eligible: false,
            ..c.candidate
        },
        ..c
    },
];

const MARKERS: &[Change] = &[
    |c| c,
    |c| c.used("c1", None),
    |c| c.used("c1", Some("U1")),
    |c| c.used("c0", None),
    |c| c.used("c0", Some("U0")),
    |c| c.used("c0", Some("U1")),
];

const DISKS: &[Change] = &[
    |c| c,
    |c| c.marker(|_, files| *files = !*files),
    |c| c.marker(|marker, _| marker.disk = "d9".parse().expect("disk")),
    |c| Case {
        disk: Disk::Unmarked,
        ..c
    },
];

const SEEDS: &[Change] = &[
    |c| c,
    |c| c.seed("10.0.0.2", "n2", "d2", |seed| seed.data = DiskUse::Used),
    |c| c.view(|view| view.seeds.clear()),
];

const RECORDS: &[Change] = &[
    |c| c,
    |c| c.record(RecordState::Claimed, |_| {}),
    |c| c.record(RecordState::Claimed, by_another),
    |c| c.record(RecordState::Armed, |_| {}),
    |c| c.record(RecordState::Armed, by_another),
    |c| c.record(RecordState::Formed, |_| {}),
    |c| c.record(RecordState::Formed, |record| record.cluster_uuid = None),
    |c| c.record(RecordState::Armed, |record| record.format = 2),
    |c| unreadable(c, "/quorate/es/cluster"),
    |c| unreadable(c, "/services/es/x"),
];

const MEMORIES: &[Change] = &[
    |c| c,
    remembers,
    |c| {
        c.view(|view| {
            view.voids.insert("c0".parse().expect("claim"));
        })
    },
];

const CLAIMS: &[Change] = &[
    |c| c,
    |c| Case {
        claim: Some("c1".parse().expect("claim")),
        ..c
    },
];

const ETCD: &[Change] = &[
    |c| c,
    |c| Case {
        view: Err("away".to_owned()),
        ..c
    },
    |c| Case {
        unpublished: Some(Unpublished::Blocked("foreign".to_owned())),
        ..c
    },
    |c| Case {
        unpublished: Some(Unpublished::ReadOnly("full".to_owned())),
        ..c
    },
];

fn unreadable(case: Case, key: &str) -> Case {
    case.view(|view| {
        view.unreadable.insert(key.to_owned(), "x".to_owned());
    })
}

#[test]
fn in_every_situation_nobody_starts_on_a_foreign_disk_and_only_the_claimants_disk_gets_the_setting() {
    let cases = every_case();
    let mut classes = BTreeMap::<&str, usize>::new();
    for case in &cases {
        let decision = case.decide();
        *classes.entry(class(&decision)).or_default() += 1;
        assert!(is_sound(case, &decision), "{decision:?} in {case:?}");
    }
    assert_eq!(cases.len(), 2 * 2 * 6 * 4 * 3 * 10 * 3 * 2 * 4);
    let found: Vec<&str> = classes.into_keys().collect();
    assert_eq!(found, ["claim", "operator", "refuse", "release", "start", "wait"]);
}

fn class(decision: &Decision) -> &'static str {
    match decision {
        Decision::Start(_) => "start",
        Decision::Claim { .. } => "claim",
        Decision::Release(_) => "release",
        Decision::Wait(_) => "wait",
        Decision::Operator(_) => "operator",
        Decision::Refuse(_) => "refuse",
    }
}

fn is_sound(case: &Case, decision: &Decision) -> bool {
    let Disk::Marked { marker, files } = &case.disk else {
        return matches!(decision, Decision::Refuse(Reason::Unmarked));
    };
    if is_emptied(marker, *files) || (*files && marker.claim.is_none()) {
        return matches!(decision, Decision::Refuse(_));
    }
    let view = case.view.as_ref().ok();
    let record = view.and_then(|view| view.record.as_ref()).map(|stored| &stored.value);
    let record = record.filter(|record| record.writable().is_ok());
    let state = record.map(|record| record.state);
    match decision {
        Decision::Start(start) => is_sound_start(case, marker, record, start),
        Decision::Claim { masters } => {
            let view = view.expect("only on a view");
            let used = view.seeds.values().any(|seed| seed.value.data == DiskUse::Used);
            let nothing = record.is_none() && view.unreadable.is_empty() && !used && marker.claim.is_none();
            nothing
                && case.memory.record.is_none()
                && case.unpublished.is_none()
                && case.candidate.master_eligible
                && masters.len() == case.candidate.rule.expect()
        }
        Decision::Release(_) => {
            state == Some(RecordState::Claimed) && record.is_some_and(|record| record.claimant == Some(id(ME)))
        }
        // Without etcd nobody but a disk that has its cluster does anything.
        Decision::Wait(_) | Decision::Operator(_) => view.is_some() || marker.cluster_uuid.is_none(),
        Decision::Refuse(_) => view.is_some(),
    }
}

fn is_sound_start(case: &Case, marker: &Marker, record: Option<&ClusterRecord>, start: &Start) -> bool {
    let uuid = record.and_then(|record| record.cluster_uuid.as_ref());
    let foreign = match (&marker.cluster_uuid, uuid) {
        (Some(own), Some(recorded)) => own != recorded,
        _ => record.is_some_and(|record| marker.claim.as_ref().is_some_and(|own| *own != record.claim)),
    };
    let setting = start.with_setting.is_none()
        || record.is_some_and(|record| {
            let mine = record.claimant == Some(id(ME)) && record.disk.as_ref() == Some(&marker.disk);
            let nobody_knows = uuid.is_none() && marker.cluster_uuid.is_none();
            let coordinated = case.candidate.rule.line() == Line::Coordinated;
            mine && nobody_knows && coordinated && record.state != RecordState::Formed && start.by != StartBy::Offline
        });
    let seen = case.unpublished.is_none() && case.view.is_ok();
    let by = match start.by {
        StartBy::Offline => marker.cluster_uuid.is_some(),
        StartBy::Arm => seen && case.claim.as_ref() == record.map(|record| &record.claim),
        StartBy::Announce | StartBy::AnnounceAlone => seen,
    };
    !foreign && setting && by
}

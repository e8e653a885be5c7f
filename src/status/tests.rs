//! Views as they happen, and what is said about them.

use std::time::SystemTime;

use super::*;
use crate::{
    probe::{ProbeFailure, Report},
    registry::{Entry, Keys, LeaseId, Reading},
};

const UUID: &str = "kXq3-0aZRfm5cEw1pQz7Lg";
const RECORD: &str = r#"{"format":1,"state":"formed","claim":"c1a1","claimant":"10.0.0.1","disk":"d1","masters":[
    {"id":"10.0.0.1","name":"n1","disk":"d1"}],"cluster":"logs","cluster_uuid":"kXq3-0aZRfm5cEw1pQz7Lg"}"#;

fn service() -> ServiceName {
    "elasticsearch".parse().expect("name")
}

fn view(entries: &[(&str, &str)]) -> ClusterView {
    let entry = |(key, value): &(&str, &str)| Entry {
        key: (*key).to_owned(),
        value: value.as_bytes().to_vec(),
        create_revision: 1,
        mod_revision: 1,
        lease: Some(LeaseId(7)),
    };
    let reading = Reading {
        revision: 42,
        entries: entries.iter().map(entry).collect(),
    };
    ClusterView::of(&Keys::new("/services", "/quorate", &service()), &reading)
}

fn usual() -> ClusterView {
    let seed = |name: &str| {
        format!(
            r#"{{"format":1,"transport_port":9300,"http_port":9200,"name":"{name}","master_eligible":true,
            "incarnation":"i{name}","disk":"d{name}","data":"used","cluster_uuid":"{UUID}"}}"#
        )
    };
    let member = |name: &str, roles: &str| {
        format!(
            r#"{{"http_port":9200,"transport_port":9300,"name":"{name}","cluster":"logs","cluster_uuid":"{UUID}",
            "product":"elasticsearch","version":"9.5.3","roles":{roles},"incarnation":"s{name}",
            "since":"2026-11-21T12:00:00Z"}}"#
        )
    };
    view(&[
        ("/quorate/elasticsearch/cluster", RECORD),
        ("/quorate/elasticsearch/seeds/10.0.0.1", &seed("n1")),
        ("/quorate/elasticsearch/seeds/10.0.0.2", &seed("n2")),
        (
            "/services/elasticsearch/10.0.0.1",
            &member("n1", r#"["data","data_hot","ingest","master"]"#),
        ),
        ("/services/elasticsearch/10.0.0.3", &member("n3", "[]")),
        (
            "/services/elasticsearch/10.0.0.9:9301",
            r#"{"http_port":9201,"transport_port":9301}"#,
        ),
        ("/services/elasticsearch/10.0.0.8", "garbage"),
    ])
}

fn now() -> SystemTime {
    humantime::parse_rfc3339("2026-11-21T14:03:10Z").expect("time")
}

fn answers(list: &[(&str, Result<Report, ProbeFailure>)]) -> Answers {
    list.iter()
        .map(|(id, answer)| (id.parse().expect("id"), answer.clone()))
        .collect()
}

fn shown(view: &ClusterView, answers: Option<&Answers>) -> String {
    let status = Status::of(&service(), view, Currency::Current);
    table(
        &answers.map_or_else(|| status.clone(), |answers| status.clone().with(answers)),
        now(),
    )
}

#[test]
fn every_kind_of_entry_is_in_the_table() {
    insta::assert_snapshot!(shown(&usual(), None));
}

#[test]
fn the_json_is_stable() {
    let asked = answers(&[
        ("10.0.0.1", Ok(Report::example("n1", UUID, Some("id-n1")))),
        ("10.0.0.3", Err(ProbeFailure::Refused)),
    ]);
    let status = Status::of(&service(), &usual(), Currency::Current).with(&asked);
    insta::assert_snapshot!(serde_json::to_string_pretty(&status).expect("json"));
}

#[test]
fn nothing_at_all_is_said_as_such() {
    insta::assert_snapshot!(shown(&view(&[]), None));
}

#[test]
fn what_one_member_of_etcd_knew_is_marked() {
    let text = table(&Status::of(&service(), &usual(), Currency::Stale), now());
    assert!(
        text.starts_with("service elasticsearch at revision 42 (stale: etcd has no quorum)\n"),
        "{text}"
    );
    assert!(text.contains("warning: etcd has no quorum: "), "{text}");
}

#[test]
fn one_cluster_with_one_master_is_verified() {
    let all = answers(&[
        ("10.0.0.1", Ok(Report::example("n1", UUID, Some("id-n1")))),
        ("10.0.0.2", Ok(Report::example("n2", "_na_", None))),
        ("10.0.0.3", Ok(Report::example("n3", UUID, Some("id-n1")))),
        ("10.0.0.9:9301", Err(ProbeFailure::Refused)),
    ]);
    assert!(
        !Status::of(&service(), &usual(), Currency::Current)
            .with(&all)
            .is_split()
    );
    insta::assert_snapshot!(shown(&usual(), Some(&all)));
}

#[test]
fn two_of_anything_are_a_split_brain() {
    let two_masters = answers(&[
        ("10.0.0.1", Ok(Report::example("n1", UUID, Some("id-n1")))),
        ("10.0.0.3", Ok(Report::example("n3", UUID, Some("id-n3")))),
    ]);
    let two_clusters = answers(&[
        ("10.0.0.1", Ok(Report::example("n1", UUID, Some("id-n1")))),
        ("10.0.0.3", Ok(Report::example("n3", "another", Some("id-n3")))),
    ]);
    let another = answers(&[("10.0.0.1", Ok(Report::example("n1", "another", Some("id-n1"))))]);
    let old_line = answers(&[("10.0.0.1", {
        let mut report = Report::example("n1", "", Some("id-n1"));
        report.identity.cluster = "metrics".to_owned();
        Ok(report)
    })]);
    let nobody = answers(&[("10.0.0.1", Err(ProbeFailure::Refused))]);
    let mut page = Vec::new();
    for answers in [two_masters, two_clusters, another, old_line, nobody] {
        let status = Status::of(&service(), &usual(), Currency::Current).with(&answers);
        assert!(status.is_split());
        let verdict = status.verified.expect("asked");
        page.push(verdict.problems.join("\n"));
    }
    insta::assert_snapshot!(page.join("\n\n"));
}

#[test]
fn nothing_is_called_verified_that_nobody_said() {
    let forming = answers(&[("10.0.0.1", Ok(Report::example("n1", "_na_", None)))]);
    for (answers, says) in [
        (answers(&[]), "nothing to verify: nobody is there to be asked"),
        (
            forming,
            "nothing is verified: 1 answered, and name neither a cluster nor a master yet",
        ),
    ] {
        let text = shown(&usual(), Some(&answers));
        assert!(text.contains(says) && !text.contains("name one cluster"), "{text}");
    }
}

#[test]
fn a_masterless_moment_is_no_split_brain() {
    let all = answers(&[
        ("10.0.0.1", Ok(Report::example("n1", UUID, None))),
        ("10.0.0.3", Ok(Report::example("n3", UUID, Some("id-n3")))),
    ]);
    let verdict = verify(None, &all);
    assert_eq!(
        (verdict.problems, verdict.notes),
        (vec![], vec!["10.0.0.1 names no master".to_owned()])
    );
}

#[test]
fn ages_have_two_units() {
    let ages = [0, 59, 60, 3_599, 3_600, 86_399, 86_400, 900_000].map(|s| age(std::time::Duration::from_secs(s)));
    assert_eq!(
        ages,
        ["0s", "59s", "1m 0s", "59m 59s", "1h 0m", "23h 59m", "1d 0h", "10d 10h"]
    );
}

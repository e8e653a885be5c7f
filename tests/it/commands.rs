//! seeds, status, wait, cluster: the program against a real etcd, with stand-ins where nodes have to disagree.

use serde_json::Value;

use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    node::{Line, Node, Spec},
    program::{Run, quorate},
    standin::{Mood, StandIn},
};

const BY_HAND: &str = r#"{"http_port":9200,"transport_port":9300}"#;
const SEED: &str = r#"{"format":1,"transport_port":9300,"name":"n2","master_eligible":true,"incarnation":"i","disk":"d","data":"empty"}"#;

fn on(etcd: &Etcd, args: &[&str]) -> Run {
    quorate(&with_endpoint(etcd, args).iter().map(String::as_str).collect::<Vec<_>>())
}

fn with_endpoint(etcd: &Etcd, args: &[&str]) -> Vec<String> {
    let endpoint = ["--endpoints".to_owned(), etcd.endpoint()];
    args.iter().map(|arg| (*arg).to_owned()).chain(endpoint).collect()
}

fn put(etcd: &Etcd, key: &str, value: &str) {
    etcd.etcdctl(&["put", key, value]);
}

/// A member key for a stand-in.
fn register(etcd: &Etcd, node: &StandIn) {
    let (host, port) = (node.address().ip(), node.address().port());
    let value = format!(r#"{{"http_port":{port},"transport_port":9300}}"#);
    put(etcd, &format!("/services/elasticsearch/{host}"), &value);
}

#[tokio::test]
async fn a_key_written_by_hand_is_listed_by_seeds_and_status() {
    let etcd = Etcd::start(Version::V35).await;
    put(&etcd, "/services/elasticsearch/10.0.0.9", BY_HAND);
    put(&etcd, "/quorate/elasticsearch/seeds/10.0.0.2", SEED);
    put(&etcd, "/services/elasticsearch/10.0.0.3", "garbage");
    put(&etcd, "/services/elasticsearch2/10.0.0.4", BY_HAND);
    for (form, expected) in [
        ("lines", "10.0.0.2:9300\n10.0.0.9:9300\n"),
        ("csv", "10.0.0.2:9300,10.0.0.9:9300\n"),
        ("json", "[\"10.0.0.2:9300\",\"10.0.0.9:9300\"]\n"),
    ] {
        let run = on(&etcd, &["seeds", "--format", form]);
        assert_eq!((run.code, run.out.as_str()), (Some(0), expected));
        assert!(
            run.err.contains("the key /services/elasticsearch/10.0.0.3 is left out"),
            "{}",
            run.err
        );
    }
    let run = on(&etcd, &["status"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    insta::with_settings!({filters => vec![(r"revision \d+", "revision N")]}, {
        insta::assert_snapshot!(run.out, @r"
        service elasticsearch at revision N
        record  none: no cluster was formed under this service yet

        NODE      NAME  STATE            VERSION  ROLES  HTTP           CLUSTER UUID  SINCE
        10.0.0.2  n2    seed             -        m      -              -             -
        10.0.0.9  -     ready (by hand)  -        -      10.0.0.9:9200  -             -

        warning: the key /services/elasticsearch/10.0.0.3 is left out: not a readable member: expected value at line 1 column 1
        ");
    });
    let json: Value = serde_json::from_str(&on(&etcd, &["status", "--output", "json"]).out).expect("json");
    assert_eq!(json["nodes"][1]["by_hand"], true);
    let other = on(&etcd, &["seeds", "--service", "elasticsearch2"]);
    assert_eq!(other.out, "10.0.0.4:9300\n");
}

#[tokio::test]
async fn verify_asks_the_nodes_and_finds_two_clusters() {
    let etcd = Etcd::start(Version::V35).await;
    let nodes =
        ["127.0.15.1:0", "127.0.15.2:0", "127.0.15.3:0"].map(|address| StandIn::start("elasticsearch-9.5.3", address));
    for node in &nodes {
        register(&etcd, node);
    }
    let run = on(&etcd, &["status", "--verify"]);
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    assert!(
        run.out.contains("verified: 3 answered, and name one cluster"),
        "{}",
        run.out
    );

    nodes[2].is(Mood::Hang);
    let run = on(&etcd, &["status", "--verify"]);
    assert_eq!(run.code, Some(0));
    assert!(
        run.out
            .contains("warning: 127.0.15.3 did not answer: no answer within 3s"),
        "{}",
        run.out
    );

    let report = quorate::probe::Prober::new("127.0.15.1", nodes[0].address().port(), LONG)
        .probe()
        .await;
    let report = report.result.expect("an answer");
    let uuid = report.uuid.known().expect("a UUID").to_string();
    nodes[1].replace(&uuid, "anotherUuid");
    let run = on(&etcd, &["status", "--verify"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.out.contains("PROBLEM: split brain, 2 cluster UUIDs: "),
        "{}",
        run.out
    );
    let run = on(&etcd, &["status", "--verify", "--output", "json"]);
    let json: Value = serde_json::from_str(&run.out).expect("json");
    assert_eq!(
        (run.code, json["verified"]["cluster_uuids"].as_array().map(Vec::len)),
        (Some(1), Some(2))
    );
}

#[tokio::test]
async fn adopting_needs_one_answer_of_all_nodes_and_leaves_other_records_alone() {
    let etcd = Etcd::start(Version::V35).await;
    let show = || on(&etcd, &["cluster", "show", "--output", "json"]).out;
    assert_eq!(
        on(&etcd, &["cluster", "show"]).out,
        "none: no cluster was formed under this service yet\n"
    );
    assert_eq!(on(&etcd, &["cluster", "adopt", "--yes"]).code, Some(2), "nobody to ask");

    let nodes = ["127.0.15.11:0", "127.0.15.12:0"].map(|address| StandIn::start("elasticsearch-6.8.23", address));
    let from = nodes.each_ref().map(|node| node.address().to_string()).join(",");
    let adopt = |more: &[&str]| on(&etcd, &[&["cluster", "adopt", "--from", &from], more].concat());
    let run = adopt(&[]);
    assert_eq!(run.code, Some(3), "{}", run.err);
    assert!(run.err.contains("the record is not written unasked"), "{}", run.err);
    nodes[1].is(Mood::Line("lost"));
    let run = adopt(&["--yes"]);
    assert_eq!(run.code, Some(3));
    assert!(
        run.err.contains("has not joined a cluster, or has lost its master"),
        "{}",
        run.err
    );
    nodes[1].is(Mood::Close);
    assert!(adopt(&["--yes"]).err.contains("did not answer"));
    assert!(show().contains("\"record\": null"), "nothing is written so far");

    nodes[1].is(Mood::Line("joined"));
    let before = etcd.etcdctl(&["get", "--prefix", "/", "--keys-only"]);
    let run = adopt(&["--yes"]);
    assert_eq!((run.code, before.trim()), (Some(0), ""), "{}", run.err);
    assert!(run.out.starts_with("recorded: cluster `"), "{}", run.out);
    assert_eq!(
        etcd.etcdctl(&["get", "--prefix", "/", "--keys-only"]).trim(),
        "/quorate/elasticsearch/cluster"
    );
    let record: Value = serde_json::from_str(&show()).expect("json");
    assert_eq!(record["record"]["state"], "formed");

    let run = adopt(&["--yes"]);
    assert_eq!(run.code, Some(0));
    assert!(run.out.starts_with("already recorded: cluster `"), "{}", run.out);
    let uuid = record["record"]["cluster_uuid"].as_str().expect("a UUID").to_owned();
    for node in &nodes {
        node.replace(&uuid, "anotherUuid");
    }
    let run = adopt(&["--yes"]);
    assert_eq!(run.code, Some(3));
    assert!(
        run.err.contains("the record is of another cluster") && run.err.contains(&uuid),
        "{}",
        run.err
    );
    assert_eq!(serde_json::from_str::<Value>(&show()).expect("json"), record);
}

#[tokio::test]
async fn a_cluster_that_was_started_by_hand_is_adopted() {
    let etcd = Etcd::start(Version::V35).await;
    let node = Node::start(Spec::alone(Line::Es6, "by-hand", "127.0.15.21"));
    let report = node.joined().await;
    let run = on(&etcd, &["cluster", "adopt", "--from", "127.0.15.21:9200", "--yes"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let uuid = report.uuid.known().expect("a UUID").to_string();
    assert_eq!(run.out, format!("recorded: cluster `test`, UUID {uuid}\n"));
    put(&etcd, "/services/elasticsearch/127.0.15.21", BY_HAND);
    let run = on(&etcd, &["status", "--verify"]);
    assert_eq!(run.code, Some(0), "{}", run.out);
    assert!(run.out.contains("is the master"), "{}", run.out);
}

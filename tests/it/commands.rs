//! seeds, status, wait, cluster: the program against a real etcd, with stand-ins where nodes have to disagree.

use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    node::{Line, Node, Spec},
    program::{Run, Running, quorate, quorate_with},
    sidecar::Sidecar,
    standin::{Mood, StandIn},
    turn::turn,
};

const BY_HAND: &str = r#"{"http_port":9200,"transport_port":9300}"#;
const SEED: &str = r#"{"format":1,"transport_port":9300,"name":"n2","master_eligible":true,"incarnation":"i","disk":"d","data":"empty"}"#;

fn on(etcd: &Etcd, args: &[&str]) -> Run {
    quorate(&with_endpoint(etcd, args).iter().map(String::as_str).collect::<Vec<_>>())
}

fn start(etcd: &Etcd, args: &[&str]) -> Running {
    Running::start(&with_endpoint(etcd, args).iter().map(String::as_str).collect::<Vec<_>>())
}

fn with_endpoint(etcd: &Etcd, args: &[&str]) -> Vec<String> {
    let endpoint = ["--endpoints".to_owned(), etcd.endpoint()];
    args.iter().map(|arg| (*arg).to_owned()).chain(endpoint).collect()
}

fn put(etcd: &Etcd, key: &str, value: &str) {
    etcd.etcdctl(&["put", key, value]);
}

fn delete(etcd: &Etcd, key: &str) {
    etcd.etcdctl(&["del", key]);
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
        masters 1 of 2 ready, 2 needed: too few for a master

        NODE      NAME  STATE            VERSION  ROLES  HTTP           CLUSTER UUID  SINCE
        10.0.0.2  n2    seed             -        m      -              -             -
        10.0.0.9  -     ready (by hand)  -        -      10.0.0.9:9200  -             -

        warning: the key /services/elasticsearch/10.0.0.3 is left out: not a readable member: expected value at line 1 column 1
        warning: 1 of 2 master-eligible nodes are ready and 2 are needed for a master: see to 10.0.0.2
        ");
    });
    let json: Value = serde_json::from_str(&on(&etcd, &["status", "--output", "json"]).out).expect("json");
    assert_eq!(json["nodes"][1]["by_hand"], true);
    let other = on(&etcd, &["seeds", "--service", "elasticsearch2"]);
    assert_eq!(other.out, "10.0.0.4:9300\n");
}

#[tokio::test]
async fn seeds_are_printed_again_at_each_change_and_only_then() {
    let etcd = Etcd::start(Version::V34).await;
    let mut watch = start(&etcd, &["seeds", "--watch", "--format", "csv"]);
    assert_eq!(watch.line().await, "");
    put(&etcd, "/services/elasticsearch/10.0.0.9", BY_HAND);
    assert_eq!(watch.line().await, "10.0.0.9:9300");
    put(&etcd, "/services/elasticsearch/10.0.0.9", BY_HAND);
    put(&etcd, "/quorate/elasticsearch/seeds/10.0.0.2", SEED);
    assert_eq!(watch.line().await, "10.0.0.2:9300,10.0.0.9:9300");
    delete(&etcd, "/services/elasticsearch/10.0.0.9");
    assert_eq!(watch.line().await, "10.0.0.2:9300");
}

#[tokio::test]
async fn a_seed_file_is_kept_true_and_never_emptied() {
    let mut etcd = Etcd::start(Version::V35).await;
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("hosts.txt");
    std::fs::write(&file, "127.0.55.1:9300\n").expect("a file from before");
    let path = file.display().to_string();
    let mut keeper = start(&etcd, &["seeds", "--output", &path]);

    put(&etcd, "/services/elasticsearch/127.0.55.9", BY_HAND);
    holds(&file, "127.0.55.9:9300\n").await;
    put(&etcd, "/quorate/elasticsearch/seeds/127.0.55.2", SEED);
    holds(&file, "127.0.55.2:9300\n127.0.55.9:9300\n").await;
    let written = std::fs::metadata(&file)
        .and_then(|meta| meta.modified())
        .expect("a time");

    etcd.kill();
    assert!(keeper.complaint().await.contains("the file stays as it is"));
    etcd.restart_empty().await;
    // A change that must be written shows that the emptied registry was seen before it.
    put(&etcd, "/services/elasticsearch/127.0.55.3", BY_HAND);
    holds(&file, "127.0.55.2:9300\n127.0.55.3:9300\n127.0.55.9:9300\n").await;
    assert!(
        std::fs::metadata(&file)
            .and_then(|meta| meta.modified())
            .expect("a time")
            > written
    );
    keeper.signal(Signal::TERM);
    keeper.code().await;
    assert_eq!(
        std::fs::read_dir(dir.path()).expect("list").count(),
        1,
        "nothing is left beside it"
    );

    let run = on(&etcd, &["seeds", "--output", "/proc/nowhere/hosts.txt"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("cannot keep /proc/nowhere/hosts.txt"), "{}", run.err);
}

async fn holds(file: &Path, text: &str) {
    eventually(&format!("{} holds {text:?}", file.display()), LONG, || async {
        (std::fs::read_to_string(file).ok()? == text).then_some(())
    })
    .await;
}

#[tokio::test]
async fn status_goes_on_at_every_change() {
    let etcd = Etcd::start(Version::V35).await;
    let mut watch = start(&etcd, &["status", "--watch", "--output", "json"]);
    let ids = |line: &str| -> Vec<String> {
        let json: Value = serde_json::from_str(line).expect("one JSON value a line");
        let nodes = json["nodes"].as_array().expect("nodes").iter();
        nodes.map(|node| node["id"].as_str().expect("id").to_owned()).collect()
    };
    assert!(ids(&watch.line().await).is_empty());
    put(&etcd, "/services/elasticsearch/10.0.0.9", BY_HAND);
    assert_eq!(ids(&watch.line().await), ["10.0.0.9"]);
    delete(&etcd, "/services/elasticsearch/10.0.0.9");
    assert!(ids(&watch.line().await).is_empty());
}

#[tokio::test]
async fn without_a_quorum_the_status_is_shown_as_stale() {
    let [one, mut two, mut three] = Etcd::start_three(Version::V35).await;
    put(&one, "/services/elasticsearch/10.0.0.9", BY_HAND);
    eventually("the first member knows", LONG, || async {
        on(&one, &["seeds"]).out.contains("10.0.0.9").then_some(())
    })
    .await;
    two.kill();
    three.kill();
    let run = eventually("no quorum is left", LONG, || async {
        let run = on(&one, &["status"]);
        run.out.contains("stale").then_some(run)
    })
    .await;
    assert_eq!(run.code, Some(0));
    assert!(
        run.out.contains("warning: etcd has no quorum") && run.out.contains("10.0.0.9"),
        "{}",
        run.out
    );
    let json: Value = serde_json::from_str(&on(&one, &["status", "--output", "json"]).out).expect("json");
    assert_eq!(json["registry"], "stale");
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
            .contains("warning: 127.0.15.3 did not answer: it takes connections and says nothing within 3s"),
        "{}",
        run.out
    );

    let report = quorate::probe::Prober::new(
        "127.0.15.1",
        nodes[0].address().port(),
        LONG,
        quorate::probe::Access::default(),
    )
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
async fn wait_ends_when_the_goal_is_reached_and_names_what_is_missing_when_not() {
    let etcd = Etcd::start(Version::V35).await;
    put(&etcd, "/quorate/elasticsearch/seeds/10.0.0.2", SEED);
    let run = on(&etcd, &["wait", "--for", "members=2", "--timeout", "1s"]);
    assert_eq!((run.code, run.out.as_str()), (Some(4), ""));
    assert_eq!(
        run.err,
        "error: timed out: 0 of 2 members, not ready: 10.0.0.2\n hint: see `quorate status`\n"
    );
    let run = on(
        &etcd,
        &["wait", "--for", "ready", "--address", "10.0.0.2", "--timeout", "1s"],
    );
    assert_eq!(run.code, Some(4));
    assert!(
        run.err.contains("10.0.0.2 has a seed key and no member key"),
        "{}",
        run.err
    );

    let mut members = start(&etcd, &["wait", "--for", "members=2"]);
    let mut ready = start(
        &etcd,
        &["wait", "--for", "ready", "--address", "10.0.0.2", "--timeout", "5m"],
    );
    put(&etcd, "/services/elasticsearch/10.0.0.2", BY_HAND);
    assert_eq!(ready.code().await, Some(0));
    put(&etcd, "/services/elasticsearch/10.0.0.3", BY_HAND);
    assert_eq!(members.code().await, Some(0));
}

#[tokio::test]
async fn wait_outlasts_an_outage_of_etcd_and_says_so() {
    let mut etcd = Etcd::start(Version::V35).await;
    etcd.kill();
    let run = on(&etcd, &["wait", "--for", "members=1", "--timeout", "1s"]);
    assert_eq!(run.code, Some(4));
    assert!(run.err.contains("timed out: etcd "), "{}", run.err);

    let mut wait = start(&etcd, &["wait", "--for", "members=1", "--timeout", "5m"]);
    assert!(wait.complaint().await.starts_with("waiting: etcd is away: "));
    etcd.restart().await;
    put(&etcd, "/services/elasticsearch/10.0.0.3", BY_HAND);
    assert_eq!(wait.code().await, Some(0));
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
async fn a_cluster_that_was_started_by_hand_is_adopted_and_gets_its_keys() {
    let _turn = turn(1).await;
    let etcd = Etcd::start(Version::V35).await;
    let node = Node::start(Spec::alone(Line::Es6, "by-hand"));
    let report = node.joined().await;
    let from = format!("{}:9200", node.address());
    let run = on(&etcd, &["cluster", "adopt", "--from", &from, "--yes"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let uuid = report.uuid.known().expect("a UUID").to_string();
    assert_eq!(run.out, format!("recorded: cluster `test`, UUID {uuid}\n"));

    let _sidecar = Sidecar::start(&etcd.endpoint(), node.address(), &[]);
    let me = node.address().to_string();
    let ready = ["wait", "--for", "ready", "--address", &me, "--timeout", "1m"];
    let run = on(&etcd, &ready);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let run = on(&etcd, &["status", "--verify", "--output", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.out);
    let json: Value = serde_json::from_str(&run.out).expect("json");
    let node = &json["nodes"][0];
    assert_eq!(
        (&node["state"], &node["by_hand"]),
        (&"ready".into(), &false.into()),
        "{json}"
    );
    assert_eq!(
        (&node["cluster_uuid"], &node["answer"]["is_master"]),
        (&uuid.into(), &true.into()),
        "{json}"
    );
    let run = on(&etcd, &["cluster", "adopt", "--yes"]);
    assert!(
        run.code == Some(0) && run.out.starts_with("already recorded"),
        "{}",
        run.err
    );
}

#[tokio::test]
async fn a_wait_that_cannot_end_well_ends_at_once() {
    let etcd = Etcd::start(Version::V35).await;
    etcd.etcdctl(&["user", "add", "root:secret"]);
    etcd.etcdctl(&["user", "grant-role", "root", "root"]);
    etcd.etcdctl(&["auth", "enable"]);
    for command in [&["wait", "--for", "members=1"][..], &["status"], &["seeds"]] {
        let run = on(&etcd, command);
        assert_eq!(run.code, Some(78), "{command:?}: {}", run.err);
        assert!(
            run.err.contains("refuses: ") && run.err.contains("hint: a user is `--etcd-user`"),
            "{}",
            run.err
        );
    }
    let environment = [("ETCDCTL_USER", "root:secret")];
    let run = quorate_with(&["seeds", "--endpoints", &etcd.endpoint()], &environment);
    assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "{}", run.err);
}

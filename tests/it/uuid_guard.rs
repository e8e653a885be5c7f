//! One service, one cluster UUID: what sidecar, launcher and `status --verify` say of a node that is in another cluster. Stand-ins,
//! which a test can put into any cluster.

use quorate::{
    launcher::seeds::told::SeedsTold,
    model::{ClusterRecord, ClusterUuid},
};
use serde_json::Value;

use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    launcher::{Host, hollow_home},
    node::Line,
    program::{Run, quorate},
    sidecar::Sidecar,
    standin::{Mood, StandIn},
};

const LINE: &str = "elasticsearch-6.8.23";
/// What the recorded answers of that line say.
const UUID: &str = "We0GcLFGRGiBMpMdJwYw2w";
const MASTER: &str = "9QYQhXsYRq6Cv25VgVIyhQ";

fn record(etcd: &Etcd, uuid: Option<&str>) {
    let uuid: Option<ClusterUuid> = uuid.map(|uuid| uuid.parse().expect("a UUID"));
    let record = ClusterRecord::formed("ours".parse().expect("a claim"), "shapes".to_owned(), uuid);
    let value = String::from_utf8(record.to_value()).expect("text");
    etcd.etcdctl(&["put", "/quorate/elasticsearch/cluster", &value]);
}

#[tokio::test]
async fn a_node_of_another_cluster_is_never_ready_and_a_metric_says_so() {
    let etcd = Etcd::start(Version::V35).await;
    let node = StandIn::at_home(LINE);
    let sidecar = Sidecar::start(&etcd.endpoint(), node.home(), &[]);
    sidecar.registered().await;
    let page = || sidecar.ask("GET", "/metrics").expect("an answer").1;
    let reported = format!(r#"quorate_cluster_uuid_info{{source="node",uuid="{UUID}"}} 1.0"#);
    assert!(page().contains(&reported), "{}", page());
    let matches = |page: &str| {
        page.lines()
            .find_map(|line| line.strip_prefix("quorate_cluster_uuid_match "))
            .map(str::to_owned)
    };
    assert_eq!(matches(&page()), None, "nothing is recorded");

    for (recorded, verdict, expected) in [(UUID, "ready", "1.0"), ("anotherUuid", "impostor", "0.0")] {
        record(&etcd, Some(recorded));
        eventually("the metric compares", LONG, || async {
            (matches(&page())? == expected).then_some(())
        })
        .await;
        sidecar.verdict(verdict).await;
        let info = format!(r#"quorate_cluster_uuid_info{{source="record",uuid="{recorded}"}} 1.0"#);
        assert!(page().contains(&info), "{}", page());
    }
    assert_eq!(sidecar.ask("GET", "/readyz").map(|(code, _)| code), Some(503));
    node.die();
    eventually("a node that does not answer reports nothing", LONG, || async {
        matches(&page()).is_none().then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_launcher_says_that_its_node_is_in_another_cluster_than_the_recorded_one() {
    let etcd = Etcd::start(Version::V35).await;
    let address = "127.0.55.21";
    let mut host = Host::new(Line::Es6, address, &etcd, &["--expected-masters", "1", "--grace", "1s"]);
    host.use_home(&hollow_home(
        &host.path(""),
        "elasticsearch-6.8.23.jar",
        "exec sleep 1000",
    ));
    let node = |name: &str| format!(r#""name":"{name}""#);
    host.start();
    host.process().await;
    let stand_in = StandIn::start(LINE, &format!("{address}:9200"));
    stand_in.replace(&node("n1"), &node(&format!("node-{address}")));
    eventually("its UUID is recorded", LONG, || async {
        let shown = etcd.etcdctl(&["get", "--print-value-only", "/quorate/elasticsearch/cluster"]);
        shown.contains(UUID).then_some(())
    })
    .await;
    record(&etcd, Some("anotherUuid"));
    let expected = format!("the node has cluster UUID {UUID}, the record says anotherUuid");
    eventually("the launcher says so", LONG, || async {
        host.log().contains(&expected).then_some(())
    })
    .await;
    eventually("and does not believe what the node says of others", LONG, || async {
        let told = SeedsTold::all(&host.path("run"), &"elasticsearch".parse().expect("a name")).pop()?;
        (told.nodes.why.as_ref() == Some(&expected)).then_some(())
    })
    .await;
}

fn verify(etcd: &Etcd, nodes: &[StandIn]) -> (Run, Value) {
    for node in nodes {
        let (host, port) = (node.address().ip(), node.address().port());
        let value = format!(r#"{{"http_port":{port},"transport_port":9300}}"#);
        etcd.etcdctl(&["put", &format!("/services/elasticsearch/{host}"), &value]);
    }
    let endpoint = etcd.endpoint();
    let words = ["status", "--verify", "--endpoints", &endpoint];
    let json = quorate(&[&words[..], &["--output", "json"]].concat());
    let run = quorate(&words);
    assert_eq!(run.code, json.code);
    (run, serde_json::from_str(&json.out).expect("json"))
}

#[tokio::test]
async fn verify_tells_two_masters_and_strangers_from_nodes_that_are_silent_or_masterless() {
    let etcd = Etcd::start(Version::V35).await;
    record(&etcd, Some(UUID));
    let nodes = ["127.0.55.31:0", "127.0.55.32:0", "127.0.55.33:0"].map(|address| StandIn::start(LINE, address));
    let (run, json) = verify(&etcd, &nodes);
    assert_eq!(
        (run.code, &json["verified"]["problems"]),
        (Some(0), &Value::Array(Vec::new())),
        "{}",
        run.out
    );

    // One is silent and one has lost its master: worth a word, and no split brain.
    nodes[1].die();
    nodes[2].is(Mood::Line("lost"));
    let (run, json) = verify(&etcd, &nodes);
    assert_eq!(run.code, Some(0), "{}", run.out);
    assert_eq!(json["verified"]["answered"], 2);
    for note in [
        "127.0.55.32 did not answer: the connection is refused",
        "127.0.55.33 names no master",
    ] {
        assert!(run.out.contains(&format!("warning: {note}")), "{}", run.out);
    }

    nodes[2].is(Mood::Line("joined"));
    nodes[2].replace(MASTER, "anotherMaster");
    let (run, json) = verify(&etcd, &nodes);
    assert_eq!(run.code, Some(1), "{}", run.out);
    assert_eq!(json["verified"]["masters"].as_array().map(Vec::len), Some(2));
    assert!(run.out.contains("PROBLEM: split brain, 2 masters: "), "{}", run.out);

    // All agree, and on another cluster than the recorded one.
    nodes[2].replace("anotherMaster", MASTER);
    record(&etcd, Some("recordedUuid"));
    let (run, _) = verify(&etcd, &nodes);
    assert_eq!(run.code, Some(1), "{}", run.out);
    let problem = format!("PROBLEM: 127.0.55.31 is in cluster UUID {UUID}, the record says recordedUuid");
    assert!(run.out.contains(&problem), "{}", run.out);

    for node in &nodes {
        node.die();
    }
    let (run, _) = verify(&etcd, &nodes);
    assert_eq!(run.code, Some(1));
    assert!(
        run.out.contains("no node answered, so nothing is verified"),
        "{}",
        run.out
    );
}

#[tokio::test]
async fn a_cluster_of_any_line_is_adopted_and_one_without_a_uuid_by_its_name() {
    let etcd = Etcd::start(Version::V35).await;
    let lines = [
        "elasticsearch-1.7.6",
        "elasticsearch-2.4.6",
        "elasticsearch-5.6.16",
        LINE,
        "elasticsearch-7.17.29",
        "elasticsearch-8.7.1",
        "elasticsearch-8.19.21",
        "elasticsearch-9.5.3",
        "opensearch-1.3.20",
        "opensearch-2.19.6",
        "opensearch-3.6.0",
    ];
    for (index, line) in lines.into_iter().enumerate() {
        let node = StandIn::start(line, "127.0.55.41:0");
        let (service, from) = (format!("s{index}"), node.address().to_string());
        let endpoint = etcd.endpoint();
        let at = ["--service", &service, "--endpoints", &endpoint];
        let adopt = |state| {
            node.is(Mood::Line(state));
            quorate(&[&["cluster", "adopt", "--from", &from, "--yes"], &at[..]].concat())
        };
        for state in ["never", "lost"] {
            let run = adopt(state);
            assert_eq!(run.code, Some(3), "{line} {state}: {}{}", run.out, run.err);
        }
        let run = adopt("joined");
        assert_eq!(run.code, Some(0), "{line}: {}", run.err);
        assert!(run.out.starts_with("recorded: cluster `shapes`"), "{line}: {}", run.out);
        assert_eq!(run.out.contains("UUID"), index > 0, "{line}: {}", run.out);
        assert!(adopt("joined").out.starts_with("already recorded"), "{line}");
        let shown = quorate(&[&["cluster", "show"], &at[..]].concat());
        assert_eq!(shown.code, Some(0), "{line}");
        for part in ["state", "formed", "shapes"] {
            assert!(shown.out.contains(part), "{line}: {}", shown.out);
        }
    }
}

#[tokio::test]
async fn the_record_is_shown_in_every_state() {
    let etcd = Etcd::start(Version::V35).await;
    let endpoint = etcd.endpoint();
    let show = |more: &[&str]| quorate(&[&["cluster", "show", "--endpoints", &endpoint], more].concat());
    let named =
        r#""claimant":"10.0.0.1","disk":"d","masters":[{"id":"10.0.0.1","name":"n1","disk":"d"}],"cluster":"logs""#;
    for (state, more, expected) in [
        ("claimed", named, "the claim goes with its lease"),
        ("armed", named, "no node has reported its UUID yet"),
        (
            "formed",
            r#""cluster":"logs","cluster_uuid":"u1""#,
            "only nodes of this UUID are ready",
        ),
        (
            "formed",
            r#""cluster":"logs""#,
            "its line reports no UUID, so its name counts",
        ),
    ] {
        let value = format!(r#"{{"format":1,"state":"{state}","claim":"c1",{more}}}"#);
        etcd.etcdctl(&["put", "/quorate/elasticsearch/cluster", &value]);
        let run = show(&[]);
        assert_eq!(run.code, Some(0), "{value}: {}", run.err);
        for part in [state, expected, "c1", "logs"] {
            assert!(run.out.contains(part), "{value}: {part} in {}", run.out);
        }
        assert_eq!(run.out.contains("n1 (10.0.0.1)"), more == named, "{}", run.out);
    }
    etcd.etcdctl(&[
        "put",
        "/quorate/elasticsearch/void/c0",
        r#"{"format":1,"at":"2026-01-01T00:00:00Z","by":"me@here"}"#,
    ]);
    assert!(
        show(&[]).out.contains("claims that were reset: c0"),
        "{}",
        show(&[]).out
    );
    let json: Value = serde_json::from_str(&show(&["--output", "json"]).out).expect("json");
    assert_eq!(json["reset_claims"], serde_json::json!(["c0"]));
    etcd.etcdctl(&["put", "/quorate/elasticsearch/cluster", "garbage"]);
    let run = show(&[]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.err
            .contains("the record at /quorate/elasticsearch/cluster cannot be read"),
        "{}",
        run.err
    );
}

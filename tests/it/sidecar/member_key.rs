//! The member key: there exactly while the node is ready, whatever happens to node, sidecar and etcd.

use std::{io::Read, net::TcpStream, time::Duration};

use quorate::{
    probe::Report,
    registry::{Op, Txn},
};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{FAST, SLACK};
use crate::support::{
    etcd::{Etcd, Version},
    key_seen::KeySeen,
    node::{Line, Node, Spec},
    sidecar::Sidecar,
    standin::StandIn,
};

#[tokio::test]
async fn a_member_is_there_when_its_node_has_joined_and_only_then() {
    let etcd = Etcd::start(Version::V34).await;
    let spec = |name| Spec {
        masters: vec!["sidecar-1", "sidecar-2"],
        ..Spec::alone(Line::Es6, name)
    };
    let mut first = Node::start(spec("sidecar-1"));
    let mut key = KeySeen::of(&etcd, first.address());
    let sidecar = Sidecar::start(
        &etcd.endpoint(),
        first.address(),
        &["--ttl", "9s", "--name", "sidecar-1"],
    );
    sidecar
        .until("the node answers", |status| status["node"]["joined"] == false)
        .await;
    assert_eq!(sidecar.verdict("starting").await["record"]["state"], "absent");
    key.settle(Duration::from_secs(1)).await;
    assert!(key.value.is_none(), "a node without a master has no key");

    let second = Node::start(Spec {
        seeds: vec![format!("{}:9300", first.address())],
        ..spec("sidecar-2")
    });
    let joined = first.joined().await;
    let begun = Instant::now();
    let visible = key.there().await;
    println!(
        "first joined answer seen by the test -> key visible: {:?}",
        visible.saturating_duration_since(begun)
    );
    says_what_is_promised(key.value.as_ref().expect("a value"), &joined);
    let printed = etcd.etcdctl(&["get", "--prefix", "/services/elasticsearch/", "--print-value-only"]);
    assert!(
        printed.starts_with(r#"{"http_port":9200,"transport_port":9300,"#),
        "{printed}"
    );

    second.kill();
    let lost = Instant::now();
    let gone = key.gone().await - lost;
    println!("master killed -> key of the other node gone: {gone:?}");
    assert!(gone < Duration::from_secs(9) + SLACK, "{gone:?}");
    assert!(
        sidecar.verdict("unready").await["why"]
            .as_str()
            .is_some_and(|why| why.contains("no master"))
    );
    assert!(first.lives());
}

fn says_what_is_promised(value: &Value, report: &Report) {
    for (field, expected) in [
        ("http_port", json!(9200)),
        ("transport_port", json!(9300)),
        ("name", json!("sidecar-1")),
        ("cluster", json!("test")),
        ("cluster_uuid", json!(report.uuid.known())),
        ("product", json!("elasticsearch")),
        ("version", json!("6.8.23")),
        ("roles", json!(["master", "data", "ingest"])),
    ] {
        assert_eq!(value.get(field), Some(&expected), "{field}");
    }
    for field in ["incarnation", "boot", "since"] {
        assert!(value.get(field).is_some_and(Value::is_string), "{field} in {value}");
    }
}

#[tokio::test]
async fn a_dead_a_frozen_and_a_thawed_node_are_told_from_each_other() {
    let etcd = Etcd::start(Version::V35).await;
    let mut node = Node::start(Spec::alone(Line::Es6, "sidecar-3"));
    let mut key = KeySeen::of(&etcd, node.address());
    let sidecar = Sidecar::start(&etcd.endpoint(), node.address(), &["--ttl", "9s"]);
    key.there().await;

    node.freeze();
    let frozen = Instant::now();
    let gone = key.gone().await - frozen;
    println!("SIGSTOP -> key gone: {gone:?} (the bound is 9 s)");
    assert!(gone < Duration::from_secs(9) + SLACK, "{gone:?}");
    sidecar.verdict("unready").await;
    node.thaw();
    let thawed = Instant::now();
    println!("SIGCONT -> key back: {:?}", key.there().await - thawed);

    for round in 1..=2 {
        let witness = TcpStream::connect((node.address().ip(), 9200)).expect("a connection");
        let closed = std::thread::spawn(move || {
            let _ = (&witness).read(&mut [0]);
            Instant::now()
        });
        node.kill();
        let killed = Instant::now();
        let gone = key.gone().await;
        let closed = closed.join().expect("an end");
        println!(
            "round {round}: SIGKILL -> socket closed {:?}, socket closed -> key gone {:?}",
            closed - killed,
            gone.saturating_duration_since(closed)
        );
        assert!(gone.saturating_duration_since(closed) < SLACK, "{:?}", gone - closed);
        assert_eq!(sidecar.verdict("down").await["probe"]["outcome"], "refused");
        node.start_again();
        key.there().await;
    }
    println!("a bare delete: {:?}", bare_delete(&etcd).await);
}

async fn bare_delete(etcd: &Etcd) -> Duration {
    let registry = etcd.registry();
    let put = Op::Put {
        key: "/x".to_owned(),
        value: Vec::new(),
        lease: None,
    };
    let delete = Op::Delete { key: "/x".to_owned() };
    let txn = |op| Txn {
        when: Vec::new(),
        then: vec![op],
    };
    registry.commit(&txn(put)).await.expect("put");
    let begun = Instant::now();
    registry.commit(&txn(delete)).await.expect("deleted");
    begun.elapsed()
}

#[tokio::test]
async fn an_etcd_that_is_away_longer_than_the_ttl_costs_nothing() {
    let mut etcd = Etcd::start(Version::V35).await;
    let mut node = Node::start(Spec::alone(Line::Es6, "sidecar-4"));
    let sidecar = Sidecar::start(&etcd.endpoint(), node.address(), &["--ttl", "9s"]);
    KeySeen::of(&etcd, node.address()).there().await;
    let (before, pid) = (node.joined().await, node.pid());
    for empty in [false, true] {
        etcd.kill();
        sidecar
            .until("it says for how long etcd has been away", |status| {
                status["registry"]["away"]["for_seconds"]
                    .as_f64()
                    .is_some_and(|away| away > 10.0)
            })
            .await;
        assert_eq!(sidecar.ask("GET", "/readyz").expect("an answer").0, 200);
        if empty {
            etcd.restart_empty().await;
        } else {
            etcd.restart().await;
        }
        KeySeen::of(&etcd, node.address()).there().await;
        sidecar
            .until("etcd is back", |status| status["registry"]["away"].is_null())
            .await;
    }
    assert_eq!(node.joined().await, before);
    assert!(node.lives() && node.pid() == pid);
}

#[tokio::test]
async fn a_sidecar_that_is_started_again_leaves_no_gap_and_one_that_is_not_its_ttl() {
    let etcd = Etcd::start(Version::V35).await;
    let node = StandIn::at_home("opensearch-2.19.6");
    let mut key = KeySeen::of(&etcd, node.home());
    let mut sidecar = Sidecar::start(&etcd.endpoint(), node.home(), &["--ttl", "9s"]);
    key.there().await;
    let first = key.value.clone().expect("a value");
    for _ in 0..3 {
        let last = key.value.clone().expect("a value")["incarnation"].clone();
        sidecar.kill();
        sidecar.start_again();
        key.until("taken over", |value| {
            value.is_some_and(|value| value["incarnation"] != last)
        })
        .await;
        sidecar.verdict("ready").await;
    }
    key.settle(Duration::from_secs(10)).await;
    assert!(!key.history.contains(&"deleted"), "{:?}", key.history);
    assert_eq!(
        key.value.as_ref().expect("there")["since"],
        first["since"],
        "the node was ready all the time"
    );
    sidecar.kill();
    let killed = Instant::now();
    let gone = key.gone().await - killed;
    println!("sidecar killed for good -> key gone: {gone:?} (TTL 9 s)");
    assert!(gone < Duration::from_secs(9) + SLACK, "{gone:?}");
}

#[tokio::test]
async fn leaving_deletes_the_key_at_once() {
    let etcd = Etcd::start(Version::V34).await;
    let node = StandIn::at_home("elasticsearch-7.17.29");
    let mut key = KeySeen::of(&etcd, node.home());
    let mut sidecar = Sidecar::start(&etcd.endpoint(), node.home(), &FAST);
    key.there().await;
    sidecar.signal(Signal::TERM);
    assert_eq!(sidecar.ends().await.code(), Some(0));
    key.gone().await;
    assert!(etcd.etcdctl(&["lease", "list"]).contains("found 0 leases"));
}

#[tokio::test]
async fn a_node_that_is_not_the_expected_one_gets_no_key() {
    let etcd = Etcd::start(Version::V35).await;
    let record = |uuid: &str| {
        let record = json!({"format": 1, "state": "formed", "claim": "c", "masters": [], "cluster": "shapes", "cluster_uuid": uuid});
        etcd.etcdctl(&["put", "/quorate/elasticsearch/cluster", &record.to_string()]);
    };
    record("somebody-elses");
    let node = StandIn::at_home("elasticsearch-8.19.21");
    let mut key = KeySeen::of(&etcd, node.home());
    let more = ["--name", "n1", "--interval", "600ms", "--timeout", "500ms"];
    let sidecar = Sidecar::start(&etcd.endpoint(), node.home(), &more);
    let status = sidecar.verdict("impostor").await;
    assert!(
        status["why"].as_str().is_some_and(|why| why.contains("somebody-elses")),
        "{status}"
    );
    key.settle(Duration::from_secs(1)).await;
    assert!(key.history.is_empty() && key.value.is_none());

    let uuid = status["node"]["cluster_uuid"].as_str().expect("a UUID").to_owned();
    record(&uuid);
    key.there().await;
    sidecar.verdict("ready").await;
    record("somebody-elses");
    key.gone().await;
    record(&uuid);
    key.there().await;

    // Another node takes the port.
    node.replace("\"n1\"", "\"n2\"");
    node.close_connections();
    key.gone().await;
    assert!(
        sidecar.verdict("impostor").await["why"]
            .as_str()
            .is_some_and(|why| why.contains("`n2`"))
    );
}

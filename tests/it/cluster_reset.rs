//! `cluster reset`: the program against a real etcd. Nothing may be taken back while anything of the cluster lives.

use quorate::{
    launcher::protocol,
    model::Tombstone,
    registry::{Keys, Registry, RegistrySettings},
    view::ClusterView,
};
use serde_json::Value;

use crate::support::{
    etcd::{Etcd, Version},
    program::{Run, quorate},
    standin::StandIn,
};

const RECORD: &str = "/quorate/elasticsearch/cluster";
const SEED: &str = r#"{"format":1,"transport_port":9300,"name":"n1","master_eligible":true,"incarnation":"i","disk":"d","data":"empty"}"#;

/// An armed claim of a node whose HTTP address would be `host:9200`.
fn armed(host: &str) -> String {
    format!(
        r#"{{"format":1,"state":"armed","claim":"c1","claimant":"{host}","disk":"d1",
            "masters":[{{"id":"{host}","name":"n1","disk":"d1"}}],"cluster":"logs"}}"#
    )
}

fn reset(etcd: &Etcd, args: &[&str]) -> Run {
    let endpoint = etcd.endpoint();
    quorate(&[&["cluster", "reset", "--endpoints", &endpoint], args].concat())
}

fn keys(etcd: &Etcd) -> Vec<String> {
    let all = etcd.etcdctl(&["get", "--prefix", "/", "--keys-only"]);
    all.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_claim_is_taken_back_only_when_no_key_and_no_node_lives() {
    let etcd = Etcd::start(Version::V35).await;
    let run = reset(&etcd, &["--yes"]);
    assert_eq!(
        (run.code, run.out.as_str()),
        (Some(0), "nothing to reset: there is no record and no `--claim`\n")
    );

    let host = "127.0.15.31";
    etcd.etcdctl(&["put", RECORD, &armed(host)]);
    let seed = format!("/quorate/elasticsearch/seeds/{host}");
    etcd.etcdctl(&["put", &seed, SEED]);
    let node = StandIn::start("elasticsearch-6.8.23", &format!("{host}:9200"));
    let run = reset(&etcd, &["--yes"]);
    assert_eq!(run.code, Some(3), "{}", run.err);
    for sign in ["the seed key of 127.0.15.31", "answers at 127.0.15.31:9200"] {
        assert!(run.err.contains(sign), "{sign} in {}", run.err);
    }
    etcd.etcdctl(&["del", &seed]);
    assert_eq!(reset(&etcd, &["--yes"]).code, Some(3), "the node alone is enough");
    assert_eq!(keys(&etcd), [RECORD], "nothing is written so far");

    drop(node);
    let run = reset(&etcd, &[]);
    assert_eq!(run.code, Some(3));
    assert!(run.err.contains("nothing is reset unasked"), "{}", run.err);
    assert!(
        run.err.contains("127.0.15.31:9200: nothing listens there"),
        "{}",
        run.err
    );
    assert_eq!(reset(&etcd, &["--claim", "c2", "--yes"]).code, Some(3), "another claim");

    let run = reset(&etcd, &["--reason", "rack 4", "--yes"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(
        run.out.starts_with("reset: claim c1; empty the data directories"),
        "{}",
        run.out
    );
    assert_eq!(keys(&etcd), ["/quorate/elasticsearch/void/c1"]);
    let value = etcd.etcdctl(&["get", "--print-value-only", "/quorate/elasticsearch/void/c1"]);
    let tombstone: Value = serde_json::from_str(&value).expect("json");
    assert_eq!(
        (&tombstone["reason"], &tombstone["record"]["claim"]),
        (&"rack 4".into(), &"c1".into())
    );
    assert!(
        tombstone["by"].as_str().is_some_and(|by| by.contains('@')),
        "{tombstone}"
    );

    let again = reset(&etcd, &["--claim", "c1", "--yes"]);
    assert_eq!((again.code, again.out.as_str()), (Some(0), "already reset: claim c1\n"));
}

#[tokio::test]
async fn a_claim_without_a_record_is_given_up_by_name() {
    let etcd = Etcd::start(Version::V35).await;
    let run = reset(&etcd, &["--claim", "c7", "--yes"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert_eq!(keys(&etcd), ["/quorate/elasticsearch/void/c7"]);
    let run = reset(&etcd, &["--claim", "a/b", "--yes"]);
    assert_eq!(run.code, Some(2), "{}", run.err);
}

#[tokio::test]
async fn whatever_comes_to_life_after_the_look_stops_the_reset() {
    let etcd = Etcd::start(Version::V35).await;
    let settings = RegistrySettings {
        endpoints: vec![format!("http://{}", etcd.endpoint().trim_start_matches("http://"))],
        ..RegistrySettings::default()
    };
    let registry = Registry::new(settings).expect("settings");
    let names = Keys::new("/services", "/quorate", &"elasticsearch".parse().expect("name"));
    let tombstone = Tombstone {
        format: 1,
        at: "2026-11-21T12:00:00Z".to_owned(),
        by: "me@here".to_owned(),
        reason: None,
        record: None,
    };
    for late in [
        ("/quorate/elasticsearch/seeds/10.0.0.1", SEED),
        (
            "/services/elasticsearch/10.0.0.1",
            r#"{"http_port":9200,"transport_port":9300}"#,
        ),
        (RECORD, &armed("10.0.0.1")),
    ] {
        etcd.etcdctl(&["put", RECORD, &armed("10.0.0.1")]);
        let reading = registry.read(&names.all()).await.expect("read");
        let view = ClusterView::of(&names, &reading);
        let txn = protocol::reset(&names, &view, &"c1".parse().expect("claim"), &tombstone);
        etcd.etcdctl(&["put", late.0, late.1]);
        assert_eq!(registry.commit(&txn).await.expect("answered"), None, "{}", late.0);
        etcd.etcdctl(&["del", late.0]);
    }
}

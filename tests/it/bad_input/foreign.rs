//! Values of others under the prefix: each costs a warning and that entry, and everything else still works.

use quorate::registry::{Keys, Op, Txn};

use super::page::Page;
use crate::support::{
    etcd::{Etcd, Version},
    launcher::{Host, hollow_home},
    node::Line,
    program::Run,
};

const GOOD: &str = r#"{"http_port":9200,"transport_port":9300}"#;

fn keys() -> Keys {
    Keys::new("/services", "/quorate", &"elasticsearch".parse().expect("a name"))
}

async fn put(etcd: &Etcd, key: &str, value: impl Into<Vec<u8>>) {
    let put = Op::Put {
        key: key.to_owned(),
        value: value.into(),
        lease: None,
    };
    let txn = Txn {
        when: Vec::new(),
        then: vec![put],
    };
    etcd.registry().commit(&txn).await.expect("committed");
}

/// Everything that somebody may have put beside one good member and one good seed.
async fn litter(etcd: &Etcd) {
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let megabyte = format!("\"{}\"", "x".repeat(1_000_000));
    let long_name = format!(r#"{{"http_port":9200,"transport_port":9300,"name":{megabyte}}}"#);
    let values: [(&str, Vec<u8>); 14] = [
        ("10.0.1.1", "9200".into()),
        ("10.0.1.2", "not JSON".into()),
        ("10.0.1.3", "{}".into()),
        ("10.0.1.4", r#"{"http_port":"9200","transport_port":"9300"}"#.into()),
        ("10.0.1.5", r#"{"http_port":0,"transport_port":9300}"#.into()),
        ("10.0.1.6", r#"{"http_port":70000,"transport_port":-1}"#.into()),
        ("10.0.1.7", megabyte.into()),
        ("10.0.1.8", b"\xff\xfe{}".into()),
        ("10.0.1.9", nested.into()),
        ("10.0.1.10", Vec::new()),
        (
            "10.0.1.11",
            r#"{"http_port":9200,"transport_port":9300,"http_port":1}"#.into(),
        ),
        ("not an id/at all", GOOD.into()),
        ("\x1b[2J", GOOD.into()),
        ("10.0.2.1", long_name.into()),
    ];
    for (id, value) in values {
        put(etcd, &format!("/services/elasticsearch/{id}"), value).await;
    }
    let control = r#"{"http_port":9200,"transport_port":9300,"name":"\u001b[2J\n"}"#;
    put(etcd, "/services/elasticsearch/10.0.2.2", control).await;
    put(etcd, "/services/elasticsearch/10.0.0.9", GOOD).await;
    for (id, value) in [
        ("10.0.1.1", r#"{"format":1}"#),
        ("10.0.1.2", r#"{"format":"one"}"#),
        ("nobody:x", "{}"),
    ] {
        put(etcd, &format!("/quorate/elasticsearch/seeds/{id}"), value).await;
    }
    put(etcd, "/quorate/elasticsearch/something/else", "x").await;
    // A key that is no text at all is no key of ours, and nobody hears of it.
    etcd.put_bytes(b"/services/elasticsearch/\xff\xfe", GOOD);
}

#[tokio::test]
async fn foreign_values_cost_a_warning_and_that_entry() {
    let etcd = Etcd::start(Version::V35).await;
    litter(&etcd).await;
    let endpoint = etcd.endpoint();
    let mut page = Page::default();
    page.call(etcd.endpoint(), "ETCD");
    for (title, args, code) in [
        ("the seeds", &["seeds"][..], 0),
        ("the status", &["status"], 0),
        ("enough members", &["wait", "--for", "members=3", "--timeout", "20s"], 0),
        ("too few members", &["wait", "--for", "members=4", "--timeout", "3s"], 4),
        ("a record that is not there", &["cluster", "show"], 0),
    ] {
        let run = page.run(title, &[args, &["--endpoints", &endpoint]].concat(), &[]);
        assert_eq!(run.code, Some(code), "{title}: {}", run.err);
    }
    put(&etcd, &keys().record(), r#"{"state":"formed"}"#).await;
    for (title, args) in [
        ("a record that cannot be read", &["cluster", "show"][..]),
        ("the status of it", &["status"]),
        ("adopting over it", &["cluster", "adopt", "--yes"]),
    ] {
        page.run(title, &[args, &["--endpoints", &endpoint]].concat(), &[]);
    }
    insta::with_settings!({filters => vec![(r"revision \d+", "revision N")]}, {
        insta::assert_snapshot!(page.text());
    });
}

#[tokio::test]
async fn nothing_is_founded_beside_nodes_or_a_record_that_cannot_be_read() {
    let etcd = Etcd::start(Version::V35).await;
    litter(&etcd).await;
    let host = Host::new(Line::Es6, "127.0.35.11", &etcd, &["--expected-masters", "1"]);
    let home = hollow_home(&host.path(""), "elasticsearch-6.8.23.jar", "exit 1")
        .display()
        .to_string();
    let start =
        |more: &[&str]| -> Run { host.says("launch", &[&["--home", &home, "--wait-for", "1s"], more].concat()) };
    let foretold = || -> String {
        let run = host.says("check", &["--home", &home, "--output", "json"]);
        let checks: serde_json::Value = serde_json::from_str(&run.out).expect("json");
        let record = checks
            .as_array()
            .expect("checks")
            .iter()
            .find(|check| check["name"] == "record");
        record.expect("the record")["what"]
            .as_str()
            .expect("a sentence")
            .to_owned()
    };
    let waits = "nodes that have data (10.0.0.9, 10.0.1.11, 10.0.2.1, 10.0.2.2)";
    let run = start(&[]);
    // Members that can be read may have a cluster.
    assert!(
        run.code == Some(4) && (run.err.contains("10.0.0.9, 10.0.2.1") || run.err.contains(waits)),
        "{}",
        run.err
    );
    etcd.etcdctl(&["del", "--prefix", "/services/"]);
    // Seeds that cannot be read may have one, too: nobody can tell.
    let unreadable = "nobody can tell what these nodes hold: /quorate/elasticsearch/seeds/10.0.1.1";
    assert!(foretold().contains(unreadable), "{}", foretold());
    let run = start(&[]);
    assert!(run.code == Some(4) && run.err.contains(unreadable), "{}", run.err);
    etcd.etcdctl(&["del", "--prefix", "/quorate/elasticsearch/seeds/"]);
    assert_eq!(
        foretold(),
        "no cluster is recorded: a start would form it, with 127.0.35.11"
    );
    put(&etcd, &keys().record(), "garbage").await;
    assert!(
        foretold().contains("the cluster record /quorate/elasticsearch/cluster cannot be used"),
        "{}",
        foretold()
    );
    let run = start(&[]);
    assert_eq!(run.code, Some(4), "{}", run.err);
    assert!(run.err.contains("nothing is founded while it is there"), "{}", run.err);
    let left = etcd.registry().read(&keys().all()).await.expect("read");
    let record = left.get(&keys().record()).expect("it is there");
    assert_eq!(record.value, b"garbage", "it was not touched");
}

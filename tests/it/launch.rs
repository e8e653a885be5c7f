//! `quorate launch` with real nodes and a real etcd, and everything it refuses before one is started.

use std::{process::Output, time::Duration};

use quorate::{
    model::{ClusterRecord, ClusterUuid, DiskId, Marker, RecordState},
    nodefile::Phase,
    registry::{Keys, Op, Range, Txn},
};
use rustix::process::Signal;

use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    launcher::{Host, hollow_home},
    manager::Manager,
    node::Line,
};

/// A node that is started by a launcher and forms its cluster is up after this long, on a busy machine too.
const FORMED: Duration = Duration::from_mins(3);

fn keys() -> Keys {
    Keys::new("/services", "/quorate", &"elasticsearch".parse().expect("a name"))
}

async fn record(etcd: &Etcd) -> Option<ClusterRecord> {
    let reading = etcd.registry().read(&[Range::Key(keys().record())]).await.ok()?;
    let entry = reading.get(&keys().record())?;
    Some(ClusterRecord::parse(&entry.value).expect("readable"))
}

/// Waits until a UUID is recorded.
async fn recorded(etcd: &Etcd, host: &Host) -> ClusterUuid {
    let look = eventually("the UUID is recorded", LONG + FORMED, || async {
        record(etcd).await?.cluster_uuid
    });
    let uuid = tokio::time::timeout(FORMED, look).await;
    uuid.unwrap_or_else(|_| panic!("no UUID within {FORMED:?}: {}", host.log()))
}

async fn seeds(etcd: &Etcd) -> Vec<String> {
    let reading = etcd.registry().read(&[keys().seeds()]).await.expect("etcd answers");
    reading.entries.into_iter().map(|entry| entry.key).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn refused(output: &Output, part: &str) {
    assert_eq!(output.status.code(), Some(78), "{}", said(output));
    assert!(said(output).contains(part), "{part} in {}", said(output));
}

#[tokio::test]
async fn a_node_outlives_its_launcher_and_is_adopted_by_the_next() {
    let mut etcd = Etcd::start(Version::V35).await;
    let mut host = Host::new(Line::Es6, "127.0.14.1", &etcd, &["--expected-masters", "1"]);
    host.start();
    let process = host.process().await;
    let uuid = recorded(&etcd, &host).await;

    // Whoever comes second for this id or this data is told so.
    refused(&host.run("launch", &[]), "another launcher");
    refused(&host.run("launch", &["--address", "127.0.14.2"]), "in use");

    host.kill();
    assert!(process.is_alive(), "the node lives on");
    assert!(!host.run("check", &[]).stdout.is_empty());
    host.start_with(&["--name", "another"]);
    let adopted = "another launcher's node is adopted";
    eventually(adopted, LONG, || async {
        host.log().contains("adopted=true").then_some(())
    })
    .await;
    assert_eq!(host.process().await, process, "{adopted}");
    assert_eq!(
        host.file().map(|file| file.name).as_deref(),
        Some("node-127.0.14.1"),
        "it keeps its name"
    );
    assert_eq!(recorded(&etcd, &host).await, uuid);

    // An etcd that is away changes nothing, not even an orderly end.
    etcd.kill();
    host.signal(Signal::TERM);
    assert_eq!(host.code().await, Some(0), "{}", host.log());
    assert!(!process.is_alive());
    assert_eq!(host.file(), None);

    // The disk knows its cluster: the node comes back without etcd, and is registered as soon as that is back.
    host.start();
    let process = host.process().await;
    etcd.restart().await;
    eventually("its seed is there", LONG, || async {
        (!seeds(&etcd).await.is_empty()).then_some(())
    })
    .await;
    host.signal(Signal::TERM);
    assert_eq!(host.code().await, Some(0), "{}", host.log());
    assert!(!process.is_alive() && seeds(&etcd).await.is_empty());
    assert_eq!(record(&etcd).await.and_then(|record| record.cluster_uuid), Some(uuid));
}

#[tokio::test]
async fn three_launchers_at_once_form_one_cluster_and_keep_their_seed_files_live() {
    let etcd = Etcd::start(Version::V34).await;
    let addresses = ["127.0.14.11", "127.0.14.12", "127.0.14.13"];
    let mut hosts = addresses.map(|address| Host::new(Line::Es6, address, &etcd, &["--expected-masters", "3"]));
    for host in &mut hosts {
        host.start();
    }
    let mut processes = Vec::new();
    for host in &mut hosts {
        processes.push(host.process().await);
    }
    let uuid = recorded(&etcd, &hosts[0]).await;
    for (host, me) in hosts.iter().zip(addresses) {
        eventually("every disk knows the cluster", FORMED, || async {
            let marker = std::fs::read(host.data().join(".quorate.json")).ok()?;
            Marker::parse(&marker)
                .expect("readable")
                .cluster_uuid
                .filter(|own| *own == uuid)
        })
        .await;
        let others: Vec<String> = addresses
            .iter()
            .filter(|other| **other != me)
            .map(|other| format!("{other}:9300"))
            .collect();
        assert_eq!(host.seeds(), others);
    }

    // A node that dies takes its launcher, its seed and its line in the others' files with it.
    rustix::process::kill_process(crate::support::launcher::pid(processes[0].pid), Signal::KILL).expect("killed");
    assert_eq!(hosts[0].code().await, Some(137), "{}", hosts[0].log());
    assert_eq!(hosts[0].file(), None);
    assert_eq!(seeds(&etcd).await.len(), 2);
    eventually("the others hear of it", LONG, || async {
        (hosts[1].seeds() == ["127.0.14.13:9300"]).then_some(())
    })
    .await;
    for host in &mut hosts[1..] {
        host.signal(Signal::TERM);
        host.signal(Signal::TERM);
    }
    for host in &mut hosts[1..] {
        assert_eq!(host.code().await, Some(0), "{}", host.log());
    }
}

/// One node, from nothing to a recorded UUID and to its end.
async fn one_node(line: Line, address: &str) {
    let etcd = Etcd::start(Version::V35).await;
    let mut host = Host::new(line, address, &etcd, &["--bootstrap-expect", "1"]);
    host.start();
    let process = host.process().await;
    recorded(&etcd, &host).await;
    assert_eq!(
        record(&etcd).await.map(|record| record.state),
        Some(RecordState::Formed)
    );
    let server = eventually("its server is found", LONG, || async { host.file()?.server }).await;
    // From Elasticsearch 8 on a small launcher of its own starts the node.
    assert_eq!(server == process, line == Line::Os3);
    assert!(server.is_alive());
    host.signal(Signal::INT);
    assert_eq!(host.code().await, Some(0), "{}", host.log());
    assert!(!process.is_alive());
}

#[tokio::test]
async fn elasticsearch_9_forms_its_cluster_and_has_it_recorded() {
    one_node(Line::Es9, "127.0.14.21").await;
}

#[tokio::test]
async fn opensearch_3_forms_its_cluster_and_has_it_recorded() {
    one_node(Line::Os3, "127.0.14.22").await;
}

#[tokio::test]
async fn a_start_that_waits_says_why_and_can_be_stopped() {
    let etcd = Etcd::start(Version::V35).await;
    let mut host = Host::new(Line::Es6, "127.0.14.31", &etcd, &["--expected-masters", "3"]);
    host.start();
    let reason = eventually("the reason is there for everybody", LONG, || async {
        host.file()?.reason
    })
    .await;
    assert!(reason.contains("1 of 2"), "{reason}");
    assert_eq!(
        host.file().map(|file| (file.phase, file.process)),
        Some((Phase::Starting, None))
    );
    host.signal(Signal::TERM);
    assert_eq!(host.code().await, Some(0), "{}", host.log());
    assert_eq!(host.file(), None);
    assert!(seeds(&etcd).await.is_empty());
    let late = host.run("launch", &["--wait-for", "1s"]);
    assert_eq!(late.status.code(), Some(4), "{}", said(&late));
    assert!(said(&late).contains("1 of 2"), "{}", said(&late));
}

#[tokio::test]
async fn a_disk_of_another_cluster_is_refused_with_both_names() {
    let etcd = Etcd::start(Version::V35).await;
    let host = Host::new(Line::Es6, "127.0.14.32", &etcd, &["--expected-masters", "1"]);
    std::fs::create_dir_all(host.data().join("nodes/0")).expect("files of a node");
    host.give_away_data();
    refused(&host.run("launch", &[]), "cluster adopt");

    let mut marker = Marker::new(
        DiskId::random().expect("random"),
        &"elasticsearch".parse().expect("a name"),
        "x",
        "n",
    );
    marker.claim = Some("theirs".parse().expect("a claim"));
    std::fs::write(host.data().join(".quorate.json"), marker.to_value()).expect("a marker");
    let record = ClusterRecord::formed("ours".parse().expect("a claim"), "x".to_owned(), None);
    let put = Op::Put {
        key: keys().record(),
        value: record.to_value(),
        lease: None,
    };
    let txn = Txn {
        when: Vec::new(),
        then: vec![put],
    };
    etcd.registry().commit(&txn).await.expect("committed");
    let output = host.run("launch", &[]);
    refused(&output, "theirs");
    refused(&output, "ours");
    assert!(seeds(&etcd).await.is_empty(), "nothing is left of the attempt");
}

#[tokio::test]
async fn what_is_wrong_with_the_host_is_said_before_anything_starts() {
    let etcd = Etcd::start(Version::V35).await;
    let host = Host::new(Line::Es6, "127.0.14.33", &etcd, &["--expected-masters", "1"]);
    let taken = std::net::TcpListener::bind("127.0.14.33:9200").expect("a port");
    refused(&host.run("launch", &[]), "port 9200 on 127.0.14.33 is taken");
    let check = host.run("check", &[]);
    assert_eq!(check.status.code(), Some(1), "{}", said(&check));
    drop(taken);
    let check = host.run("check", &["--output", "json"]);
    assert_eq!(
        check.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&check.stdout)
    );
    let checks: serde_json::Value = serde_json::from_slice(&check.stdout).expect("JSON");
    assert!(
        checks
            .as_array()
            .is_some_and(|all| all.iter().all(|one| one["result"] == "ok")),
        "{checks}"
    );
    refused(&host.run("launch", &["--address", "192.0.2.1"]), "on no interface");
    refused(&host.run("check", &["--set", "path.data=/x"]), "use `--data`");
    assert!(
        !host.path("state").exists() && !host.data().exists(),
        "nothing was touched"
    );
}

#[tokio::test]
async fn a_dry_run_shows_everything_and_touches_nothing() {
    let etcd = Etcd::start(Version::V35).await;
    for (name, jar, more) in [
        (
            "elasticsearch-6.8",
            "elasticsearch-6.8.23.jar",
            &["--expected-masters", "3", "--roles", "master"][..],
        ),
        (
            "elasticsearch-9",
            "elasticsearch-9.5.3.jar",
            &["--env", "ELASTIC_PASSWORD=x", "--attr", "rack=r1"],
        ),
        ("opensearch-3", "opensearch-3.6.0.jar", &["--set", "a.secret=x"]),
    ] {
        let host = Host::new(Line::Es6, "127.0.14.34", &etcd, more);
        let home = hollow_home(&host.path(""), jar, "exit 1").display().to_string();
        let java = format!("JAVA_HOME={home}/jdk");
        let output = host.run("launch", &["--dry-run", "--home", &home, "--env", &java]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let text = String::from_utf8(output.stdout).expect("text");
        let dir = host.path("").display().to_string();
        let text = text
            .replace(dir.trim_end_matches('/'), "DIR")
            .replace(" as user nobody", "");
        insta::assert_snapshot!(name, text);
        assert!(!host.path("state").exists() && !host.path("run").exists() && !host.data().exists());
    }
    assert!(seeds(&etcd).await.is_empty());
}

/// A host whose node is a shell script.
fn with_script(address: &str, etcd: &Etcd, script: &str) -> Host {
    let mut host = Host::new(Line::Es6, address, etcd, &["--expected-masters", "1", "--grace", "1s"]);
    let home = hollow_home(&host.path(""), "elasticsearch-6.8.23.jar", script);
    host.use_home(&home);
    host
}

#[tokio::test]
async fn how_a_node_ends_decides_how_its_launcher_ends() {
    let etcd = Etcd::start(Version::V35).await;
    for (script, code) in [
        ("exit 0", 1),
        ("exit 3", 1),
        ("exit 64", 78),
        ("exit 127", 127),
        ("kill -9 $$", 137),
    ] {
        let mut host = with_script("127.0.14.41", &etcd, script);
        etcd.etcdctl(&["del", "--prefix", "/quorate/"]);
        host.start();
        assert_eq!(host.code().await, Some(code), "{script}: {}", host.log());
        assert_eq!(host.file(), None, "{script}");
        assert!(seeds(&etcd).await.is_empty(), "{script}");
    }
}

#[tokio::test]
async fn the_service_manager_is_told_and_a_node_that_does_not_end_is_killed() {
    let etcd = Etcd::start(Version::V35).await;
    let mut host = with_script("127.0.14.42", &etcd, "trap '' TERM\nwhile :; do sleep 0.1; done");
    let manager = Manager::of(&host);
    host.start_with(&["--drain-wait", "100ms"]);
    let process = host.process().await;
    let said = manager.until("READY=1").await;
    assert!(
        said.contains("EXTEND_TIMEOUT_USEC="),
        "more time for a start that may wait: {said}"
    );
    manager.until("STATUS=node runs").await;
    host.signal(Signal::TERM);
    let said = manager.until("STATUS=waiting for the node to end").await;
    assert!(
        said.contains("STOPPING=1") && said.contains("EXTEND_TIMEOUT_USEC="),
        "{said}"
    );
    assert_eq!(host.code().await, Some(137), "{}", host.log());
    assert!(!process.is_alive());
}

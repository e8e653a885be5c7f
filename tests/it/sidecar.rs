//! The real sidecar: with a stand-in for the node where it has to misbehave, with real nodes and a real etcd otherwise.

use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::net::UnixDatagram,
    path::Path,
    time::Duration,
};

use quorate::{
    probe::Report,
    registry::{Entry, Op, Range, Txn, WatchEvent, Watcher},
};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{
    LONG,
    address::Address,
    etcd::{Etcd, Version},
    eventually,
    node::{Line, Node, Spec},
    sidecar::Sidecar,
    standin::{Mood, StandIn},
};

/// What a busy machine may add to a bound.
const SLACK: Duration = Duration::from_secs(10);
/// An etcd that is away for good.
const NO_ETCD: &str = "http://127.0.12.254:1";
/// Fast enough for a test, slow enough for a busy machine.
const FAST: [&str; 4] = ["--interval", "600ms", "--timeout", "500ms"];

#[tokio::test]
async fn verdict_and_answers_go_on_without_etcd() {
    let mut node = StandIn::at_home("elasticsearch-6.8.23");
    let sidecar = Sidecar::start(NO_ETCD, node.home(), &FAST);
    let status = sidecar.verdict("ready").await;
    assert_eq!(status["node"]["name"], "n1");
    sidecar
        .until("it says why it is not registered", |status| {
            status["record"]["state"] == "unreadable" && status["registry"]["away"]["cause"].is_string()
        })
        .await;
    assert_eq!(sidecar.ask("GET", "/readyz"), Some((200, "ready\n".to_owned())));
    assert_eq!(sidecar.ask("HEAD", "/readyz"), Some((200, String::new())));
    node.die();
    let status = sidecar.verdict("down").await;
    assert!(status["probe"]["outcome"] == "refused", "{status}");
    assert_eq!(sidecar.ask("GET", "/readyz").expect("an answer").0, 503);
    node.listen();
    sidecar.verdict("ready").await;
}

#[tokio::test]
async fn every_way_to_misbehave_leads_to_its_verdict() {
    let node = StandIn::at_home("opensearch-3.6.0");
    let sidecar = Sidecar::start(NO_ETCD, node.home(), &FAST);
    for (mood, verdict) in [
        (Mood::Hang, "unready"),
        (Mood::Trickle(Duration::from_millis(50)), "unready"),
        (Mood::Close, "unready"),
        (Mood::Line("lost"), "unready"),
        (Mood::Status(500, "", "{}"), "unready"),
        (Mood::Status(401, "", "{}"), "unready"),
        (Mood::Status(302, "location: http://127.0.0.1:1/\r\n", ""), "impostor"),
        (Mood::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), "impostor"),
        (Mood::Bytes(vec![b'x'; 1_000_000]), "impostor"),
    ] {
        node.is(Mood::Line("joined"));
        sidecar.verdict("ready").await;
        node.is(mood);
        sidecar.verdict(verdict).await;
    }
}

#[tokio::test]
async fn what_is_asked_over_http_is_answered_correctly() {
    let node = StandIn::at_home("elasticsearch-9.5.3");
    let sidecar = Sidecar::start(NO_ETCD, node.home(), &FAST);
    sidecar.verdict("ready").await;
    let status = |method, path| sidecar.ask(method, path).expect("an answer").0;
    assert_eq!(status("GET", "/livez"), 200);
    assert_eq!(status("GET", "/"), 404);
    assert_eq!(status("POST", "/status"), 405);
    assert_eq!(status("DELETE", "/nowhere"), 404);
    let (_, metrics) = sidecar.ask("GET", "/metrics").expect("an answer");
    for line in [
        "quorate_verdict{verdict=\"ready\"} 1.0",
        "quorate_verdict{verdict=\"down\"} 0.0",
        "quorate_verdict_changes_total{verdict=\"ready\"} 1",
        "quorate_probes_total{outcome=\"refused\"} 0",
        "quorate_registered 0.0",
        "# EOF",
    ] {
        assert!(metrics.contains(line), "no {line} in\n{metrics}");
    }
}

#[tokio::test]
async fn the_service_manager_is_told_of_start_reason_life_and_stop() {
    let node = StandIn::at_home("elasticsearch-9.5.3");
    let dir = tempfile::tempdir().expect("a directory");
    let socket = UnixDatagram::bind(dir.path().join("notify")).expect("a socket");
    socket.set_read_timeout(Some(LONG)).expect("set");
    let heard = |wanted: &str| {
        let mut all = Vec::new();
        loop {
            let mut bytes = [0_u8; 4096];
            let length = socket
                .recv(&mut bytes)
                .unwrap_or_else(|_| panic!("no {wanted} among {all:?}"));
            let text = String::from_utf8_lossy(bytes.get(..length).expect("read")).into_owned();
            if text.starts_with(wanted) {
                return text;
            }
            all.push(text);
        }
    };
    let notify = dir.path().join("notify").display().to_string();
    let env = [("NOTIFY_SOCKET", notify.as_str()), ("WATCHDOG_USEC", "400000")];
    let sidecar = Sidecar::start_with(NO_ETCD, node.home(), &FAST, &env);
    heard("READY=1");
    let status = heard("STATUS=ready: joined, and the node that is expected; ");
    assert!(
        status.contains("registry away") || status.contains("not registered"),
        "{status}"
    );
    for _ in 0..3 {
        heard("WATCHDOG=1");
    }
    node.is(Mood::Line("lost"));
    heard("STATUS=unready: the node answers, but knows no master; ");
    sidecar.signal(Signal::TERM);
    heard("STOPPING=1");
}

#[tokio::test]
async fn slow_clients_hold_nothing() {
    let node = StandIn::at_home("elasticsearch-9.5.3");
    let sidecar = Sidecar::start(NO_ETCD, node.home(), &FAST);
    sidecar.verdict("ready").await;
    let mut slow: Vec<TcpStream> = (0..31)
        .map(|_| TcpStream::connect((node.home().ip(), 9190)).expect("a connection"))
        .collect();
    for stream in &mut slow {
        stream.write_all(b"GET /status HT").expect("sent");
    }
    assert_eq!(
        sidecar.ask("GET", "/livez").expect("an answer").0,
        200,
        "one slot is left"
    );
    for stream in &mut slow {
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
        let _ = stream.read_to_end(&mut Vec::new()).expect("closed by the sidecar");
    }
    assert_eq!(sidecar.ask("GET", "/livez").expect("an answer").0, 200);
}

#[tokio::test]
async fn a_taken_port_is_a_configuration_error_that_says_what_to_do() {
    let address = Address::take();
    let _taken = std::net::TcpListener::bind((address.ip(), 9190)).expect("free");
    let mut sidecar = Sidecar::start(NO_ETCD, &address, &[]);
    assert_eq!(sidecar.ends().await.code(), Some(78));
    let logged = sidecar.logged();
    assert!(
        logged.contains("cannot listen on") && logged.contains("--listen"),
        "{logged}"
    );
}

#[tokio::test]
async fn a_second_sidecar_for_the_same_node_is_refused() {
    let node = StandIn::at_home("elasticsearch-9.5.3");
    let first = Sidecar::start(NO_ETCD, node.home(), &FAST);
    first.verdict("ready").await;
    let state = first.dir().join("state").display().to_string();
    let mut second = Sidecar::start(NO_ETCD, node.home(), &["--listen", "off", "--state-dir", &state]);
    assert_eq!(second.ends().await.code(), Some(78));
    assert!(second.logged().contains("another sidecar"), "{}", second.logged());
}

#[tokio::test]
async fn sighup_is_no_reason_to_end_and_sigterm_ends_in_time_without_etcd() {
    let node = StandIn::at_home("elasticsearch-9.5.3");
    let mut sidecar = Sidecar::start(NO_ETCD, node.home(), &FAST);
    sidecar.verdict("ready").await;
    sidecar.signal(Signal::HUP);
    let read_again = || async { sidecar.logged().contains("none of them acts now").then_some(()) };
    eventually("the settings are read again", LONG, read_again).await;
    sidecar.verdict("ready").await;
    let begun = Instant::now();
    sidecar.signal(Signal::TERM);
    assert_eq!(sidecar.ends().await.code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

/// What a watcher of one key sees.
struct KeySeen {
    key: String,
    watcher: Watcher,
    /// Every event but the first list, in words.
    history: Vec<&'static str>,
    value: Option<Value>,
}

impl KeySeen {
    /// Watches the member key of `address`.
    fn of(etcd: &Etcd, address: &Address) -> Self {
        Self::at(etcd, format!("/services/elasticsearch/{address}"))
    }

    fn at(etcd: &Etcd, key: String) -> Self {
        Self {
            watcher: etcd.registry().watch(vec![Range::Key(key.clone())]),
            key,
            history: Vec::new(),
            value: None,
        }
    }

    async fn next(&mut self) {
        let read = |entry: &Entry| serde_json::from_slice(&entry.value).expect("JSON");
        match self.watcher.next().await.expect("the watch lives") {
            WatchEvent::Listed { entries, .. } => self.value = entries.first().map(read),
            WatchEvent::Put(entry) => {
                self.history.push("put");
                self.value = Some(read(&entry));
            }
            WatchEvent::Deleted { .. } => {
                self.history.push("deleted");
                self.value = None;
            }
            WatchEvent::Away { .. } => {}
        }
    }

    async fn until(&mut self, what: &str, look: impl Fn(Option<&Value>) -> bool) -> Instant {
        while !look(self.value.as_ref()) {
            let next = tokio::time::timeout(2 * LONG, self.next()).await;
            next.unwrap_or_else(|_| panic!("`{}` is not {what}", self.key));
        }
        Instant::now()
    }

    async fn there(&mut self) -> Instant {
        self.until("there", |value| value.is_some()).await
    }

    async fn gone(&mut self) -> Instant {
        self.until("gone", |value| value.is_none()).await
    }

    /// Takes in what has happened so far.
    async fn settle(&mut self, time: Duration) {
        let _ = tokio::time::timeout(time, async {
            loop {
                self.next().await;
            }
        })
        .await;
    }
}

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

fn node_file(data: &Path, phase: &str) -> Vec<u8> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot id");
    let file = json!({
        "format": 1, "engine": "process", "name": "n1", "cluster": "shapes", "phase": phase,
        "data": data.display().to_string(), "boot": boot.trim(),
    });
    file.to_string().into_bytes()
}

#[tokio::test]
async fn the_launchers_word_that_the_node_is_leaving_takes_the_key_away() {
    let etcd = Etcd::start(Version::V35).await;
    let node = StandIn::at_home("elasticsearch-9.5.3");
    let mut key = KeySeen::of(&etcd, node.home());
    let sidecar = Sidecar::start(&etcd.endpoint(), node.home(), &FAST);
    let say = |phase| {
        let file = sidecar.launcher_file();
        std::fs::create_dir_all(file.parent().expect("a directory")).expect("made");
        let new = file.with_extension("new");
        std::fs::write(&new, node_file(Path::new("/nowhere"), phase)).expect("written");
        std::fs::rename(new, file).expect("renamed");
    };
    say("running");
    key.there().await;
    say("leaving");
    key.gone().await;
    assert_eq!(sidecar.verdict("leaving").await["probe"]["outcome"], "ok");
    say("running");
    key.there().await;
}

#[tokio::test]
async fn the_launchers_word_is_heard_without_a_probe() {
    let etcd = Etcd::start(Version::V35).await;
    let mut node = StandIn::at_home("elasticsearch-9.5.3");
    let mut key = KeySeen::of(&etcd, node.home());
    node.die();
    let seldom = ["--interval", "10m", "--timeout", "2s"];
    let sidecar = Sidecar::start(&etcd.endpoint(), node.home(), &seldom);
    sidecar.verdict("down").await;
    let file = sidecar.launcher_file();
    std::fs::create_dir_all(file.parent().expect("a directory")).expect("made");
    // Probed often while it is down, and then not for ten minutes.
    node.listen();
    key.there().await;
    for _ in 0..3 {
        let write = |phase| quorate::host::write_atomic(&file, &node_file(Path::new("/nowhere"), phase), 0o644);
        let begun = Instant::now();
        write("leaving").expect("written");
        key.gone().await;
        assert!(begun.elapsed() < SLACK, "{:?}", begun.elapsed());
        write("running").expect("written");
        key.there().await;
    }
}

#[tokio::test]
async fn the_cluster_uuid_is_recorded_by_a_sidecar_whose_disk_has_the_claim() {
    let etcd = Etcd::start(Version::V35).await;
    let armed = json!({"format": 1, "state": "armed", "claim": "ours", "masters": [], "cluster": "shapes", "later": 7});
    etcd.etcdctl(&["put", "/quorate/elasticsearch/cluster", &armed.to_string()]);
    let node = StandIn::at_home("elasticsearch-6.8.23");
    let sidecar = Sidecar::start(&etcd.endpoint(), node.home(), &FAST);
    let uuid = sidecar.verdict("ready").await["node"]["cluster_uuid"].clone();
    let mut record = KeySeen::at(&etcd, "/quorate/elasticsearch/cluster".to_owned());
    record.there().await;
    assert_eq!(record.value, Some(armed.clone()));

    let data = sidecar.dir().join("data");
    let marker = json!({"format": 1, "disk": "d", "claim": "ours", "service": "elasticsearch", "cluster": "shapes", "name": "n1"});
    std::fs::create_dir_all(&data).expect("made");
    std::fs::write(data.join(".quorate.json"), marker.to_string()).expect("written");
    std::fs::create_dir_all(sidecar.launcher_file().parent().expect("a directory")).expect("made");
    std::fs::write(sidecar.launcher_file(), node_file(&data, "running")).expect("written");
    record
        .until("formed", |value| value.is_some_and(|value| value["state"] == "formed"))
        .await;
    let formed = record.value.expect("a record");
    assert_eq!((&formed["cluster_uuid"], &formed["later"]), (&uuid, &json!(7)));
}

#[tokio::test]
async fn steady_state_costs_etcd_no_proposal_and_no_byte_of_its_log() {
    let etcd = Etcd::start(Version::V35).await;
    let nodes = [(); 3].map(|()| StandIn::at_home("elasticsearch-6.8.23"));
    let sidecars = nodes
        .each_ref()
        .map(|node| Sidecar::start(&etcd.endpoint(), node.home(), &["--ttl", "9s"]));
    for (node, sidecar) in nodes.iter().zip(&sidecars) {
        KeySeen::of(&etcd, node.home()).there().await;
        sidecar
            .until("it is registered", |status| {
                status["registry"]["verified_age_seconds"].is_number()
            })
            .await;
    }
    let measure = async || {
        let proposals = etcd.metric("etcd_server_proposals_committed_total").await;
        (proposals, etcd.metric("etcd_disk_wal_write_bytes_total").await)
    };
    // What was on its way when the last key came has come.
    let settled = eventually("etcd is quiet", LONG, || async {
        let before = measure().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        (measure().await == before).then_some(before)
    });
    let before = settled.await;
    let renewals = etcd.metric("etcd_debugging_lease_renewed_total").await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(measure().await, before, "proposals and WAL bytes");
    let renewed = etcd.metric("etcd_debugging_lease_renewed_total").await - renewals;
    println!("15 s of three sidecars with a TTL of 9 s: 0 proposals, 0 WAL bytes, {renewed} keep-alives");
    assert!((12.0..=24.0).contains(&renewed), "{renewed}");
}

//! Verdict and answers, with and without etcd: a stand-in for the node misbehaves.

use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::net::UnixDatagram,
    time::Duration,
};

use rustix::process::Signal;
use tokio::time::Instant;

use super::{FAST, NO_ETCD};
use crate::support::{
    LONG,
    address::Address,
    eventually,
    sidecar::Sidecar,
    standin::{Mood, StandIn},
};

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
    for (mood, verdict, illness) in [
        (Mood::Hang, "unready", "hung"),
        (Mood::Trickle(Duration::from_millis(50)), "unready", "slow"),
        (Mood::Close, "unready", "broken"),
        (Mood::Line("lost"), "unready", "masterless"),
        (Mood::Status(500, "", "{}"), "unready", "broken"),
        (Mood::Status(401, "", "{}"), "unready", "denied"),
        (
            Mood::Status(302, "location: http://127.0.0.1:1/\r\n", ""),
            "impostor",
            "stranger",
        ),
        (Mood::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), "impostor", "stranger"),
        (Mood::Bytes(vec![b'x'; 1_000_000]), "impostor", "stranger"),
    ] {
        node.is(Mood::Line("joined"));
        sidecar.verdict("ready").await;
        node.is(mood);
        let status = sidecar.verdict(verdict).await;
        assert_eq!(status["illness"], illness, "{status}");
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

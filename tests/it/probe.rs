//! The probe against real nodes, and against everything that is none.

use std::time::Duration;

use quorate::{
    launcher::product::Product,
    probe::{Access, ProbeFailure, Prober, Report, ReportedUuid, Terms, TlsFailure, TlsTerms, Trust},
};
use tokio::time::{Instant, timeout};

use crate::support::{
    LONG,
    node::{Line, Node, Spec},
    standin::{Mood, StandIn},
};

const TIMEOUT: Duration = Duration::from_secs(2);

fn prober(stand_in: &StandIn) -> Prober {
    Prober::new(stand_in.home().to_string(), 9200, TIMEOUT, Access::default())
}

async fn report(prober: &mut Prober) -> Report {
    prober.probe().await.result.expect("a report")
}

async fn kind(prober: &mut Prober) -> &'static str {
    prober.probe().await.result.expect_err("no report").kind()
}

#[tokio::test]
async fn one_request_per_probe_while_nothing_changes() {
    let (said, silent) = ("/_cluster/state/master_node?local=true", "/_cluster/state/master_node");
    for (line, first, question) in [
        ("elasticsearch-1.7.6", 3, said),
        ("elasticsearch-5.6.16", 3, said),
        ("elasticsearch-8.19.21", 2, said),
        ("elasticsearch-9.5.3", 2, silent),
        ("opensearch-3.6.0", 2, said),
    ] {
        let stand_in = StandIn::at_home(line);
        let mut prober = prober(&stand_in);
        let before = report(&mut prober).await;
        assert_eq!(stand_in.asked().len(), first, "{line}: {:?}", stand_in.asked());
        assert_eq!(report(&mut prober).await, before, "{line}");
        assert_eq!(stand_in.asked()[first..], [question], "{line}");
    }
}

#[tokio::test]
async fn every_line_in_every_state_over_the_wire() {
    let all = include_str!("../fixtures/answers.json");
    let all: serde_json::Value = serde_json::from_str(all).expect("recorded answers");
    for line in all.as_object().expect("lines").keys() {
        let stand_in = StandIn::at_home(line);
        let mut prober = prober(&stand_in);
        let (product, version) = line.split_once('-').expect("product and version");
        for (state, joined) in [("never", false), ("joined", true), ("lost", false)] {
            stand_in.is(Mood::Line(state));
            let report = report(&mut prober).await;
            assert_eq!(report.joined(), joined, "{line} {state}");
            assert_eq!(report.identity.version, version);
            assert_eq!(report.identity.product, Product::named(product), "{line} {state}");
            let first = version.starts_with("1.7");
            assert_eq!(
                report.uuid.known().is_some(),
                state != "never" && !first,
                "{line} {state}"
            );
            assert_eq!(report.uuid == ReportedUuid::Unsaid, first, "{line} {state}");
        }
    }
}

#[tokio::test]
async fn another_process_on_the_port_is_seen_at_the_next_probe() {
    let stand_in = StandIn::at_home("elasticsearch-6.8.23");
    let mut prober = prober(&stand_in);
    assert_eq!(report(&mut prober).await.identity.name, "n1");
    stand_in.replace("\"n1\"", "\"somebody\"");
    assert_eq!(
        report(&mut prober).await.identity.name,
        "n1",
        "the same connection is the same process"
    );
    stand_in.close_connections();
    timeout(LONG, prober.ended())
        .await
        .expect("the end of the connection is noticed");
    assert_eq!(report(&mut prober).await.identity.name, "somebody");
    stand_in.replace("\"somebody\"", "\"nobody\"");
    stand_in.is(Mood::Status(500, "", ""));
    assert_eq!(kind(&mut prober).await, "status");
    stand_in.is(Mood::Line("joined"));
    assert_eq!(
        report(&mut prober).await.identity.name,
        "nobody",
        "a failed probe ends the contact"
    );
}

#[tokio::test]
async fn a_closed_idle_connection_is_no_failure() {
    let stand_in = StandIn::at_home("elasticsearch-7.17.29");
    let mut prober = prober(&stand_in);
    let before = report(&mut prober).await;
    stand_in.close_connections();
    // Without having waited for its end: the request meets a dead connection.
    assert_eq!(report(&mut prober).await, before);
}

#[tokio::test]
async fn each_way_to_misbehave_has_its_kind_and_ends_in_time() {
    let stand_in = StandIn::at_home("opensearch-3.6.0");
    let long = |start: &str| {
        let mut bytes = start.as_bytes().to_vec();
        bytes.resize(1_000_000, b'x');
        Mood::Bytes(bytes)
    };
    for (mood, expected) in [
        (Mood::Hang, "hung"),
        (Mood::Trickle(Duration::from_millis(100)), "timed_out"),
        (Mood::Close, "closed"),
        (Mood::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), "garbage"),
        (
            Mood::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec()),
            "closed",
        ),
        (long("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"), "garbage"),
        (long(""), "garbage"),
        (long("HTTP/1.1 200 OK\r\nx: "), "garbage"),
        (Mood::Status(200, "", "<html>"), "garbage"),
        (Mood::Status(401, "www-authenticate: Basic\r\n", "{}"), "unauthorized"),
        (Mood::Status(302, "location: http://127.0.0.1:1/\r\n", ""), "status"),
        (Mood::Status(404, "", "not found"), "status"),
    ] {
        stand_in.is(mood.clone());
        let mut prober = Prober::new(
            stand_in.home().to_string(),
            9200,
            Duration::from_millis(500),
            Access::default(),
        );
        let begun = Instant::now();
        let shown: String = format!("{mood:?}").chars().take(80).collect();
        assert_eq!(kind(&mut prober).await, expected, "{shown}");
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{shown} took {:?}",
            begun.elapsed()
        );
    }
    stand_in.die();
    assert_eq!(prober(&stand_in).probe().await.result, Err(ProbeFailure::Refused));
}

#[tokio::test]
async fn a_real_node_is_known_through_its_life() {
    let node = Node::start(Spec::masterless(Line::Es6, "probe-1"));
    let waiting = node.until("answers", |_| true).await;
    assert_eq!((waiting.joined(), &waiting.uuid), (false, &ReportedUuid::NotYet));
    assert_eq!(waiting.identity.name, "probe-1");
    assert_eq!(
        (waiting.identity.http_port, waiting.identity.transport_port),
        (Some(9200), Some(9300))
    );

    let mut prober = Prober::new(node.address().to_string(), 9200, TIMEOUT, Access::default());
    report(&mut prober).await;
    let pin = "0".repeat(64).parse().expect("a fingerprint");
    let tls = TlsTerms {
        trust: Trust::Pinned(pin),
        identity: None,
    };
    let access = Access::new(Terms {
        tls: Some(tls),
        login: None,
    });
    let mut mistaken = Prober::new(node.address().to_string(), 9200, TIMEOUT, access.expect("terms"));
    let failure = mistaken.probe().await.result;
    assert_eq!(failure, Err(ProbeFailure::Tls(TlsFailure::NotSpoken)));

    node.freeze();
    assert_eq!(kind(&mut prober).await, "hung");
    node.thaw();
    node.until("answers again", |_| true).await;
    report(&mut prober).await;
    node.kill();
    timeout(LONG, prober.ended())
        .await
        .expect("the death is noticed without a probe");
    assert_eq!(prober.probe().await.result, Err(ProbeFailure::Refused));
}

#[tokio::test]
async fn real_nodes_of_the_newest_lines_join_and_say_so() {
    for (line, name, product) in [
        (Line::Es9, "probe-9", Product::Elasticsearch),
        (Line::Os3, "probe-3", Product::OpenSearch),
    ] {
        let node = Node::start(Spec::alone(line, name));
        let joined = node.joined().await;
        assert!(joined.is_master() && joined.uuid.known().is_some());
        assert_eq!(
            (joined.identity.name.as_str(), joined.identity.product),
            (name, Some(product))
        );
    }
}

//! What rules and dashboard ask for is what a real sidecar says, and a real Prometheus understands it.

use std::collections::BTreeSet;

use serde_json::json;

use super::{FAST, LINE};
use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    prometheus::{Prometheus, monitoring_file, promtool},
    sidecar::Sidecar,
    standin::StandIn,
};

/// What the recorded answers of that line say.
const UUID: &str = "We0GcLFGRGiBMpMdJwYw2w";
/// Labels that Prometheus puts on, and one whose values nobody can list.
const FREE: [&str; 4] = ["job", "instance", "service", "uuid"];

/// The text of a real sidecar, once while its key is held up and once while etcd is away: together they have every series.
async fn pages() -> [String; 2] {
    let mut etcd = Etcd::start(Version::V35).await;
    let node = StandIn::at_home(LINE);
    let record = json!({"format": 1, "state": "formed", "claim": "ours", "masters": [], "cluster": "shapes", "cluster_uuid": UUID});
    etcd.etcdctl(&["put", "/quorate/elasticsearch/cluster", &record.to_string()]);
    let foreign = r#"{"http_port":9200,"transport_port":9300}"#;
    etcd.etcdctl(&["put", &format!("/services/elasticsearch/{}", node.home()), foreign]);
    let sidecar = Sidecar::start(&etcd.endpoint(), node.home(), &FAST);
    let page = async |parts: &[&str]| {
        eventually(&format!("a page with {parts:?}"), LONG, || async {
            let (_, page) = sidecar.ask("GET", "/metrics")?;
            parts.iter().all(|part| page.contains(part)).then_some(page)
        })
        .await
    };
    let held_up = page(&["quorate_registration_obstacle{", "quorate_cluster_uuid_match "]).await;
    etcd.kill();
    [held_up, page(&["quorate_registry_errors_total{"]).await]
}

/// Everything that looks like a name of ours, with what follows it.
fn mentions(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices("quorate_").map(|(at, _)| {
        let rest = text.get(at..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        rest.split_at(end.unwrap_or(rest.len()))
    })
}

/// The label and the values of a matcher such as `state=~"stalled|failing"`.
fn matcher(text: &str) -> (&str, Vec<&str>) {
    let (label, value) = text.split_once(['=', '!']).expect(text);
    let value = value.trim_start_matches(['=', '~']).trim_matches('"');
    (label.trim(), value.split('|').collect())
}

#[tokio::test]
async fn alerts_and_dashboard_ask_only_for_series_and_labels_that_a_real_sidecar_has() {
    let pages = pages().await.concat();
    let samples: Vec<(&str, &str)> = pages
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(mentions)
        .collect();
    let names: BTreeSet<&str> = samples.iter().map(|(name, _)| *name).collect();
    for file in ["alerts.yml", "alerts-test.yml", "grafana.json"] {
        // In JSON a quote in a text has its backslash.
        let text = monitoring_file(file).replace("\\\"", "\"");
        let mut asked = 0;
        for (name, rest) in mentions(&text) {
            assert!(names.contains(name), "{file}: no sidecar has `{name}`, but {names:?}");
            asked += 1;
            let selector = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
            let matchers = selector.into_iter().flat_map(|(inside, _)| inside.split(','));
            for (label, values) in matchers.map(matcher).filter(|(label, _)| !FREE.contains(label)) {
                for value in values {
                    let pair = format!("{label}=\"{value}\"");
                    let is_there = samples
                        .iter()
                        .any(|(own, labels)| *own == name && labels.contains(&pair));
                    assert!(is_there, "{file}: no sidecar has `{name}` with `{pair}`");
                }
            }
        }
        assert!(asked > 15, "{file} asks for {asked} series only");
    }
    let dashboard = monitoring_file("grafana.json");
    let all = ["verdict_age_seconds", "disk_age_seconds", "cluster_uuid_match"].map(|name| format!("quorate_{name}"));
    for name in names {
        let shown = mentions(&dashboard).any(|(shown, _)| shown == name);
        assert!(
            shown || all.iter().any(|hidden| hidden == name),
            "the dashboard shows nothing of `{name}`"
        );
    }
}

/// The page as the older text format has it, the only one that `promtool check metrics` reads: there the name of a counter is that of its
/// samples, which end in `_total`.
fn in_the_older_format(page: &str) -> String {
    let is_counter = |name: &str| page.contains(&format!("# TYPE {name} counter\n"));
    let lines = page.lines().map(|line| {
        let mut words = line.splitn(4, ' ');
        match [words.next(), words.next(), words.next(), words.next()] {
            [Some("#"), Some(kind), Some(name), Some(rest)] if is_counter(name) => {
                format!("# {kind} {name}_total {rest}\n")
            }
            _ => format!("{line}\n"),
        }
    });
    lines.collect()
}

#[tokio::test]
async fn promtool_finds_nothing_to_blame_in_the_metrics_of_a_real_sidecar() {
    for page in pages().await {
        let run = promtool(&["check", "metrics"], &in_the_older_format(&page));
        assert!(run.code == Some(0) && run.out.is_empty(), "{run:?} of\n{page}");
    }
}

#[tokio::test]
async fn a_real_prometheus_scrapes_a_sidecar_and_tells_of_the_node_that_died() {
    let etcd = Etcd::start(Version::V35).await;
    let node = StandIn::at_home(LINE);
    let sidecar = Sidecar::start(&etcd.endpoint(), node.home(), &FAST);
    sidecar.registered().await;
    let prometheus = Prometheus::start(&[node.home().ip()]);
    let is_ready = prometheus.series("quorate_verdict", |labels, value| {
        labels["verdict"] == "ready" && value == "1"
    });
    let instance = format!("{}:9190", node.home());
    let labels = is_ready.await;
    assert_eq!(
        (&labels["job"], &labels["service"], &labels["instance"]),
        (&json!("quorate"), &json!("elasticsearch"), &json!(instance))
    );
    let probed = |labels: &serde_json::Value, value: &str| labels["outcome"] == "ok" && value != "0";
    prometheus.series("quorate_probes_total", probed).await;

    node.die();
    let alerts = prometheus.alerts("QuorateNodeNotReady").await;
    let of_node = alerts
        .iter()
        .find(|alert| alert["labels"]["alertname"] == "QuorateNodeNotReady");
    let of_node = of_node.expect("it is there");
    assert_eq!(of_node["labels"]["instance"], json!(instance));
    let summary = of_node["annotations"]["summary"].as_str().expect("a summary");
    assert!(summary.contains(&instance), "{summary}");
    let names: BTreeSet<_> = alerts
        .iter()
        .map(|alert| alert["labels"]["alertname"].to_string())
        .collect();
    // The last two: a busy machine may let a scrape take longer than the one second that it has here.
    let expected =
        ["NodeNotReady", "TooFewReady", "SidecarUnreachable", "NoSidecar"].map(|name| format!("\"Quorate{name}\""));
    assert!(names.iter().all(|name| expected.contains(name)), "{names:?}");
}

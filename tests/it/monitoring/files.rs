//! The files by themselves, as promtool and Grafana read them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::prometheus::{monitoring_file, promtool};

#[test]
fn promtool_accepts_configuration_and_rules_and_the_rules_pass_their_tests() {
    for args in [
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts-test.yml"],
    ] {
        let run = promtool(&args, "");
        assert!(run.code == Some(0) && !run.out.contains("WARNING"), "{args:?}: {run:?}");
    }
}

#[test]
fn every_alert_is_tested_documented_and_says_how_bad_it_is_and_what_to_do() {
    let (rules, tests) = (monitoring_file("alerts.yml"), monitoring_file("alerts-test.yml"));
    let page = include_str!("../../../docs/usage/monitoring.md");
    let alerts: Vec<&str> = rules.split("- alert: ").skip(1).collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    for alert in alerts {
        let name = alert.lines().next().expect("a name");
        for part in ["severity: ", "summary: ", "description: "] {
            assert!(alert.contains(part), "{name} has no `{part}`");
        }
        assert!(tests.contains(&format!("alertname=\"{name}\"")), "{name} is not tested");
        assert!(page.contains(&format!("`{name}`")), "{name} is not documented");
    }
}

/// Every text under this key, wherever it is.
fn texts<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key).and_then(Value::as_str));
            fields.values().for_each(|value| texts(value, key, found));
        }
        Value::Array(values) => values.iter().for_each(|value| texts(value, key, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_dashboards_queries_are_ones_that_prometheus_understands_and_its_datasource_can_be_chosen() {
    let dashboard: Value = serde_json::from_str(&monitoring_file("grafana.json")).expect("JSON");
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    let names: BTreeSet<&str> = variables.iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["datasource", "instance", "service"].into());

    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<String> = panels.iter().map(|panel| panel["id"].to_string()).collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    let mut sources = Vec::new();
    texts(&dashboard, "uid", &mut sources);
    let fixed = |uid: &&&str| **uid != "${datasource}" && **uid != "quorate";
    assert_eq!(sources.iter().find(fixed), None, "a datasource that cannot be chosen");

    let mut queries = Vec::new();
    texts(&dashboard, "expr", &mut queries);
    assert!(queries.len() > 20, "{queries:?}");
    // As Grafana does with all that can be chosen.
    let chosen = |query: &str| {
        let query = query.replace("$__rate_interval", "1m");
        query.replace("$service", ".*").replace("$instance", ".*")
    };
    let rules: Vec<Value> = (0..)
        .zip(&queries)
        .map(|(number, query)| json!({ "record": format!("dashboard:query_{number}"), "expr": chosen(query) }))
        .collect();
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("queries.yml").display().to_string();
    // JSON is YAML.
    let groups = json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    std::fs::write(&file, groups.to_string()).expect("written");
    let run = promtool(&["check", "rules", &file], "");
    assert_eq!(run.code, Some(0), "{run:?}");
}

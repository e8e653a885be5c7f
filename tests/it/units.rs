//! The unit templates: what fleet would only warn of and systemd does not look at. `systemd-analyze verify` sees to the rest
//! (`make test`).

use std::{collections::BTreeMap, path::Path};

/// Section, key and value of every assignment.
fn assignments(unit: &str) -> Vec<(String, String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("units").join(unit);
    let text = std::fs::read_to_string(&path).expect(unit);
    let mut section = String::new();
    let mut found = Vec::new();
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else {
            let (key, value) = line
                .split_once('=')
                .unwrap_or_else(|| panic!("{unit}: `{line}` is no assignment"));
            found.push((section.clone(), key.to_owned(), value.to_owned()));
        }
    }
    found
}

fn values(unit: &str, section: &str, key: &str) -> Vec<String> {
    let own = assignments(unit)
        .into_iter()
        .filter(|(s, k, _)| s == section && k == key);
    own.map(|(_, _, value)| value).collect()
}

const MAIN: &str = "elasticsearch@.service";
const SIDECAR: &str = "elasticsearch-discovery@.service";

#[test]
fn fleet_knows_every_key_and_specifier_of_its_section() {
    let keys = [
        "MachineID",
        "MachineOf",
        "MachineMetadata",
        "Conflicts",
        "Global",
        "Replaces",
    ];
    for unit in [MAIN, SIDECAR] {
        for (_, key, value) in assignments(unit)
            .into_iter()
            .filter(|(section, ..)| section == "X-Fleet")
        {
            assert!(keys.contains(&key.as_str()), "{unit}: fleet has no `{key}`");
            let specifiers = value.split('%').skip(1).filter_map(|rest| rest.chars().next());
            for specifier in specifiers {
                assert!("nNpi".contains(specifier), "{unit}: fleet does not expand %{specifier}");
            }
        }
    }
}

#[test]
fn fleet_could_place_both_units_on_one_machine() {
    // A MachineOf target that the unit's own Conflicts glob matches is refused by fleet as unresolvable.
    let of = values(SIDECAR, "X-Fleet", "MachineOf");
    assert_eq!(of, ["elasticsearch@%i.service"]);
    assert!(values(SIDECAR, "X-Fleet", "Conflicts").is_empty());
    // `elasticsearch@*.service` does not match `elasticsearch-discovery@1.service`.
    assert_eq!(values(MAIN, "X-Fleet", "Conflicts"), ["%p@*.service"]);
}

#[test]
fn only_sections_that_systemd_knows_or_ignores() {
    for unit in [MAIN, SIDECAR] {
        for (section, ..) in assignments(unit) {
            assert!(
                ["Unit", "Service", "Install", "X-Fleet"].contains(&section.as_str()),
                "{unit}: [{section}]"
            );
        }
    }
}

#[test]
fn neither_a_crash_nor_a_restart_of_one_takes_the_other_along() {
    assert!(values(MAIN, "Unit", "Wants").contains(&"elasticsearch-discovery@%i.service".to_owned()));
    for key in ["BindsTo", "PartOf", "Requires", "Requisite", "StopPropagatedFrom"] {
        assert!(values(SIDECAR, "Unit", key).is_empty(), "{key}");
        assert!(
            values(MAIN, "Unit", key)
                .iter()
                .all(|value| !value.contains("discovery")),
            "{key}"
        );
    }
    assert!(values(SIDECAR, "Unit", "After").contains(&"elasticsearch@%i.service".to_owned()));
}

#[test]
fn what_does_not_heal_by_trying_again_is_not_tried_again() {
    let codes: BTreeMap<&str, Vec<String>> = [MAIN, SIDECAR]
        .into_iter()
        .map(|unit| (unit, values(unit, "Service", "RestartPreventExitStatus")))
        .collect();
    for (unit, found) in codes {
        assert_eq!(found, ["2 3 78"], "{unit}");
    }
}

#[test]
fn the_daemons_never_share_a_directory_that_systemd_removes() {
    assert_eq!(values(MAIN, "Service", "RuntimeDirectory"), ["quorate"]);
    assert!(values(SIDECAR, "Service", "RuntimeDirectory").is_empty());
    assert_eq!(values(MAIN, "Service", "StateDirectory"), ["quorate"]);
    assert_eq!(values(SIDECAR, "Service", "StateDirectory"), ["quorate-sidecar"]);
}

#[test]
fn the_environment_of_the_host_is_read_before_that_of_the_instance() {
    for unit in [MAIN, SIDECAR] {
        assert_eq!(
            values(unit, "Service", "EnvironmentFile"),
            ["-/etc/environment", "-/etc/quorate/%i.env"]
        );
    }
}

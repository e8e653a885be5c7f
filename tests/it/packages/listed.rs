//! The list of what is in the executable.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use super::made::{of_project, said, text, unpacked};

/// The list for the program of the tests.
fn list() -> (Value, String) {
    let target = said("rustc", &["-vV"]);
    let target = target
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("a host");
    let program = unpacked().join("usr/bin/quorate");
    let text = said(text(&of_project("scripts/sbom")), &["list", text(&program), target]);
    let sum = said("sha256sum", &[program.to_str().expect("a path")]);
    (serde_json::from_str(&text).expect("json"), sum)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn the_list_names_every_part_once_with_version_licence_and_checksum() {
    let (list, sum) = list();
    assert_eq!(
        (word(&list["bomFormat"]), word(&list["specVersion"])),
        ("CycloneDX", "1.5")
    );
    assert!(sum.starts_with(word(&list["metadata"]["component"]["hashes"][0]["content"])));
    let lock = fs::read_to_string(of_project("Cargo.lock")).expect("Cargo.lock");
    let mut names = BTreeSet::new();
    for part in list["components"].as_array().expect("parts") {
        let (name, version) = (word(&part["name"]), word(&part["version"]));
        assert!(names.insert(word(&part["bom-ref"])), "{name} stands there twice");
        assert!(!word(&part["licenses"][0]["expression"]).contains('/'), "{part}");
        if word(&part["purl"]).starts_with("pkg:cargo/") {
            let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
            let (_, rest) = lock.split_once(&entry).unwrap_or_else(|| panic!("{entry}"));
            let line = format!("checksum = \"{}\"", word(&part["hashes"][0]["content"]));
            assert!(rest.lines().take(2).any(|found| found == line), "{entry}{line}");
        }
    }
    for name in ["etcd-client", "ring", "rustls", "tokio", "rust-std"] {
        assert!(names.iter().any(|part| part.contains(&format!("/{name}@"))), "{name}");
    }
    for name in ["proptest", "insta", "clap_derive", "cc", "windows-sys"] {
        let linked = names.iter().any(|part| part.contains(&format!("/{name}@")));
        assert!(!linked, "{name} is not in the executable");
    }
}

#[test]
fn who_needs_whom_is_told_of_parts_in_the_list_alone() {
    let (list, _) = list();
    let refs = |value: &Value| {
        value
            .as_array()
            .expect("an array")
            .iter()
            .map(|one| word(one).to_owned())
            .collect()
    };
    let mut known: BTreeSet<String> = list["components"]
        .as_array()
        .expect("parts")
        .iter()
        .map(|part| word(&part["bom-ref"]).to_owned())
        .collect();
    known.insert(word(&list["metadata"]["component"]["bom-ref"]).to_owned());
    let mut needed: BTreeSet<String> = BTreeSet::new();
    for entry in list["dependencies"].as_array().expect("entries") {
        assert!(known.contains(word(&entry["ref"])), "{entry}");
        let on: Vec<String> = refs(&entry["dependsOn"]);
        needed.extend(on);
    }
    assert!(needed.is_subset(&known));
    assert_eq!(
        known.difference(&needed).count(),
        1,
        "only the program itself is needed by nobody"
    );
}

#[test]
fn every_licence_is_there_in_words() {
    let page = said(
        "gzip",
        &["-dc", text(&unpacked().join("usr/share/doc/quorate/THIRD-PARTY.gz"))],
    );
    let (list, _) = list();
    for part in list["components"].as_array().expect("parts") {
        let entry = format!("\n  {} {}, ", word(&part["name"]), word(&part["version"]));
        assert!(page.contains(&entry), "{entry}");
    }
    for words in [
        "Permission is hereby granted, free of charge",
        "Apache License",
        "Permission to use, copy, modify",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

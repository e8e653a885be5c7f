//! The troubleshooting page quotes messages that the program really gives.

use std::{fs, path::Path};

/// Where the messages stand as people see them.
const PAGES: [&str; 5] = [
    "tests/it/bad_input/snapshots",
    "tests/it/snapshots",
    "src/config/snapshots",
    "src/launcher/render/roles/snapshots",
    "src/launcher/decide/reason.rs",
];

fn messages() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    for page in PAGES {
        let path = root.join(page);
        let files = fs::read_dir(&path)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        let mut files: Vec<_> = files.collect();
        if files.is_empty() {
            files.push(path);
        }
        for file in files {
            all.push_str(&fs::read_to_string(file).expect("a page"));
        }
    }
    // A text of several lines of source is one sentence.
    all.replace(" \\\n", " ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether the parts of `quoted` between its `…` stand in this order, near each other.
fn stands(all: &str, quoted: &str) -> bool {
    const NEAR: usize = 400;
    let mut parts = quoted.split('…').map(str::trim).filter(|part| !part.is_empty());
    let Some(first) = parts.next() else {
        return false;
    };
    let rest: Vec<&str> = parts.collect();
    all.match_indices(first).any(|(at, _)| {
        let mut place = at + first.len();
        rest.iter().all(|part| {
            let end = all.len().min(place + NEAR);
            let window = all.get(place..end).or_else(|| all.get(place..));
            let found = window.and_then(|window| window.find(part));
            found.inspect(|found| place += found + part.len()).is_some()
        })
    })
}

#[test]
fn every_message_on_the_troubleshooting_page_is_one_that_people_see() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/usage/troubleshooting.md"))
        .expect("the page");
    let all = messages();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let quoted: Vec<&str> = rows
        .filter_map(|row| row.strip_prefix("| `")?.split_once("` |"))
        .map(|(text, _)| text)
        .collect();
    assert!(quoted.len() > 20, "{} messages", quoted.len());
    let missing: Vec<&&str> = quoted.iter().filter(|text| !stands(&all, text)).collect();
    assert!(missing.is_empty(), "no page of the tests shows these: {missing:#?}");
}

//! What the nodes' logs say about deprecated settings.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::trio::Trio;

/// Parts of messages that are about no setting of quorate's, and why they are there.
const EXPLAINED: &[(&str, &str)] = &[
    (
        "no-jdk distributions",
        "the distributions that are run bring no Java of their own",
    ),
    (
        "Assigning [master_node] to parameter [metric]",
        "a probe's question, in the words that all lines understand",
    ),
];

impl Trio {
    /// The complaints that are about no setting, with their reasons; there are no others.
    pub(super) fn explained_complaints(&self) -> Vec<String> {
        let complaints = self.complaints();
        let reason = |complaint: &String| EXPLAINED.iter().find(|(part, _)| complaint.contains(part));
        let others: Vec<&String> = complaints.iter().filter(|one| reason(one).is_none()).collect();
        assert!(others.is_empty(), "deprecated, and nobody said why: {others:#?}");
        let explain = |complaint| reason(complaint).map(|(_, why)| format!("`{complaint}` ({why})"));
        complaints.iter().filter_map(explain).collect()
    }

    /// Every message of the deprecation logs, and whatever else speaks of deprecation, once.
    fn complaints(&self) -> BTreeSet<String> {
        let roots = self.seats.iter().map(|seat| seat.host.path("state"));
        let logs = roots.flat_map(|root| files_below(&root)).filter(|path| is_log(path));
        logs.flat_map(|path| complaints_in(&path)).collect()
    }
}

fn files_below(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => files_below(&path),
            path => vec![path],
        })
        .collect()
}

fn is_log(path: &Path) -> bool {
    let is_in_logs = path.parent().is_some_and(|dir| dir.ends_with("logs"));
    is_in_logs && path.extension().is_some_and(|end| end == "log" || end == "json")
}

fn complaints_in(path: &Path) -> Vec<String> {
    let text = String::from_utf8_lossy(&std::fs::read(path).expect("a log")).into_owned();
    let all = path.to_string_lossy().contains("_deprecation.");
    // Names of features have the word in them, too.
    let words = ["is deprecated", "are deprecated", "was deprecated", "now deprecated"];
    let complains = |line: &str| words.iter().any(|words| line.contains(words));
    let lines = text.lines().filter(|line| all || complains(line));
    lines.map(message).collect()
}

/// The message of a line, of JSON or of text.
fn message(line: &str) -> String {
    let json: Option<Value> = serde_json::from_str(line).ok();
    let text = json.as_ref().and_then(|json| json["message"].as_str());
    // `[time][level][logger] [node] message`
    let plain = line.split_once("] [").and_then(|(_, rest)| rest.split_once("] "));
    let text = text.unwrap_or_else(|| plain.map_or(line, |(_, message)| message));
    text.trim().to_owned()
}

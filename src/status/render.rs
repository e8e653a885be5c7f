//! The status as a table for people.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use super::{Answer, Currency, Node, NodeState, Record, Status, lists};
use crate::{
    model::{ClusterUuid, brief, narrow, plain},
    output::render_table,
};

/// The status as text.
pub fn table(status: &Status, now: SystemTime) -> String {
    let mut text = format!(
        "{}\n{}\n",
        head(status),
        status.record.as_ref().map_or_else(|| no_record(status), record_line)
    );
    if !status.nodes.is_empty() {
        let _ = writeln!(text, "{}", status.masters.line());
    }
    for list in &status.seed_lists {
        let _ = writeln!(text, "{}", lists::line(list, now));
    }
    if status.nodes.is_empty() {
        text.push_str("\nno seeds and no members\n");
    } else {
        let asked = status.verified.is_some();
        let mut columns = vec![
            "NODE",
            "NAME",
            "STATE",
            "VERSION",
            "ROLES",
            "HTTP",
            "CLUSTER UUID",
            "SINCE",
        ];
        columns.extend(asked.then_some("ANSWER"));
        let rows: Vec<Vec<String>> = status.nodes.iter().map(|node| row(node, now)).collect();
        let _ = write!(text, "\n{}", render_table(&columns, &rows));
    }
    let notes = status.verified.iter().flat_map(|verdict| &verdict.notes);
    let problems = status.verified.iter().flat_map(|verdict| &verdict.problems);
    for sentence in status.warnings.iter().chain(notes) {
        let _ = write!(text, "\nwarning: {sentence}");
    }
    for sentence in problems {
        let _ = write!(text, "\nPROBLEM: {sentence}");
    }
    if let Some(verdict) = status.verified.as_ref().filter(|verdict| verdict.problems.is_empty()) {
        let answered = verdict.answered;
        let _ = match answered {
            0 => write!(text, "\nnothing to verify: nobody is there to be asked"),
            _ if verdict.cluster_uuids.is_empty() && verdict.masters.is_empty() => {
                write!(
                    text,
                    "\nnothing is verified: {answered} answered, and name neither a cluster nor a master yet"
                )
            }
            _ => write!(text, "\nverified: {answered} answered, and name one cluster"),
        };
    }
    // Names come from others, and a terminal obeys control characters.
    let lines = text.trim_end().lines().map(plain);
    lines.flat_map(|line| [line, "\n".into()]).collect()
}

fn head(status: &Status) -> String {
    let mark = match status.registry {
        Currency::Current => "",
        Currency::Stale => " (stale: etcd has no quorum)",
    };
    format!("service {} at revision {}{mark}", status.service, status.revision)
}

fn no_record(status: &Status) -> String {
    match &status.record_error {
        None => "record  none: no cluster was formed under this service yet".to_owned(),
        Some(why) => format!("record  there, and cannot be read: {why}"),
    }
}

fn record_line(record: &Record) -> String {
    let mut line = format!(
        "record  {}, cluster `{}`",
        record.state.as_str(),
        brief(&record.cluster)
    );
    if let Some(uuid) = &record.cluster_uuid {
        let _ = write!(line, ", UUID {uuid}");
    }
    let _ = write!(line, ", claim {}", record.claim);
    if let Some(claimant) = &record.claimant {
        let _ = write!(line, " of {claimant}");
    }
    line
}

fn row(node: &Node, now: SystemTime) -> Vec<String> {
    let text = |value: Option<&str>| value.map_or_else(|| "-".to_owned(), narrow);
    let state = match (node.state, node.by_hand) {
        (NodeState::Ready, false) => "ready",
        (NodeState::Ready, true) => "ready (by hand)",
        (NodeState::Seed, _) => "seed",
    };
    let version = match (&node.product, &node.version) {
        (Some(product), Some(version)) => format!("{product} {version}"),
        (None, Some(version)) => version.clone(),
        (_, None) => "-".to_owned(),
    };
    let mut cells = vec![
        node.id.to_string(),
        text(node.name.as_deref()),
        state.to_owned(),
        version,
        roles(node),
        text(node.http.as_deref()),
        text(node.cluster_uuid.as_ref().map(ClusterUuid::as_str)),
        since(node, now).unwrap_or_else(|| "-".to_owned()),
    ];
    cells.extend(node.answer.as_ref().map(says));
    cells
}

fn says(answer: &Answer) -> String {
    match (&answer.error, &answer.master, answer.is_master) {
        (Some(error), ..) => format!("none: {error}"),
        (None, _, true) => "is the master".to_owned(),
        (None, Some(master), false) => format!("follows {master}"),
        (None, None, false) => "names no master".to_owned(),
    }
}

/// One letter a role, as `_cat/nodes` prints them; a seed says no more than whether it may be elected.
fn roles(node: &Node) -> String {
    let Some(roles) = &node.roles else {
        return if node.seed && node.master_eligible { "m" } else { "-" }.to_owned();
    };
    let mut letters: Vec<char> = roles.iter().map(|role| letter(role)).collect();
    letters.sort_unstable();
    letters.dedup();
    if letters.is_empty() {
        // Coordinating only.
        return "-".to_owned();
    }
    letters.into_iter().collect()
}

fn letter(role: &str) -> char {
    match role {
        "data_content" => 's',
        "data_hot" => 'h',
        "data_warm" => 'w',
        "data_cold" => 'c',
        "data_frozen" => 'f',
        // OpenSearch's word for the same role.
        "cluster_manager" => 'm',
        "ml" => 'l',
        other => other.chars().next().unwrap_or('?'),
    }
}

fn since(node: &Node, now: SystemTime) -> Option<String> {
    let then = humantime::parse_rfc3339(node.since.as_deref()?).ok()?;
    // Clocks of other hosts may be ahead of ours.
    Some(age(now.duration_since(then).unwrap_or_default()))
}

/// A length of time in its two largest units.
pub fn age(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, ..) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

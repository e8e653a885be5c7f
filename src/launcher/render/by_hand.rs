//! What people say by `--set` and `--attr`: what is refused, and values as YAML. Pure.

use super::yaml;
use crate::{exit::Problem, launcher::product::Line};

/// Settings that only the launcher may write, and the flag that says the same. Their sub-settings are meant too.
const OWNED: &[(&str, &str)] = &[
    ("cluster.name", "use `--cluster`"),
    ("cluster.initial_master_nodes", BOOTSTRAP),
    ("cluster.initial_cluster_manager_nodes", BOOTSTRAP),
    ("node.name", "use `--name`"),
    ("node.roles", ROLES),
    ("node.master", ROLES),
    ("node.data", ROLES),
    ("node.ingest", ROLES),
    ("node.voting_only", ROLES),
    ("node.client", ROLES),
    ("path.data", "use `--data`"),
    ("network.host", ADDRESS),
    ("network.publish_host", ADDRESS),
    ("transport.host", ADDRESS),
    ("transport.publish_host", ADDRESS),
    ("http.port", "use `--http-port`"),
    ("transport.port", TRANSPORT),
    ("transport.tcp.port", TRANSPORT),
    ("transport.publish_port", TRANSPORT),
    ("transport.profiles.default.port", TRANSPORT),
    ("discovery.zen.minimum_master_nodes", "use `--expected-masters`"),
    ("path.conf", "change the files in the distribution's `config`"),
];
const BOOTSTRAP: &str = "use `--bootstrap-expect`: quorate itself says which nodes form the cluster, once";
const ROLES: &str = "use `--roles`";
const ADDRESS: &str = "use `--address`";
const TRANSPORT: &str = "use `--transport-port`";
/// Of `discovery.` only times may be set: all else says whom the node finds. This one says when it gives up finding others.
const SELF_BOOTSTRAP: &str = "discovery.unconfigured_bootstrap_timeout";

/// More settings that begin like attributes where those have no place of their own.
const NODE_SETTINGS: &[&str] = &["node.local", "node.mode", "node.max_local_storage_nodes", "node.id"];

/// What the node would refuse, or take for another setting: before Elasticsearch 5 attributes lie among the node's own.
pub(super) fn attribute_problem(line: &Line, name: &str, value: &str) -> Option<Problem> {
    let key = format!("{}{name}", line.attribute);
    let taken = is_owned(&key).is_some() || NODE_SETTINGS.contains(&key.as_str());
    let is_name = is_key(name) && !name.contains('*') && !name.split('.').any(str::is_empty);
    let (what, hint) = if !is_name {
        (
            format!("`{name}` in `--attr` is no name"),
            "use letters, digits, `_`, `-` and `.`",
        )
    } else if taken {
        (
            format!("`{name}` in `--attr` is a setting of {} itself: {key}", line.label),
            "choose another name",
        )
    } else if value.trim() != value || value.is_empty() {
        (
            format!("`--attr {name}` is `{value}`, which no attribute can be"),
            "give it a value without blanks at its ends, or leave it out",
        )
    } else {
        return None;
    };
    Some(Problem::with_hint(what, hint))
}

pub(super) fn set_problem(key: &str, value: &str) -> Option<Problem> {
    let refused = |hint: &str| {
        Some(Problem::with_hint(
            format!("`--set {key}` is refused: quorate owns this setting"),
            hint,
        ))
    };
    if let Some(hint) = is_owned(key) {
        return refused(hint);
    }
    let is_time = ["timeout", "interval", "retries"].iter().any(|end| key.ends_with(end)) && key != SELF_BOOTSTRAP;
    if key.starts_with("discovery.") && !is_time {
        return refused("quorate itself keeps the list of seeds; only the times of `discovery.` can be set");
    }
    if !is_key(key) || !key.contains('.') && key.len() < 2 {
        return Some(Problem::with_hint(
            format!("`{key}` in `--set` is no setting"),
            "expected its full name with dots, e.g. `indices.query.bool.max_clause_count=2048`",
        ));
    }
    if said(value).is_none() {
        return Some(Problem::with_hint(
            format!("`--set {key}` has a value that is no text, number or list: `{value}`"),
            "expected one value on one line, or a flat list: `[a, b]`",
        ));
    }
    None
}

/// What to do in place of setting what only the launcher may write.
fn is_owned(key: &str) -> Option<&'static str> {
    let within = |owned: &str| {
        key.strip_prefix(owned)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    OWNED.iter().find(|(owned, _)| within(owned)).map(|(_, hint)| *hint)
}

pub(super) fn is_key(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'*');
    !text.is_empty() && text.bytes().all(fits)
}

/// A value of `--set` as YAML that means one thing only; none when it is more than one value or flat list.
pub(super) fn said(value: &str) -> Option<String> {
    let value = value.trim();
    if value.contains(['\n', '\r']) {
        return None;
    }
    if let Some(inner) = value.strip_prefix('[') {
        let inner = inner.strip_suffix(']')?;
        if let Ok(items) = serde_json::from_str::<Vec<String>>(value) {
            return Some(yaml(&items));
        }
        let items = inner.split(',').map(str::trim).filter(|item| !item.is_empty());
        return items
            .map(scalar)
            .collect::<Option<Vec<_>>>()
            .map(|items| format!("[{}]", items.join(",")));
    }
    scalar(value)
}

fn scalar(value: &str) -> Option<String> {
    let plain = matches!(value, "true" | "false") || value.parse::<i64>().is_ok();
    let quoted = |mark: char| value.strip_prefix(mark).map(|rest| rest.strip_suffix(mark));
    match (plain, quoted('"'), quoted('\'')) {
        (true, ..) => Some(value.to_owned()),
        (_, Some(_), _) => serde_json::from_str::<String>(value).ok().map(|text| yaml(&text)),
        (_, _, Some(inner)) => inner.filter(|text| !text.contains('\'')).map(yaml),
        // Maps and nested lists: a setting could hide in one under another name.
        _ if value.starts_with(['{', '[']) => None,
        _ => Some(yaml(value)),
    }
}

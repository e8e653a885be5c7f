//! A configuration file to begin with: every setting of the table, commented out, with its default or the shape of a value.
//!
//! Invariant: it reads as a file that says nothing, and a line whose comment mark is taken away is one that is accepted, where the
//! setting has a default.

use std::fmt::Write as _;

use serde_json::json;

use super::{Group, Kind, OPTIONS, Opt};

const HEAD: &str = "\
# Settings of quorate: /etc/quorate/quorate.toml, then /etc/quorate/INSTANCE.toml with what differs for one instance.
# A flag wins over QUORATE_*, that over ETCDCTL_*, that over these files. `quorate config show` tells what counts and why.
# What is commented out shows the default, or, in capitals, the shape of a value that has none. At the end of each comment
# stands what a changed value takes to act: a reload, a restart, or a new start of the node.
";

/// The file, in TOML.
pub fn sample() -> String {
    let mut text = HEAD.to_owned();
    for group in Group::ALL {
        let _ = writeln!(text, "\n# ---- {} ----", group.title());
        for opt in OPTIONS.iter().filter(|opt| opt.group == group) {
            let _ = writeln!(text, "\n# {} ({}).", opt.help, opt.acts.word());
            let _ = writeln!(text, "#{} = {}", opt.key, value(opt));
        }
    }
    text
}

/// The right side: texts and arrays of texts are written alike in TOML and JSON.
fn value(opt: &Opt) -> String {
    let shown = opt.default.unwrap_or(opt.value);
    let texts: Vec<&str> = shown.split(',').filter(|part| !part.starts_with('.')).collect();
    match opt.kind {
        Kind::Text => json!(shown).to_string(),
        Kind::List => json!(texts).to_string(),
        Kind::Lines => json!([shown]).to_string(),
        Kind::Pairs => {
            let pairs: Vec<String> = texts.into_iter().filter_map(pair).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Kind::Switch => (shown == "true").to_string(),
    }
}

fn pair(text: &str) -> Option<String> {
    let (name, value) = text.split_once('=')?;
    Some(format!("{name} = {}", json!(value)))
}

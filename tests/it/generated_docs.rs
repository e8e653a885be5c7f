//! The generated parts of the documentation say what the program says. `make doc` writes them anew.

use std::path::Path;

use quorate::{
    config::{Group, Kind, OPTIONS, Opt},
    launcher::preflight::{TOPICS, Topic},
};

use crate::faults::catalogue;

/// Compares what stands between the two marker comments with `text`, or writes it there.
fn generated(file: &str, part: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let (begin, end) = (
        format!("<!-- begin {part} (make doc) -->\n"),
        format!("<!-- end {part} -->"),
    );
    let page = std::fs::read_to_string(&path).expect(file);
    let (before, rest) = page
        .split_once(&begin)
        .unwrap_or_else(|| panic!("{file} has no `{begin}`"));
    let (stands, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{file} has no `{end}`"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{begin}{text}{end}{after}")).expect(file);
    } else {
        assert_eq!(stands, text, "{file}, part `{part}`, is not current: run `make doc`");
    }
}

fn row(opt: &Opt) -> String {
    let flag = match (opt.secret, opt.kind) {
        (true, _) => "-".to_owned(),
        (false, Kind::Switch) => format!("`--{}`", opt.key),
        (false, Kind::Text | Kind::List | Kind::Pairs | Kind::Lines) => {
            format!("`--{} {}`", opt.key, opt.value.replace('|', "\\|"))
        }
    };
    let variables: Vec<String> = opt.variables().iter().map(|name| format!("`{name}`")).collect();
    let default = opt.default.map_or_else(String::new, |text| format!("`{text}`"));
    format!(
        "| {flag} | {} | {default} | {} | {} |\n",
        variables.join(", "),
        opt.acts.word(),
        opt.help.replace('|', "\\|")
    )
}

#[test]
fn the_table_of_checks_is_current() {
    let row = |topic: &Topic| format!("| `{}` | {} |\n", topic.name, topic.asks);
    let rows: String = TOPICS.iter().map(row).collect();
    let text = format!("\n| check | asks whether |\n|---|---|\n{rows}\n");
    generated("docs/usage/operations.md", "checks", &text);
}

#[test]
fn the_settings_table_is_current() {
    let head = "| flag | variable | default | acts at | what |\n|---|---|---|---|---|\n";
    let table = |group: Group| {
        let rows: String = OPTIONS.iter().filter(|opt| opt.group == group).map(row).collect();
        format!("\n**{}**\n\n{head}{rows}", group.title())
    };
    let text: String = Group::ALL.into_iter().map(table).collect();
    generated("docs/usage/settings.md", "settings", &format!("{text}\n"));
}

#[test]
fn the_table_of_faults_is_current() {
    generated("docs/reliability.md", "faults", &catalogue::page());
}

//! What `quorate launch --dry-run` prints: the command, its environment and the files, as a start would make them. Pure.

use std::{collections::BTreeMap, path::Path};

use super::{
    container::{
        arguments::{self, Blueprint},
        env_file,
    },
    leftover::Label,
    plan::{Node, Plan, Unpacked},
    process::Program,
    product::{Formation, Seeds},
    render::CERTIFICATES,
};
use crate::config::shown_of;

/// The text.
pub fn text(plan: &Plan) -> String {
    let sections = match &plan.node {
        Node::Process(unpacked) => {
            let program = plan.program(unpacked);
            [
                command(plan, &program),
                environment("its whole environment", &program.environment),
                files(plan, unpacked),
                settings(plan),
            ]
        }
        Node::Container(packed) => {
            let blueprint = plan.blueprint(packed);
            [
                commands(plan, &blueprint),
                environment("its environment, beside the image's own", &blueprint.environment),
                files_of_container(plan, &blueprint),
                settings(plan),
            ]
        }
    };
    let sections: Vec<String> = sections
        .into_iter()
        .map(|(title, lines)| format!("# {title}\n{}", lines.concat()))
        .collect();
    sections.join("\n")
}

type Section = (String, Vec<String>);

fn command(plan: &Plan, program: &Program) -> Section {
    let whose = program
        .user
        .as_ref()
        .map_or_else(String::new, |user| format!(" as user {}", user.name));
    let (title, version) = (plan.line.product.title(), plan.version);
    let path = program.path.display().to_string();
    let words: Vec<String> = std::iter::once(&path)
        .chain(&program.arguments)
        .map(|word| quoted(word))
        .collect();
    (
        format!("{title} {version}, started{whose} in {}", program.directory.display()),
        vec![format!("{}\n", words.join(" "))],
    )
}

fn commands(plan: &Plan, blueprint: &Blueprint) -> Section {
    let program = blueprint.cli.program();
    let name = &blueprint.name;
    let label = Label {
        claim: None,
        with_setting: false,
    };
    let all = [
        blueprint.create(&label, &env_file(&plan.layout)),
        arguments::copy_in(name, &blueprint.config),
        arguments::start(name),
    ];
    let line = |arguments: &Vec<String>| {
        let words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
        format!("{program} {}\n", words.join(" "))
    };
    let title = format!(
        "{} {} in the container {name}; its claim becomes a label",
        plan.line.product.title(),
        plan.version
    );
    (title, all.iter().map(line).collect())
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn environment(title: &str, variables: &BTreeMap<String, String>) -> Section {
    let lines = variables.iter().map(|(name, value)| hide(name, "=", value)).collect();
    (title.to_owned(), lines)
}

fn row(path: &Path, what: &str) -> String {
    format!("{}  {what}\n", path.display())
}

/// The files that every node has.
fn common_files(plan: &Plan, lock: &str) -> Vec<String> {
    let layout = &plan.layout;
    let seeds = "kept live: the other master-eligible nodes, one `host:port` a line";
    vec![
        row(&plan.seed_file(), seeds),
        row(&layout.marker, "the marker: what the data directory belongs to"),
        row(&layout.lock, lock),
        row(&layout.cache, "what this host remembers beside the data"),
        row(
            &plan.settings.node.run_file(&plan.settings.common.service),
            "what the sidecar is told",
        ),
    ]
}

fn files_of_container(plan: &Plan, blueprint: &Blueprint) -> Section {
    let config = Path::new(&blueprint.config);
    let mut rows = vec![
        row(
            &env_file(&plan.layout),
            "the environment above, gone when the container is made",
        ),
        row(
            &config.join(&blueprint.settings_file),
            "in the container: the settings below",
        ),
    ];
    if let Some((link, target)) = &blueprint.seed_link {
        rows.push(row(
            &config.join(link),
            &format!("in the container: a link to {target}"),
        ));
    }
    rows.extend(common_files(plan, "locked as long as a launcher lives"));
    ("files".to_owned(), rows)
}

fn files(plan: &Plan, unpacked: &Unpacked) -> Section {
    let (layout, line, seeds) = (&plan.layout, plan.line, plan.seed_file());
    let copied = format!("a copy of {} with", unpacked.distribution.config().display());
    let link = |target: &Path| format!("a link to {}", target.display());
    let certificates = plan.settings.certificates.as_deref();
    let certificates = certificates.map(|dir| row(&layout.config.join(CERTIFICATES), &link(dir)));
    let mut rows = vec![
        row(&layout.config, &copied),
        row(&layout.config.join(line.settings_file()), "the settings below"),
    ];
    let seed_link = line.seed_link();
    rows.extend(seed_link.map(|name| row(&layout.config.join(name), &link(&seeds))));
    rows.extend(common_files(plan, "locked as long as a launcher or the node lives"));
    rows.extend(certificates);
    ("files".to_owned(), rows)
}

fn settings(plan: &Plan) -> Section {
    let text = plan.setup.render(None, &[]);
    let settings = text.lines().filter_map(|line| line.split_once(": "));
    let mut lines: Vec<String> = settings.map(|(key, value)| hide(key, ": ", value)).collect();
    if let Formation::Bootstrap { setting } = plan.line.formation {
        lines.insert(
            0,
            format!("# {setting}: only when etcd gives this node the right to form the cluster\n"),
        );
    }
    if plan.line.seeds == Seeds::Fixed {
        let setting = plan.line.seed_hosts;
        lines.insert(
            0,
            format!("# {setting}: the other masters that are known at the start\n"),
        );
    }
    (plan.line.settings_file(), lines)
}

fn hide(name: &str, mark: &str, value: &str) -> String {
    format!("{name}{mark}{}\n", shown_of(name, value))
}

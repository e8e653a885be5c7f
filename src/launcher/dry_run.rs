//! What `quorate launch --dry-run` prints: the command, its environment and the files, as a start would make them. Pure.

use std::path::Path;

use super::{
    plan::{Node, Plan},
    product::Formation,
    render::CERTIFICATES,
};
use crate::config::shown_of;

/// The text.
pub fn text(plan: &Plan) -> String {
    let sections = [command(plan), environment(plan), files(plan), settings(plan)];
    let sections: Vec<String> = sections
        .into_iter()
        .map(|(title, lines)| format!("# {title}\n{}", lines.concat()))
        .collect();
    sections.join("\n")
}

type Section = (String, Vec<String>);

fn command(plan: &Plan) -> Section {
    let Node::Process(unpacked) = &plan.node;
    let program = plan.program(unpacked);
    let whose = program
        .user
        .map_or_else(String::new, |user| format!(" as user {}", user.name));
    let (title, version) = (plan.line.product.title(), plan.version);
    (
        format!("{title} {version}, started{whose} in {}", program.directory.display()),
        vec![format!("{}\n", program.path.display())],
    )
}

fn environment(plan: &Plan) -> Section {
    let Node::Process(unpacked) = &plan.node;
    let variables = plan.program(unpacked).environment;
    let lines = variables.iter().map(|(name, value)| hide(name, "=", value)).collect();
    ("its whole environment".to_owned(), lines)
}

fn files(plan: &Plan) -> Section {
    let (layout, line, seeds) = (&plan.layout, plan.line, plan.seed_file());
    let row = |path: &Path, what: &str| format!("{}  {what}\n", path.display());
    let Node::Process(unpacked) = &plan.node;
    let copied = format!("a copy of {} with", unpacked.distribution.config().display());
    let link = |target: &Path| format!("a link to {}", target.display());
    let certificates = plan.settings.certificates.as_deref();
    let certificates = certificates.map(|dir| row(&layout.config.join(CERTIFICATES), &link(dir)));
    (
        "files".to_owned(),
        [
            row(&layout.config, &copied),
            row(&layout.config.join(line.settings_file()), "the settings below"),
            row(&layout.config.join(line.seed_file), &link(&seeds)),
            row(
                &seeds,
                "kept live: the other master-eligible nodes, one `host:port` a line",
            ),
            row(&layout.marker, "the marker: what the data directory belongs to"),
            row(&layout.lock, "locked as long as a launcher or the node lives"),
            row(&layout.cache, "what this host remembers beside the data"),
            row(
                &plan.settings.node.run_file(&plan.settings.common.service),
                "what the sidecar is told",
            ),
        ]
        .into_iter()
        .chain(certificates)
        .collect(),
    )
}

fn settings(plan: &Plan) -> Section {
    let text = plan.setup.render(None);
    let settings = text.lines().filter_map(|line| line.split_once(": "));
    let mut lines: Vec<String> = settings.map(|(key, value)| hide(key, ": ", value)).collect();
    if let Formation::Bootstrap { setting } = plan.line.formation {
        lines.insert(
            0,
            format!("# {setting}: only when etcd gives this node the right to form the cluster\n"),
        );
    }
    (plan.line.settings_file(), lines)
}

fn hide(name: &str, mark: &str, value: &str) -> String {
    format!("{name}{mark}{}\n", shown_of(name, value))
}

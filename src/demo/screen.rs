//! The table and what stands below it. Pure.

use std::{fmt::Write as _, time::Duration};

use super::{
    cast::Cast,
    scene::{Actor, Life, Scene},
    story::{hints, seconds},
};
use crate::{nodefile::Phase, output::render_table};

/// The most and the least of the last sentences that stay on the screen.
const TOLD: (usize, usize) = (1, 20);

/// Of `kill -KILL 1234567`; longer commands push their remark to the right.
const KILL_WIDTH: usize = 18;

/// How a person looks at it.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// How this program is called in the commands to try.
    pub(super) program: String,
    /// How long it plays.
    pub(super) since: Duration,
    /// Rows of the terminal.
    pub(super) rows: usize,
}

/// One row a node, then cluster and seeds.
pub(super) fn table(scene: &Scene) -> String {
    let head = [
        "NODE", "NAME", "STATE", "MASTER", "PROCESS", "LAUNCHER", "SIDECAR", "KEYS",
    ];
    let rows: Vec<Vec<String>> = scene.nodes.iter().map(row).collect();
    let uuid = scene
        .view
        .record
        .as_ref()
        .and_then(|stored| stored.value.cluster_uuid.as_ref());
    let seeds = scene.view.seed_hosts(None);
    format!(
        "{}\ncluster UUID  {}\nseeds         {}\n",
        render_table(&head, &rows),
        uuid.map_or("-", |uuid| uuid.as_str()),
        if seeds.is_empty() {
            "-".to_owned()
        } else {
            seeds.join(", ")
        },
    )
}

/// The whole screen of a person who plays, on a terminal with so many rows.
pub(super) fn screen(cast: &Cast, scene: &Scene, told: &[String], view: &View) -> String {
    let etcd = match (scene.etcd.pid(), scene.etcd_answers) {
        (None, _) => "does not run".to_owned(),
        (Some(pid), true) => format!("answers at {}, process {pid}", cast.endpoint),
        (Some(pid), false) => format!("does not answer, process {pid}"),
    };
    let mut text = format!(
        "quorate demo · {} · {}\n\n{}etcd          {etcd}\n\nTry, in another terminal:\n",
        cast.title,
        seconds(view.since),
        table(scene),
    );
    for (command, what) in hints(cast, scene, &view.program) {
        let _ = writeln!(text, "  {command:KILL_WIDTH$}  # {what}");
    }
    text += "\nCtrl-C stops everything.\n\n";
    let room = view.rows.saturating_sub(text.lines().count() + 1).clamp(TOLD.0, TOLD.1);
    for line in told.iter().skip(told.len().saturating_sub(room)) {
        text += line;
        text.push('\n');
    }
    text
}

fn row(node: &Actor) -> Vec<String> {
    let pid = |pid: Option<u32>| pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
    let keys: Vec<&str> = [(node.seed.is_some(), "seed"), (node.member, "member")]
        .into_iter()
        .filter_map(|(there, name)| there.then_some(name))
        .collect();
    vec![
        node.id.to_string(),
        node.name.clone(),
        state(node).to_owned(),
        master(node),
        pid(node.search),
        pid(node.launcher.pid()),
        pid(node.sidecar.pid()),
        if keys.is_empty() {
            "-".to_owned()
        } else {
            keys.join(", ")
        },
    ]
}

/// Where a node stands, in the words of the sidecar where it has one for it.
fn state(node: &Actor) -> &'static str {
    match (node.member, node.phase, &node.launcher) {
        (true, ..) => "ready",
        (false, Some(Phase::Leaving), _) => "leaving",
        (false, _, Life::Off) => "-",
        (false, Some(Phase::Running), Life::Runs { .. }) if node.was_member => "not ready",
        (false, _, Life::Runs { .. }) => "starting",
        (false, _, Life::Ended { .. }) => "down",
    }
}

fn master(node: &Actor) -> String {
    match &node.report {
        Some(report) if report.is_master() => "*",
        Some(report) if report.joined() => "",
        Some(_) => "none",
        None => "-",
    }
    .to_owned()
}

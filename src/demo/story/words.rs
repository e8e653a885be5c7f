//! The sentences of the story. Present tense, one thing each.

use std::{fmt::Write as _, time::Duration};

use super::terms::Stage;
use crate::{
    demo::{
        cast::{Cast, Who},
        scene::{Death, Fact, How, Scene},
    },
    model::{ClusterUuid, RecordState},
};

/// The sentence for a fact; none when it is said elsewhere, or not worth one.
pub(super) fn tell(cast: &Cast, scene: &Scene, stage: Stage, fact: &Fact) -> Option<String> {
    let name = |index: &usize| name(scene, *index);
    // Death and key of the node that the script kills are told together, when both are known.
    let told_later = |index: &usize| matches!(stage, Stage::Killing { node } if node == *index);
    match fact {
        Fact::EtcdAnswers if stage == Stage::Opening => None,
        Fact::EtcdAnswers => Some("etcd answers again".to_owned()),
        Fact::EtcdAway if stage.is_ending() => None,
        Fact::EtcdAway => Some("etcd is away: the nodes stay as they are".to_owned()),
        Fact::SeedUp(node) => Some(format!("{} has published its seed", name(node))),
        Fact::SeedGone(node) => Some(format!("the seed of {} is gone", name(node))),
        Fact::Recorded(state) => recorded(scene, *state),
        Fact::Running(node) => Some(format!("the search process of {} runs", name(node))),
        Fact::Waiting(node, reason) => Some(format!("{} waits: {reason}", name(node))),
        Fact::Ready(node) => Some(format!("{} is ready: its member key is there", name(node))),
        Fact::KeyGone(node) | Fact::SocketClosed(node) if told_later(node) => None,
        Fact::KeyGone(node) if stage == Stage::Playing => Some(gone(scene, *node)),
        Fact::KeyGone(node) => Some(format!("the key of {} is gone", name(node))),
        Fact::SocketClosed(node) if stage == Stage::Playing => Some(closed(scene, *node)),
        Fact::Started(who, pid) if stage == Stage::Playing => {
            Some(format!("{} runs again, process {pid}", cast.call(*who)))
        }
        Fact::Ended(who, how) if expected(stage, *who) => Some(ended(cast, *who, *how)),
        // The story has more to say about these, or nothing.
        Fact::Started(..) | Fact::Ended(..) | Fact::SocketClosed(_) => None,
    }
}

/// Whether a process may end now without a further word.
fn expected(stage: Stage, who: Who) -> bool {
    if let Stage::Killing { node } | Stage::Mourning { node } | Stage::Orphaning { node } = stage {
        return who == Who::Launcher(node);
    }
    stage.is_ending() && who != Who::Etcd
}

fn name(scene: &Scene, index: usize) -> &str {
    scene.nodes.get(index).map_or("?", |node| node.name.as_str())
}

fn recorded(scene: &Scene, state: RecordState) -> Option<String> {
    let record = &scene.view.record.as_ref()?.value;
    let who = record.claimant.as_ref().map_or("?", |id| {
        let node = scene.nodes.iter().find(|node| node.id == *id);
        node.map_or("?", |node| node.name.as_str())
    });
    Some(match state {
        RecordState::Claimed => {
            let masters: Vec<&str> = record.masters.iter().map(|master| master.name.as_str()).collect();
            format!(
                "{who} has the one-time right to form the cluster, with {}",
                masters.join(", ")
            )
        }
        RecordState::Armed => format!("the claim of {who} is permanent: it may start"),
        RecordState::Formed => {
            let uuid = record.cluster_uuid.as_ref().map_or("none", |uuid| uuid.as_str());
            format!("the cluster is recorded: UUID {uuid}")
        }
    })
}

/// etcd is there, everybody is started.
pub(super) fn opening(cast: &Cast) -> String {
    let nodes = cast.nodes.len();
    format!(
        "etcd answers at {}; {nodes} launcher{s} and {nodes} sidecar{s} start at the same instant, on empty data directories",
        cast.endpoint,
        s = if nodes == 1 { "" } else { "s" },
    )
}

/// The cluster is there.
pub(super) fn formed(scene: &Scene, took: Duration) -> String {
    let master = scene.master().map_or("?", |index| name(scene, index));
    let uuid = scene
        .uuids
        .first()
        .map_or_else(|| "none".to_owned(), ToString::to_string);
    let members = scene.nodes.len();
    format!(
        "formed after {}: one cluster of {members}, UUID {uuid}, master {master}",
        seconds(took)
    )
}

/// Nothing has happened for a while.
pub(super) fn patience(scene: &Scene) -> String {
    let ready = scene.nodes.iter().filter(|node| node.member).count();
    let all = scene.nodes.len();
    format!("{ready} of {all} nodes are ready; the search engine itself takes its time to start")
}

/// SIGKILL was sent.
pub(super) fn killed(scene: &Scene, index: usize, pid: u32) -> String {
    format!("SIGKILL to process {pid}, the search process of {}", name(scene, index))
}

/// There is nobody to kill.
pub(super) fn nobody_listens(scene: &Scene, index: usize) -> String {
    format!(
        "no process can be seen that listens on the HTTP port of {}",
        name(scene, index)
    )
}

/// How long the key of a killed node lived on; none until that is known.
pub(super) fn measured(scene: &Scene, index: usize) -> Option<String> {
    let Death {
        signalled: Some(signalled),
        closed: Some(closed),
        gone: Some(gone),
    } = scene.nodes.get(index)?.death
    else {
        return None;
    };
    let name = name(scene, index);
    Some(match gone.checked_duration_since(closed) {
        Some(later) => format!(
            "the socket of {name} closed {} after the signal, its key was gone {} later",
            millis(closed - signalled),
            millis(later),
        ),
        // The threads of the process have told of its death.
        None => format!(
            "the key of {name} was gone {} after the signal, its socket closed {} later",
            millis(gone.saturating_duration_since(signalled)),
            millis(closed - gone),
        ),
    })
}

/// A socket that closed while a person plays.
fn closed(scene: &Scene, index: usize) -> String {
    let Some(node) = scene.nodes.get(index) else {
        return String::new();
    };
    match (node.death.gone, node.death.closed) {
        (Some(gone), Some(closed)) if gone < closed => format!(
            "the socket of {} closed {} after its key was gone",
            node.name,
            millis(closed - gone)
        ),
        _ => format!("the socket of {} has closed", node.name),
    }
}

/// A key that went while a person plays.
fn gone(scene: &Scene, index: usize) -> String {
    let Some(node) = scene.nodes.get(index) else {
        return String::new();
    };
    match node.death {
        Death {
            closed: Some(closed),
            gone: Some(gone),
            ..
        } => format!(
            "the key of {} was gone {} after its socket closed",
            node.name,
            millis(gone.saturating_duration_since(closed))
        ),
        Death { .. } => format!(
            "the key of {} is gone, and its socket is open: its process died just now, or it hangs, or its lease has ended",
            node.name
        ),
    }
}

/// The killed node is back.
pub(super) fn returned(scene: &Scene, index: usize, took: Duration) -> String {
    format!(
        "{} is back after {}, in the same cluster",
        name(scene, index),
        seconds(took)
    )
}

/// SIGKILL is sent to a launcher.
pub(super) fn orphaned(scene: &Scene, index: usize) -> String {
    let pid = scene.nodes.get(index).and_then(|node| node.launcher.pid());
    format!(
        "SIGKILL to process {}, the launcher of {}",
        pid.unwrap_or_default(),
        name(scene, index)
    )
}

/// The next launcher goes on with its node.
pub(super) fn adopted(scene: &Scene, index: usize, took: Duration) -> String {
    let search = scene.nodes.get(index).and_then(|node| node.search);
    format!(
        "{} is adopted by its next launcher after {}: process {} runs on, and its key never went",
        name(scene, index),
        seconds(took),
        search.map_or_else(|| "?".to_owned(), |pid| pid.to_string()),
    )
}

/// A launcher's death was noticed.
pub(super) fn noticed(scene: &Scene, index: usize) -> String {
    format!(
        "the key of {} went, though only its launcher was killed",
        name(scene, index)
    )
}

/// A process has ended.
pub(super) fn ended(cast: &Cast, who: Who, how: How) -> String {
    match how {
        How::Code(code) => format!("{} has ended with exit code {code}", cast.call(who)),
        How::Signal(signal) => format!("{} was ended by signal {signal}", cast.call(who)),
    }
}

/// A process has ended while a person plays.
pub(super) fn returns(cast: &Cast, who: Who, how: How, pause: Duration) -> String {
    format!(
        "{}; it is started again in {} s, as systemd would",
        ended(cast, who, how),
        pause.as_secs()
    )
}

/// The end has begun.
pub(super) const fn stopping() -> &'static str {
    "everything stops: the launchers with their nodes, the sidecars, etcd"
}

/// The launchers have ended.
pub(super) fn stopped(took: Duration) -> String {
    format!("all nodes are stopped after {}", seconds(took))
}

/// More than one UUID was seen.
pub(super) fn two_clusters(scene: &Scene) -> String {
    let uuids: Vec<&str> = scene.uuids.iter().map(ClusterUuid::as_str).collect();
    format!("more than one cluster UUID was seen: {}", uuids.join(", "))
}

/// A stage took too long.
pub(super) fn overdue(scene: &Scene, stage: Stage) -> String {
    match stage {
        Stage::Opening => "etcd does not answer".to_owned(),
        Stage::Forming { .. } => {
            let members = scene.nodes.iter().filter(|node| node.member).count();
            format!(
                "no cluster was formed: {members} of {} nodes are ready",
                scene.nodes.len()
            )
        }
        Stage::Killing { node } => format!(
            "the key of {} is still there, long after the node was killed",
            name(scene, node)
        ),
        Stage::Mourning { node } => format!("the launcher of {} runs on without its node", name(scene, node)),
        Stage::Returning { node, .. } => format!("{} did not come back", name(scene, node)),
        Stage::Orphaning { node } => format!("the launcher of {} does not die", name(scene, node)),
        Stage::Adopting { node, .. } => format!("{} was not adopted by its next launcher", name(scene, node)),
        Stage::Stopping { .. } => "the nodes do not stop".to_owned(),
        Stage::Checking => "etcd does not say which keys are left".to_owned(),
        Stage::Closing => "the sidecars do not stop".to_owned(),
        Stage::Dimming => "not everything stops".to_owned(),
        Stage::Searching | Stage::Playing | Stage::Over => "the end takes too long".to_owned(),
    }
}

/// The last sentence.
pub(super) fn the_end(cast: &Cast, problems: &[String]) -> String {
    if problems.is_empty() {
        let nothing = match cast.engine {
            Some(_) => "no key, no container and no process",
            None => "no key and no process",
        };
        return format!("the end: one cluster all along, {nothing} is left");
    }
    let mut text = "the end, and not a good one:".to_owned();
    for problem in problems {
        let _ = write!(text, "\n  {problem}");
    }
    text
}

/// What a person can try: commands, and what each shows.
pub(in crate::demo) fn hints(cast: &Cast, scene: &Scene, program: &str) -> Vec<(String, String)> {
    let mut hints = Vec::new();
    let mut hint = |command: String, what: String| hints.push((command, what));
    if let Some(node) = scene.nodes.iter().find(|node| node.member) {
        let name = &node.name;
        if let Some(pid) = node.search {
            hint(
                format!("kill -KILL {pid}"),
                format!("{name} dies: its key goes within milliseconds"),
            );
            hint(
                format!("kill -STOP {pid}"),
                format!("{name} hangs: its key goes within 9 s; -CONT wakes it"),
            );
        }
        if let Some(pid) = node.sidecar.pid() {
            let what = "dies: the next one takes the key over, and nobody notices";
            hint(format!("kill -KILL {pid}"), format!("the sidecar of {name} {what}"));
        }
        if let Some(pid) = node.launcher.pid() {
            let what = "dies: the node lives on, and the next one adopts it";
            hint(format!("kill -KILL {pid}"), format!("the launcher of {name} {what}"));
        }
    }
    if let Some(pid) = scene.etcd.pid() {
        let what = "etcd hangs: nothing happens to the nodes; -CONT wakes it";
        hint(format!("kill -STOP {pid}"), what.to_owned());
    }
    let endpoints = format!("--endpoints {}", cast.endpoint);
    hint(
        format!("{program} status --verify {endpoints}"),
        "the registry and the nodes, side by side".to_owned(),
    );
    hint(
        format!("{program} seeds --watch {endpoints}"),
        "the seed list, at each change".to_owned(),
    );
    hints
}

/// Seconds with one decimal.
pub(in crate::demo) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

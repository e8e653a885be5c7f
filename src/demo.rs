//! `quorate demo`: etcd and a real cluster on loopback addresses of this machine, each node with a launcher and a sidecar of its own.
//!
//! | file | what it is | layer |
//! |---|---|---|
//! | [`options`], [`cast`] | what was asked for; who plays, as command lines | core |
//! | [`scene`] | what the demo sees, turned into facts | core |
//! | [`story`] | what is done when, and the sentences that are told | core |
//! | [`screen`] | the table | core |
//! | [`preflight`], [`folder`], [`containers`] | what must be so before anything is started; its own folder; containers that a demo has left | shell |
//! | [`stage`], [`watch`], [`child`], [`output`] | the loop, its sources, the processes, the words on the screen | shell |
//!
//! Invariant: it ends only what it has started, and it does not end before that is gone.

mod cast;
mod child;
mod containers;
mod folder;
mod options;
mod output;
mod preflight;
mod scene;
mod screen;
mod stage;
mod story;
mod watch;

use clap::ArgMatches;
use folder::Folder;
use options::Options;
use output::Output;
use stage::Stage;
use story::Mode;

use crate::{
    config::Sources,
    exit::{Exit, Failure},
    host::Signals,
    launcher::user,
    output as stdout,
};

/// Plays the demo.
pub(crate) async fn run(matches: &ArgMatches, sources: &Sources) -> Result<Exit, Failure> {
    let options = Options::of(matches, user::is_root())?;
    // First, so that a second demo hears of the first one and not of its ports.
    let folder = Folder::open(&options.dir, sources.neutral_environment()).await?;
    let cast = preflight::cast(&options, sources).await?;
    folder.furnish(&cast)?;
    // From here on Ctrl-C is ours.
    let signals = Signals::new()?;
    let script = options.script || !stdout::is_terminal();
    let (mode, output) = if script {
        let first = cast.nodes.first().map(|part| part.id.to_string()).unwrap_or_default();
        let more = cast.nodes.last().filter(|_| cast.nodes.len() > 1);
        let to = more.map_or_else(String::new, |part| format!(" to {}", part.id));
        stdout::line(&format!(
            "{}: {} on {first}{to}, logs in {}",
            cast.title,
            nodes(cast.nodes.len()),
            options.dir.join("log").display()
        ))?;
        (Mode::Script, Output::lines())
    } else {
        (Mode::Play, Output::screen(program()))
    };
    Stage::new(cast, folder, sources.neutral_environment(), output)?
        .play(mode, signals)
        .await
}

fn nodes(count: usize) -> String {
    if count == 1 {
        "one node".to_owned()
    } else {
        format!("{count} nodes")
    }
}

/// How a person calls this program from another terminal in the same directory.
fn program() -> String {
    let Ok(program) = std::env::current_exe() else {
        return "quorate".to_owned();
    };
    let here = std::env::current_dir().ok();
    let short = here.and_then(|here| program.strip_prefix(here).ok().map(|path| path.display().to_string()));
    // A bare name would be looked for in PATH.
    let short = short.map(|text| if text.contains('/') { text } else { format!("./{text}") });
    short.unwrap_or_else(|| program.display().to_string())
}

//! The command after a change (`--exec`): one at a time, with a deadline, in a process group of its own.
//!
//! Invariant: after the last change a command is started that finds the last list; a change that comes while one runs is not lost.

use std::{
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use clap::ArgMatches;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    process::{Child, Command},
    time::{Instant, timeout_at},
};

use crate::output;

/// A command with its last result.
#[derive(Debug)]
pub(super) struct Hook {
    command: String,
    file: PathBuf,
    limit: Duration,
    running: Option<Running>,
    /// The list of a change that came while the command ran.
    next: Option<Vec<String>>,
    last: Option<String>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    since: Instant,
}

impl Hook {
    /// The command that was given, if one was.
    pub(super) fn of(matches: &ArgMatches, file: &Path) -> Option<Self> {
        Some(Self {
            command: matches.get_one::<String>("exec")?.clone(),
            file: file.to_owned(),
            limit: *matches.get_one::<Duration>("exec-timeout")?,
            running: None,
            next: None,
            last: None,
        })
    }

    /// Runs the command for this list, now or as soon as the one that runs has ended.
    pub(super) fn changed(&mut self, seeds: &[String]) {
        if self.running.is_some() {
            self.next = Some(seeds.to_vec());
            return;
        }
        match self.start(seeds) {
            Ok(child) => {
                self.running = Some(Running {
                    child,
                    since: Instant::now(),
                });
            }
            Err(error) => self.report(&format!("could not be started: {error}")),
        }
    }

    /// Returns when a command has ended and the next one, if there is one, was started. Cancel safety: can be asked again.
    pub(super) async fn ended(&mut self) {
        let Some(running) = &mut self.running else {
            return std::future::pending().await;
        };
        let ended = timeout_at(running.since + self.limit, running.child.wait()).await;
        let took = humantime::format_duration(Duration::from_millis(
            u64::try_from(running.since.elapsed().as_millis()).unwrap_or(u64::MAX),
        ));
        let result = match ended {
            Ok(Ok(status)) => format!("ended {} after {took}", words(status)),
            Ok(Err(error)) => format!("was lost: {error}"),
            Err(_) => {
                kill(&running.child);
                // Killed, so it ends at once; its parent has to hear of it all the same.
                let _ = running.child.wait().await;
                format!("was killed after {took}, which is its limit (`--exec-timeout`)")
            }
        };
        self.running = None;
        self.report(&result);
        if let Some(seeds) = self.next.take() {
            self.changed(&seeds);
        }
    }

    /// How the last command ended; none before the first has.
    pub(super) fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    fn report(&mut self, result: &str) {
        let sentence = format!("`{}` {result}", self.command);
        output::note(&sentence);
        self.last = Some(sentence);
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is what starts the command after a change"
    )]
    fn start(&self, seeds: &[String]) -> io::Result<Child> {
        Command::new("/bin/sh")
            .args(["-c", &self.command])
            .env("QUORATE_SEEDS", seeds.join(","))
            .env("QUORATE_SEEDS_FILE", &self.file)
            .stdin(Stdio::null())
            // At the deadline everything that it started ends with it.
            .process_group(0)
            .spawn()
    }
}

fn words(status: ExitStatus) -> String {
    status
        .code()
        .map_or_else(|| format!("by {status}"), |code| format!("with exit code {code}"))
}

fn kill(child: &Child) {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(group) = group {
        // A group that is gone is as good as killed.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

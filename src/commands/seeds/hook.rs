//! The command after a change (`--exec`): one at a time, no two within a second, with a deadline, in a process group of its own. How the
//! last one ended is said on standard error, in the service manager's line, and in the file of `--exec-result`.
//!
//! Invariant: after the last change a command is started that finds the last list; a change that comes while one runs is not lost.

use std::{
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, SystemTime},
};

use clap::ArgMatches;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep_until, timeout_at},
};

use crate::{host, output};

/// Between the starts of two runs: hosts that come and go together are one change.
const APART: Duration = Duration::from_secs(1);

/// A command with its last result.
#[derive(Debug)]
pub(super) struct Hook {
    command: String,
    file: PathBuf,
    limit: Duration,
    /// Where the result is put.
    result: Option<PathBuf>,
    running: Option<Running>,
    /// When it last began.
    begun: Option<Instant>,
    /// The list of a change that came since.
    next: Option<Vec<String>>,
    last: Option<String>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    since: Instant,
    seeds: Vec<String>,
}

/// What stands in the file of `--exec-result`.
#[derive(Debug, Serialize)]
struct Ended<'a> {
    command: &'a str,
    /// The list it was told.
    seeds: &'a [String],
    /// None: a signal or the limit ended it, or it could not be started.
    code: Option<i32>,
    /// In words.
    result: &'a str,
    /// RFC 3339.
    at: String,
}

impl Hook {
    /// The command that was given, if one was.
    pub(super) fn of(matches: &ArgMatches, file: &Path) -> Option<Self> {
        Some(Self {
            command: matches.get_one::<String>("exec")?.clone(),
            file: file.to_owned(),
            limit: *matches.get_one::<Duration>("exec-timeout")?,
            result: matches.get_one::<String>("exec-result").map(PathBuf::from),
            running: None,
            begun: None,
            next: None,
            last: None,
        })
    }

    /// Runs the command for this list, now or as soon as the one that runs has ended and it is time.
    pub(super) fn changed(&mut self, seeds: &[String]) {
        self.next = Some(seeds.to_vec());
        self.start_next();
    }

    /// Returns when a command has ended, or a list that waited has got its own. Cancel safety: can be asked again.
    pub(super) async fn ended(&mut self) {
        match (&mut self.running, self.begun, &self.next) {
            (Some(running), ..) => {
                let end = running.end(self.limit).await;
                self.report(&end);
            }
            (None, Some(begun), Some(_)) => sleep_until(begun + APART).await,
            (None, ..) => return std::future::pending().await,
        }
        self.start_next();
    }

    /// Starts it for the list that waits, if there is one and it is time.
    fn start_next(&mut self) {
        let early = self.begun.is_some_and(|begun| begun.elapsed() < APART);
        if self.running.is_some() || early {
            return;
        }
        let Some(seeds) = self.next.take() else { return };
        let since = Instant::now();
        self.begun = Some(since);
        match self.start(&seeds) {
            Ok(child) => self.running = Some(Running { child, since, seeds }),
            Err(error) => self.report(&End {
                code: None,
                result: format!("could not be started: {error}"),
            }),
        }
    }

    /// How the last command ended; none before the first has.
    pub(super) fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    fn report(&mut self, end: &End) {
        let ran = self.running.take();
        let sentence = format!("`{}` {}", self.command, end.result);
        output::note(&sentence);
        self.last = Some(sentence);
        let Some(path) = &self.result else { return };
        let ended = Ended {
            command: &self.command,
            seeds: ran.as_ref().map_or(&[], |ran| &ran.seeds),
            code: end.code,
            result: &end.result,
            at: host::utc(SystemTime::now()),
        };
        let written = serde_json::to_vec(&ended)
            .map_err(io::Error::other)
            .and_then(|bytes| host::write_atomic(path, &bytes, 0o644));
        if let Err(error) = written {
            output::note(&format!("cannot write {}: {error}", path.display()));
        }
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

/// How a run ended.
struct End {
    code: Option<i32>,
    result: String,
}

impl Running {
    /// Waits for its end, and makes one at the limit. Cancel safety: can be asked again.
    async fn end(&mut self, limit: Duration) -> End {
        let ended = timeout_at(self.since + limit, self.child.wait()).await;
        let took = humantime::format_duration(Duration::from_millis(
            u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX),
        ));
        let (code, result) = match ended {
            Ok(Ok(status)) => (status.code(), format!("ended {} after {took}", words(status))),
            Ok(Err(error)) => (None, format!("was lost: {error}")),
            Err(_) => {
                kill(&self.child);
                // Killed, so it ends at once; its parent has to hear of it all the same.
                let _ = self.child.wait().await;
                let result = format!("was killed after {took}, which is its limit (`--exec-timeout`)");
                (None, result)
            }
        };
        End { code, result }
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

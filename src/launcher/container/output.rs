//! Brings the node's output to the launcher's own, line by line: a program that follows it may die and be started again.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, PipeReader, Write},
    os::fd::AsFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{arguments, program::Program, refusal::Refusal};
use crate::host;

/// After a break in the following, this much is asked for again: a line that comes twice is better than one that never comes.
const OVERLAP: Duration = Duration::from_secs(1);
/// What a launcher that was killed may not have passed on. More of it lies in the engine's own copy.
const ADOPTED: Duration = Duration::from_secs(10);

/// How far the output was passed on.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    /// Milliseconds since 1970; 0 at the start of a container.
    last: Arc<AtomicU64>,
}

impl Heard {
    /// Nothing yet of a container that was just started.
    pub(super) fn nothing() -> Self {
        Self {
            last: Arc::new(AtomicU64::new(0)),
        }
    }

    /// Nearly everything of a container that is adopted.
    pub(super) fn nearly_all() -> Self {
        let heard = Self::nothing();
        heard
            .last
            .store(millis(now().saturating_sub(ADOPTED)), Ordering::Relaxed);
        heard
    }

    fn since(&self) -> Option<Duration> {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        (!last.is_zero()).then(|| last.saturating_sub(OVERLAP))
    }

    fn now(&self) {
        self.last.store(millis(now()), Ordering::Relaxed);
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Passes the output of `container` on for as long as the program that follows it lives.
pub(super) async fn follow(program: &Program, container: &str, heard: Heard) -> Result<(), Refusal> {
    let failed = |error: &io::Error| Refusal::of_error(program.cli, error);
    let arguments = arguments::logs(container, heard.since());
    let (mut child, output, errors) = program.piped(&arguments).map_err(|error| failed(&error))?;
    let (done, mut all_done) = tokio::sync::mpsc::channel::<()>(1);
    let both = [
        (output, io::stdout().as_fd().try_clone_to_owned()),
        (errors, io::stderr().as_fd().try_clone_to_owned()),
    ];
    for (from, to) in both {
        let (to, heard, done) = (to.map_err(|error| failed(&error))?, heard.clone(), done.clone());
        // A reader of ours that is slow holds up this thread and then the engine, never the launcher.
        std::thread::spawn(move || {
            // They are the main thread's alone.
            host::hold_signals();
            let _ = pass_on(from, File::from(to), &heard);
            drop(done);
        });
    }
    drop(done);
    let status = child.wait().await.map_err(|error| failed(&error))?;
    // Until the last of what it has written is passed on.
    let _ = all_done.recv().await;
    tracing::debug!(%status, "the output is not followed any more");
    Ok(())
}

/// Whole lines, so that two streams into one place do not tear each other's; at once when no more is there.
fn pass_on(from: PipeReader, to: File, heard: &Heard) -> io::Result<()> {
    let (mut from, mut to) = (BufReader::new(from), BufWriter::new(to));
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        heard.now();
        to.write_all(&line)?;
        line.clear();
        if from.buffer().is_empty() {
            to.flush()?;
        }
    }
    to.flush()
}

//! Watches the process that owns the node's socket, and says within about a millisecond that it died. Needs no privilege.
//!
//! A killed process keeps its sockets until its memory is given back, seconds for a large heap, and counts as running as long. Its
//! threads end at once. So a few of the oldest are watched: in a living node they never end. What one of them says is confirmed,
//! and a thread that just ended is replaced by another. Invariant: never says that a living process died.

use std::{
    future::poll_fn,
    io,
    task::{Context, Poll},
    time::Duration,
};

use rustix::{io::Errno, process::Pid};
use serde::Serialize;
use tokio::time::sleep;

use crate::{
    host::{self, OomKills, Pidfd},
    nodefile::ProcessId,
};

/// With one alone, that very thread may be the one that gives the memory back.
const THREADS: usize = 3;
/// The first thread may end a moment before its process looks dead, on a busy machine several milliseconds: so often it is looked at.
const LOOKS: u8 = 20;
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(1);
/// How often threads are replaced. A process that ends so many has none that stay.
const REPLACEMENTS: u8 = 16;

/// Who tells of a death first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Witness {
    /// The threads of its process, within about a millisecond.
    Threads,
    /// Its process, when its memory has been given back: before Linux 6.9, or where no thread stays.
    Process,
    /// The held connection, at the same time: the process is not known, or hidden.
    Connection,
}

/// A watch on one process.
#[derive(Debug)]
pub(super) struct Vigil {
    process: ProcessId,
    /// Says the same, late; all there is before Linux 6.9.
    whole: Pidfd,
    threads: Vec<Pidfd>,
    replaced: u8,
    oom: Option<OomKills>,
}

impl Vigil {
    /// On a process that lives.
    ///
    /// # Errors
    /// When it cannot be seen: it has ended, or another namespace or `hidepid=` hides it.
    pub(super) fn begin(process: ProcessId) -> io::Result<Self> {
        let whole = Pidfd::open(number(process.pid)?)?;
        let mut vigil = Self {
            process,
            whole,
            threads: Vec::new(),
            replaced: 0,
            oom: OomKills::of(process.pid),
        };
        if let Err(error) = vigil.choose() {
            tracing::debug!(cause = %error, "the threads of the node's process cannot be watched");
        }
        // Looked at last: what was opened before belongs to it then.
        if !process.is_alive() {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        }
        Ok(vigil)
    }

    /// On which process.
    pub(super) fn process(&self) -> ProcessId {
        self.process
    }

    /// Whether threads are watched, too.
    pub(super) fn sees_threads(&self) -> bool {
        !self.threads.is_empty()
    }

    /// Waits for the death of the process; what is known of it. Cancel safety: can be asked again.
    pub(super) async fn death(&mut self) -> String {
        loop {
            poll_fn(|cx| self.poll_ended(cx)).await;
            if self.is_confirmed().await {
                return self.words();
            }
            self.replaced += 1;
            if self.replaced >= REPLACEMENTS || self.choose().is_err() {
                self.threads.clear();
            }
        }
    }

    /// Takes the oldest threads that there are now.
    fn choose(&mut self) -> io::Result<()> {
        self.threads.clear();
        for tid in host::threads(self.process.pid).into_iter().take(THREADS) {
            match Pidfd::open_thread(number(tid)?) {
                Ok(thread) => self.threads.push(thread),
                // It has just ended; the others will do.
                Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn is_confirmed(&self) -> bool {
        for _ in 0..LOOKS {
            if host::process_is_dead(self.process.pid, self.process.start_time) {
                return true;
            }
            sleep(PAUSE).await;
        }
        false
    }

    /// Ready when one of the watched has ended.
    fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Each has to be asked, or it would not wake us.
        let watched = self.threads.iter().chain([&self.whole]);
        match watched.filter(|watched| watched.poll_ended(cx).is_ready()).count() {
            0 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }

    fn words(&self) -> String {
        let pid = self.process.pid;
        if self.oom.as_ref().is_some_and(OomKills::happened) {
            format!("the kernel killed the node's process {pid} for want of memory")
        } else {
            format!("the node's process {pid} has ended")
        }
    }
}

fn number(pid: u32) -> io::Result<Pid> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
}

#[cfg(test)]
mod tests;

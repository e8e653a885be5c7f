//! Signals as one stream of values; what they mean is decided elsewhere. No thread, no unsafe: the handler writes into a socket.

use std::{io, os::unix::net::UnixStream as StdStream, time::Duration};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use tokio::{io::AsyncReadExt, net::UnixStream};

/// A signal that somebody sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT: leave.
    Stop,
    /// SIGHUP: read the settings again.
    Reload,
}

/// The stream of signals. From its making on the default action (the process ends) no longer applies: read it, or end the process.
#[derive(Debug)]
pub struct Signals {
    terminate: UnixStream,
    interrupt: UnixStream,
    hangup: UnixStream,
}

impl Signals {
    /// Registers the handlers. Needs a runtime.
    pub fn new() -> io::Result<Self> {
        let signals = Self {
            terminate: pipe(SIGTERM)?,
            interrupt: pipe(SIGINT)?,
            hangup: pipe(SIGHUP)?,
        };
        // One that came while this process became this program has waited until now.
        let_signals_in();
        Ok(signals)
    }

    /// Waits for the signal to stop, where nothing runs that could be told to read its settings again.
    pub async fn told_to_stop(&mut self) {
        while self.next().await != Signal::Stop {
            tracing::info!("settings are read again once the node runs; until then a restart does it");
        }
    }

    /// Whether somebody has told us to stop just now. From then on signals wait: for the program that this process becomes, or for
    /// [`let_signals_in`].
    pub async fn hold(&mut self) -> bool {
        hold_signals();
        while let Ok(signal) = tokio::time::timeout(GLANCE, self.next()).await {
            if signal == Signal::Stop {
                return true;
            }
        }
        false
    }

    /// The next signal. Cancel safety: nothing is lost.
    pub async fn next(&mut self) -> Signal {
        let mut byte = [0_u8; 1];
        let mut other = [0_u8; 1];
        let mut third = [0_u8; 1];
        tokio::select! {
            _ = self.terminate.read(&mut byte) => Signal::Stop,
            _ = self.interrupt.read(&mut other) => Signal::Stop,
            _ = self.hangup.read(&mut third) => Signal::Reload,
        }
    }
}

/// Long enough for a signal that was taken already to be seen.
const GLANCE: Duration = Duration::from_millis(1);

/// From now on signals wait that would come to this thread, also for the program that this process becomes: before it listens, one
/// would end it. True of the process only when every other thread of it has done the same.
pub fn hold_signals() {
    mask(libc::SIG_BLOCK);
}

/// Signals arrive again, those that have waited at once.
pub fn let_signals_in() {
    mask(libc::SIG_UNBLOCK);
}

#[expect(unsafe_code, reason = "there is no safe way to let signals wait")]
fn mask(how: i32) {
    let mut set = std::mem::MaybeUninit::uninit();
    // SAFETY: the set is made by the first call, before anybody reads it, and lives until the last one has returned.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in [SIGTERM, SIGINT, SIGHUP] {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(how, set.as_ptr(), std::ptr::null_mut());
    }
}

fn pipe(signal: i32) -> io::Result<UnixStream> {
    let (read, write) = StdStream::pair()?;
    signal_hook::low_level::pipe::register(signal, write)?;
    read.set_nonblocking(true)?;
    UnixStream::from_std(read)
}

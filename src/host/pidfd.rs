//! A handle on one process that cannot come to mean another one, and that tells of its end. Needs a runtime.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    task::{Context, Poll},
};

use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid},
};
use tokio::io::{Interest, unix::AsyncFd};

/// For one thread in place of its process; since Linux 6.9, before that it is an invalid argument.
const THREAD: PidfdFlags = PidfdFlags::from_bits_retain(0x80);

/// One process or thread, by a file descriptor.
#[derive(Debug)]
pub struct Pidfd {
    fd: AsyncFd<OwnedFd>,
}

impl Pidfd {
    /// The process that has this number now. Compare what else is known of it afterwards, not before.
    pub fn open(pid: Pid) -> io::Result<Self> {
        Self::with(pid, PidfdFlags::empty())
    }

    /// The thread that has this number now; only its end can be waited for.
    pub fn open_thread(tid: Pid) -> io::Result<Self> {
        Self::with(tid, THREAD)
    }

    fn with(pid: Pid, flags: PidfdFlags) -> io::Result<Self> {
        let fd = pidfd_open(pid, flags)?;
        #[expect(unsafe_code, reason = "tokio has no safe constructor left that is not deprecated")]
        // SAFETY: the `AsyncFd` owns the descriptor, which stays open and the same for as long as it lives.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
        let fd = fd.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { fd })
    }

    /// Waits for the end of the process. Cancel safety: can be asked again.
    pub async fn ended(&self) {
        // An error can only mean that the runtime is going down; then nobody is left to hear the answer.
        let _ = self.fd.readable().await;
    }

    /// The same for who waits for several at once; the task that asked last is woken.
    pub fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.fd.poll_read_ready(cx).map(|_| ())
    }

    /// How the process has ended, if it has and was our child that nobody has waited for: exit code or signal.
    pub fn reap(&self) -> Option<Result<i32, i32>> {
        let id = WaitId::PidFd(self.fd.get_ref().as_fd());
        let status = waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOHANG).ok()??;
        let code = status.exit_status().map(Ok);
        code.or_else(|| status.terminating_signal().map(Err))
    }

    /// Sends a signal. A process that is gone is no error.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(self.fd.get_ref(), signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

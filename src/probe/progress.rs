//! How far a probe has come when its time is over: what it waited for tells what is wrong with the node.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::ProbeFailure;

const BEGUN: u8 = 0;
const CONNECTED: u8 = 1;
const HEARD: u8 = 2;

/// Shared by a prober and its connection. Only ever goes on, until the next probe begins.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress(Arc<AtomicU8>);

impl Progress {
    /// A probe begins.
    pub(super) fn begins(&self) {
        self.0.store(BEGUN, Ordering::Relaxed);
    }

    /// There is a connection.
    pub(super) fn connected(&self) {
        self.0.fetch_max(CONNECTED, Ordering::Relaxed);
    }

    /// A stream of which is noted when something is heard on it.
    pub(super) fn notes<T>(&self, stream: T) -> Noted<T> {
        Noted {
            stream,
            progress: self.clone(),
        }
    }

    /// What it means that the time is over, which was this.
    pub(super) fn failure(&self, time: Duration) -> ProbeFailure {
        match self.0.load(Ordering::Relaxed) {
            BEGUN => ProbeFailure::Unreachable(format!("nobody takes it within {}", humantime::format_duration(time))),
            CONNECTED => ProbeFailure::Hung(time),
            _ => ProbeFailure::TimedOut(time),
        }
    }
}

/// The stream of a [`Progress`].
#[derive(Debug)]
pub(super) struct Noted<T> {
    stream: T,
    progress: Progress,
}

impl<T: AsyncRead + Unpin> AsyncRead for Noted<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.progress.0.fetch_max(HEARD, Ordering::Relaxed);
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Noted<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

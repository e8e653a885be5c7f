//! Tells once that something in a directory was renamed into place or removed. Reads nothing. Needs a runtime.

use std::{io, os::fd::OwnedFd, path::Path};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::{Interest, unix::AsyncFd};

/// A directory that is watched.
#[derive(Debug)]
pub struct FolderWatch {
    fd: AsyncFd<OwnedFd>,
}

impl FolderWatch {
    /// Watches `dir`, which must be there.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let events = WatchFlags::MOVED_TO | WatchFlags::DELETE | WatchFlags::DELETE_SELF | WatchFlags::ONLYDIR;
        inotify::add_watch(&fd, dir, events)?;
        #[expect(unsafe_code, reason = "tokio has no safe constructor left that is not deprecated")]
        // SAFETY: the `AsyncFd` owns the descriptor, which stays open and the same for as long as it lives.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
        let fd = fd.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { fd })
    }

    /// Waits until something has changed. To be opened anew then: the directory itself may be another one. Cancel safety: can be asked
    /// again.
    pub async fn changed(&self) {
        // An error can only mean that the runtime is going down; then nobody is left to hear the answer.
        let _ = self.fd.readable().await;
    }
}

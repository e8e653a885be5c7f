//! When files of a folder get their new content: the kernel tells of each rename.

use std::{mem::MaybeUninit, path::Path};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::Instant,
};

use super::watch::BOUND;

/// A folder that is followed.
pub(crate) struct Folder(UnboundedReceiver<Instant>);

impl Folder {
    /// Every rename from now on.
    pub(crate) fn follow(path: &Path) -> Self {
        let events = inotify::init(CreateFlags::CLOEXEC).expect("inotify");
        inotify::add_watch(&events, path, WatchFlags::MOVED_TO)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (told, renames) = unbounded_channel();
        // Ends with the first event that nobody wants, or with this program.
        std::thread::spawn(move || {
            let mut buffer = [MaybeUninit::uninit(); 16384];
            let mut reader = inotify::Reader::new(events, &mut buffer);
            while reader.next().is_ok() && told.send(Instant::now()).is_ok() {}
        });
        Self(renames)
    }

    /// When the next one was.
    pub(crate) async fn renamed(&mut self) -> Instant {
        let renamed = tokio::time::timeout(BOUND, self.0.recv()).await;
        renamed.ok().flatten().expect("a file is rewritten")
    }

    /// What happened up to now is of no interest.
    pub(crate) fn forget(&mut self) {
        while self.0.try_recv().is_ok() {}
    }
}

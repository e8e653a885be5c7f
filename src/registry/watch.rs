//! List, then watch: a stream of changes that starts with everything and starts over when it cannot be sure.

use tokio::{sync::mpsc, task::JoinHandle};

use super::{Entry, Revision};

/// What a watcher learns, in the order of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchEvent {
    /// Everything that is there now; what is not in it is gone. First, and again after every doubt.
    Listed {
        /// The revision of the list.
        revision: Revision,
        /// All entries of the watched ranges.
        entries: Vec<Entry>,
    },
    /// A key was written.
    Put(Entry),
    /// A key is gone.
    Deleted {
        /// The key.
        key: String,
        /// The revision that deleted it.
        revision: Revision,
    },
    /// etcd is away; what was learned before stays as it is. Once per outage.
    Away {
        /// Why, in words.
        cause: String,
    },
}

/// The receiving end of a watch; dropping it ends the watch.
#[derive(Debug)]
pub struct Watcher {
    events: mpsc::Receiver<WatchEvent>,
    task: JoinHandle<()>,
}

impl Watcher {
    /// The receiving end of what `task` sends.
    pub(super) fn new(events: mpsc::Receiver<WatchEvent>, task: JoinHandle<()>) -> Self {
        Self { events, task }
    }

    /// The next event; none when the watch's task has died, which is a bug and never to be waited out. Cancel safety: nothing
    /// is lost.
    pub async fn next(&mut self) -> Option<WatchEvent> {
        self.events.recv().await
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

//! List, then watch: a stream of changes that starts with everything and starts over when it cannot be sure.

use std::time::Duration;

use tokio::{sync::mpsc, task::JoinHandle};

use super::{Entry, Revision};

/// Events that wait for the reader; more of them hold up the stream, not the memory.
const PENDING: usize = 256;

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
    /// A sign of life: everything up to this revision was told.
    Alive {
        /// The revision of the store.
        revision: Revision,
    },
    /// etcd is away; what was learned before stays as it is. Once per outage, which the next list ends.
    Away {
        /// Why, in words.
        cause: String,
    },
}

/// How closely a watch looks after itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How often a silent stream is asked for a sign of life.
    pub ask: Duration,
    /// How long it has for an answer; then it counts as dead, whatever the connection says.
    pub answer: Duration,
    /// How often everything is listed again though nothing seems wrong: a net under what nobody thought of.
    pub list: Duration,
    /// The longest wait before the first new stream, and before each one of a streak.
    pub retry: (Duration, Duration),
}

impl Pace {
    /// For what is on every host of an etcd and in no hurry: the keys of one node.
    pub fn calm() -> Self {
        Self {
            ask: Duration::from_secs(20),
            retry: (Duration::from_secs(2), Duration::from_secs(8)),
            ..Self::default()
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            ask: Duration::from_secs(5),
            answer: Duration::from_secs(3),
            list: Duration::from_mins(5),
            // Short: a list costs etcd next to nothing, and readers wait for it.
            retry: (Duration::from_millis(250), Duration::from_secs(4)),
        }
    }
}

/// The receiving end of a watch; dropping it ends the watch.
#[derive(Debug)]
pub struct Watcher {
    events: mpsc::Receiver<WatchEvent>,
    task: JoinHandle<()>,
}

impl Watcher {
    /// Starts the task that sends.
    pub(super) fn start<F>(work: impl FnOnce(mpsc::Sender<WatchEvent>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, events) = mpsc::channel(PENDING);
        let task = tokio::spawn(work(sender));
        Self { events, task }
    }

    /// The next event; none when the watch's task has died, which is a bug and never to be waited out. Cancel safety: nothing
    /// is lost.
    pub async fn next(&mut self) -> Option<WatchEvent> {
        self.events.recv().await
    }

    /// An event that is there already.
    pub fn ready(&mut self) -> Option<WatchEvent> {
        self.events.try_recv().ok()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

//! What a watcher of one key sees.

use quorate::registry::{Entry, Range, WatchEvent, Watcher};
use serde_json::Value;
use tokio::time::{Duration, Instant};

use super::{LONG, address::Address, etcd::Etcd};

/// What a watcher of one key sees.
pub(crate) struct KeySeen {
    key: String,
    watcher: Watcher,
    /// Every event but the first list, in words.
    pub(crate) history: Vec<&'static str>,
    pub(crate) value: Option<Value>,
}

impl KeySeen {
    /// Watches the member key of `address`.
    pub(crate) fn of(etcd: &Etcd, address: &Address) -> Self {
        Self::at(etcd, format!("/services/elasticsearch/{address}"))
    }

    pub(crate) fn at(etcd: &Etcd, key: String) -> Self {
        Self {
            watcher: etcd.registry().watch(vec![Range::Key(key.clone())]),
            key,
            history: Vec::new(),
            value: None,
        }
    }

    async fn next(&mut self) {
        let read = |entry: &Entry| serde_json::from_slice(&entry.value).expect("JSON");
        match self.watcher.next().await.expect("the watch lives") {
            WatchEvent::Listed { entries, .. } => self.value = entries.first().map(read),
            WatchEvent::Put(entry) => {
                self.history.push("put");
                self.value = Some(read(&entry));
            }
            WatchEvent::Deleted { .. } => {
                self.history.push("deleted");
                self.value = None;
            }
            WatchEvent::Alive { .. } | WatchEvent::Away { .. } => {}
        }
    }

    pub(crate) async fn until(&mut self, what: &str, look: impl Fn(Option<&Value>) -> bool) -> Instant {
        while !look(self.value.as_ref()) {
            let next = tokio::time::timeout(2 * LONG, self.next()).await;
            next.unwrap_or_else(|_| panic!("`{}` is not {what}", self.key));
        }
        Instant::now()
    }

    pub(crate) async fn there(&mut self) -> Instant {
        self.until("there", |value| value.is_some()).await
    }

    pub(crate) async fn gone(&mut self) -> Instant {
        self.until("gone", |value| value.is_none()).await
    }

    /// Takes in what has happened so far.
    pub(crate) async fn settle(&mut self, time: Duration) {
        let _ = tokio::time::timeout(time, async {
            loop {
                self.next().await;
            }
        })
        .await;
    }
}

//! What a reader of etcd sees of one member key, and when the node answers.

use std::time::Duration;

use quorate::registry::{Range, WatchEvent, Watcher};
use tokio::net::TcpStream;

use super::{contender::member_key, etcd::Etcd};

/// Whatever is awaited here happens within this, or something is broken.
pub(crate) const BOUND: Duration = Duration::from_mins(3);

/// A watch on the member key of one node.
pub(crate) struct Reader {
    key: String,
    watcher: Watcher,
}

impl Reader {
    /// Comes back when the watch stands.
    pub(crate) async fn of(etcd: &Etcd, address: &str) -> Self {
        let key = member_key(address);
        let mut watcher = etcd.registry().watch(vec![Range::Key(key.clone())]);
        while !matches!(watcher.next().await.expect("the watch"), WatchEvent::Listed { .. }) {}
        Self { key, watcher }
    }

    /// Waits until the key is put.
    pub(crate) async fn put(&mut self) {
        self.until(true).await;
    }

    /// Waits until the key is gone.
    pub(crate) async fn gone(&mut self) {
        self.until(false).await;
    }

    async fn until(&mut self, there: bool) {
        let seen = async {
            loop {
                // A list comes again after every doubt about the watch.
                let is_there = match self.watcher.next().await.expect("the watch") {
                    WatchEvent::Listed { entries, .. } => !entries.is_empty(),
                    WatchEvent::Put(_) => true,
                    WatchEvent::Deleted { .. } => false,
                    WatchEvent::Alive { .. } | WatchEvent::Away { .. } => continue,
                };
                if is_there == there {
                    return;
                }
            }
        };
        let seen = tokio::time::timeout(BOUND, seen).await;
        seen.unwrap_or_else(|_| panic!("{} there={there}: not seen within {BOUND:?}", self.key));
    }
}

/// Waits until something holds of which nobody sends word.
pub(crate) async fn until(mut holds: impl FnMut() -> bool, what: impl FnOnce() -> String) {
    let poll = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let held = tokio::time::timeout(BOUND, poll).await;
    held.unwrap_or_else(|_| panic!("not within {BOUND:?}: {}", what()));
}

/// Comes back when the node accepts, with a connection that ends with it.
pub(crate) async fn connect(address: &str) -> TcpStream {
    loop {
        match TcpStream::connect((address, 9200)).await {
            Ok(stream) => return stream,
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

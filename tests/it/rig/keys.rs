//! What stands in the rig's etcd, followed all the time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use quorate::{
    model::{ClusterRecord, Member},
    registry::{Keys, Registry, WatchEvent, Watcher},
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Duration, Instant},
};

/// Something that happened to a key.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) key: String,
    /// Its new value; none: it was deleted.
    pub(super) value: Option<Vec<u8>>,
}

/// All that was seen.
#[derive(Debug)]
pub(crate) struct Followed {
    pub(super) keys: Keys,
    history: Arc<Mutex<Vec<Seen>>>,
    now: watch::Receiver<BTreeMap<String, Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Followed {
    /// Of the usual service in that etcd.
    pub(super) fn of(registry: &Registry) -> Self {
        let keys = Keys::new("/services", "/quorate", &"elasticsearch".parse().expect("a name"));
        let (sender, now) = watch::channel(BTreeMap::new());
        let history = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(follow(registry.watch(keys.all()), Arc::clone(&history), sender));
        Self {
            keys,
            history,
            now,
            task,
        }
    }

    /// The events so far; what [`since`](Self::since) wants.
    pub(super) fn mark(&self) -> usize {
        self.history.lock().expect("no panic").len()
    }

    /// The events since a mark.
    pub(super) fn since(&self, mark: usize) -> Vec<Seen> {
        self.history.lock().expect("no panic")[mark..].to_vec()
    }

    /// Who lost a member key since a mark.
    pub(super) fn deleted_since(&self, mark: usize) -> Vec<String> {
        let members = self.keys.members();
        let events = self.since(mark).into_iter();
        let lost = events.filter(|event| event.value.is_none() && members.contains(&event.key));
        lost.map(|event| event.key).collect()
    }

    /// The ids with a member key, and their values.
    pub(super) fn members(&self) -> BTreeMap<String, Member> {
        let members = self.keys.members();
        let now = self.now.borrow();
        let ours = now.iter().filter(|(key, _)| members.contains(key));
        ours.map(|(key, value)| {
            let id = key.rsplit('/').next().expect("a key").to_owned();
            (id, Member::parse(value).expect("readable"))
        })
        .collect()
    }

    /// Whether there is such a key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.now.borrow().contains_key(key)
    }

    /// The cluster record.
    pub(super) fn record(&self) -> Option<ClusterRecord> {
        let now = self.now.borrow();
        now.get(&self.keys.record())
            .map(|value| ClusterRecord::parse(value).expect("readable"))
    }

    /// Waits until the key is there or gone; when that was seen. Panics after `max`.
    pub(super) async fn until(&self, key: &str, there: bool, max: Duration) -> Instant {
        let mut now = self.now.clone();
        let found = tokio::time::timeout(max, now.wait_for(|now| now.contains_key(key) == there)).await;
        let Ok(found) = found else {
            panic!("not within {max:?}: `{key}` {}", if there { "there" } else { "gone" })
        };
        drop(found.expect("the watch lives"));
        Instant::now()
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow(mut watcher: Watcher, history: Arc<Mutex<Vec<Seen>>>, now: watch::Sender<BTreeMap<String, Vec<u8>>>) {
    while let Some(event) = watcher.next().await {
        let seen = |key: String, value: Option<Vec<u8>>| {
            history.lock().expect("no panic").push(Seen { key, value });
        };
        now.send_modify(|now| match event {
            WatchEvent::Listed { entries, .. } => {
                let listed: BTreeMap<String, Vec<u8>> =
                    entries.into_iter().map(|entry| (entry.key, entry.value)).collect();
                for key in now.keys().filter(|key| !listed.contains_key(*key)) {
                    seen(key.clone(), None);
                }
                for (key, value) in listed.iter().filter(|(key, value)| now.get(*key) != Some(value)) {
                    seen(key.clone(), Some(value.clone()));
                }
                *now = listed;
            }
            WatchEvent::Put(entry) => {
                seen(entry.key.clone(), Some(entry.value.clone()));
                now.insert(entry.key, entry.value);
            }
            WatchEvent::Deleted { key, .. } => {
                now.remove(&key);
                seen(key, None);
            }
            WatchEvent::Alive { .. } | WatchEvent::Away { .. } => {}
        });
    }
}

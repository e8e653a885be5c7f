//! The complete history of etcd, whatever befalls its members: a watch at each of them, from the last revision that is known.
//!
//! Invariant: no revision is left out. Whoever compacts does so up to [`Observer::revision`] at most.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use etcd_client::{Client, ConnectOptions, WatchOptions, WatchResponse};
use tokio::{task::JoinSet, time::Instant};

/// Everything below the roots of the product.
const ROOT: &str = "/storm/";
/// A stream that said nothing for so long is opened anew.
const SILENCE: Duration = Duration::from_secs(5);

/// What happened to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) revision: i64,
    pub(crate) key: String,
    /// The value; none when the key was deleted.
    pub(crate) value: Option<String>,
    /// The value before.
    pub(crate) before: Option<String>,
}

/// Everything that was seen.
#[derive(Debug, Default)]
struct Seen {
    revision: i64,
    now: BTreeMap<String, String>,
    changes: Vec<(Instant, Change)>,
}

/// Watches until it is dropped.
#[derive(Debug)]
pub(crate) struct Observer {
    seen: Arc<Mutex<Seen>>,
    _streams: JoinSet<()>,
}

impl Observer {
    /// Watches from the first revision, at each of these members.
    pub(crate) fn start(endpoints: &[String]) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let mut streams = JoinSet::new();
        for endpoint in endpoints {
            streams.spawn(follow(endpoint.clone(), Arc::clone(&seen)));
        }
        Self {
            seen,
            _streams: streams,
        }
    }

    /// The last revision that was seen.
    pub(crate) fn revision(&self) -> i64 {
        lock(&self.seen).revision
    }

    /// The keys below `prefix` as they stand.
    pub(crate) fn now(&self, prefix: &str) -> BTreeMap<String, String> {
        let seen = lock(&self.seen);
        let all = seen.now.iter().filter(|(key, _)| key.starts_with(prefix));
        all.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// What happened below `prefix` after the first `known` changes of all, and how many there are by now.
    pub(crate) fn since(&self, known: usize, prefix: &str) -> (Vec<(Instant, Change)>, usize) {
        let seen = lock(&self.seen);
        let new = seen.changes.get(known..).unwrap_or_default();
        let ours = new.iter().filter(|(_, change)| change.key.starts_with(prefix));
        (ours.cloned().collect(), seen.changes.len())
    }
}

impl Seen {
    /// Takes in what a stream says; what another one has said before is old.
    fn take(&mut self, response: &WatchResponse) {
        let known = self.revision;
        for event in response.events() {
            let Some(kv) = event.kv().filter(|kv| kv.mod_revision() > known) else {
                continue;
            };
            let key = String::from_utf8_lossy(kv.key()).into_owned();
            let value = (kv.version() != 0).then(|| String::from_utf8_lossy(kv.value()).into_owned());
            let before = match &value {
                Some(value) => self.now.insert(key.clone(), value.clone()),
                None => self.now.remove(&key),
            };
            let revision = kv.mod_revision();
            self.revision = self.revision.max(revision);
            self.changes.push((
                Instant::now(),
                Change {
                    revision,
                    key,
                    value,
                    before,
                },
            ));
        }
    }
}

async fn follow(endpoint: String, seen: Arc<Mutex<Seen>>) {
    loop {
        let _ = stream(&endpoint, &seen).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// One stream to its end.
async fn stream(endpoint: &str, seen: &Mutex<Seen>) -> Result<(), etcd_client::Error> {
    let options = ConnectOptions::new().with_connect_timeout(SILENCE);
    let mut client = Client::connect([endpoint], Some(options)).await?;
    let from = lock(seen).revision + 1;
    let options = WatchOptions::new().with_prefix().with_start_revision(from);
    let opening = tokio::time::timeout(SILENCE, client.watch(ROOT, Some(options))).await;
    let Ok(stream) = opening else { return Ok(()) };
    let mut stream = stream?;
    loop {
        match tokio::time::timeout(SILENCE, stream.message()).await {
            Ok(Ok(Some(response))) if !response.canceled() => lock(seen).take(&response),
            // An end, a compaction beyond what this stream has said, or a member that stands still.
            Ok(_) | Err(_) => return Ok(()),
        }
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().expect("no task panicked with it")
}

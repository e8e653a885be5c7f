//! A sidecar that is upgraded and reloaded, and what others see of that: a watcher of its key, readers of its answers.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use quorate::registry::{LeaseId, Range, Registry, WatchEvent};
use rustix::process::Signal;
use serde_json::Value;

use super::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    sidecar::{Sidecar, own_program},
    standin::StandIn,
};

/// A probe every 300 ms, so that a test sees many.
pub(crate) const FAST: &str = "interval = \"300ms\"\ntimeout = \"250ms\"\n";

/// A well node with its sidecar.
pub(crate) struct Place {
    pub(crate) etcd: Etcd,
    pub(crate) node: StandIn,
    pub(crate) sidecar: Sidecar,
    pub(crate) key: String,
}

/// The key, as it stands in etcd.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) value: Value,
    pub(crate) lease: LeaseId,
}

impl Stored {
    pub(crate) fn field(&self, name: &str) -> String {
        self.value.get(name).and_then(Value::as_str).expect(name).to_owned()
    }
}

impl Place {
    /// Ready, with its key in etcd.
    pub(crate) async fn ready(more: &str) -> Self {
        Self::ready_with(more, &[]).await
    }

    pub(crate) async fn ready_with(more: &str, env: &[(&str, &str)]) -> Self {
        let etcd = Etcd::start(Version::V35).await;
        let node = StandIn::at_home("elasticsearch-9.5.3");
        let sidecar = Sidecar::start_from_file(&etcd.endpoint(), node.home(), more, env);
        let key = format!("/services/elasticsearch/{}", node.home());
        let place = Self {
            etcd,
            node,
            sidecar,
            key,
        };
        place.stored().await;
        place.sidecar.verdict("ready").await;
        place
    }

    /// The key once it is there.
    pub(crate) async fn stored(&self) -> Stored {
        stored(&self.etcd.registry(), &self.key, |_| true).await
    }

    /// The incarnation that runs.
    pub(crate) async fn incarnation(&self) -> String {
        incarnation(&self.sidecar.until("it answers", |_| true).await)
    }

    /// SIGHUP, and the next program.
    pub(crate) async fn becomes_next(&self, before: &str) -> Value {
        self.sidecar.signal(Signal::HUP);
        let is_next = |status: &Value| incarnation(status) != before;
        self.sidecar.until("the next program answers", is_next).await
    }

    /// Another file in place of the executable that does the same.
    pub(crate) fn upgrade(&self, number: u8) {
        let mut program = own_program();
        program.extend([b'\n', number]);
        self.sidecar.replace_program(&program, 0o755);
    }

    /// SIGHUP, and that it was refused with these words; then nothing has changed.
    pub(crate) async fn refuses(&self, words: &str) {
        let before = self.incarnation().await;
        self.sidecar.signal(Signal::HUP);
        let refused = |status: &Value| text(status, "/settings/refused").is_some_and(|why| why.contains(words));
        let status = self.sidecar.until(words, refused).await;
        assert_eq!(incarnation(&status), before, "{words}");
        assert_eq!(text(&status, "/verdict"), Some("ready"), "{words}");
        assert_eq!(self.stored().await.field("incarnation"), before, "{words}");
    }
}

fn text<'a>(status: &'a Value, pointer: &str) -> Option<&'a str> {
    status.pointer(pointer)?.as_str()
}

/// The incarnation that answers.
pub(crate) fn incarnation(status: &Value) -> String {
    text(status, "/sidecar/incarnation").expect("an incarnation").to_owned()
}

/// The key once it is as wanted.
pub(crate) async fn stored(registry: &Registry, key: &str, look: impl Fn(&Stored) -> bool) -> Stored {
    eventually(&format!("{key} is as wanted"), LONG, || async {
        let reading = registry.read(&[Range::Key(key.to_owned())]).await.ok()?;
        let entry = reading.entries.into_iter().next()?;
        let stored = Stored {
            value: serde_json::from_slice(&entry.value).expect("JSON"),
            lease: entry.lease.expect("a lease"),
        };
        look(&stored).then_some(stored)
    })
    .await
}

/// Counts deletions of a key until asked.
pub(crate) struct Deletions {
    seen: Arc<AtomicUsize>,
}

impl Deletions {
    pub(crate) async fn count(registry: &Registry, key: &str) -> Self {
        let seen = Arc::new(AtomicUsize::new(0));
        let mut watcher = registry.watch(vec![Range::Key(key.to_owned())]);
        let first = tokio::time::timeout(LONG, watcher.next()).await.expect("a list");
        assert!(matches!(first, Some(WatchEvent::Listed { .. })), "{first:?}");
        let counted = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Some(event) = watcher.next().await {
                let gone = match event {
                    WatchEvent::Deleted { .. } => true,
                    WatchEvent::Listed { entries, .. } => entries.is_empty(),
                    WatchEvent::Put(_) | WatchEvent::Alive { .. } | WatchEvent::Away { .. } => false,
                };
                counted.fetch_add(usize::from(gone), Ordering::SeqCst);
            }
        });
        Self { seen }
    }

    pub(crate) fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

/// Readers that ask `/readyz` again and again, and what they got.
pub(crate) struct Readers {
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<(usize, Vec<String>)>>,
}

impl Readers {
    pub(crate) fn start(address: Ipv4Addr, count: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let read = move |stop: Arc<AtomicBool>| {
            let (mut good, mut bad) = (0, Vec::new());
            while !stop.load(Ordering::SeqCst) {
                match readyz(address) {
                    Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => good += 1,
                    other => bad.push(format!("{other:?}")),
                }
            }
            (good, bad)
        };
        let start = |_| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || read(stop))
        };
        Self {
            threads: (0..count).map(start).collect(),
            stop,
        }
    }

    /// How many answers they got; panics with what was none.
    pub(crate) fn end(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        let ends = self.threads.into_iter().map(|thread| thread.join().expect("no panic"));
        ends.map(|(good, bad)| {
            assert!(bad.is_empty(), "{good} good answers and these: {bad:?}");
            good
        })
        .sum()
    }
}

fn readyz(address: Ipv4Addr) -> std::io::Result<String> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect((address, 9190))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Waits until a lease has ended.
pub(crate) async fn revoked(registry: &Registry, lease: LeaseId) {
    let gone = || async {
        let left = registry.time_to_live(lease).await.expect("etcd answers");
        left.is_none().then_some(())
    };
    eventually("the old lease is revoked", LONG, gone).await;
}

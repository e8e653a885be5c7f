//! A host as registrations see it: a directory for their files, a boot, and one run after the other.

use std::{path::Path, time::Duration};

use quorate::{
    model::{Incarnation, Member},
    registration::{Obstacle, Registration, Spec, Standing, StartError, Value, Want},
    registry::{Entry, Range, Registry},
};
use tempfile::TempDir;
use tokio::sync::watch;

use super::standing_until;

/// The key of these tests.
pub(crate) const KEY: &str = "/services/es/10.0.0.1";

/// Short, so that ends of leases are seen; etcd gives at least 2 s.
pub(crate) const TTL: Duration = Duration::from_secs(4);

/// A host with its files.
#[derive(Debug)]
pub(crate) struct Host {
    dir: TempDir,
    pub(crate) boot: &'static str,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a directory"),
            boot: "boot-1",
        }
    }

    pub(crate) fn state_file(&self) -> std::path::PathBuf {
        self.dir.path().join("es/10.0.0.1.json")
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn spec(&self) -> Spec {
        Spec {
            key: KEY.to_owned(),
            state_file: self.state_file(),
            lock_file: self.dir.path().join("es/10.0.0.1.lock"),
            ttl: TTL,
            incarnation: Incarnation::random().expect("random"),
            boot_id: self.boot.to_owned(),
            take_over: false,
        }
    }

    pub(crate) fn start(&self, registry: &Registry) -> Run {
        Self::try_start(registry, self.spec()).expect("started")
    }

    pub(crate) fn try_start(registry: &Registry, spec: Spec) -> Result<Run, StartError> {
        let incarnation = spec.incarnation.to_string();
        let registration = Registration::start(registry.clone(), spec, None)?;
        let standing = registration.subscribe();
        Ok(Run {
            registration,
            incarnation,
            standing,
        })
    }
}

/// One run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) registration: Registration,
    pub(crate) incarnation: String,
    pub(crate) standing: watch::Receiver<Standing>,
}

impl Run {
    /// Wants the key with `port` in it and waits until it is there.
    pub(crate) async fn register(&mut self, port: u16) -> Standing {
        self.registration.want(Want::Present(member(port)));
        self.until("the key is there", |standing| standing.registered).await
    }

    /// Waits until the key is verified some more times; more than one, because one may have been under way.
    pub(crate) async fn verified(&mut self, times: usize) {
        for _ in 0..times {
            let before = self.standing.borrow().verified_at;
            self.until("the key is verified", |standing| standing.verified_at > before)
                .await;
        }
    }

    pub(crate) async fn until(&mut self, what: &str, look: impl FnMut(&Standing) -> bool) -> Standing {
        standing_until(what, &mut self.standing, look).await
    }

    /// Waits for an obstacle of this kind.
    pub(crate) async fn obstacle(&mut self, kind: &str) -> Obstacle {
        let is = |standing: &Standing| standing.obstacle.as_ref().map(Obstacle::kind) == Some(kind);
        let standing = self.until(kind, is).await;
        standing.obstacle.expect("an obstacle")
    }
}

/// A member's value.
pub(crate) fn member(port: u16) -> Value {
    Value::from(&Member::new(port, 9300))
}

/// The key.
pub(crate) async fn stored(registry: &Registry) -> Option<Entry> {
    let reading = registry.read(&[Range::Key(KEY.to_owned())]).await.expect("read");
    reading.entries.into_iter().next()
}

/// The key's value.
pub(crate) async fn text(registry: &Registry) -> Option<String> {
    let entry = stored(registry).await?;
    Some(String::from_utf8(entry.value).expect("text"))
}

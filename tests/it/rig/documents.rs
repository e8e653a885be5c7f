//! What the cluster is for: documents that are written before something is broken, and are there afterwards.

use serde_json::Value;
use tokio::time::Duration;

use super::{cluster::SETTLED, hosts::Rig};
use crate::support::{
    eventually,
    http::{Answer, ask},
};

/// A node that cannot write says so after a second.
const WRITTEN: Duration = Duration::from_secs(5);
const SOME: usize = 5;

impl Rig {
    /// Makes the index: three nodes have a copy of it each.
    pub(super) async fn makes_an_index(&self) {
        let settings = r#"{"settings":{"number_of_shards":1,"number_of_replicas":2}}"#;
        let answer = ask(self.hosts[0].ip, "PUT", "/story", settings, SETTLED).await;
        assert!(answer.as_ref().is_some_and(Answer::is_success), "{answer:?}");
    }

    /// Writes a document through a host's node; whether that said that it is written.
    pub(super) async fn writes(&self, via: usize, name: &str) -> bool {
        let path = format!("/story/_doc/{name}?timeout=1s");
        let answer = ask(self.hosts[via].ip, "PUT", &path, r#"{"told":true}"#, WRITTEN).await;
        let is_written = answer.is_some_and(|answer| answer.is_success());
        if is_written {
            self.acknowledged.lock().expect("no panic").insert(name.to_owned());
        }
        is_written
    }

    /// Writes some documents whose names begin with `chapter`, as soon as that is possible.
    pub(super) async fn writes_some(&self, via: usize, chapter: &str) {
        for number in 0..SOME {
            let name = format!("{chapter}-{number}");
            let what = format!("{name} is written through host {via}");
            eventually(&what, SETTLED, || async { self.writes(via, &name).await.then_some(()) }).await;
        }
    }

    /// Waits until the cluster of these is green, then looks for every acknowledged document.
    pub(super) async fn is_green(&self, who: &[usize]) {
        let health = "/_cluster/health?wait_for_status=green&timeout=1s";
        eventually("the cluster is green", SETTLED, || async {
            let answer = ask(self.hosts[who[0]].ip, "GET", health, "", WRITTEN).await?;
            let health: Value = serde_json::from_str(&answer.body).ok()?;
            (health["status"] == "green" && health["number_of_nodes"] == who.len()).then_some(())
        })
        .await;
        let names = self.acknowledged.lock().expect("no panic").clone();
        for one in who {
            for name in &names {
                let answer = ask(self.hosts[*one].ip, "GET", &format!("/story/_doc/{name}"), "", WRITTEN).await;
                let found = answer.as_ref().is_some_and(Answer::is_success);
                assert!(
                    found,
                    "{name} was acknowledged, and is not there for host {one}: {answer:?}"
                );
            }
        }
    }
}

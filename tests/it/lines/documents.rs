//! What the cluster is for: documents that are written before something is broken, and are there afterwards.

use std::{sync::Mutex, time::Duration};

use serde_json::Value;

use super::trio::{ALL, SETTLED, Trio};
use crate::support::{
    eventually,
    http::{Answer, ask},
};

/// A node that cannot write says so after a second.
const WRITTEN: Duration = Duration::from_secs(5);
/// How many are written at a time.
const SOME: usize = 5;

impl Trio {
    /// Makes the index: every node has a copy of it.
    pub(super) async fn makes_an_index(&self) {
        let settings = r#"{"settings":{"number_of_shards":1,"number_of_replicas":2}}"#;
        let answer = ask(self.seats[0].address.ip(), "PUT", "/story", settings, SETTLED).await;
        assert!(answer.as_ref().is_some_and(Answer::is_success), "{answer:?}");
    }

    fn document(&self, name: &str) -> String {
        format!("/story/{}/{name}", self.distribution.document_type())
    }

    /// Writes a document through a node; whether the node said that it is written.
    pub(super) async fn write(&self, via: usize, name: &str) -> bool {
        let path = format!("{}?timeout=1s", self.document(name));
        let answer = ask(self.seats[via].address.ip(), "PUT", &path, r#"{"told":true}"#, WRITTEN).await;
        let is_written = answer.is_some_and(|answer| answer.is_success());
        if is_written {
            self.acknowledged.lock().expect("no panic").insert(name.to_owned());
        }
        is_written
    }

    /// Writes some documents whose names begin with `chapter`, as soon as that is possible.
    pub(super) async fn write_some(&self, via: usize, chapter: &str) {
        for number in 0..SOME {
            let name = format!("{chapter}-{number}");
            let what = format!("{name} is written through {via}");
            eventually(&what, SETTLED, || async { self.write(via, &name).await.then_some(()) }).await;
        }
    }

    /// What the nodes say of copies that are not whole.
    async fn tells_about_copies(&self) -> String {
        let mut told = Vec::new();
        for path in [
            "/_cluster/allocation/explain",
            "/_cat/recovery/story?v&active_only",
            "/_cat/pending_tasks?v",
            "/_tasks?detailed&group_by=none",
            "/_nodes/hot_threads?threads=20&ignore_idle_threads=false",
        ] {
            for one in ALL {
                let answer = ask(self.seats[one].address.ip(), "GET", path, "", WRITTEN).await;
                let body = answer.map_or_else(|| "no answer".to_owned(), |answer| answer.body);
                told.push(format!("{path} at {one}: {body}"));
            }
        }
        told.join("\n")
    }

    /// Waits until every copy is whole, then looks for every acknowledged document in each.
    pub(super) async fn has_every_document(&self) {
        let health = "/_cluster/health/story?wait_for_status=green&timeout=1s";
        let said = Mutex::new(String::new());
        let whole = || async {
            let answer = ask(self.seats[0].address.ip(), "GET", health, "", WRITTEN).await?;
            let health: Value = serde_json::from_str(&answer.body).ok()?;
            *said.lock().expect("no panic") = answer.body;
            (health["status"] == "green" && health["number_of_nodes"] == ALL.len()).then_some(())
        };
        if tokio::time::timeout(SETTLED, eventually("every node has a whole copy", 2 * SETTLED, whole))
            .await
            .is_err()
        {
            let said = said.into_inner().expect("no panic");
            panic!(
                "not every node has a whole copy: {said}\n{}",
                self.tells_about_copies().await
            );
        }
        let names = self.acknowledged.lock().expect("no panic").clone();
        for one in ALL {
            let ip = self.seats[one].address.ip();
            ask(ip, "POST", "/story/_refresh", "", WRITTEN)
                .await
                .expect("refreshed");
            let answer = ask(ip, "GET", "/story/_count?preference=_local", "", WRITTEN).await;
            let count: Value = serde_json::from_str(&answer.expect("an answer").body).expect("JSON");
            let count = count["count"].as_u64().expect("a count");
            let mut lost = Vec::new();
            for name in &names {
                let path = format!("{}?preference=_local", self.document(name));
                if !ask(ip, "GET", &path, "", WRITTEN)
                    .await
                    .is_some_and(|answer| answer.is_success())
                {
                    lost.push(name);
                }
            }
            assert!(lost.is_empty(), "acknowledged, and not in the copy of {one}: {lost:?}");
            assert!(
                count >= names.len() as u64,
                "{count} of {} documents at {one}",
                names.len()
            );
        }
    }
}

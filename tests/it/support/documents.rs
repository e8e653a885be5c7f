//! What a cluster is for: documents that are written before something is broken, and are there afterwards, in every copy.

use std::{collections::BTreeSet, net::Ipv4Addr, sync::Mutex, time::Duration};

use serde_json::Value;

use super::{
    SETTLED, eventually,
    http::{Answer, ask},
};

/// A node that cannot write says so after a second.
const WRITTEN: Duration = Duration::from_secs(5);
/// How many are written at a time.
const SOME: usize = 5;

/// The documents of which a node said that it has them.
#[derive(Debug)]
pub(crate) struct Documents {
    document_type: &'static str,
    acknowledged: Mutex<BTreeSet<String>>,
}

impl Documents {
    /// Of documents that the nodes call by this type.
    pub(crate) fn new(document_type: &'static str) -> Self {
        Self {
            document_type,
            acknowledged: Mutex::default(),
        }
    }

    /// Whether nothing was written since it began.
    pub(crate) fn is_empty(&self) -> bool {
        self.acknowledged.lock().expect("no panic").is_empty()
    }

    /// Begins anew, for a cluster that holds nothing.
    pub(crate) fn forget(&self) {
        self.acknowledged.lock().expect("no panic").clear();
    }

    /// Makes the index: three nodes have a copy of it each.
    pub(crate) async fn make_index(&self, via: Ipv4Addr) {
        let settings = r#"{"settings":{"number_of_shards":1,"number_of_replicas":2}}"#;
        let answer = ask(via, "PUT", "/story", settings, SETTLED).await;
        assert!(answer.as_ref().is_some_and(Answer::is_success), "{answer:?}");
    }

    fn document(&self, name: &str) -> String {
        format!("/story/{}/{name}", self.document_type)
    }

    /// Writes a document through a node; whether the node said that it is written.
    pub(crate) async fn write(&self, via: Ipv4Addr, name: &str) -> bool {
        let path = format!("{}?timeout=1s", self.document(name));
        let answer = ask(via, "PUT", &path, r#"{"told":true}"#, WRITTEN).await;
        let is_written = answer.is_some_and(|answer| answer.is_success());
        if is_written {
            self.acknowledged.lock().expect("no panic").insert(name.to_owned());
        }
        is_written
    }

    /// Writes some documents whose names begin with `chapter`, as soon as that is possible.
    pub(crate) async fn write_some(&self, via: Ipv4Addr, chapter: &str) {
        for number in 0..SOME {
            let name = format!("{chapter}-{number}");
            let what = format!("{name} is written through {via}");
            eventually(&what, SETTLED, || async { self.write(via, &name).await.then_some(()) }).await;
        }
    }

    /// Waits until the cluster is these nodes and every copy is whole, then looks for every acknowledged document at each.
    pub(crate) async fn is_whole(&self, nodes: &[Ipv4Addr]) {
        let first = nodes.first().copied().expect("a node");
        let health = "/_cluster/health/story?wait_for_status=green&timeout=1s";
        let said = Mutex::new(String::new());
        let whole = || async {
            let answer = ask(first, "GET", health, "", WRITTEN).await?;
            let health: Value = serde_json::from_str(&answer.body).ok()?;
            *said.lock().expect("no panic") = answer.body;
            (field(&health, "status") == "green" && field(&health, "number_of_nodes") == nodes.len()).then_some(())
        };
        let waited = eventually("every copy is whole", 2 * SETTLED, whole);
        if tokio::time::timeout(SETTLED, waited).await.is_err() {
            let said = said.into_inner().expect("no panic");
            panic!("not every copy is whole: {said}\n{}", tells_about_copies(nodes).await);
        }
        let names = self.acknowledged.lock().expect("no panic").clone();
        for &node in nodes {
            let refreshed = ask(node, "POST", "/story/_refresh", "", WRITTEN).await;
            refreshed.expect("refreshed");
            let answer = ask(node, "GET", "/story/_count?preference=_local", "", WRITTEN).await;
            let count: Value = serde_json::from_str(&answer.expect("an answer").body).expect("JSON");
            let count = field(&count, "count").as_u64().expect("a count");
            let mut lost = Vec::new();
            for name in &names {
                let path = format!("{}?preference=_local", self.document(name));
                let answer = ask(node, "GET", &path, "", WRITTEN).await;
                if !answer.is_some_and(|answer| answer.is_success()) {
                    lost.push(name);
                }
            }
            assert!(lost.is_empty(), "acknowledged, and not at {node}: {lost:?}");
            let written = names.len();
            assert!(count >= written as u64, "{count} of {written} documents at {node}");
        }
    }
}

/// What the nodes say of copies that are not whole.
async fn tells_about_copies(nodes: &[Ipv4Addr]) -> String {
    let mut told = Vec::new();
    for path in [
        "/_cluster/allocation/explain",
        "/_cat/recovery/story?v&active_only",
        "/_cat/pending_tasks?v",
        "/_tasks?detailed&group_by=none",
        "/_nodes/hot_threads?threads=20&ignore_idle_threads=false",
    ] {
        for &node in nodes {
            let answer = ask(node, "GET", path, "", WRITTEN).await;
            let body = answer.map_or_else(|| "no answer".to_owned(), |answer| answer.body);
            told.push(format!("{path} at {node}: {body}"));
        }
    }
    told.join("\n")
}

fn field<'a>(answer: &'a Value, name: &str) -> &'a Value {
    answer.get(name).unwrap_or(&Value::Null)
}

//! As much as a node with a small heap takes without dying of it: bulks of documents, and searches that build large answers of them.

use std::{
    fmt::Write as _,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::task::JoinSet;

use crate::support::http;

const WRITERS: u64 = 3;
const SEARCHERS: u64 = 3;
/// Documents of one bulk.
const BULK: u64 = 400;
/// An answer that takes longer is not waited for.
const PATIENCE: Duration = Duration::from_mins(1);
/// Words of the documents; terms of an aggregation over them fill a small heap.
const WORDS: u64 = 50_000;

/// What was done so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    pub(crate) documents: u64,
    pub(crate) searches: u64,
    /// Requests that the node refused or did not answer in time: its heap is full.
    pub(crate) refused: u64,
}

#[derive(Debug, Default)]
struct Counters {
    documents: AtomicU64,
    searches: AtomicU64,
    refused: AtomicU64,
}

/// A load, until dropped.
#[derive(Debug)]
pub(crate) struct Load {
    counters: Arc<Counters>,
    _tasks: JoinSet<()>,
}

impl Load {
    /// On the node at `ip`, which takes bulks at this path.
    pub(crate) fn start(ip: Ipv4Addr, bulk: &'static str) -> Self {
        let (counters, mut tasks) = (Arc::<Counters>::default(), JoinSet::new());
        for writer in 0..WRITERS {
            tasks.spawn(write((ip, bulk), writer, Arc::clone(&counters)));
        }
        for searcher in 0..SEARCHERS {
            tasks.spawn(search(ip, searcher, Arc::clone(&counters)));
        }
        Self {
            counters,
            _tasks: tasks,
        }
    }

    /// What was done so far.
    pub(crate) fn done(&self) -> Done {
        Done {
            documents: self.counters.documents.load(Relaxed),
            searches: self.counters.searches.load(Relaxed),
            refused: self.counters.refused.load(Relaxed),
        }
    }
}

async fn write((ip, path): (Ipv4Addr, &str), writer: u64, counters: Arc<Counters>) {
    for round in 0.. {
        let mut body = String::new();
        for number in 0..BULK {
            // The index is emptied by writing over it: as many documents as fit the disk of any machine.
            let id = writer * 40_000 + (round * BULK + number) % 40_000;
            write!(
                body,
                "{{\"index\":{{\"_id\":\"{id}\"}}}}\n{{\"number\":{id},\"text\":\"{}\"}}\n",
                text(id + round)
            )
            .expect("text");
        }
        let answer = http::ask(ip, "POST", path, &body, PATIENCE).await;
        let done = answer.is_some_and(|answer| answer.is_success());
        let (counter, by) = if done {
            (&counters.documents, BULK)
        } else {
            (&counters.refused, 1)
        };
        counter.fetch_add(by, Relaxed);
    }
}

/// Sorts, counts words, and takes hundreds of documents at once.
async fn search(ip: Ipv4Addr, searcher: u64, counters: Arc<Counters>) {
    for round in searcher.. {
        let (word, size) = (word(round * 31), 50 + 50 * (round % 10));
        let body = format!(
            "{{\"size\":{size},\"query\":{{\"bool\":{{\"should\":[{{\"match\":{{\"text\":\"{word}\"}}}},{{\"match_all\":{{}}}}]}}}},\
             \"aggs\":{{\"words\":{{\"terms\":{{\"field\":\"text.keyword\",\"size\":500}}}},\
             \"numbers\":{{\"histogram\":{{\"field\":\"number\",\"interval\":7}}}}}}}}"
        );
        let answer = http::ask(ip, "POST", "/soak/_search", &body, PATIENCE).await;
        let done = answer.is_some_and(|answer| answer.is_success());
        let counter = if done { &counters.searches } else { &counters.refused };
        counter.fetch_add(1, Relaxed);
    }
}

/// Twenty words, the same for the same number.
fn text(number: u64) -> String {
    let words: Vec<String> = (0..20)
        .map(|at| word(number.wrapping_mul(0x9E37_79B9).wrapping_add(at * 7919)))
        .collect();
    words.join(" ")
}

fn word(number: u64) -> String {
    format!("word{:05}", number % WORDS)
}

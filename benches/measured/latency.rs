//! How long after the node's start its key is there, and after its death gone.

use std::time::Duration;

use quorate::registry::{Compare, Op, Range, Txn, WatchEvent, Watcher};
use tokio::{net::TcpStream, time::Instant};

use super::{
    contender::Contender,
    etcd::Etcd,
    standin::StandIn,
    table::{Figure, OURS, Row},
};

pub(crate) const ADDRESS: &str = "127.0.16.1";
const KEY: &str = "/services/elasticsearch/127.0.16.1";

/// Ready, dead: what a reader of etcd sees.
pub(crate) async fn run(etcd: &Etcd, rounds: u64) -> Vec<Row> {
    let mut rows = bare(etcd, rounds).await;
    let state = tempfile::tempdir().expect("a directory");
    let contender = Contender::sidecar(etcd, ADDRESS, state.path());
    rows.extend(measure(etcd, rounds, OURS, true).await);
    drop(contender);
    let contender = Contender::shell_loop(etcd, ADDRESS, 1);
    rows.extend(measure(etcd, rounds.min(10), "shell loop, sleep 1", false).await);
    drop(contender);
    rows
}

/// The floor: a put and a delete as a watcher sees them.
async fn bare(etcd: &Etcd, rounds: u64) -> Vec<Row> {
    let registry = etcd.registry();
    let mut watcher = listed(etcd).await;
    let (mut puts, mut deletes) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let put = Op::Put {
            key: KEY.to_owned(),
            value: b"{}".to_vec(),
            lease: None,
        };
        let before = Instant::now();
        registry
            .commit(&Txn {
                when: vec![Compare::Absent(Range::Key(KEY.to_owned()))],
                then: vec![put],
            })
            .await
            .expect("put");
        until(&mut watcher, true).await;
        puts.push(before.elapsed());
        let before = Instant::now();
        registry
            .commit(&Txn {
                when: Vec::new(),
                then: vec![Op::Delete { key: KEY.to_owned() }],
            })
            .await
            .expect("delete");
        until(&mut watcher, false).await;
        deletes.push(before.elapsed());
    }
    vec![
        Row::new("node ready → key visible", "bare put", Figure::times(&puts)),
        Row::new("node killed → key gone", "bare delete", Figure::times(&deletes)),
    ]
}

/// Starts and kills the stand-in. The loop has no state between rounds, so the node need not be ready at once there.
async fn measure(etcd: &Etcd, rounds: u64, name: &str, closed: bool) -> Vec<Row> {
    let mut watcher = listed(etcd).await;
    let (mut ready, mut gone, mut after_close) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut node = StandIn::start(&format!("{ADDRESS}:9200"));
        let held = connect().await;
        let up = Instant::now();
        until(&mut watcher, true).await;
        ready.push(up.elapsed());
        let end = tokio::spawn(async move {
            // Ends when the node's sockets are closed, with or without a reset.
            let _ = held.readable().await;
            Instant::now()
        });
        let killed = Instant::now();
        node.kill();
        let socket_closed = end.await.expect("the task");
        until(&mut watcher, false).await;
        gone.push(killed.elapsed());
        after_close.push(socket_closed.elapsed());
    }
    let mut rows = vec![
        Row::new("node ready → key visible", name, Figure::times(&ready)),
        Row::new("node killed → key gone", name, Figure::times(&gone)),
    ];
    if closed {
        rows.push(Row::new("socket closed → key gone", name, Figure::times(&after_close)));
    }
    rows
}

pub(crate) async fn connect() -> TcpStream {
    loop {
        match TcpStream::connect((ADDRESS, 9200)).await {
            Ok(stream) => return stream,
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

pub(crate) async fn listed(etcd: &Etcd) -> Watcher {
    let mut watcher = etcd
        .registry()
        .watch(vec![Range::Prefix("/services/elasticsearch/".to_owned())]);
    while !matches!(watcher.next().await.expect("the watch"), WatchEvent::Listed { .. }) {}
    watcher
}

/// Waits until the key is there, or gone.
pub(crate) async fn until(watcher: &mut Watcher, there: bool) {
    let bound = Duration::from_mins(2);
    let seen = async {
        loop {
            match watcher.next().await.expect("the watch") {
                WatchEvent::Put(entry) if there && entry.key == KEY => return,
                WatchEvent::Deleted { key, .. } if !there && key == KEY => return,
                WatchEvent::Listed { .. }
                | WatchEvent::Put(_)
                | WatchEvent::Deleted { .. }
                | WatchEvent::Away { .. } => {}
            }
        }
    };
    tokio::time::timeout(bound, seen)
        .await
        .unwrap_or_else(|_| panic!("{KEY} there={there}: not seen within {bound:?}"));
}

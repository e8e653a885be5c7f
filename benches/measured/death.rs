//! A node is killed: how long until its sockets close, and until its key is gone. Once with a launcher that says which process it is, so
//! that the sidecar watches its threads, and once without, so that only the held connection tells.

use std::path::Path;

use quorate::nodefile::{NodeFile, Phase, ProcessId};
use tokio::time::Instant;

use super::{
    contender::Contender,
    etcd::Etcd,
    latency::{ADDRESS, connect, listed, until},
    standin::StandIn,
    table::{Figure, OURS, Row},
};

/// Kills with much memory: touching and giving it back takes seconds.
const LARGE_ROUNDS: u64 = 5;
/// From so many MB on.
const LARGE: usize = 1024;

/// Every heap, with and without threads to watch.
pub(crate) async fn run(etcd: &Etcd, rounds: u64, heaps: &[usize]) -> Vec<Row> {
    let mut rows = Vec::new();
    for &heap in heaps {
        let rounds = if heap < LARGE { rounds } else { rounds.min(LARGE_ROUNDS) };
        for threads in [true, false] {
            rows.extend(measure(etcd, rounds, heap, threads).await);
        }
    }
    rows
}

async fn measure(etcd: &Etcd, rounds: u64, heap: usize, threads: bool) -> Vec<Row> {
    let state = tempfile::tempdir().expect("a directory");
    let file = state.path().join("run/elasticsearch").join(format!("{ADDRESS}.json"));
    let contender = Contender::sidecar(etcd, ADDRESS, state.path());
    let mut watcher = listed(etcd).await;
    let (mut closed, mut gone) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut node = StandIn::with_heap(&format!("{ADDRESS}:9200"), heap);
        let held = connect().await;
        if threads {
            tell(&file, node.pid());
        }
        until(&mut watcher, true).await;
        let end = tokio::spawn(async move {
            // Ends when the node's sockets are closed, with or without a reset.
            let _ = held.readable().await;
            Instant::now()
        });
        let killed = Instant::now();
        node.signal();
        until(&mut watcher, false).await;
        gone.push(killed.elapsed());
        closed.push(end.await.expect("the task") - killed);
        node.kill();
        // A next one that is not told of has nothing to do with this one.
        let _ = std::fs::remove_file(&file);
    }
    drop(contender);
    let witness = if threads {
        "its threads tell"
    } else {
        "its socket tells"
    };
    let name = |what: &str| format!("{heap} MB, {witness}: killed → {what}");
    vec![
        Row::new(name("socket closed"), OURS, Figure::times(&closed)),
        Row::new(name("key gone"), OURS, Figure::times(&gone)),
    ]
}

/// What a launcher would say of the node.
fn tell(path: &Path, pid: u32) {
    let process = ProcessId::of(pid);
    let boot = quorate::host::boot_id().expect("a boot");
    let file = NodeFile {
        format: 1,
        engine: "process".to_owned(),
        container: None,
        process,
        server: process,
        name: "n1".to_owned(),
        cluster: "bench".to_owned(),
        phase: Phase::Running,
        data: "/nowhere".to_owned(),
        claim: None,
        with_setting: false,
        boot,
        reason: None,
        skipped_checks: Vec::new(),
    };
    file.write(path).expect("written");
}

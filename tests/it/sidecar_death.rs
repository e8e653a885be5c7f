//! A real node dies: the sidecar hears it from the threads of its process, long before the kernel closes its sockets.

use quorate::nodefile::ProcessId;
use rustix::process::{Signal, kill_process};

use crate::support::{
    LONG,
    address::Address,
    etcd::{Etcd, Version},
    eventually,
    launcher::{Host, pid},
    node::Line,
    sidecar::Sidecar,
};

/// The process that the launcher has found behind the node's port.
async fn server(host: &Host) -> ProcessId {
    eventually("the launcher names the node's server", 3 * LONG, || async {
        host.file()?.server
    })
    .await
}

#[tokio::test]
async fn the_threads_of_a_killed_node_tell_of_its_death() {
    let etcd = Etcd::start(Version::V35).await;
    let address = Address::take();
    let mut host = Host::new(Line::Es6, &address.to_string(), &etcd, &["--expected-masters", "1"]);
    // Memory that the kernel has to take back before it closes the sockets.
    let heap = ["--heap", "512m", "--env", "ES_JAVA_OPTS=-XX:+AlwaysPreTouch"];
    let run_dir = host.path("run").display().to_string();
    let sidecar = Sidecar::start(&etcd.endpoint(), &address, &["--run-dir", &run_dir]);
    host.start_with(&heap);
    let process = host.process().await;
    let server = server(&host).await;
    assert_eq!(server, process, "one process, which owns its socket");
    let status = sidecar.registered().await;
    assert_eq!(
        (&status["death_seen_by"], &status["verdict"]),
        (&"threads".into(), &"ready".into())
    );

    kill_process(pid(server.pid), Signal::KILL).expect("killed");
    sidecar.verdict("down").await;
    let why = format!("why=\"the node's process {} has ended\"", server.pid);
    let log = sidecar.logged();
    let changed = log
        .lines()
        .find(|line| line.contains("from=\"ready\" to=\"down\""))
        .expect("it is logged");
    assert!(changed.contains(&why), "{changed}");
    assert_eq!(host.code().await, Some(137));

    // The next node is another process, and its death is seen as well.
    host.start_with(&heap);
    let next = eventually("the next node serves", 3 * LONG, || async {
        host.file()?.server.filter(|next| *next != server)
    })
    .await;
    sidecar.verdict("ready").await;
    kill_process(pid(next.pid), Signal::KILL).expect("killed");
    let status = sidecar.verdict("down").await;
    assert_eq!(status["death_seen_by"], "connection", "nobody is left to be watched");
}

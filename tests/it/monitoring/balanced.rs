//! HAProxy sends clients to those nodes only that their sidecars call ready.

use super::{FAST, LINE};
use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    haproxy::Haproxy,
    http::ask,
    node::{Line, Node, Spec},
    sidecar::Sidecar,
    standin::{Mood, StandIn},
};

/// Which node answers a client, by its name; none: no good answer.
async fn who_answers(haproxy: &Haproxy) -> Option<String> {
    let answer = ask(haproxy.ip(), "GET", "/_nodes/_local", "", LONG).await?;
    let success = answer.is_success();
    let body: serde_json::Value = serde_json::from_str(&answer.body).ok().filter(|_| success)?;
    let node = body.get("nodes")?.as_object()?.values().next()?;
    node.get("name")?.as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_killed_node_leaves_the_pool_and_comes_back_when_it_is_ready_again() {
    let etcd = Etcd::start(Version::V35).await;
    let mut node = Node::start(Spec::alone(Line::Es6, "killed"));
    let other = StandIn::at_home(LINE);
    let _sidecars = [node.address(), other.home()].map(|address| Sidecar::start(&etcd.endpoint(), address, &FAST));
    let haproxy = Haproxy::start([node.address().ip(), other.home().ip()]);
    for name in ["node1", "node2"] {
        haproxy.until(name, "UP", "L7OK").await;
    }
    let killed_answers = || async { (who_answers(&haproxy).await? == "killed").then_some(()) };
    eventually("the node gets clients", LONG, killed_answers).await;

    node.kill();
    haproxy.until("node1", "DOWN", "L7STS").await;
    for _ in 0..4 {
        assert_eq!(who_answers(&haproxy).await.as_deref(), Some("n1"), "the one that lives");
    }

    node.start_again();
    haproxy.until("node1", "UP", "L7OK").await;
    eventually("the node gets clients again", LONG, killed_answers).await;
}

#[tokio::test]
async fn a_node_without_a_master_or_without_a_sidecar_gets_no_clients_though_its_port_is_open() {
    let etcd = Etcd::start(Version::V35).await;
    let nodes = [(); 2].map(|()| StandIn::at_home(LINE));
    let [first, second] = &nodes;
    first.replace("\"n1\"", "\"first\"");
    second.replace("\"n1\"", "\"second\"");
    let [sidecar, mut doomed] = [first, second].map(|node| Sidecar::start(&etcd.endpoint(), node.home(), &FAST));
    let haproxy = Haproxy::start([first.home().ip(), second.home().ip()]);
    for name in ["node1", "node2"] {
        haproxy.until(name, "UP", "L7OK").await;
    }

    first.is(Mood::Line("lost"));
    sidecar.verdict("unready").await;
    haproxy.until("node1", "DOWN", "L7STS").await;
    assert_eq!(who_answers(&haproxy).await.as_deref(), Some("second"));
    first.is(Mood::Line("joined"));
    haproxy.until("node1", "UP", "L7OK").await;

    doomed.kill();
    haproxy.until("node2", "DOWN", "L4CON").await;
    assert_eq!(who_answers(&haproxy).await.as_deref(), Some("first"));
    doomed.start_again();
    haproxy.until("node2", "UP", "L7OK").await;
}

//! What `quorate launch` adds to the start of a node: from its call until the node's own program runs.

use super::{
    clock,
    etcd::Etcd,
    host::Host,
    options::Options,
    table::{Figure, OURS, Row},
};

/// The table. Every round is a service of its own, so that the claim is in it.
pub(crate) async fn run(options: &Options) -> Vec<Row> {
    let etcd = Etcd::start().await;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..options.rounds {
        let mut host = Host::stand_in(options, &etcd, "127.63.5.1", &format!("round-{round}"));
        let before = clock::now();
        host.start();
        ours.push(host.started().await.saturating_sub(before));
        let mut host = Host::stand_in(options, &etcd, "127.63.5.2", "alone");
        let before = clock::now();
        host.start_node();
        bare.push(host.started().await.saturating_sub(before));
    }
    let what = "`quorate launch` → the node's program runs, claim included";
    vec![
        Row::new(what, OURS, Figure::times(&ours)).target("median ≤ 20 ms", |figure| figure.at(0.5) <= 20.0),
        Row::new(what, "the program alone", Figure::times(&bare)),
    ]
}

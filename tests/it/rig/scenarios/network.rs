//! A host that nobody reaches, and that reaches nobody.

use tokio::time::Instant;

use super::SILENT;
use crate::{
    rig::{Rig, host::SIDECAR},
    support::{LONG, eventually},
};

const ALL: [usize; 3] = [0, 1, 2];

pub(super) async fn parts_the_master(rig: &mut Rig) {
    let victim = rig.stands().await;
    let others = [(victim + 1) % 3, (victim + 2) % 3];
    let host = rig.hosts[victim].clone();
    let (node, start) = (host.node().await, Instant::now());
    rig.fault("cut", victim).await;
    let gone = rig.loses_its_key(victim, start, SILENT).await;
    rig.book.within("cut off, key gone", gone, SILENT);
    let next = rig.together(&others).await;
    assert_ne!(next, victim);
    // It answers there, by its own address: it is no master any more, and takes no document.
    let own = format!("http://{}:9200", host.ip);
    let state = format!("curl -sm 5 '{own}/_cluster/state/master_node?local=true'");
    eventually("the one cut off is no master", LONG, || async {
        host.runs(&state).await.contains("\"master_node\":null").then_some(())
    })
    .await;
    let write = format!(
        "curl -sm 9 -o /dev/null -w '%{{http_code}}' -H 'Content-Type: application/json' -X PUT -d '{{}}' '{own}/story/_doc/never?timeout=1s'"
    );
    assert_eq!(host.runs(&write).await, "503", "one of three accepts a document");
    host.says(SIDECAR, "the node answers, but knows no master; registry away: ")
        .await;
    rig.writes_some(others[0], "parted").await;
    let start = Instant::now();
    rig.fault("heal", victim).await;
    let back = rig.has_its_key(victim, start).await;
    rig.book.within("healed, key there", back, LONG);
    rig.together(&ALL).await;
    assert_eq!(host.node().await, node, "the node was started anew");
    rig.is_green(&ALL).await;
    rig.read_well(&ALL).await;
}

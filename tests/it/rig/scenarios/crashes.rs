//! One process is killed, and systemd starts its unit again.

use tokio::time::Instant;

use super::HANGS;
use crate::{
    rig::{
        Rig,
        host::{MAIN, SIDECAR},
    },
    support::{LONG, eventually},
};

const ALL: [usize; 3] = [0, 1, 2];

pub(super) async fn of_the_node(rig: &mut Rig) {
    let victim = rig.stands().await;
    let host = rig.hosts[victim].clone();
    let (node, sidecar) = (host.node().await, host.property(SIDECAR, "MainPID").await);
    let restarts: u32 = host.property(MAIN, "NRestarts").await.parse().expect("a number");
    let start = Instant::now();
    host.runs(&format!("kill -KILL {node}")).await;
    let gone = rig.loses_its_key(victim, start, HANGS).await;
    rig.book.within("node killed, key gone", gone, HANGS);
    rig.has_its_key(victim, start).await;
    rig.together(&ALL).await;
    rig.book.took("node killed, member again", start);
    assert_eq!(host.property(MAIN, "NRestarts").await, (restarts + 1).to_string());
    assert_eq!(
        host.property(SIDECAR, "MainPID").await,
        sidecar,
        "the sidecar went with the node"
    );
    rig.is_green(&ALL).await;
    rig.read_well(&ALL).await;
}

pub(super) async fn of_the_sidecar(rig: &mut Rig) {
    rig.stands().await;
    let host = rig.hosts[1].clone();
    let (node, pid) = (host.node().await, host.property(SIDECAR, "MainPID").await);
    let (mark, start) = (rig.followed.mark(), Instant::now());
    host.runs(&format!("kill -KILL {pid}")).await;
    let key = rig.key(1);
    eventually("its next run has taken the key over", LONG, || async {
        rig.followed
            .since(mark)
            .iter()
            .any(|event| event.key == key)
            .then_some(())
    })
    .await;
    rig.book
        .took("sidecar killed, its key taken over by the next run", start);
    rig.read_well(&ALL).await;
    assert_eq!(rig.followed.deleted_since(mark), [""; 0], "a reader saw a gap");
    assert_eq!(host.node().await, node);
    rig.is_green(&ALL).await;
}

pub(super) async fn of_the_launcher(rig: &mut Rig) {
    rig.stands().await;
    let host = rig.hosts[2].clone();
    let (node, pid) = (host.node().await, host.property(MAIN, "MainPID").await);
    let adoptions = || async { host.journal(MAIN).await.matches("adopted=true").count() };
    let before = adoptions().await;
    let (mark, start) = (rig.followed.mark(), Instant::now());
    host.runs(&format!("kill -KILL {pid}")).await;
    eventually("its next run has adopted the node", LONG, || async {
        (adoptions().await > before).then_some(())
    })
    .await;
    rig.book
        .took("launcher killed, its node adopted by the next run", start);
    rig.read_well(&ALL).await;
    assert_ne!(host.property(MAIN, "MainPID").await, pid);
    assert_eq!(host.node().await, node, "the node did not live on");
    assert_eq!(rig.followed.deleted_since(mark), [""; 0], "a reader saw a gap");
    rig.is_green(&ALL).await;
}

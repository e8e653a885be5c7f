//! Hosts come and go.

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
const FOURTH: usize = 3;

pub(super) async fn somebody_joins(rig: &mut Rig) {
    rig.stands().await;
    let start = Instant::now();
    if rig.hosts.len() == FOURTH {
        rig.add().await;
    }
    rig.equip(FOURTH).await;
    rig.book.took("nothing, a fourth host with the image, installed", start);
    let (mark, start) = (rig.followed.mark(), Instant::now());
    rig.hosts[FOURTH].enable().await;
    let all = [0, 1, 2, FOURTH];
    rig.together(&all).await;
    rig.book.took("fourth host enabled, one cluster of four", start);
    assert_eq!(rig.followed.deleted_since(mark), [""; 0], "somebody lost its key");
    rig.writes_some(FOURTH, "joined").await;
    rig.is_green(&all).await;
    rig.read_well(&all).await;
}

pub(super) async fn somebody_leaves(rig: &mut Rig) {
    if rig.hosts.len() == FOURTH || rig.are_the_members(&[0, 1, 2, FOURTH]).is_none() {
        somebody_joins(rig).await;
    }
    let host = rig.hosts[FOURTH].clone();
    let (mark, start) = (rig.followed.mark(), Instant::now());
    host.runs(&format!("systemctl disable --quiet --now --no-block {MAIN} {SIDECAR}"))
        .await;
    let gone = rig.loses_its_key(FOURTH, start, HANGS).await;
    rig.book.within("disabled, key gone", gone, HANGS);
    let seed = rig.followed.keys.seed(&rig.id(FOURTH).parse().expect("an id"));
    rig.followed.until(&seed, false, 3 * LONG).await;
    rig.book.took("disabled, node stopped and seed gone", start);
    for unit in [MAIN, SIDECAR] {
        let ended = || async { (host.property(unit, "ActiveState").await == "inactive").then_some(()) };
        eventually("it has ended in order", LONG, ended).await;
        assert_eq!(host.property(unit, "Result").await, "success");
    }
    assert_eq!(host.runs("docker ps --all --quiet").await, "", "a container is left");
    // While it still refuses connections: where nothing answers at all, an address stays ten minutes longer.
    rig.read_well(&ALL).await;
    rig.book.took("disabled, in nobody's seed list any more", start);
    rig.fault("kill", FOURTH).await;
    rig.together(&ALL).await;
    rig.is_green(&ALL).await;
    assert_eq!(
        rig.followed.deleted_since(mark),
        [rig.key(FOURTH)],
        "others lost their keys"
    );
}

//! A cluster that is started for the first time.

use tokio::time::Instant;

use crate::rig::{
    Rig,
    host::{MAIN, SIDECAR},
};

pub(super) async fn one_then_the_others(rig: &mut Rig) {
    rig.clean().await;
    let start = Instant::now();
    rig.equip(0).await;
    rig.book.took("a clean host, installed and two lines edited", start);
    let mark = rig.followed.mark();
    rig.hosts[0].enable().await;
    let alone = format!("masters 1 of 2 ({}): start the others", rig.id(0));
    rig.hosts[0].says(MAIN, &alone).await;
    rig.hosts[0].says(SIDECAR, &format!("starting: {alone}")).await;
    rig.hosts[0].says(SIDECAR, "; not registered").await;
    assert_eq!(rig.hosts[0].property(MAIN, "ActiveState").await, "activating");
    assert!(rig.followed.record().is_none(), "one of three has founded a cluster");

    rig.equip(1).await;
    let start = Instant::now();
    rig.hosts[1].enable().await;
    rig.together(&[0, 1]).await;
    rig.book.took("host 2 is enabled, one cluster of two", start);
    rig.equip(2).await;
    let start = Instant::now();
    rig.hosts[2].enable().await;
    rig.together(&[0, 1, 2]).await;
    rig.book.took("host 3 is enabled, one cluster of three", start);
    assert_eq!(
        rig.followed.deleted_since(mark),
        [""; 0],
        "somebody was a member and is none"
    );
    rig.read_well(&[0, 1, 2]).await;
    rig.makes_an_index().await;
    rig.writes_some(2, "first").await;
    rig.is_green(&[0, 1, 2]).await;
}

pub(super) async fn everybody_at_once(rig: &mut Rig) {
    let all = [0, 1, 2];
    rig.clean().await;
    for one in all {
        rig.equip(one).await;
    }
    let (mark, start) = (rig.followed.mark(), Instant::now());
    let (a, b, c) = (&rig.hosts[0], &rig.hosts[1], &rig.hosts[2]);
    tokio::join!(a.enable(), b.enable(), c.enable());
    rig.together(&all).await;
    rig.book.took("three hosts enabled, one cluster of three", start);
    assert_eq!(
        rig.followed.deleted_since(mark),
        [""; 0],
        "somebody was a member and is none"
    );
    rig.read_well(&all).await;
    rig.makes_an_index().await;
    rig.writes_some(1, "at-once").await;
    rig.is_green(&all).await;
}

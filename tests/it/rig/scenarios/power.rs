//! A host goes as a whole, and comes back. Nobody logs in to it in between.

use tokio::time::Instant;

use super::{HANGS, SILENT, follower};
use crate::{
    rig::{
        Rig,
        host::{MAIN, SIDECAR},
    },
    support::{LONG, eventually},
};

const ALL: [usize; 3] = [0, 1, 2];

fn without(one: usize) -> [usize; 2] {
    [(one + 1) % 3, (one + 2) % 3]
}

pub(super) async fn is_cut(rig: &mut Rig) {
    let victim = rig.stands().await;
    let start = Instant::now();
    rig.fault("kill", victim).await;
    let gone = rig.loses_its_key(victim, start, SILENT).await;
    rig.book.within("power cut, key gone", gone, SILENT);
    let others = without(victim);
    rig.together(&others).await;
    rig.writes_some(others[0], "dark").await;
    let start = Instant::now();
    rig.fault("boot", victim).await;
    rig.book.took("power on, systemd is up", start);
    let back = rig.has_its_key(victim, start).await;
    rig.book.within("power on, key there", back, LONG);
    rig.together(&ALL).await;
    rig.is_green(&ALL).await;
    rig.book.took("power on, cluster green", start);
    rig.read_well(&ALL).await;
}

pub(super) async fn of_a_reboot(rig: &mut Rig) {
    let victim = follower(rig.stands().await);
    let host = rig.hosts[victim].clone();
    let (mark, start) = (rig.followed.mark(), Instant::now());
    let clock = host.runs("date +%s").await;
    host.tries("systemctl reboot").await;
    let gone = rig.loses_its_key(victim, start, HANGS).await;
    rig.book.within("reboot, key gone", gone, HANGS);
    let ended = format!("{}\tExited", host.name);
    eventually("the host is down", 3 * LONG, || async {
        rig.script("ls", &[]).await.contains(&ended).then_some(())
    })
    .await;
    rig.book.took("reboot, host down", start);
    let seed = rig.followed.keys.seed(&rig.id(victim).parse().expect("an id"));
    assert!(!rig.followed.has(&seed), "the launcher did not leave in order");
    let start = Instant::now();
    rig.fault("boot", victim).await;
    let back = rig.has_its_key(victim, start).await;
    rig.book.within("power on, key there", back, LONG);
    rig.together(&ALL).await;
    rig.is_green(&ALL).await;
    let before = host
        .runs(&format!(
            "journalctl --no-pager --since=@{clock} --output=cat -u {MAIN} -u {SIDECAR}"
        ))
        .await;
    for word in [
        "Main process exited",
        "Failed with result",
        "SIGKILL",
        "remains running",
    ] {
        assert!(!before.contains(word), "`{word}` in {before}");
    }
    assert_eq!(
        rig.followed.deleted_since(mark),
        [rig.key(victim)],
        "others lost their keys"
    );
    rig.read_well(&ALL).await;
}

pub(super) async fn of_a_frozen_host(rig: &mut Rig) {
    let victim = rig.stands().await;
    let host = rig.hosts[victim].clone();
    let node = host.node().await;
    let start = Instant::now();
    rig.fault("freeze", victim).await;
    let gone = rig.loses_its_key(victim, start, SILENT).await;
    rig.book.within("host frozen, key gone", gone, SILENT);
    rig.together(&without(victim)).await;
    let start = Instant::now();
    rig.fault("thaw", victim).await;
    rig.together(&ALL).await;
    rig.book.took("host goes on, one cluster of three", start);
    assert_eq!(host.node().await, node, "the node was started anew");
    rig.is_green(&ALL).await;
    rig.read_well(&ALL).await;
}

pub(super) async fn of_everybody(rig: &mut Rig) {
    rig.stands().await;
    rig.writes_some(0, "before-the-outage").await;
    let uuid = rig.uuid.lock().expect("no panic").clone();
    tokio::join!(rig.fault("kill", 0), rig.fault("kill", 1), rig.fault("kill", 2));
    let start = Instant::now();
    tokio::join!(rig.fault("boot", 0), rig.fault("boot", 1), rig.fault("boot", 2));
    rig.book.took("power on, systemd is up on three hosts", start);
    rig.together(&ALL).await;
    rig.is_green(&ALL).await;
    rig.book.took("power on, cluster green with every document", start);
    assert_eq!(*rig.uuid.lock().expect("no panic"), uuid);
    rig.read_well(&ALL).await;
}

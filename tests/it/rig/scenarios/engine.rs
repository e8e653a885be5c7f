//! The container engine of a host is started again, and a node gets another image.

use tokio::time::Instant;

use super::{HANGS, follower};
use crate::{
    rig::{
        Rig,
        host::{MAIN, SIDECAR},
    },
    support::{LONG, eventually},
};

const ALL: [usize; 3] = [0, 1, 2];

pub(super) async fn starts_again(rig: &mut Rig) {
    for (what, line) in [
        ("docker restarted", "systemctl restart docker"),
        ("dockerd killed", "systemctl kill --kill-whom=main --signal=KILL docker"),
    ] {
        let victim = follower(rig.stands().await);
        let host = rig.hosts[victim].clone();
        let (node, sidecar) = (host.node().await, host.property(SIDECAR, "MainPID").await);
        let (mark, start) = (rig.followed.mark(), Instant::now());
        host.runs(line).await;
        // The engine takes its containers along, or kills them when it is back.
        eventually("that node has ended", LONG, || async {
            (host.tries(&format!("test -e /proc/{node}")).await.code != Some(0)).then_some(())
        })
        .await;
        rig.loses_its_key(victim, start, LONG).await;
        rig.has_its_key(victim, start).await;
        rig.together(&ALL).await;
        rig.book.took(&format!("{what}, its node is a member again"), start);
        assert_eq!(
            rig.followed.deleted_since(mark),
            [rig.key(victim)],
            "others lost their keys"
        );
        assert_eq!(
            host.property(SIDECAR, "MainPID").await,
            sidecar,
            "the sidecar went with the engine"
        );
        rig.is_green(&ALL).await;
        rig.read_well(&ALL).await;
    }
}

pub(super) async fn gets_a_new_image(rig: &mut Rig) {
    let victim = follower(rig.stands().await);
    let image = "localhost/quorate/elasticsearch:next";
    let host = rig.hosts[victim].clone();
    let old = &rig.equipment.image;
    host.runs(&format!(
        "printf 'FROM {old}\\nLABEL next=yes\\n' | docker build --quiet --tag {image} -"
    ))
    .await;
    rig.equipment.change_image(&host, image).await;
    let (mark, start) = (rig.followed.mark(), Instant::now());
    host.runs(&format!("systemctl restart --no-block {MAIN}")).await;
    let gone = rig.loses_its_key(victim, start, HANGS).await;
    rig.book.within("restart with another image, key gone", gone, HANGS);
    host.runs(&format!("docker top quorate-elasticsearch-{}", host.ip))
        .await; // readers leave before the node does
    rig.has_its_key(victim, start).await;
    rig.together(&ALL).await;
    rig.book.took("restart with another image, member again", start);
    let label = "{{.Config.Image}} {{index .Config.Labels \"next\"}}";
    let runs = host
        .runs(&format!(
            "docker inspect --format '{label}' quorate-elasticsearch-{}",
            host.ip
        ))
        .await;
    assert_eq!(runs, format!("{image} yes"));
    assert_eq!(
        rig.followed.deleted_since(mark),
        [rig.key(victim)],
        "others lost their keys"
    );
    rig.is_green(&ALL).await;
    rig.read_well(&ALL).await;
    rig.equipment.change_image(&host, &rig.equipment.image).await;
}

//! The package on hosts that run.

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

pub(super) async fn is_upgraded_and_removed(rig: &mut Rig) {
    rig.stands().await;
    upgraded(rig).await;
    removed(rig).await;
}

/// A newer package takes over from the running programs, in place.
async fn upgraded(rig: &mut Rig) {
    let next = rig.equipment.next_package().await.display().to_string();
    let (mark, start) = (rig.followed.mark(), Instant::now());
    for one in ALL {
        let host = rig.hosts[one].clone();
        let (node, sidecar, launcher) = (
            host.node().await,
            host.property(SIDECAR, "MainPID").await,
            host.property(MAIN, "MainPID").await,
        );
        rig.script("put", &[&host.number.to_string(), &next, "/root/next.deb"])
            .await;
        let (before, key) = (rig.followed.mark(), rig.key(one));
        host.runs("apt-get -qq install -y /root/next.deb </dev/null").await;
        assert!(
            host.runs("dpkg-query --show --showformat '${Version}' quorate")
                .await
                .ends_with("+next")
        );
        eventually("the sidecar runs the new program", LONG, || async {
            rig.followed
                .since(before)
                .iter()
                .any(|event| event.key == key)
                .then_some(())
        })
        .await;
        for (unit, pid) in [(SIDECAR, sidecar), (MAIN, launcher)] {
            eventually("the unit runs the new program", LONG, || async {
                let line = format!("cmp -s /proc/{pid}/exe /usr/bin/quorate");
                (host.tries(&line).await.code == Some(0)).then_some(())
            })
            .await;
            assert_eq!(host.property(unit, "MainPID").await, pid, "{unit} was restarted");
        }
        assert_eq!(host.node().await, node, "the node was restarted");
    }
    rig.book.took("package upgraded on three hosts", start);
    rig.together(&ALL).await;
    rig.read_well(&ALL).await;
    assert_eq!(rig.followed.deleted_since(mark), [""; 0], "a watcher saw a key go");
}

/// A removed package stops what it ran, in order, and leaves what nodes have written.
async fn removed(rig: &mut Rig) {
    let victim = 2;
    let host = rig.hosts[victim].clone();
    let start = Instant::now();
    let (said, gone) = tokio::join!(
        host.runs("apt-get -q remove -y quorate </dev/null 2>&1"),
        rig.loses_its_key(victim, start, HANGS)
    );
    rig.book.within("package removed, key gone", gone, HANGS);
    assert!(
        said.contains("data of nodes (/var/lib/quorate"),
        "it does not say what it leaves: {said}"
    );
    host.runs(&format!(
        "test -d /var/lib/quorate/elasticsearch/{}/data/nodes && test -s /etc/quorate/quorate.toml && test ! -e /usr/bin/quorate && \
         test -z \"$(docker ps --all --quiet)\"",
        host.ip
    ))
    .await;
    rig.together(&[0, 1]).await;
    host.runs("apt-get -qq install -y /root/quorate.deb </dev/null").await;
    let start = Instant::now();
    host.enable().await;
    rig.has_its_key(victim, start).await;
    rig.together(&ALL).await;
    rig.book.took("installed again and enabled, member again", start);
    rig.is_green(&ALL).await;
    rig.read_well(&ALL).await;
}

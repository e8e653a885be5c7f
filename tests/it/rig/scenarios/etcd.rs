//! A member of etcd that is lost with its process.

use quorate::registry::LeaseId;
use tokio::time::{Duration, Instant};

use crate::{
    rig::Rig,
    support::{LONG, eventually},
};

const ALL: [usize; 3] = [0, 1, 2];

impl Rig {
    /// Whose etcd leads, as far as these members know.
    async fn etcd_leader(&self, who: &[usize]) -> Option<usize> {
        for &one in who {
            let done = self.hosts[one]
                .tries("ETCDCTL_API=3 etcdctl --command-timeout=2s endpoint status")
                .await;
            if done.out.split(", ").nth(4) == Some("true") {
                return Some(one);
            }
        }
        None
    }

    /// The leases of the member keys.
    async fn leases(&self) -> Vec<LeaseId> {
        let reading = self.registry.read(&[self.followed.keys.members()]).await;
        let entries = reading.expect("etcd answers").entries;
        entries
            .iter()
            .map(|entry| entry.lease.expect("it lives with a lease"))
            .collect()
    }

    /// Waits until the lease was renewed twice: its time left has risen so often.
    async fn is_renewed_twice(&self, lease: LeaseId) {
        let (mut before, mut rises) = (Duration::MAX, 0);
        let start = Instant::now();
        while rises < 2 {
            assert!(start.elapsed() < 2 * LONG, "the lease {lease:?} is not renewed");
            let left = self.registry.time_to_live(lease).await.expect("etcd answers");
            let left = left.expect("it lives").remaining;
            rises += usize::from(left > before);
            before = left;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

pub(super) async fn loses_its_leader(rig: &mut Rig) {
    rig.stands().await;
    let leader = eventually("etcd has a leader", LONG, || rig.etcd_leader(&ALL)).await;
    let others = [(leader + 1) % 3, (leader + 2) % 3];
    let (mark, start) = (rig.followed.mark(), Instant::now());
    rig.hosts[leader]
        .runs("systemctl mask --quiet --runtime etcd && systemctl kill --signal=KILL etcd")
        .await;
    eventually("etcd has another leader", LONG, || rig.etcd_leader(&others)).await;
    rig.book.took("leader of etcd killed, another leads", start);
    for lease in rig.leases().await {
        rig.is_renewed_twice(lease).await;
    }
    rig.read_well(&ALL).await;
    rig.hosts[leader]
        .runs("systemctl unmask --quiet --runtime etcd && systemctl start etcd")
        .await;
    rig.together(&ALL).await;
    assert_eq!(rig.followed.deleted_since(mark), [""; 0], "somebody lost its key");
    rig.is_green(&ALL).await;
}

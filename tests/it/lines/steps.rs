//! What every line has to stand, step by step.

use std::time::Duration;

use tokio::time::Instant;

use super::trio::{ALL, Trio};
use crate::support::{LONG, SETTLED, eventually};

impl Trio {
    /// Three that start at the same instant form one cluster.
    pub(super) async fn forms(&mut self) -> Duration {
        let start = Instant::now();
        self.start(&ALL).await;
        self.together(&ALL).await;
        let took = start.elapsed();
        self.is_one_cluster().await;
        self.makes_an_index().await;
        self.write_some(0, "formed").await;
        self.has_every_document().await;
        took
    }

    /// One is stopped and comes back, while the others go on.
    pub(super) async fn restarts_one(&mut self) -> Duration {
        let one = self.together(&ALL).await;
        let others: Vec<usize> = ALL.into_iter().filter(|other| *other != one).collect();
        self.stop(&[one]).await;
        self.together(&others).await;
        self.write_some(others[0], "restarted").await;
        let start = Instant::now();
        self.start(&[one]).await;
        self.together(&ALL).await;
        let took = start.elapsed();
        self.is_one_cluster().await;
        self.has_every_document().await;
        took
    }

    /// Two are killed with their launchers, the master among them; the third founds nothing, and they come back.
    pub(super) async fn loses_two(&mut self) -> Duration {
        let master = self.together(&ALL).await;
        let (other, survivor) = ((master + 1) % 3, (master + 2) % 3);
        self.kill(&[master, other]).await;
        eventually("the survivor has no master", LONG, || async {
            let report = self.look(survivor).await?;
            (!report.joined()).then_some(())
        })
        .await;
        eventually("nobody is a member", LONG, || self.are_the_members(&[])).await;
        assert!(!self.write(survivor, "never").await, "one of three accepts a document");
        let start = Instant::now();
        self.start(&[master, other]).await;
        self.together(&ALL).await;
        let took = start.elapsed();
        self.is_one_cluster().await;
        self.has_every_document().await;
        took
    }

    /// A node that starts without etcd and knows only addresses at which nobody is any more finds the others as soon as its
    /// launcher does: it has lost its way to them, and they, having a master, do not look for it.
    pub(super) async fn is_rescued_by_the_seed_file(&mut self) -> Duration {
        let (lost, others) = (0, [1, 2]);
        self.stop(&[lost]).await;
        self.stop(&others).await;
        let dead = self.addresses(&others);
        self.move_away(&others);
        self.start(&others).await;
        self.together(&others).await;
        self.etcd.kill();
        self.start(&[lost]).await;
        eventually("it answers, alone", SETTLED, || async {
            let report = self.look(lost).await?;
            assert!(!report.joined(), "it has found the others by itself");
            Some(())
        })
        .await;
        assert_eq!(self.seats[lost].host.seeds(), dead);
        let process = self.seats[lost].host.process().await;
        self.etcd.restart().await;
        let start = Instant::now();
        eventually("it has joined", SETTLED, || async {
            self.look(lost).await?.joined().then_some(())
        })
        .await;
        let took = start.elapsed();
        // Those who vanished together may stand beside them.
        let seeds = self.seats[lost].host.seeds();
        let found = self.addresses(&others).iter().all(|other| seeds.contains(other));
        assert!(found, "{seeds:?}");
        assert_eq!(self.seats[lost].host.process().await, process, "it was started again");
        self.together(&ALL).await;
        self.is_one_cluster().await;
        self.has_every_document().await;
        took
    }

    fn addresses(&self, who: &[usize]) -> Vec<String> {
        let mut addresses: Vec<String> = who
            .iter()
            .map(|one| format!("{}:9300", self.seats[*one].address))
            .collect();
        addresses.sort();
        addresses
    }
}

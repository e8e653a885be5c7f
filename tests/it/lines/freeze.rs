//! Partitions of lines without a bootstrap setting, made by freezing nodes: a node that stands still is cut off from the others, and
//! wakes up in the belief that nothing has happened.

use std::{cell::Cell, time::Duration};

use quorate::probe::Report;
use tokio::time::Instant;

use super::trio::{ALL, Trio};
use crate::support::{LONG, SETTLED, eventually};

/// Longer than a round of elections and its news take (3 s each): who might become a master alone has done so after it.
const ALONE: Duration = Duration::from_secs(15);

impl Trio {
    /// The master stands still: the two others elect one of them, and nobody else is a master beside it.
    pub(super) async fn freezes_the_master(&mut self) -> Duration {
        let frozen = self.together(&ALL).await;
        let living: Vec<usize> = ALL.into_iter().filter(|one| *one != frozen).collect();
        let start = Instant::now();
        self.seats[frozen].host.freeze_node();
        let next = eventually("the others have another master", SETTLED, || async {
            self.has_at_most_one_master(&living).await;
            self.master(&living).await
        })
        .await;
        let took = start.elapsed();
        assert_ne!(next, frozen);
        self.together(&living).await;
        self.write_some(next, "master-frozen").await;
        self.thaws(&[frozen]).await;
        took
    }

    /// The master and another one stand still: the third is no master, and writes nothing.
    pub(super) async fn freezes_two(&mut self) -> Duration {
        let master = self.together(&ALL).await;
        let (other, survivor) = ((master + 1) % 3, (master + 2) % 3);
        for one in [master, other] {
            self.seats[one].host.freeze_node();
        }
        eventually("the third has no master", SETTLED, || async {
            (!self.look(survivor).await?.joined()).then_some(())
        })
        .await;
        let start = Instant::now();
        while start.elapsed() < ALONE {
            let report = self.look(survivor).await;
            assert!(
                !report.is_some_and(|report| report.joined()),
                "one of three has a master"
            );
            assert!(!self.write(survivor, "never").await, "one of three accepts a document");
        }
        eventually("nobody is a member", LONG, || self.are_the_members(&[])).await;
        self.thaws(&[master, other]).await
    }

    /// They wake up, the old master among them, and all become one cluster with whatever was acknowledged.
    async fn thaws(&self, frozen: &[usize]) -> Duration {
        let start = Instant::now();
        for one in frozen {
            self.seats[*one].host.thaw_node();
        }
        let attempt = Cell::new(0);
        eventually("all name one master", SETTLED, || async {
            // What a master that has not heard the news says it has written counts like the rest.
            attempt.set((attempt.get() + 1) % 10);
            self.write(frozen[0], &format!("thawed-{}-{}", frozen.len(), attempt.get()))
                .await;
            self.master(&ALL).await
        })
        .await;
        self.together(&ALL).await;
        let took = start.elapsed();
        self.is_one_cluster().await;
        self.has_every_document().await;
        took
    }

    /// At no instant two of these think that they are the master.
    async fn has_at_most_one_master(&self, who: &[usize]) {
        let reports = self.look_at_all().await;
        let is_master = |one: &usize| reports[*one].as_ref().is_some_and(Report::is_master);
        let masters = who.iter().filter(|one| is_master(one)).count();
        assert!(masters <= 1, "{masters} masters: {reports:?}");
    }
}

//! Hundreds of sidecars, simulated as `benches/scale` does it, on one etcd that goes away under all of them at once.

#[path = "../../benches/scale/fleet.rs"]
mod fleet;

use std::{collections::BTreeMap, time::Duration};

use fleet::{Fleet, Plan, Tally, keys};
use quorate::registry::{LeaseId, Revision};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
};

/// How many.
const HOSTS: usize = 200;
/// Short, so that etcd is asked often; long enough that no busy machine loses a lease by itself.
const TTL: Duration = Duration::from_secs(15);

/// A fleet whose keys are there.
async fn registered(etcd: &Etcd) -> (Fleet, TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut fleet = Fleet::start(&Plan {
        endpoint: etcd.endpoint(),
        first: 1,
        count: u32::try_from(HOSTS).expect("some hundreds"),
        // A connection costs a busy machine more than a host.
        per_connection: 4,
        dir: dir.path().to_owned(),
        ttl: TTL,
    });
    settled(&mut fleet).await;
    (fleet, dir)
}

/// How they stand when the keys of all are sure again.
async fn settled(fleet: &mut Fleet) -> Tally {
    eventually("every key is sure", LONG, || {
        let tally = fleet.tally();
        std::future::ready((tally.missing == 0).then_some(tally))
    })
    .await
}

/// Every key with the revision that wrote it, and its lease.
async fn stored(etcd: &Etcd) -> BTreeMap<String, (Revision, Option<LeaseId>)> {
    let reading = etcd.registry().read(&[keys().members()]).await.expect("read");
    let entries = reading.entries.into_iter();
    entries
        .map(|entry| (entry.key, (entry.mod_revision, entry.lease)))
        .collect()
}

#[tokio::test]
async fn hundreds_of_sidecars_lose_no_registration_when_etcd_is_killed_and_started() {
    let mut etcd = Etcd::start(Version::V35).await;
    let (mut fleet, _dir) = registered(&etcd).await;
    let before = stored(&etcd).await;
    assert_eq!(before.len(), HOSTS);
    etcd.kill();
    fleet.begin(Instant::now());
    etcd.restart().await;
    let tally = settled(&mut fleet).await;
    assert_eq!((tally.lease_losses, tally.puts), (0, 0), "{:?}", tally.errors);
    assert_eq!(stored(&etcd).await, before, "nothing was written");
}

#[tokio::test]
async fn hundreds_of_sidecars_are_back_when_all_their_leases_are_gone_at_once() {
    let mut etcd = Etcd::start(Version::V34).await;
    let (mut fleet, _dir) = registered(&etcd).await;
    etcd.kill();
    fleet.begin(Instant::now());
    etcd.restart_empty().await;
    let tally = settled(&mut fleet).await;
    assert_eq!(stored(&etcd).await.len(), HOSTS);
    assert_eq!(tally.lease_losses, HOSTS as u64, "{:?}", tally.errors);
    assert!(
        !tally.errors.contains_key("busy"),
        "no write is refused: {:?}",
        tally.errors
    );
}

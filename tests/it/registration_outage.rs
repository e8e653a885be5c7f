//! Registrations while etcds die, freeze, lose everything or answer nothing: nothing changes here, and the key comes back.

use std::time::Duration;

use quorate::{
    registration::{CommitError, Want},
    registry::{Compare, Range, RegistryError, Txn},
};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    registry::put,
    support::{
        LONG,
        etcd::{Etcd, Version, registry},
        eventually,
        registration::{Host, KEY, Run, TTL, member, stored, text},
    },
};

crate::support::on_both_versions! {
    an_etcd_that_was_dead_for_longer_than_the_ttl_finds_the_key_back
    an_etcd_that_was_frozen_for_longer_than_the_ttl_gets_the_key_again
    an_etcd_that_lost_everything_gets_the_key_again
    a_commit_without_an_answer_is_neither_undone_nor_repeated
}

/// How soon after etcd is back the key has to be.
const BACK: Duration = Duration::from_secs(15);

/// Waits until the key is back, which must not take long.
async fn comes_back(etcd: &Etcd, run: &mut Run) {
    let back = Instant::now();
    run.until("the key is back", |standing| {
        standing.registered && standing.away_since.is_none()
    })
    .await;
    let registry = etcd.registry();
    assert!(text(&registry).await.is_some_and(|value| value.contains("9200")));
    assert!(back.elapsed() < BACK, "{:?}", back.elapsed());
}

/// An outage that outlasts the lease.
async fn outlasts_the_lease(run: &mut Run) {
    let standing = run
        .until("etcd is away", |standing| standing.away_since.is_some())
        .await;
    assert!(standing.cause.is_some());
    run.until("the lease is over", |standing| standing.lease.is_none())
        .await;
    tokio::time::sleep(TTL).await;
    assert!(!run.standing.borrow().registered);
    assert_eq!(run.registration.lease(), None);
}

async fn an_etcd_that_was_dead_for_longer_than_the_ttl_finds_the_key_back(version: Version) {
    let mut etcd = Etcd::start(version).await;
    let host = Host::new();
    let mut run = host.start(&etcd.registry());
    run.register(9200).await;
    etcd.kill();
    outlasts_the_lease(&mut run).await;
    etcd.restart().await;
    comes_back(&etcd, &mut run).await;
}

async fn an_etcd_that_was_frozen_for_longer_than_the_ttl_gets_the_key_again(version: Version) {
    let etcd = Etcd::start(version).await;
    let mut run = Host::new().start(&etcd.registry());
    let before = run.register(9200).await;
    etcd.freeze();
    outlasts_the_lease(&mut run).await;
    etcd.thaw();
    // It ends what ran out while it slept, before or after the next keep-alive.
    comes_back(&etcd, &mut run).await;
    eventually("another lease", LONG, || async {
        let entry = stored(&etcd.registry()).await?;
        (entry.lease != before.lease).then_some(())
    })
    .await;
    assert!(run.standing.borrow().counters.lease_losses > 0);
}

async fn an_etcd_that_lost_everything_gets_the_key_again(version: Version) {
    let mut etcd = Etcd::start(version).await;
    let mut run = Host::new().start(&etcd.registry());
    run.register(9200).await;
    etcd.restart_empty().await;
    eventually("the key is back", LONG, || async { text(&etcd.registry()).await }).await;
    run.until("it is told", |standing| standing.registered).await;
    // And a wish still counts.
    run.registration.want(Want::Absent);
    eventually("the key is gone", LONG, || async {
        text(&etcd.registry()).await.is_none().then_some(())
    })
    .await;
}

async fn a_commit_without_an_answer_is_neither_undone_nor_repeated(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let mut run = Host::new().start(&registry);
    run.register(9200).await;
    etcd.freeze();
    let claim = Txn {
        when: vec![Compare::Absent(Range::Key("/claim".to_owned()))],
        then: vec![put("/claim", "x", None)],
    };
    let answer = run.registration.commit(claim, member(9201)).await;
    assert!(
        matches!(answer, Err(CommitError::Registry(RegistryError::Away { .. }))),
        "{answer:?}"
    );
    etcd.thaw();
    // etcd may do it now or never. Claim and key go together, and stay so.
    run.until("etcd is back", |standing| standing.away_since.is_none())
        .await;
    run.verified(3).await;
    let reading = registry
        .read(&[Range::Key("/claim".to_owned()), Range::Key(KEY.to_owned())])
        .await;
    let reading = reading.expect("read");
    let claimed = reading.get("/claim").is_some();
    let value = reading
        .get(KEY)
        .map(|entry| String::from_utf8_lossy(&entry.value).into_owned());
    let port = if claimed { "9201" } else { "9200" };
    assert!(
        value.as_ref().is_some_and(|value| value.contains(port)),
        "claimed: {claimed}, {value:?}"
    );
    assert!(run.standing.borrow().registered);
}

/// Registrations at a cluster of three, of which one member fails in some way that nobody must notice.
async fn nobody_notices(members: &mut [Etcd; 3], fail: impl FnOnce(&mut Etcd)) {
    let hosts: Vec<Host> = (0..6).map(|_| Host::new()).collect();
    let mut runs = Vec::new();
    for (i, host) in hosts.iter().enumerate() {
        let registry = registry(members.iter().map(Etcd::endpoint));
        let mut spec = host.spec();
        spec.key = format!("/services/es/10.0.0.{i}");
        // Room for one member that answers nothing, as the settings demand.
        spec.ttl = Duration::from_secs(9);
        let mut run = Host::try_start(&registry, spec).expect("started");
        run.register(9200).await;
        runs.push(run);
    }
    fail(&mut members[0]);
    let mut all = JoinSet::new();
    for mut run in runs {
        all.spawn(async move {
            run.verified(2).await;
            run.registration.want(Want::Absent);
            run.until("the key is gone", |standing| standing.counters.deletes == 1)
                .await;
            run.register(9201).await;
            let standing = run.standing.borrow().clone();
            assert_eq!(
                (standing.counters.lease_losses, standing.away_since),
                (0, None),
                "{standing:?}"
            );
        });
    }
    while let Some(ended) = all.join_next().await {
        ended.expect("nothing noticed");
    }
}

#[tokio::test]
async fn a_member_that_dies_is_not_noticed() {
    let mut members = Etcd::start_three(Version::V34).await;
    nobody_notices(&mut members, Etcd::kill).await;
}

#[tokio::test]
async fn a_member_that_freezes_is_not_noticed() {
    let mut members = Etcd::start_three(Version::V35).await;
    nobody_notices(&mut members, |member| member.freeze()).await;
    members[0].thaw();
}

//! The registry's contract on real etcds: reads, transactions, leases, deadlines and endpoints. Watches have a file of their own.

use std::time::Duration;

use quorate::registry::{Compare, Entry, LeaseId, LeaseRequest, Op, Range, Registry, RegistryError, Txn};
use tokio::{net::TcpListener, time::Instant};

use crate::support::{
    LONG,
    etcd::{Etcd, Version, registry},
    eventually,
};

crate::support::on_both_versions! {
    what_is_committed_is_read_at_one_revision
    conditions_hold_or_nothing_changes
    a_lease_lives_as_long_as_it_is_renewed_and_takes_its_keys_along
    a_lease_that_is_asked_for_again_is_the_same_one
    renewals_share_a_stream_until_it_fails
    a_list_larger_than_four_megabytes_is_read
    a_range_of_many_pages_is_read_at_one_revision
    a_member_without_quorum_answers_stale_reads_alone
}

pub(crate) fn put(key: &str, value: impl Into<Vec<u8>>, lease: Option<LeaseId>) -> Op {
    Op::Put {
        key: key.to_owned(),
        value: value.into(),
        lease,
    }
}

pub(crate) async fn commit(registry: &Registry, then: Vec<Op>) -> i64 {
    let txn = Txn { when: vec![], then };
    registry.commit(&txn).await.expect("committed").expect("unconditional")
}

pub(crate) fn prefix(prefix: &str) -> Range {
    Range::Prefix(prefix.to_owned())
}

async fn entry(registry: &Registry, key: &str) -> Option<Entry> {
    let reading = registry.read(&[Range::Key(key.to_owned())]).await.expect("read");
    reading.get(key).cloned()
}

async fn what_is_committed_is_read_at_one_revision(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let revision = commit(
        &registry,
        vec![
            put("/t/b/2", "2", None),
            put("/t/a", "a", None),
            put("/t/b/1", "1", None),
        ],
    )
    .await;
    let ranges = [prefix("/t/b/"), Range::Key("/t/a".to_owned()), prefix("/none/")];
    let reading = registry.read(&ranges).await.expect("read");
    assert_eq!(reading.revision, revision);
    let keys: Vec<_> = reading
        .entries
        .iter()
        .map(|e| (e.key.as_str(), e.mod_revision))
        .collect();
    assert_eq!(keys, [("/t/b/1", revision), ("/t/b/2", revision), ("/t/a", revision)]);
    assert_eq!(etcd.etcdctl(&["get", "/t/a", "--print-value-only"]), "a\n");
}

async fn a_range_of_many_pages_is_read_at_one_revision(version: Version) {
    const MANY: usize = 2300;
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let key = |n: usize| format!("/t/many/{n:04}");
    for first in (0..MANY).step_by(100) {
        commit(
            &registry,
            (first..first + 100).map(|n| put(&key(n), "0", None)).collect(),
        )
        .await;
    }
    // Just one page.
    for first in (0..1000).step_by(100) {
        let puts = (first..first + 100).map(|n| put(&format!("/t/page/{n:04}"), "0", None));
        commit(&registry, puts.collect()).await;
    }
    let writer = tokio::spawn({
        let registry = etcd.registry();
        async move {
            for round in 1.. {
                let text = round.to_string();
                commit(
                    &registry,
                    [0, MANY - 1].map(|n| put(&key(n), text.as_str(), None)).to_vec(),
                )
                .await;
            }
        }
    });
    let ranges = [prefix("/t/page/"), prefix("/t/many/"), Range::Key(key(7))];
    let mut pictures = std::collections::BTreeSet::new();
    while pictures.len() < 3 {
        let reading = registry.read(&ranges).await.expect("read");
        let keys: Vec<_> = reading.entries.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys.len(), 1000 + MANY + 1);
        let (page, many) = keys.split_at(1000);
        assert!(page.is_sorted() && many.split_last().is_some_and(|(_, many)| many.is_sorted()));
        let (first, last) = (reading.get(&key(0)), reading.get(&key(MANY - 1)));
        assert_eq!(first.map(|e| &e.value), last.map(|e| &e.value), "written together");
        assert!(first.is_some_and(|entry| entry.mod_revision <= reading.revision));
        pictures.insert(reading.revision);
    }
    writer.abort();
}

async fn conditions_hold_or_nothing_changes(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let key = || "/t/a".to_owned();
    let first = commit(&registry, vec![put("/t/a", "1", None)]).await;
    let second = commit(&registry, vec![put("/t/a", "2", None)]).await;
    for (condition, holds) in [
        (Compare::Absent(Range::Key(key())), false),
        (Compare::Absent(prefix("/t/")), false),
        (Compare::Absent(prefix("/other/")), true),
        (Compare::ModRevision(key(), first), false),
        (Compare::ModRevision(key(), second), true),
        (Compare::ModRevision("/t/none".to_owned(), 0), true),
        (Compare::CreateRevision(key(), second), false),
        (Compare::CreateRevision(key(), first), true),
        (Compare::NotWrittenAfter(prefix("/t/"), first), false),
        (Compare::NotWrittenAfter(prefix("/t/"), second), true),
        (Compare::NotWrittenAfter(prefix("/other/"), 0), true),
    ] {
        let txn = Txn {
            when: vec![condition.clone()],
            then: vec![put("/mark", format!("{condition:?}"), None)],
        };
        let before = entry(&registry, "/mark").await;
        let answer = registry.commit(&txn).await.expect("an answer");
        assert_eq!(answer.is_some(), holds, "{condition:?}");
        let after = entry(&registry, "/mark").await;
        assert_eq!(after != before, holds, "{condition:?}");
        assert_eq!(answer, after.filter(|_| holds).map(|e| e.mod_revision));
    }
}

async fn a_lease_that_is_asked_for_again_is_the_same_one(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let request = LeaseRequest::new(Duration::from_mins(1));
    let first = registry.grant_requested(request).await.expect("granted");
    // As if the first answer had been lost.
    let again = registry.grant_requested(request).await.expect("granted already");
    assert_eq!((first.id, again.id, again.ttl), (request.id, request.id, first.ttl));
    assert_eq!(
        again.deadline,
        request.since + first.ttl,
        "it may live since the first attempt"
    );
    assert!(first.deadline > again.deadline);
    let other = LeaseRequest::new(Duration::from_mins(1));
    assert_ne!(other.id, request.id);
    let end = other.since + other.ttl;
    assert!(other.is_over(end) && !other.is_over(end - Duration::from_millis(1)));
}

async fn a_lease_lives_as_long_as_it_is_renewed_and_takes_its_keys_along(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let lease = registry.grant(Duration::from_mins(1)).await.expect("granted");
    assert_eq!(lease.ttl, Duration::from_mins(1));
    commit(&registry, vec![put("/t/a", "1", Some(lease.id))]).await;
    assert_eq!(entry(&registry, "/t/a").await.and_then(|e| e.lease), Some(lease.id));
    let before = Instant::now();
    let renewed = registry.keep_alive(lease).await.expect("renewed");
    assert!(renewed.deadline >= before + lease.ttl && renewed.deadline <= Instant::now() + lease.ttl);
    let left = registry.time_to_live(lease.id).await.expect("asked").expect("alive");
    assert_eq!(left.granted, lease.ttl);
    assert!(left.remaining > Duration::from_secs(50));

    registry.revoke(lease.id).await.expect("revoked");
    assert_eq!(entry(&registry, "/t/a").await, None);
    assert_eq!(registry.time_to_live(lease.id).await, Ok(None));
    assert_eq!(registry.keep_alive(lease).await, Err(RegistryError::LeaseGone));
    registry.revoke(lease.id).await.expect("gone already is no error");
    let late = Txn {
        when: vec![],
        then: vec![put("/t/b", "permanent", None), put("/t/a", "late", Some(lease.id))],
    };
    assert_eq!(registry.commit(&late).await, Err(RegistryError::LeaseGone));
    assert_eq!(
        entry(&registry, "/t/b").await,
        None,
        "a dead lease fails the whole transaction"
    );
}

async fn renewals_share_a_stream_until_it_fails(version: Version) {
    const STREAMS: &str = r#"grpc_server_started_total{grpc_method="LeaseKeepAlive",grpc_service="etcdserverpb.Lease",grpc_type="bidi_stream"}"#;
    let mut etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let [one, other] = [(); 2].map(|()| registry.grant(Duration::from_mins(1)));
    let (one, other) = (one.await.expect("granted"), other.await.expect("granted"));
    for _ in 0..5 {
        registry.keep_alive(one).await.expect("renewed");
    }
    assert!((etcd.metric(STREAMS).await - 1.0).abs() < 0.5);
    // The stream of one lease renews no other.
    let before = Instant::now();
    let renewed = registry.keep_alive(other).await.expect("renewed");
    assert!((renewed.id, renewed.deadline >= before + other.ttl) == (other.id, true));
    assert!((etcd.metric(STREAMS).await - 2.0).abs() < 0.5);

    // An answer that comes after its time counts for nothing.
    etcd.freeze();
    assert!(matches!(
        registry.keep_alive(other).await,
        Err(RegistryError::Away { .. })
    ));
    etcd.thaw();
    let before = Instant::now();
    let renewed = registry.keep_alive(other).await.expect("renewed");
    assert!(renewed.deadline >= before + other.ttl);
    let streams = etcd.metric(STREAMS).await;
    assert!(streams > 2.5, "{streams} streams");

    etcd.kill();
    assert!(matches!(
        registry.keep_alive(other).await,
        Err(RegistryError::Away { .. })
    ));
    etcd.restart().await;
    registry.keep_alive(other).await.expect("renewed");
}

async fn a_list_larger_than_four_megabytes_is_read(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    for i in 0..12 {
        commit(&registry, vec![put(&format!("/t/{i:02}"), vec![b'x'; 500_000], None)]).await;
    }
    let reading = registry.read(&[prefix("/t/")]).await.expect("read");
    assert_eq!(reading.entries.len(), 12);
    let listed = registry.watch(vec![prefix("/t/")]).next().await.expect("a list");
    assert!(matches!(listed, quorate::registry::WatchEvent::Listed { entries, .. } if entries.len() == 12));
}

async fn a_member_without_quorum_answers_stale_reads_alone(version: Version) {
    let [one, mut two, mut three] = Etcd::start_three(version).await;
    let registry = one.registry();
    commit(&registry, vec![put("/t/a", "1", None)]).await;
    two.kill();
    three.kill();
    let ranges = [prefix("/t/")];
    eventually("no quorum, no read", LONG, || async {
        registry.read(&ranges).await.err()
    })
    .await;
    let stale = registry.read_stale(&ranges).await.expect("a stale read");
    assert_eq!(stale.entries.len(), 1);
    assert!(matches!(registry.read(&ranges).await, Err(RegistryError::Away { .. })));
}

/// Clients that have settled on a member each: with this many, every member has some.
async fn settled_clients(members: &[Etcd; 3]) -> Vec<Registry> {
    let mut clients = Vec::new();
    for _ in 0..12 {
        let client = registry(members.iter().map(Etcd::endpoint));
        client.read(&[prefix("/t/")]).await.expect("read");
        clients.push(client);
    }
    clients
}

async fn nobody_sees_a_failure(clients: Vec<Registry>) {
    let calls = clients.into_iter().enumerate().map(|(i, client)| async move {
        let lease = client.grant(Duration::from_secs(30)).await.expect("granted");
        for round in 0..3 {
            let txn = Txn {
                when: vec![],
                then: vec![put(&format!("/t/{i}"), format!("{round}"), Some(lease.id))],
            };
            client.commit_fenced(&txn).await.expect("committed");
            client.keep_alive(lease).await.expect("renewed");
            client.read(&[prefix("/t/")]).await.expect("read");
        }
    });
    let mut tasks: tokio::task::JoinSet<()> = calls.collect();
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no failure");
    }
}

#[tokio::test]
async fn a_killed_leader_is_left_and_nobody_sees_a_failure() {
    let mut members = Etcd::start_three(Version::V35).await;
    let clients = settled_clients(&members).await;
    for member in &mut members {
        // The worst one to lose: the others have to elect.
        if member.metric("etcd_server_is_leader").await > 0.0 {
            member.kill();
            break;
        }
    }
    nobody_sees_a_failure(clients).await;
}

#[tokio::test]
async fn a_frozen_member_is_left_and_nobody_sees_a_failure() {
    let members = Etcd::start_three(Version::V34).await;
    let clients = settled_clients(&members).await;
    members[0].freeze();
    nobody_sees_a_failure(clients).await;
    members[0].thaw();
}

#[tokio::test]
async fn an_endpoint_that_accepts_and_never_answers_costs_a_bounded_time() {
    let silent = TcpListener::bind("127.0.11.251:0").await.expect("bound");
    let address = silent.local_addr().expect("an address");
    for scheme in ["http", "https"] {
        let settings = quorate::registry::RegistrySettings {
            endpoints: vec![format!("{scheme}://{address}")],
            tls: (scheme == "https").then_some(quorate::registry::Tls {
                ca: None,
                identity: None,
            }),
            credentials: None,
        };
        let registry = Registry::new(settings).expect("a registry");
        let start = Instant::now();
        let error = registry.read(&[prefix("/t/")]).await.expect_err("nobody answers");
        assert!(
            matches!(&error, RegistryError::Away { endpoint, .. } if endpoint.ends_with(&address.to_string())),
            "{error}"
        );
        assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    }
}

#[tokio::test]
async fn a_refused_connection_is_told_at_once_with_its_cause() {
    let registry = registry(["http://127.0.11.252:1".to_owned()]);
    let start = Instant::now();
    let error = registry.read(&[prefix("/t/")]).await.expect_err("nobody listens");
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(1));
}

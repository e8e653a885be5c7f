//! Registrations on real etcds: the key's life, takeover, foreign keys, and what operators do to it. Outages have a file of
//! their own.

use std::time::Duration;

use quorate::{
    registration::{CommitError, StartError, Value, Want},
    registry::{Compare, Op, Pace, Range, RegistryError, Txn, WatchEvent},
};
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::{
    registry::{commit, put},
    support::{
        LONG,
        etcd::{Etcd, Version},
        eventually,
        registration::{Host, KEY, TTL, member, stored, text},
    },
};

crate::support::on_both_versions! {
    the_key_is_there_while_it_is_wanted_and_nothing_is_written_meanwhile
    the_next_run_takes_the_key_over_without_a_gap
    late_writes_of_the_former_run_change_nothing
    a_leased_foreign_key_is_waited_for
    a_foreign_key_without_a_lease_is_left_alone_until_told
    a_key_of_another_boot_whose_lease_outlived_it_is_waited_for
    what_operators_take_away_comes_back
    whoever_is_told_of_changes_does_not_read
    a_commit_takes_the_key_along_or_changes_nothing
    leaving_takes_everything_along
}

fn value_with(fields: &serde_json::Value) -> Value {
    Value::parse(fields.to_string().as_bytes()).expect("an object")
}

async fn the_key_is_there_while_it_is_wanted_and_nothing_is_written_meanwhile(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let mut run = Host::new().start(&registry);
    let standing = run.register(9200).await;
    let entry = stored(&registry).await.expect("the key");
    let expected = format!(
        r#"{{"http_port":9200,"transport_port":9300,"incarnation":"{}"}}"#,
        run.incarnation
    );
    assert_eq!(String::from_utf8(entry.value).expect("text"), expected);
    assert_eq!(
        (entry.lease, Some(entry.mod_revision)),
        (standing.lease, standing.key_revision)
    );
    assert_eq!(run.registration.lease(), standing.lease);

    let written = || async {
        let proposals = etcd.metric("etcd_server_proposals_applied_total").await;
        let bytes = etcd.metric("etcd_disk_wal_write_bytes_total").await;
        format!("{proposals} proposals, {bytes} bytes")
    };
    run.verified(1).await;
    let before = written().await;
    run.verified(4).await;
    assert_eq!(written().await, before, "keeping a key alive writes nothing");
    run.registration.want(Want::Present(member(9200)));
    run.verified(2).await;
    assert_eq!(written().await, before, "the same wish writes nothing");

    run.register(9201).await;
    assert_eq!(
        stored(&registry).await.map(|e| e.create_revision),
        Some(entry.create_revision)
    );
    run.registration.want(Want::Absent);
    run.until("the key is gone", |standing| standing.counters.deletes == 1)
        .await;
    assert_eq!(text(&registry).await, None);
    run.verified(2).await;
    assert_eq!(text(&registry).await, None);
}

async fn the_next_run_takes_the_key_over_without_a_gap(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let host = Host::new();
    let mut first = host.start(&registry);
    let former = first.register(9200).await.lease.expect("a lease");
    let refused = Host::try_start(&registry, host.spec()).expect_err("the first run lives");
    assert!(matches!(refused, StartError::Lock { .. }), "{refused}");

    let mut watcher = registry.watch(vec![Range::Key(KEY.to_owned())]);
    drop(first);
    let mut second = host.start(&registry);
    second
        .until("the key is taken over", |standing| standing.registered)
        .await;
    eventually("the former lease is over", LONG, || async {
        let left = registry.time_to_live(former).await.expect("asked");
        left.is_none().then_some(())
    })
    .await;
    second.verified(2).await;
    assert_eq!(
        second.standing.borrow().counters.puts,
        1,
        "undecided, the value stays as it was"
    );
    second.register(9201).await;
    let mut values = Vec::new();
    while values.last().is_none_or(|value: &String| !value.contains("9201")) {
        match watcher.next().await.expect("the watch lives") {
            WatchEvent::Listed { entries, .. } => {
                let entry = entries.into_iter().next().expect("no gap");
                values.push(String::from_utf8(entry.value).expect("text"));
            }
            WatchEvent::Put(entry) => values.push(String::from_utf8(entry.value).expect("text")),
            WatchEvent::Alive { .. } => {}
            other @ (WatchEvent::Deleted { .. } | WatchEvent::Away { .. }) => panic!("{other:?}"),
        }
    }
    let taken_over = format!(
        r#"{{"http_port":9200,"transport_port":9300,"incarnation":"{}"}}"#,
        second.incarnation
    );
    assert!(values.contains(&taken_over), "{values:?}");
    let state = std::fs::read_to_string(host.state_file()).expect("a state file");
    assert_eq!(
        state.matches("incarnation").count(),
        1,
        "former runs are forgotten: {state}"
    );
}

async fn late_writes_of_the_former_run_change_nothing(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let host = Host::new();
    let mut first = host.start(&registry);
    let before = first.register(9200).await;
    let lease = before.lease.expect("a lease");
    drop(first);
    let mut second = host.start(&registry);
    second.register(9201).await;
    eventually("the former lease is over", LONG, || async {
        registry
            .time_to_live(lease)
            .await
            .expect("asked")
            .is_none()
            .then_some(())
    })
    .await;
    let now = text(&registry).await;
    let unchanged = |revision| vec![Compare::ModRevision(KEY.to_owned(), revision)];
    let late_delete = Txn {
        when: unchanged(before.key_revision.expect("a revision")),
        then: vec![Op::Delete { key: KEY.to_owned() }],
    };
    assert_eq!(registry.commit(&late_delete).await, Ok(None));
    let late_put = Txn {
        when: Vec::new(),
        then: vec![put(KEY, "late", Some(lease))],
    };
    assert_eq!(registry.commit(&late_put).await, Err(RegistryError::LeaseGone));
    second.registration.want(Want::Absent);
    second
        .until("the key is gone", |standing| standing.counters.deletes == 1)
        .await;
    let late_create = Txn {
        when: unchanged(0),
        then: vec![put(KEY, "late", Some(lease))],
    };
    assert_eq!(registry.commit(&late_create).await, Err(RegistryError::LeaseGone));
    assert!(now.is_some_and(|value| value.contains("9201")));
    assert_eq!(text(&registry).await, None);
}

async fn a_leased_foreign_key_is_waited_for(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    for foreign in [
        r#"{"http_port":9200,"transport_port":9300}"#,
        r#"{"http_port":9200,"transport_port":9300,"incarnation":"another"}"#,
    ] {
        let lease = registry.grant(Duration::from_secs(4)).await.expect("granted");
        commit(&registry, vec![put(KEY, foreign, Some(lease.id))]).await;
        let mut run = Host::new().start(&registry);
        run.registration.want(Want::Present(member(9201)));
        let obstacle = run.obstacle("foreign_lease").await;
        assert!(obstacle.to_string().contains(&lease.id.to_string()), "{obstacle}");
        let refused = run.registration.commit(Txn::default(), member(9202)).await;
        assert!(matches!(refused, Err(CommitError::Obstacle(_))), "{refused:?}");
        assert_eq!(text(&registry).await.as_deref(), Some(foreign));
        let standing = run.until("its lease ends", |standing| standing.registered).await;
        assert_eq!(standing.obstacle, None);
        run.registration.leave(LONG).await.expect("left");
    }
}

async fn a_foreign_key_without_a_lease_is_left_alone_until_told(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let foreign = r#"{"http_port":9200,"transport_port":9300}"#;
    commit(&registry, vec![put(KEY, foreign, None)]).await;
    let host = Host::new();
    let mut run = host.start(&registry);
    run.registration.want(Want::Present(member(9201)));
    let obstacle = run.obstacle("foreign_key").await;
    assert!(obstacle.hint().contains("--take-over"));
    run.verified(3).await;
    assert_eq!(text(&registry).await.as_deref(), Some(foreign));
    run.registration.leave(LONG).await.expect("left");
    assert_eq!(text(&registry).await.as_deref(), Some(foreign));

    let spec = quorate::registration::Spec {
        take_over: true,
        ..host.spec()
    };
    let mut run = Host::try_start(&registry, spec).expect("started");
    run.register(9201).await;
    let entry = stored(&registry).await.expect("the key");
    assert_eq!(entry.lease, run.registration.lease());
}

async fn a_key_of_another_boot_whose_lease_outlived_it_is_waited_for(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let mut host = Host::new();
    let mut run = host.start(&registry);
    run.register(9200).await;
    let former = run.incarnation.clone();
    drop(run);
    // This machine has been up for longer than the lease lives, so somebody must have renewed it since: a clone.
    host.boot = "boot-2";
    let mut run = host.start(&registry);
    run.registration.want(Want::Present(member(9201)));
    run.obstacle("other_boot").await;
    assert!(text(&registry).await.is_some_and(|value| value.contains(&former)));
    run.until("its lease ends", |standing| standing.registered).await;
    assert!(text(&registry).await.is_some_and(|value| value.contains("9201")));
}

async fn what_operators_take_away_comes_back(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let mut run = Host::new().start(&registry);
    let lease = run.register(9200).await.lease.expect("a lease");
    let back = |what: &'static str| {
        let registry = &registry;
        async move { eventually(what, LONG, || async { text(registry).await }).await }
    };
    commit(&registry, vec![Op::Delete { key: KEY.to_owned() }]).await;
    back("a deleted key comes back").await;
    registry.revoke(lease).await.expect("revoked");
    back("a key whose lease was ended comes back").await;
    run.until("another lease", |standing| standing.lease.is_some_and(|l| l != lease))
        .await;
    assert_eq!(run.standing.borrow().counters.lease_losses, 1);
    // Written over by hand, it is a foreign key from then on.
    commit(&registry, vec![put(KEY, "by hand", None)]).await;
    run.obstacle("foreign_key").await;
    assert!(!run.standing.borrow().registered);
}

async fn whoever_is_told_of_changes_does_not_read(version: Version) {
    const READS: &str = r#"grpc_server_handled_total{grpc_code="OK",grpc_method="Txn",grpc_service="etcdserverpb.KV",grpc_type="unary"}"#;
    const RENEWALS: &str = "etcd_debugging_lease_renewed_total";
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let mut run = Host::new().start(&registry);
    run.register(9200).await;
    let pace = Pace {
        ask: Duration::from_millis(500),
        ..Pace::default()
    };
    let mut watcher = registry.watch_at(vec![Range::Key(KEY.to_owned())], pace);
    let mut signs = 0;
    let mut before = [None; 2];
    loop {
        let event = timeout(LONG, watcher.next()).await.expect("a sign of life");
        let event = event.expect("the watch lives");
        run.registration.hear(&event);
        signs += usize::from(matches!(event, WatchEvent::Alive { .. }));
        let now = etcd.metrics([READS, RENEWALS]).await;
        if signs < 3 {
            // Work that was under way when the watch began ends within these.
            before = now;
        } else if now[1] >= before[1].map(|renewals| renewals + 3.0) {
            break assert_eq!(now[0], before[0], "a renewal came with a read");
        }
    }
    let key = KEY.to_owned();
    commit(&registry, vec![Op::Delete { key }]).await;
    let [_, before] = etcd.metrics([READS, RENEWALS]).await;
    while run.standing.borrow().counters.puts < 2 {
        let event = timeout(LONG, watcher.next()).await.expect("an event");
        run.registration.hear(&event.expect("the watch lives"));
    }
    let [_, now] = etcd.metrics([READS, RENEWALS]).await;
    assert!(now <= before.map(|renewals| renewals + 1.0), "mended without a renewal");
}

async fn a_commit_takes_the_key_along_or_changes_nothing(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let mut run = Host::new().start(&registry);
    let claim = |n: u8| Txn {
        when: vec![Compare::Absent(Range::Key("/claim".to_owned()))],
        then: vec![put("/claim", format!("{n}"), None)],
    };
    let seed = |data: &str| value_with(&json!({ "data": data }));
    let revision = run
        .registration
        .commit(claim(1), seed("empty"))
        .await
        .expect("an answer")
        .expect("committed");
    let entry = stored(&registry).await.expect("the key");
    assert_eq!((entry.mod_revision, entry.lease), (revision, run.registration.lease()));
    let refused = run.registration.commit(claim(2), seed("used")).await;
    assert_eq!(refused, Ok(None));
    assert!(text(&registry).await.is_some_and(|value| value.contains("empty")));
    run.registration
        .commit(Txn::default(), seed("used"))
        .await
        .expect("an answer")
        .expect("committed");
    run.verified(3).await;
    let value = text(&registry).await.expect("the key");
    assert_eq!(
        value,
        format!(r#"{{"data":"used","incarnation":"{}"}}"#, run.incarnation),
        "the value is wanted now"
    );
    let dead = Txn {
        when: Vec::new(),
        then: vec![put("/other", "x", Some(quorate::registry::LeaseId(0x1234)))],
    };
    let failed = run.registration.commit(dead, seed("dead")).await;
    assert_eq!(failed, Err(CommitError::Registry(RegistryError::LeaseGone)));
}

async fn leaving_takes_everything_along(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let host = Host::new();
    let mut run = host.start(&registry);
    let lease = run.register(9200).await.lease.expect("a lease");
    run.registration.leave(Duration::from_secs(3)).await.expect("left");
    assert_eq!(text(&registry).await, None);
    assert_eq!(registry.time_to_live(lease).await, Ok(None));
    assert!(!host.state_file().exists());

    // With etcd away it is bounded, and the next run knows what to take over.
    let mut run = host.start(&registry);
    run.register(9200).await;
    etcd.freeze();
    let start = Instant::now();
    let left = run.registration.leave(Duration::from_secs(1)).await;
    assert!(
        left.is_err() && start.elapsed() < Duration::from_secs(2),
        "{left:?} {:?}",
        start.elapsed()
    );
    assert!(host.state_file().exists());
    etcd.thaw();
}

#[tokio::test]
async fn a_dropped_registration_leaves_the_key_to_its_lease() {
    let etcd = Etcd::start(Version::V35).await;
    let registry = etcd.registry();
    let mut run = Host::new().start(&registry);
    let lease = run.register(9200).await.lease.expect("a lease");
    drop(run);
    assert!(text(&registry).await.is_some());
    let gone = eventually("the lease ends", LONG, || async {
        text(&registry).await.is_none().then(Instant::now)
    });
    let start = Instant::now();
    let gone = gone.await;
    assert!(gone - start < 2 * TTL, "{:?}", gone - start);
    assert_eq!(registry.time_to_live(lease).await, Ok(None));
}

#[tokio::test]
async fn nothing_is_put_while_the_state_file_cannot_be_written() {
    let etcd = Etcd::start(Version::V35).await;
    let registry = etcd.registry();
    let host = Host::new();
    let mut spec = host.spec();
    std::fs::write(host.dir().join("file"), b"").expect("written");
    spec.state_file = host.dir().join("file/state.json");
    let error = Host::try_start(&registry, spec.clone())
        .map(|_| ())
        .expect_err("unusable");
    assert!(matches!(error, StartError::StateFile { .. }), "{error}");
    // A directory that goes away while it runs.
    spec.state_file = host.dir().join("later/state.json");
    let mut run = Host::try_start(&registry, spec).expect("started");
    std::fs::write(host.dir().join("later"), b"").expect("written");
    run.registration.want(Want::Present(member(9200)));
    run.obstacle("state_file").await;
    assert_eq!(text(&registry).await, None);
    std::fs::remove_file(host.dir().join("later")).expect("removed");
    run.until("the key is there", |standing| standing.registered).await;
}

#[tokio::test]
async fn a_deletion_takes_about_as_long_as_a_bare_one() {
    let etcd = Etcd::start(Version::V35).await;
    let registry = etcd.registry();
    let mut run = Host::new().start(&registry);
    let (mut bare, mut wished) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        commit(&registry, vec![put("/bare", "x", None)]).await;
        let start = Instant::now();
        commit(
            &registry,
            vec![Op::Delete {
                key: "/bare".to_owned(),
            }],
        )
        .await;
        bare.push(start.elapsed());
        run.register(9200).await;
        let deletes = run.standing.borrow().counters.deletes;
        let start = Instant::now();
        run.registration.want(Want::Absent);
        run.until("the key is gone", |standing| standing.counters.deletes > deletes)
            .await;
        wished.push(start.elapsed());
    }
    bare.sort_unstable();
    wished.sort_unstable();
    println!(
        "bare delete {:?}, wish to gone {:?} (medians of 20)",
        bare[10], wished[10]
    );
    assert!(
        wished[10] < 3 * bare[10] + Duration::from_millis(5),
        "{wished:?} {bare:?}"
    );
}

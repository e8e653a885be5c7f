//! Watches on real etcds: order, and every way in which a stream can stop telling the truth.

use std::time::Duration;

use quorate::registry::{Op, Pace, Registry, WatchEvent, Watcher};
use tokio::time::{Instant, timeout};

use crate::{
    registry::{commit, prefix, put},
    support::{
        LONG,
        etcd::{Etcd, Version, registry},
        eventually,
    },
};

crate::support::on_both_versions! {
    a_watch_starts_with_everything_and_goes_on_with_every_change
    what_one_transaction_writes_arrives_in_order
    two_ranges_share_a_watcher
    a_reader_that_a_compaction_overtook_gets_a_list
    a_restart_without_data_is_listed_as_empty
    a_frozen_etcd_is_away_and_comes_back_with_a_list
    a_dropped_watcher_leaves_nothing_behind
    a_sign_of_life_says_how_far_everything_was_told
    a_store_in_which_nothing_happens_gives_signs_of_life
}

/// Quick enough for a test, slow enough for a busy machine.
const QUICK: Pace = Pace {
    ask: Duration::from_millis(500),
    answer: Duration::from_secs(2),
    list: Duration::from_mins(5),
    retry: (Duration::from_millis(250), Duration::from_secs(4)),
};

/// The next event that is wanted.
async fn next_of(watcher: &mut Watcher, wanted: impl Fn(&WatchEvent) -> bool) -> WatchEvent {
    let event = async {
        loop {
            let event = watcher.next().await.expect("the watch lives");
            if wanted(&event) {
                return event;
            }
        }
    };
    timeout(LONG, event).await.expect("an event in time")
}

/// The next event but signs of life.
async fn next(watcher: &mut Watcher) -> WatchEvent {
    next_of(watcher, |event| !matches!(event, WatchEvent::Alive { .. })).await
}

/// A watcher of `/t/` whose stream is open: it has passed on a change.
async fn open_watcher(etcd: &Etcd, pace: Pace) -> Watcher {
    let registry = etcd.registry();
    let mut watcher = registry.watch_at(vec![prefix("/t/")], pace);
    next_list(&mut watcher).await;
    commit(&registry, vec![put("/t/open", "x", None)]).await;
    loop {
        match next(&mut watcher).await {
            WatchEvent::Put(entry) if entry.key == "/t/open" => return watcher,
            WatchEvent::Listed { .. } => {}
            other @ (WatchEvent::Put(_)
            | WatchEvent::Deleted { .. }
            | WatchEvent::Alive { .. }
            | WatchEvent::Away { .. }) => panic!("{other:?}"),
        }
    }
}

/// The next list, whatever comes before it.
async fn next_list(watcher: &mut Watcher) -> (i64, Vec<String>) {
    loop {
        if let WatchEvent::Listed { revision, entries } = next(watcher).await {
            return (revision, entries.into_iter().map(|e| e.key).collect());
        }
    }
}

/// The keys of the next `count` changes, which must come without a list between them.
async fn changes(watcher: &mut Watcher, count: usize) -> Vec<String> {
    let mut keys = Vec::new();
    while keys.len() < count {
        match next(watcher).await {
            WatchEvent::Put(entry) => keys.push(format!("+{}", entry.key)),
            WatchEvent::Deleted { key, .. } => keys.push(format!("-{key}")),
            other @ (WatchEvent::Listed { .. } | WatchEvent::Alive { .. } | WatchEvent::Away { .. }) => {
                panic!("{other:?} after {keys:?}")
            }
        }
    }
    keys
}

async fn a_watch_starts_with_everything_and_goes_on_with_every_change(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let revision = commit(&registry, vec![put("/t/a", "1", None), put("/u/a", "1", None)]).await;
    let mut watcher = registry.watch(vec![prefix("/t/")]);
    assert_eq!(next_list(&mut watcher).await, (revision, vec!["/t/a".to_owned()]));
    commit(&registry, vec![put("/t/b", "2", None)]).await;
    commit(&registry, vec![put("/u/b", "not watched", None)]).await;
    commit(&registry, vec![Op::Delete { key: "/t/a".to_owned() }]).await;
    assert_eq!(changes(&mut watcher, 2).await, ["+/t/b", "-/t/a"]);
}

async fn what_one_transaction_writes_arrives_in_order(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let lease = registry.grant(Duration::from_mins(1)).await.expect("granted");
    let mut watcher = registry.watch(vec![prefix("/t/")]);
    next_list(&mut watcher).await;
    let keys: Vec<String> = (0..200).map(|i| format!("/t/{i:03}")).collect();
    for half in keys.chunks(100) {
        commit(
            &registry,
            half.iter().map(|key| put(key, "x", Some(lease.id))).collect(),
        )
        .await;
    }
    let put: Vec<String> = keys.iter().map(|key| format!("+{key}")).collect();
    assert_eq!(changes(&mut watcher, 200).await, put);
    registry.revoke(lease.id).await.expect("revoked");
    let deleted: Vec<String> = keys.iter().map(|key| format!("-{key}")).collect();
    assert_eq!(changes(&mut watcher, 200).await, deleted);
}

async fn two_ranges_share_a_watcher(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let mut watcher = registry.watch(vec![prefix("/t/"), prefix("/u/")]);
    next_list(&mut watcher).await;
    for key in ["/t/1", "/u/1", "/t/2"] {
        commit(&registry, vec![put(key, "x", None)]).await;
        assert_eq!(changes(&mut watcher, 1).await, [format!("+{key}")]);
    }
}

async fn a_reader_that_a_compaction_overtook_gets_a_list(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let mut watcher = open_watcher(&etcd, QUICK).await;
    // The reader reads nothing: its queue, the stream's window and the server's queue fill up, and the server puts the watch
    // among those that have to catch up.
    let big = vec![b'x'; 10_000];
    let mut last = 0;
    for i in 0..1800 {
        last = commit(&registry, vec![put(&format!("/t/{}", i % 10), big.clone(), None)]).await;
    }
    etcd.etcdctl(&["compact", &last.to_string()]);
    let (revision, keys) = next_list(&mut watcher).await;
    assert!(revision >= last);
    assert_eq!(keys.len(), 11);
    commit(&registry, vec![put("/t/after", "x", None)]).await;
    assert_eq!(changes(&mut watcher, 1).await, ["+/t/after"]);
}

async fn a_restart_without_data_is_listed_as_empty(version: Version) {
    let mut etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    for _ in 0..20 {
        commit(&registry, vec![put("/t/a", "1", None)]).await;
    }
    let mut watcher = registry.watch(vec![prefix("/t/")]);
    let (before, _) = next_list(&mut watcher).await;
    etcd.restart_empty().await;
    let (after, keys) = next_list(&mut watcher).await;
    assert!(after < before && keys.is_empty(), "{after} {keys:?}");
    commit(&etcd.registry(), vec![put("/t/b", "1", None)]).await;
    assert_eq!(changes(&mut watcher, 1).await, ["+/t/b"]);
}

async fn a_frozen_etcd_is_away_and_comes_back_with_a_list(version: Version) {
    let etcd = Etcd::start(version).await;
    let mut watcher = open_watcher(&etcd, QUICK).await;
    etcd.freeze();
    let frozen = Instant::now();
    let event = next(&mut watcher).await;
    assert!(matches!(event, WatchEvent::Away { .. }), "{event:?}");
    // The connection's own pings would have taken longer.
    assert!(frozen.elapsed() < Duration::from_secs(10), "{:?}", frozen.elapsed());
    etcd.thaw();
    let event = next(&mut watcher).await;
    assert!(matches!(event, WatchEvent::Listed { .. }), "{event:?}");
}

async fn a_sign_of_life_says_how_far_everything_was_told(version: Version) {
    let etcd = Etcd::start(version).await;
    let mut watcher = open_watcher(&etcd, QUICK).await;
    let revision = commit(&etcd.registry(), vec![put("/u/a", "not watched", None)]).await;
    let is_told = |event: &WatchEvent| match event {
        WatchEvent::Alive { revision: told } => *told >= revision,
        other @ (WatchEvent::Listed { .. }
        | WatchEvent::Put(_)
        | WatchEvent::Deleted { .. }
        | WatchEvent::Away { .. }) => panic!("{other:?}"),
    };
    next_of(&mut watcher, is_told).await;
}

async fn a_store_in_which_nothing_happens_gives_signs_of_life(version: Version) {
    let etcd = Etcd::start(version).await;
    let registry = etcd.registry();
    let revision = commit(&registry, vec![put("/t/a", "1", None)]).await;
    let mut watcher = registry.watch_at(vec![prefix("/t/"), prefix("/u/")], QUICK);
    assert_eq!(next_list(&mut watcher).await.0, revision);
    // More of them than watches that are opened, whose openings count as well.
    for _ in 0..6 {
        match timeout(LONG, watcher.next()).await.expect("an event in time") {
            Some(WatchEvent::Alive { revision: told }) => assert_eq!(told, revision),
            other => panic!("{other:?}"),
        }
    }
}

async fn a_dropped_watcher_leaves_nothing_behind(version: Version) {
    let etcd = Etcd::start(version).await;
    let watching = || async { etcd.metric("etcd_debugging_mvcc_watcher_total").await };
    let before = watching().await;
    let mut watcher = etcd.registry().watch(vec![prefix("/t/"), prefix("/u/")]);
    next_list(&mut watcher).await;
    let more = |n: f64| move |now: f64| ((now - before - n).abs() < 0.5).then_some(());
    eventually("two watches", LONG, || async { more(2.0)(watching().await) }).await;
    drop(watcher);
    eventually("no watch", LONG, || async { more(0.0)(watching().await) }).await;
}

#[tokio::test]
async fn a_watch_lists_again_now_and_then_though_nothing_seems_wrong() {
    let etcd = Etcd::start(Version::V35).await;
    let pace = Pace {
        list: Duration::from_millis(200),
        ..QUICK
    };
    let registry = etcd.registry();
    let mut watcher = registry.watch_at(vec![prefix("/t/")], pace);
    for _ in 0..3 {
        next_list(&mut watcher).await;
    }
    commit(&registry, vec![put("/t/a", "1", None)]).await;
    loop {
        match next(&mut watcher).await {
            WatchEvent::Put(entry) => break assert_eq!(entry.key, "/t/a"),
            WatchEvent::Listed { entries, .. } if !entries.is_empty() => break,
            WatchEvent::Listed { .. } => {}
            other @ (WatchEvent::Deleted { .. } | WatchEvent::Alive { .. } | WatchEvent::Away { .. }) => {
                panic!("{other:?}")
            }
        }
    }
}

/// Watchers on clients that have settled on a member each: with this many, every member has some.
async fn settled_watchers(members: &[Etcd; 3]) -> Vec<Watcher> {
    let mut watchers = Vec::new();
    for _ in 0..9 {
        let client = registry(members.iter().map(Etcd::endpoint));
        let mut watcher = client.watch_at(vec![prefix("/t/")], QUICK);
        next_list(&mut watcher).await;
        watchers.push(watcher);
    }
    watchers
}

/// Every watcher learns of a key that is written now, and none hears that etcd is away.
async fn everybody_learns(watchers: &mut [Watcher], writer: &Registry, key: &str) {
    eventually("the rest of the cluster accepts writes", LONG, || async {
        let txn = quorate::registry::Txn {
            when: vec![],
            then: vec![put(key, "1", None)],
        };
        writer.commit_fenced(&txn).await.ok()
    })
    .await;
    for watcher in watchers {
        loop {
            match next(watcher).await {
                WatchEvent::Put(entry) if entry.key == key => break,
                WatchEvent::Listed { entries, .. } if entries.iter().any(|e| e.key == key) => break,
                WatchEvent::Listed { .. } | WatchEvent::Put(_) => {}
                other @ (WatchEvent::Deleted { .. } | WatchEvent::Alive { .. } | WatchEvent::Away { .. }) => {
                    panic!("{other:?}")
                }
            }
        }
    }
}

#[tokio::test]
async fn watchers_move_on_from_a_member_that_freezes_or_dies() {
    let mut members = Etcd::start_three(Version::V35).await;
    let mut watchers = settled_watchers(&members).await;
    let writer = members[1].registry();
    members[0].freeze();
    everybody_learns(&mut watchers, &writer, "/t/frozen").await;
    members[0].thaw();
    members[0].kill();
    everybody_learns(&mut watchers, &writer, "/t/killed").await;
}

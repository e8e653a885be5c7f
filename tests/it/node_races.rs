//! Races with real nodes: three launchers start at random offsets on empty disks, and launchers and nodes are killed at random on the
//! way. One cluster with one UUID comes out.
//!
//! Who starts and dies when follows from a seed; a failure prints it, and `QUORATE_TEST_SEED` plans the same again. `make races` runs twenty.

use std::{io::Write as _, time::Duration};

use quorate::{
    model::{ClusterUuid, RecordState},
    registry::Keys,
    view::ClusterView,
};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::{
    formation_model::{dice::Dice, search::seed},
    support::{
        etcd::{Etcd, Version},
        eventually,
        launcher::Host,
        node::Line,
        setting,
        turn::turn,
    },
};

/// Three nodes that are killed on the way are in one cluster after this long, on a busy machine too.
const FORMED: Duration = Duration::from_mins(5);
/// Starts come within so many milliseconds, deaths within so many after the start.
const STARTS: usize = 1500;
const DEATHS: usize = 9000;

#[tokio::test]
async fn real_nodes_that_are_killed_on_the_way_form_one_cluster() {
    let races: u64 = setting("QUORATE_TEST_RACES").map_or(1, |races| races.parse().expect("a number of races"));
    let first = seed();
    for race in 0..races {
        let seed = first.wrapping_add(race);
        let _turn = turn(3).await;
        // The other line, which is far slower, now and then.
        let line = if race % 7 == 6 { Line::Os3 } else { Line::Es6 };
        let told = race_of(line, seed).await;
        std::io::stderr().write_all(told.as_bytes()).expect("written");
    }
}

/// One race; what it was like.
async fn race_of(line: Line, seed: u64) -> String {
    let mut plan = Dice::new(seed);
    let etcd = Etcd::start(Version::V35).await;
    let expect = (1 + plan.below(3)).to_string();
    let flags = match line {
        Line::Es6 | Line::Es1 => ["--expected-masters", "3"],
        Line::Os3 | Line::Es9 => ["--bootstrap-expect", &expect],
    };
    let host = |number| Host::new(line, &format!("127.0.53.{number}"), &etcd, &flags);
    let (mut hosts, began) = ([1, 2, 3].map(host), Instant::now());
    let mut lives = hosts.iter_mut().map(|host| {
        let start = plan.below(STARTS);
        let deaths = (0..plan.below(3)).map(|_| (plan.below(DEATHS), plan.below(3)));
        live(host, start, deaths.collect())
    });
    let [a, b, c] = [(); 3].map(|()| lives.next().expect("three hosts"));
    drop(lives);
    let (a, b, c) = tokio::join!(a, b, c);
    let deaths = a + b + c;
    let uuid = one_cluster(&etcd, &mut hosts, seed).await;
    let took = began.elapsed().as_secs();
    format!("{line:?}, {deaths} deaths, {took} s, one cluster {uuid}, QUORATE_TEST_SEED={seed}\n")
}

/// Starts the launcher, and kills it, its node or both at each of the times; whoever ends is started again.
async fn live(host: &mut Host, start: usize, mut deaths: Vec<(usize, usize)>) -> usize {
    sleep(Duration::from_millis(start as u64)).await;
    host.start();
    deaths.sort_unstable();
    let (mut at, mut died) = (0, 0);
    for (time, who) in deaths {
        sleep(Duration::from_millis((time - at) as u64)).await;
        at = time;
        let node = host
            .file()
            .and_then(|file| file.process)
            .filter(|process| process.is_alive());
        if node.is_some() && who != 0 {
            host.signal_node(Signal::KILL);
        }
        if node.is_none() || who != 1 {
            host.kill();
            host.start();
        }
        died += 1;
    }
    died
}

/// Waits until a UUID is recorded and every seed says that its node has it. What has ended is started again meanwhile.
async fn one_cluster(etcd: &Etcd, hosts: &mut [Host; 3], seed: u64) -> ClusterUuid {
    let keys = Keys::new("/services", "/quorate", &"elasticsearch".parse().expect("a name"));
    let registry = etcd.registry();
    let began = Instant::now();
    loop {
        for host in hosts.iter_mut() {
            if let Some(status) = host.ended() {
                let unit = status.code().is_none_or(|code| ![2, 3, 78].contains(&code));
                assert!(
                    unit,
                    "QUORATE_TEST_SEED={seed}: no unit starts this again: {status}\n{}",
                    host.log()
                );
                host.kill();
                host.start();
            }
        }
        let read = eventually("etcd answers", FORMED, || async {
            registry.read(&keys.all()).await.ok()
        });
        let view = ClusterView::of(&keys, &read.await);
        let record = view.record.map(|stored| stored.value);
        let formed = record.filter(|record| record.state == RecordState::Formed);
        let uuids: Vec<_> = view
            .seeds
            .values()
            .filter_map(|seed| seed.value.cluster_uuid.clone())
            .collect();
        if let Some(uuid) = formed.and_then(|record| record.cluster_uuid) {
            assert!(
                uuids.iter().all(|own| *own == uuid),
                "QUORATE_TEST_SEED={seed}: {uuids:?}, recorded {uuid}"
            );
            if uuids.len() == hosts.len() {
                return uuid;
            }
        }
        if began.elapsed() > FORMED {
            let logs = hosts.each_ref().map(Host::log).join("\n");
            panic!("QUORATE_TEST_SEED={seed}: not within {FORMED:?}: {uuids:?}\n{logs}");
        }
        sleep(Duration::from_millis(100)).await;
    }
}

//! Random sequences of faults on real nodes: a cluster of three, each with a launcher and a sidecar, on an etcd of three members.
//!
//! Processes of every kind are killed, frozen and told to stop in any order, several at once; a service manager of sorts starts again what
//! has ended. After each sequence everybody is in the cluster of before, with one UUID, every document and every key, without a hand.
//! `QUORATE_TEST_NODE_FAULTS` is how many sequences there are; `make faults` runs twenty.

use std::{io::Write as _, time::Duration};

use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::{
    formation_model::{dice::Dice, search::seed},
    support::{
        LONG,
        cluster::{Cluster, STARTED},
        etcd::{Etcd, Version},
        eventually,
        node::Line,
        turn::turn,
    },
};

/// All hosts.
const ALL: [usize; 3] = [0, 1, 2];

/// Whom it hits.
#[derive(Debug, Clone, Copy)]
enum Who {
    Node,
    Launcher,
    Sidecar,
    Etcd,
}

/// What hits it.
#[derive(Debug, Clone, Copy)]
enum What {
    Killed,
    Frozen,
    Told,
}

/// The steps, and for how long everything stays as they leave it.
fn plan(seed: u64) -> (Vec<(Duration, Who, usize, What)>, Duration) {
    let mut dice = Dice::new(seed);
    let (steps, after) = (2 + dice.below(4), dice.below(12_000));
    let step = |_| {
        let pause = Duration::from_millis(dice.below(4000) as u64);
        let who = match dice.below(4) {
            0 => Who::Node,
            1 => Who::Launcher,
            2 => Who::Sidecar,
            _ => Who::Etcd,
        };
        let what = match dice.below(3) {
            0 => What::Killed,
            1 => What::Frozen,
            _ => What::Told,
        };
        (pause, who, dice.below(3), what)
    };
    ((0..steps).map(step).collect(), Duration::from_millis(after as u64))
}

/// So many sequences, each after the one before on the same cluster.
pub(super) async fn are_the_same_cluster_after_any_sequence(count: u64) {
    let _turn = turn(3).await;
    let (first, begun) = (seed(), Instant::now());
    let mut members = Etcd::start_three(Version::V35).await;
    let [one, ..] = &members;
    let mut cluster = Cluster::new(Line::Es6, ALL.len(), "storm", one, &["--expected-masters", "3"]);
    cluster.know(&members);
    for at in ALL {
        cluster.at(at).start();
    }
    let uuid = cluster.whole(&ALL).await;
    cluster.make_index(2).await;
    for number in 0..count {
        let (seed, since) = (first.wrapping_add(number), Instant::now());
        let (steps, after) = plan(seed);
        let faults = steps
            .iter()
            .map(|(_, who, at, what)| format!("{who:?} {at} {what:?}").to_lowercase());
        let faults: Vec<String> = faults.collect();
        // The rest of the line follows when it has gone well.
        say(&format!(
            "real nodes, sequence {} of {count}: QUORATE_TEST_SEED={seed}: {}",
            number + 1,
            faults.join(", ")
        ));
        cluster.write(0, 1).await;
        cluster.holds_everything(&ALL).await;
        for &(pause, who, at, what) in &steps {
            sleep(pause).await;
            hit(&mut cluster, &mut members, who, at, what).await;
        }
        sleep(after).await;
        heal(&mut cluster, &mut members).await;
        assert_eq!(cluster.whole(&ALL).await, uuid, "QUORATE_TEST_SEED={seed}");
        cluster.holds_everything(&ALL).await;
        say(&format!(", {} s\n", since.elapsed().as_secs()));
    }
    say(&format!(
        "{count} sequences on real nodes, one UUID, no document lost, {} s\n",
        begun.elapsed().as_secs()
    ));
}

fn say(text: &str) {
    std::io::stderr().write_all(text.as_bytes()).expect("written");
}

/// One step, on whoever is there to be hit.
async fn hit(cluster: &mut Cluster, members: &mut [Etcd; 3], who: Who, at: usize, what: What) {
    let signal = match what {
        What::Killed => Signal::KILL,
        What::Frozen => Signal::STOP,
        What::Told => Signal::TERM,
    };
    let machine = cluster.at(at);
    match who {
        Who::Node if machine.host.node_lives() => {
            machine.host.signal_node(signal);
        }
        Who::Launcher if machine.host.lives() => machine.host.signal(signal),
        Who::Sidecar if machine.sidecar_mut().lives() => machine.sidecar().signal(signal),
        Who::Etcd => {
            let member = members.get_mut(at).expect("a member");
            match what {
                What::Killed => member.kill(),
                What::Frozen if member.lives() => member.freeze(),
                What::Told if member.lives() => member.stop().await,
                What::Frozen | What::Told => {}
            }
        }
        Who::Node | Who::Launcher | Who::Sidecar => {}
    }
}

/// What stands still goes on, and a service manager starts what has ended, until everything runs.
async fn heal(cluster: &mut Cluster, members: &mut [Etcd; 3]) {
    for member in members.iter_mut() {
        if member.lives() {
            member.thaw();
        } else {
            member.start_again();
        }
    }
    for at in ALL {
        let machine = cluster.at(at);
        if machine.host.node_lives() {
            machine.host.thaw_node();
        }
        if machine.host.lives() {
            machine.host.signal(Signal::CONT);
        }
        if machine.sidecar_mut().lives() {
            machine.sidecar().signal(Signal::CONT);
        }
    }
    eventually("etcd answers", LONG, || async {
        cluster.has_etcd().await.then_some(())
    })
    .await;
    let begun = Instant::now();
    while let Err(missing) = cluster.missing(&ALL).await {
        assert!(begun.elapsed() < STARTED, "{missing}");
        sleep(Duration::from_secs(1)).await;
        for at in ALL {
            cluster.at(at).start_what_ended();
        }
    }
}

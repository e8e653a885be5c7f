//! False alarms: a real node that is indexed into and searched as fast as it takes, in a heap that is too small for it, beside a sidecar
//! with default settings. As long as it answers at all, its verdict must not change once. Then it is frozen, and has to be gone soon.
//!
//!     make soak [LINE=elasticsearch-9] [MINUTES=60]
//!
//! A verdict that changed although the node never stood still for three probes of what the sidecar waits is a fault; the stops in the log
//! of the node's Java say how long that was.
#![expect(clippy::panic, reason = "a step says by panicking what is wrong")]
#![expect(clippy::print_stdout, reason = "it tells what it measured")]

mod soak {
    pub(crate) mod load;
    pub(crate) mod pauses;
}
#[expect(dead_code, unused_imports, unused_macros, reason = "the tests use the rest of it")]
mod support;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use soak::{
    load::{Done, Load},
    pauses::{Pauses, log_option},
};
use support::{
    LONG,
    etcd::{Etcd, Version},
    key_seen::KeySeen,
    node::{Line, Node, Spec},
    sidecar::Sidecar,
};
use tokio::time::{Instant, sleep};

/// What the sidecar waits for a node that is silent, at default settings: interval, and three probes of 2 s.
const SILENCE: Duration = Duration::from_secs(9);
/// Who stands still for so much of it, at one stretch or not, may have answered none of the three.
const THREE_PROBES: Duration = Duration::from_secs(6);
/// And until its key is gone.
const GONE: Duration = Duration::from_millis(9600);
const FREEZES: usize = 5;
const MINUTE: Duration = Duration::from_mins(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let line = match arguments.next().as_deref() {
        Some("elasticsearch-6") => Line::Es6,
        Some("elasticsearch-9") => Line::Es9,
        other => panic!("which line is {other:?}? elasticsearch-6 or elasticsearch-9"),
    };
    let minutes = arguments.next().and_then(|text| text.parse().ok()).expect("minutes");

    let etcd = Etcd::start(Version::V35).await;
    let mut log = PathBuf::new();
    let mut node = Node::start_with(Spec::alone(line, "soak-1"), |dir| {
        log = dir.join("logs/pauses");
        log_option(&log)
    });
    let sidecar = Sidecar::start(&etcd.endpoint(), node.address(), &[]);
    let mut key = KeySeen::of(&etcd, node.address());
    key.there().await;
    sidecar.registered().await;
    println!("{line:?} is ready; {minutes} minutes of load begin");

    let bulk = if line == Line::Es6 {
        "/soak/_doc/_bulk"
    } else {
        "/soak/_bulk"
    };
    let load = Load::start(node.address().ip(), bulk);
    let changes = loaded(load, &log, (&mut node, &sidecar), &mut key, MINUTE * minutes).await;
    let mut slow = 0;
    for _ in 0..FREEZES {
        let gone = frozen(&mut node, &mut key).await;
        println!("frozen -> key gone: {:.2} s", gone.as_secs_f64());
        slow += usize::from(gone > GONE);
    }
    if changes == 0 && slow == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Leaves the node under this load for so long; how often the verdict changed meanwhile without a cause in the node.
async fn loaded(
    load: Load,
    log: &Path,
    (node, sidecar): (&mut Node, &Sidecar),
    key: &mut KeySeen,
    time: Duration,
) -> usize {
    let (before, writes) = (sidecar.logged().len(), key.history.len());
    let begun = Instant::now();
    while begun.elapsed() < time {
        key.settle(MINUTE).await;
        assert!(node.lives(), "the node died of its load: {}", Pauses::of(log));
        let Done {
            documents,
            searches,
            refused,
        } = load.done();
        println!(
            "{:4.0} s: {documents} documents, {searches} searches, {refused} refused; {}",
            begun.elapsed().as_secs_f64(),
            Pauses::of(log)
        );
    }
    drop(load);
    let logged = sidecar.logged().split_off(before);
    let said = |what: &str| logged.lines().filter(|line| line.contains(what)).count();
    let (changes, pauses) = (said("verdict changed"), Pauses::of(log));
    println!(
        "{} probes, {} of them failed; the verdict changed {changes} times, the key {} times; {pauses}",
        said("probed ") + said("probe failed"),
        said("probe failed"),
        key.history.len() - writes,
    );
    for line in logged
        .lines()
        .filter(|line| line.contains("probe failed") || line.contains("verdict changed"))
    {
        println!("  {line}");
    }
    let silent = pauses.most_within(SILENCE);
    println!("at most {silent:.1?} of {SILENCE:?} it stood still");
    if changes > 0 && silent >= THREE_PROBES {
        println!("so it may have answered no probe, and the changes are true");
        return 0;
    }
    changes
}

/// Freezes the node, which works no more; how long until its key is gone. It is a member again afterwards.
async fn frozen(node: &mut Node, key: &mut KeySeen) -> Duration {
    // At another point of the sidecar's interval each time.
    sleep(Duration::from_millis(2700)).await;
    assert!(node.lives(), "there is no node to freeze");
    node.freeze();
    let frozen = Instant::now();
    let gone = key.gone().await - frozen;
    node.thaw();
    tokio::time::timeout(LONG, key.there())
        .await
        .expect("it is a member again");
    gone
}

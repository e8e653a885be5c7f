//! What every engine promises, the one of plain processes too.

use std::collections::BTreeMap;

use quorate::{
    config::Cli,
    host::FileLock,
    launcher::{
        leftover::{Label, Leftover},
        process::{ProcessRuntime, Program},
        runtime::{Ending, Order, Runtime},
    },
    nodefile::{NodeFile, Phase},
};

use super::{ended, plan};
use crate::support::{
    LONG,
    engine::{Bed, order, runtime},
    eventually,
};

/// The same node on each engine: `make` is given how it is to end.
async fn promises<R: Runtime>(bed: &mut Bed, order: &Order, make: impl Fn(&Bed, &str) -> R) {
    let lock = FileLock::take(&bed.path("lock")).expect("the lock");
    let begun = async || {
        eventually("the script has begun", LONG, || async { bed.seen() }).await;
        std::fs::remove_file(bed.path("data/seen")).expect("removed");
    };

    let mut node = make(bed, "3");
    node.start(order, &lock).await.expect("started");
    assert_eq!(ended(&mut node).await, Ending::Code(3), "its code is told");
    begun().await;

    let mut node = make(bed, "");
    let started = node.start(order, &lock).await.expect("started");
    begun().await;
    assert!(started.process.is_alive());
    node.terminate(LONG).expect("asked");
    assert_eq!(ended(&mut node).await, Ending::Code(143), "it may end in order");
    assert!(!started.process.is_alive());
    node.terminate(LONG).expect("a node that is gone is no error");
    node.kill().expect("a node that is gone is no error");

    let mut node = make(bed, "deaf");
    let started = node.start(order, &lock).await.expect("started");
    begun().await;
    let mut next = make(bed, "deaf");
    let leftover = Leftover {
        process: started.process,
        file: NodeFile {
            format: 1,
            engine: node.name().to_owned(),
            container: started.container,
            process: Some(started.process),
            server: None,
            name: "a".to_owned(),
            cluster: "b".to_owned(),
            phase: Phase::Running,
            data: bed.path("data").display().to_string(),
            claim: None,
            with_setting: false,
            skipped_checks: Vec::new(),
            disk: None,
            boot: quorate::host::boot_id().expect("a boot"),
            reason: None,
        },
    };
    next.adopt(&leftover).await.expect("adopted");
    next.kill().expect("asked");
    // Its parent reaps a plain process, here as in life.
    let (first, second) = tokio::join!(ended(&mut node), ended(&mut next));
    for ending in [first, second] {
        let killed = [Ending::Code(137), Ending::Signal(9), Ending::Unknown];
        assert!(
            killed.contains(&ending),
            "it may be killed by whoever adopted it: {ending:?}"
        );
    }
    assert!(!started.process.is_alive());
}

async fn of_container(mut bed: Bed) {
    let mut plans = BTreeMap::new();
    for ends in ["", "3", "deaf"] {
        bed.file = format!("[env]\nENDS = \"{ends}\"\n");
        plans.insert(ends, plan(&bed).await);
    }
    let order = order(plans.get("").expect("a plan"));
    promises(&mut bed, &order, |_, ends| runtime(plans.get(ends).expect("a plan"))).await;
}

#[tokio::test]
async fn docker() {
    of_container(Bed::new(Cli::Docker, "127.0.30.20")).await;
}

#[tokio::test]
async fn podman() {
    of_container(Bed::new(Cli::Podman, "127.0.31.20")).await;
}

#[tokio::test]
async fn process() {
    let mut bed = Bed::new(Cli::Docker, "127.0.30.21");
    for dir in ["data", "config"] {
        std::fs::create_dir(bed.path(dir)).expect("a directory");
    }
    std::fs::write(bed.path("config/elasticsearch.yml"), "").expect("written");
    let order = Order {
        settings: String::new(),
        label: Label {
            claim: None,
            with_setting: false,
        },
    };
    let make = |bed: &Bed, ends: &str| {
        ProcessRuntime::new(Program {
            path: bed.path("script/node"),
            arguments: Vec::new(),
            environment: BTreeMap::from([
                ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
                ("ENDS".to_owned(), ends.to_owned()),
            ]),
            directory: bed.path(""),
            user: None,
            template: None,
        })
    };
    promises(&mut bed, &order, make).await;
}

//! What the sidecar costs and how fast it is, beside the shell loop that it replaces and beside bare etcd, in one run.
//!
//! `make bench` runs it: a real etcd, the release binary, and a stand-in node (this program started again as a child, so that it can be
//! killed). The stand-in answers like a joined node; where a heap is named it has touched as much memory and has idle threads, as a JVM
//! has. `--rounds N` and `--window SECONDS` change how much is measured, `--heaps 0,256` which heaps, in MB.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(
    clippy::panic,
    reason = "a measurement that cannot be made ends with what is missing"
)]

mod contender;
mod death;
mod etcd;
mod latency;
mod standin;
mod steady;
#[path = "../shared/table.rs"]
mod table;

use std::time::Duration;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let value = |name: &str| {
        arguments
            .iter()
            .position(|a| a == name)
            .and_then(|at| arguments.get(at + 1))
    };
    if let Some(address) = value("--stand-in") {
        let heap = value("--heap").and_then(|heap| heap.parse().ok()).unwrap_or(0);
        standin::serve(address, heap);
    }
    let number = |name: &str, default: u64| {
        value(name).map_or(default, |text| {
            text.parse()
                .unwrap_or_else(|_| panic!("`{name} {text}`: expected a number"))
        })
    };
    let (rounds, window) = (number("--rounds", 20), Duration::from_secs(number("--window", 60)));
    let heaps = value("--heaps").map_or("0,256,2048,8192", String::as_str);
    let heaps: Vec<usize> = heaps
        .split(',')
        .map(|heap| {
            heap.parse()
                .unwrap_or_else(|_| panic!("`--heaps {heap}`: expected megabytes"))
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let etcd = etcd::Etcd::start().await;
        let with = format!("{rounds} rounds; window {window:?}; etcd {}", etcd.version());
        let mut report = table::Report::new("measured", &with);
        report.topic("TIMES", &latency::run(&etcd, rounds).await, &[]);
        report.topic("DEATH", &death::run(&etcd, rounds, &heaps).await, &[]);
        drop(etcd);
        report.topic("STEADY STATE", &steady::run(window).await, &[]);
        report.finish();
    });
}

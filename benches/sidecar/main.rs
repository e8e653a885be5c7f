//! What the sidecar costs and how fast it is, beside the shell loop that it replaces and beside bare etcd, in one run.
//!
//! `make bench` runs it: a real etcd, the release binary, and a stand-in node (this program started again as a child, so that it can be
//! killed). The stand-in answers like a joined node and has no heap: a real node's sockets close later, by the time the kernel needs to
//! take its memory back. `--rounds N` and `--window SECONDS` change how much is measured.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(
    clippy::panic,
    reason = "a measurement that cannot be made ends with what is missing"
)]

mod contender;
mod etcd;
mod latency;
mod standin;
mod steady;
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
        standin::serve(address);
    }
    let number = |name: &str, default: u64| {
        value(name).map_or(default, |text| {
            text.parse()
                .unwrap_or_else(|_| panic!("`{name} {text}`: expected a number"))
        })
    };
    let (rounds, window) = (number("--rounds", 20), Duration::from_secs(number("--window", 60)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let etcd = etcd::Etcd::start().await;
        println!(
            "{}; {} rounds; window {window:?}; etcd {}\n",
            table::machine(),
            rounds,
            etcd.version()
        );
        latency::run(&etcd, rounds).await;
        drop(etcd);
        steady::run(window).await;
    });
}

//! How many sidecars one etcd carries: N simulated hosts that start together, stay, lose etcd and come back.
//!
//! `make bench` runs it with a few hundred hosts, `make bench BENCH=scale ARGS=--full` with up to 10 000. `--hosts 100,1000` says
//! how many, `--etcd 3.4` which etcd (3.5), `--shared 8` over how many connections (each host its own), `--window SECONDS` how long the
//! steady state is measured, `--ttl SECONDS` the lifetime of keys (30; 10 without `--full`).
//!
//! The hosts are simulated by a few processes with the product's own code (`fleet`); the etcd is a real one and alone.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(
    clippy::panic,
    reason = "a measurement that cannot be made ends with what is missing"
)]

mod cost;
mod fleet;
mod processes;
mod reader;
mod round;
#[expect(dead_code, reason = "the tests use the rest of it")]
mod support;
#[path = "../shared/table.rs"]
mod table;

use std::time::Duration;

use support::etcd::Version;

/// What is measured.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    version: Version,
    hosts: Vec<u32>,
    /// Over how many connections they talk to etcd; none: each over its own.
    shared: Option<u32>,
    window: Duration,
    ttl: Duration,
}

impl Options {
    fn of(arguments: &[String]) -> Self {
        let value = |name: &str| {
            let at = arguments.iter().position(|argument| argument == name)?;
            arguments.get(at + 1).map(String::as_str)
        };
        let number = |name: &str| {
            value(name).map(|text| -> u32 {
                text.parse()
                    .unwrap_or_else(|_| panic!("`{name} {text}`: expected a number"))
            })
        };
        let full = arguments.iter().any(|argument| argument == "--full");
        let hosts = value("--hosts").unwrap_or(if full { "100,1000,3000,10000" } else { "300" });
        Self {
            version: match value("--etcd").unwrap_or("3.5") {
                "3.4" => Version::V34,
                "3.5" => Version::V35,
                "3.6" => Version::V36,
                "3.7" => Version::V37,
                other => panic!("`--etcd {other}`: expected 3.4, 3.5, 3.6 or 3.7"),
            },
            hosts: hosts
                .split(',')
                .map(|count| {
                    count
                        .parse()
                        .unwrap_or_else(|_| panic!("`--hosts {hosts}`: expected numbers"))
                })
                .collect(),
            shared: number("--shared"),
            window: Duration::from_secs(number("--window").unwrap_or(if full { 60 } else { 10 }).into()),
            ttl: Duration::from_secs(number("--ttl").unwrap_or(if full { 30 } else { 10 }).into()),
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Each real host writes one state file at a time.
        .max_blocking_threads(4)
        .build()
        .expect("a runtime");
    if arguments.first().is_some_and(|argument| argument == "--simulate") {
        runtime.block_on(processes::serve());
    } else {
        runtime.block_on(round::run(&Options::of(&arguments)));
    }
}

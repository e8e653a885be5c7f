//! Every scenario on whole hosts, one after the other, and a table of what they took.
//!
//!     make rig [ARGS="SCENARIO..."]    some of them, by default all
//!
//! The first one that fails ends the run: it shows why, and what the hosts say of it.
#![expect(clippy::panic, reason = "a scenario says by panicking what is wrong")]
#![expect(clippy::print_stdout, reason = "it tells how far it is")]

mod rig;
#[expect(dead_code, unused_imports, unused_macros, reason = "the tests use the rest of it")]
mod support;

use std::process::ExitCode;

use rig::{Rig, SCENARIOS};
use tokio::time::Instant;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(stranger) = wanted
        .iter()
        .find(|name| !SCENARIOS.iter().any(|one| one.name == *name))
    {
        println!("no such scenario: {stranger}; there are");
        for one in SCENARIOS {
            println!("  {:16} {}", one.name, one.what);
        }
        return ExitCode::from(2);
    }
    let begun = Instant::now();
    let mut rig = Rig::up().await;
    let mut passed = 0;
    for scenario in SCENARIOS {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == scenario.name) {
            continue;
        }
        rig.play(scenario).await;
        passed += 1;
    }
    println!("\n{}", rig.book.table());
    println!("{passed} scenarios passed in {:.0} s", begun.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}

//! The compatibility matrix: every line of both products through the steps of `lines`, and docs/compatibility.md from what that brought.
//!
//!     make lines [ARGS="CELL..."]    some of the cells, by default all; a part of a name stands for every cell that has it
//!
//! A cell that passed with this very program, these steps and these parts is not run again. One that fails shows why and leaves the
//! others running. Invariant: nothing stands in the page that was not run.
#![expect(clippy::panic, reason = "a step says by panicking what is wrong")]
#![expect(clippy::print_stdout, reason = "it tells how far it is")]

mod lines;
#[expect(dead_code, unused_imports, unused_macros, reason = "the tests use the rest of it")]
mod support;

mod matrix {
    pub(crate) mod cells;
    pub(crate) mod page;
    pub(crate) mod results;
}

use std::{panic::AssertUnwindSafe, process::ExitCode};

use lines::cell::{Cell, Row};
use matrix::{
    cells::{cells, name},
    page,
    results::Results,
};
use tokio::time::Instant;

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let (all, begun) = (cells(), Instant::now());
    let known: Vec<String> = all.iter().map(|cell| name(*cell)).collect();
    if let Some(stranger) = wanted
        .iter()
        .find(|part| !known.iter().any(|name| name.contains(*part)))
    {
        println!("no such cell: {stranger}; there are\n  {}", known.join("\n  "));
        return ExitCode::from(2);
    }
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part));
    let mut failed = Vec::new();
    for (cell, name) in all.iter().zip(&known).filter(|(_, name)| is_wanted(name)) {
        let results = Results::of(*cell);
        let say = |text: &str| println!("{:5.0} s  {name}: {text}", begun.elapsed().as_secs_f64());
        if results.are_current() {
            say("was run");
            continue;
        }
        results.forget();
        say("starts");
        match run(*cell, &say) {
            Some(row) => results.keep(&row),
            None => failed.push(name),
        }
        page::write(&all);
    }
    page::write(&all);
    println!("{:5.0} s  over; failed: {failed:?}", begun.elapsed().as_secs_f64());
    ExitCode::from(u8::from(!failed.is_empty()))
}

/// Runs a cell; none when it failed, which has been told then.
fn run(cell: Cell, say: &dyn Fn(&str)) -> Option<Row> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let steps = cell.run(|step| match step.seconds {
        Some(seconds) => say(&format!("{}, {seconds:.1} s", step.name)),
        None => say(&format!("{}: nothing of the kind", step.name)),
    });
    let row = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(steps)));
    say(if row.is_ok() {
        "stood every step"
    } else {
        "FAILED, see above"
    });
    row.ok()
}

//! What a scenario has measured, line by line, as its table has it.

use std::fmt::Write as _;

use tokio::time::{Duration, Instant};

/// One figure.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// The scenario.
    pub(crate) scenario: &'static str,
    /// From what to what.
    pub(crate) what: String,
    pub(crate) took: Duration,
    /// What the documentation promises; none where it promises nothing.
    pub(crate) bound: Option<Duration>,
}

/// All figures of a run.
#[derive(Debug, Default)]
pub(crate) struct Book {
    scenario: &'static str,
    pub(crate) lines: Vec<Line>,
}

impl Book {
    /// What follows is of this scenario.
    pub(crate) fn begins(&mut self, scenario: &'static str) {
        self.scenario = scenario;
    }

    /// From `start` to now.
    pub(crate) fn took(&mut self, what: &str, start: Instant) {
        self.note(what, start.elapsed(), None);
    }

    /// A figure with the bound that it was held to.
    pub(crate) fn within(&mut self, what: &str, took: Duration, bound: Duration) {
        self.note(what, took, Some(bound));
    }

    #[expect(clippy::print_stdout, reason = "it tells how far it is")]
    fn note(&mut self, what: &str, took: Duration, bound: Option<Duration>) {
        let line = Line {
            scenario: self.scenario,
            what: what.to_owned(),
            took,
            bound,
        };
        println!(
            "{:>8.2} s  {}: {what}{}",
            took.as_secs_f64(),
            line.scenario,
            promised(bound)
        );
        self.lines.push(line);
    }

    /// The table, as Markdown.
    pub(crate) fn table(&self) -> String {
        let mut table = "| scenario | from, to | time | bound |\n|---|---|---|---|\n".to_owned();
        for Line {
            scenario,
            what,
            took,
            bound,
        } in &self.lines
        {
            let bound = bound.map_or_else(String::new, |bound| format!("{} s", bound.as_secs_f64()));
            let _ = writeln!(table, "| {scenario} | {what} | {:.2} s | {bound} |", took.as_secs_f64());
        }
        table
    }
}

fn promised(bound: Option<Duration>) -> String {
    bound.map_or_else(String::new, |bound| format!(" (at most {} s)", bound.as_secs_f64()))
}

//! A page of runs that went wrong, fit to be compared: what differs from run to run has a name instead.

use std::fmt::Write as _;

use crate::support::program::{Run, quorate_with};

/// Lines of the log, which tell the time.
pub(crate) const LOG: (&str, &str) = (r"(?m)^\d{4}-\d\d-\d\dT.*\n", "");

/// The page so far.
#[derive(Debug, Default)]
pub(crate) struct Page {
    text: String,
    names: Vec<(String, &'static str)>,
}

impl Page {
    /// From now on `text` reads `name`.
    pub(crate) fn call(&mut self, text: impl Into<String>, name: &'static str) {
        self.names.push((text.into(), name));
    }

    /// Runs the program, which must end by itself, and notes what it says.
    pub(crate) fn run(&mut self, title: &str, args: &[&str], environment: &[(&str, &str)]) -> Run {
        let run = quorate_with(args, environment);
        self.note(title, &format!("quorate {}", args.join(" ")), &run);
        run
    }

    /// Notes what a run said.
    pub(crate) fn note(&mut self, title: &str, command: &str, run: &Run) {
        assert!(!run.err.contains("panicked"), "{title}: {}", run.err);
        let code = run
            .code
            .unwrap_or_else(|| panic!("{title}: ended by a signal: {}", run.err));
        let command: String = command
            .chars()
            .take(160)
            .map(|c| if c.is_control() { '?' } else { c })
            .collect();
        let _ = writeln!(self.text, "## {title}\n$ {}", command.trim_end());
        for line in run.out.lines().chain(run.err.lines()) {
            let _ = writeln!(self.text, "{line}");
        }
        let _ = writeln!(self.text, "exit {code}\n");
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        let mut text = self.text.clone();
        for (from, to) in &self.names {
            text = text.replace(from, to);
        }
        text
    }
}

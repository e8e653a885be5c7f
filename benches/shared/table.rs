//! The tables of the benchmarks: figures with their spread, the target of each and whether it is met, for people and as Markdown.
//!
//! A benchmark makes one [`Report`], gives it a topic at a time, and each topic is printed when it is there. `target/bench/<name>.txt` holds
//! what was printed, `target/bench/<name>.md` the block for README. A missed target ends nothing: figures are read, they do not assert.

use std::{collections::BTreeSet, fmt::Write as _, path::PathBuf, time::Duration};

use quorate::output::render_table;

/// Samples of one thing, sorted.
#[derive(Clone)]
pub(crate) struct Figure {
    samples: Vec<f64>,
    unit: &'static str,
}

impl Figure {
    /// Counts, sizes, shares: whatever is no time.
    pub(crate) fn new(mut samples: Vec<f64>, unit: &'static str) -> Self {
        samples.sort_by(f64::total_cmp);
        Self { samples, unit }
    }

    /// Times, in milliseconds.
    pub(crate) fn times(samples: &[Duration]) -> Self {
        Self::new(samples.iter().map(|time| time.as_secs_f64() * 1000.0).collect(), "ms")
    }

    /// The sample below which this share of all lies: 0.5 is the median, 0 the least, 1 the most. Not a number without samples.
    pub(crate) fn at(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index among some thousand samples"
        )]
        let index = (self.samples.len().saturating_sub(1) as f64 * share).round() as usize;
        self.samples.get(index).copied().unwrap_or(f64::NAN)
    }

    /// Median and p99 with the number of samples, or the one figure there is.
    fn brief(&self) -> String {
        let (unit, n) = (self.unit, self.samples.len());
        match n {
            0 => "not measured".to_owned(),
            1 => with_unit(self.at(0.5), unit),
            _ => format!(
                "{}, {} ({n})",
                with_unit(self.at(0.5), unit),
                with_unit(self.at(0.99), unit)
            ),
        }
    }
}

/// One line: what was measured, of whom, and what it should be.
#[derive(Clone)]
pub(crate) struct Row {
    what: String,
    who: String,
    figure: Figure,
    target: Option<(String, bool)>,
}

/// Who is measured against the others; a row of somebody else stands beside it.
pub(crate) const OURS: &str = "quorate";

impl Row {
    /// Rows with the same `what` are told beside each other.
    pub(crate) fn new(what: impl Into<String>, who: impl Into<String>, figure: Figure) -> Self {
        Self {
            what: what.into(),
            who: who.into(),
            figure,
            target: None,
        }
    }

    /// What the figure should be, in words, and whether it is; a figure without samples meets nothing.
    pub(crate) fn target(mut self, words: impl Into<String>, met: impl Fn(&Figure) -> bool) -> Self {
        let met = !self.figure.samples.is_empty() && met(&self.figure);
        self.target = Some((words.into(), met));
        self
    }

    fn cells(&self) -> Vec<String> {
        let figure = |share| number(self.figure.at(share));
        let (target, met) = self.judged();
        let mut cells = vec![self.what.clone(), self.who.clone(), self.figure.unit.to_owned()];
        cells.extend([0.5, 0.99, 0.0, 1.0].map(figure));
        cells.extend([self.figure.samples.len().to_string(), target.to_owned(), met.to_owned()]);
        cells
    }

    fn judged(&self) -> (&str, &'static str) {
        match &self.target {
            None => ("", ""),
            Some((words, true)) => (words, "yes"),
            Some((words, false)) => (words, "NO"),
        }
    }
}

/// What a run of one benchmark has found so far.
pub(crate) struct Report {
    folder: PathBuf,
    name: &'static str,
    text: String,
    /// Where it was measured.
    head: String,
    rows: Vec<Row>,
}

impl Report {
    /// Says what is measured where. `with` names the parts: versions, rounds.
    pub(crate) fn new(name: &'static str, with: &str) -> Self {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_quorate"));
        let target = program.ancestors().nth(2).expect("target/<profile>/quorate").to_owned();
        let head = format!("{}\n{with}", machine());
        let mut report = Self {
            folder: target.join("bench"),
            name,
            text: String::new(),
            head,
            rows: Vec::new(),
        };
        report.say(&format!("{}\n", report.head.clone()));
        report
    }

    /// Prints a table and the notes below it, and keeps both.
    pub(crate) fn topic(&mut self, title: &str, rows: &[Row], notes: &[&str]) {
        let head = [title, "OF", "UNIT", "MEDIAN", "P99", "MIN", "MAX", "N", "TARGET", "MET"];
        let cells: Vec<Vec<String>> = rows.iter().map(Row::cells).collect();
        let mut text = render_table(&head, &cells);
        for note in notes {
            writeln!(text, "  {note}").expect("text");
        }
        self.say(&text);
        self.rows.extend_from_slice(rows);
        self.keep();
    }

    /// Which targets were missed, and the block for README.
    pub(crate) fn finish(mut self) {
        let missed = self.rows.iter().filter(|row| row.judged().1 == "NO");
        let missed: Vec<String> = missed.map(|row| format!("{} ({})", row.what, row.who)).collect();
        let missed = match missed.as_slice() {
            [] => "every target above is met".to_owned(),
            some => format!("NOT met: {}", some.join("; ")),
        };
        self.say(&format!("{missed}\n"));
        self.keep();
        let path = self.folder.join(self.name).with_extension("md");
        println!(
            "for README, also in {}:\n\n{}",
            path.display(),
            markdown(&self.head, &self.rows)
        );
    }

    fn say(&mut self, text: &str) {
        println!("{text}");
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn keep(&self) {
        let path = |extension| self.folder.join(self.name).with_extension(extension);
        std::fs::create_dir_all(&self.folder).expect("a folder");
        std::fs::write(path("txt"), &self.text).expect("written");
        std::fs::write(path("md"), markdown(&self.head, &self.rows)).expect("written");
    }
}

/// One line for everything that has the same `what`: ours, or whatever else has a target, and the others beside it.
fn markdown(head: &str, rows: &[Row]) -> String {
    let head = head.replace('\n', "; ");
    let mut text =
        format!("{head}.\n\n| what | median, p99 (N) | target | met | beside it, medians |\n|---|---|---|---|---|\n");
    let mut told = BTreeSet::new();
    for row in rows.iter().filter(|row| told.insert(&row.what)) {
        let mut same: Vec<&Row> = rows.iter().filter(|other| other.what == row.what).collect();
        same.sort_by_key(|row| (row.who != OURS, row.target.is_none()));
        let is_first = |row: &Row| row.who == OURS || row.target.is_some();
        let first = same.first().filter(|row| is_first(row)).copied();
        let others: Vec<String> = same
            .iter()
            .skip(usize::from(first.is_some()))
            .map(|row| format!("{}: {}", row.who, with_unit(row.figure.at(0.5), row.figure.unit)))
            .collect();
        let (target, met) = first.map_or(("", ""), Row::judged);
        let brief = first.map_or_else(String::new, |row| row.figure.brief());
        let what = first
            .filter(|row| row.who != OURS)
            .map_or_else(String::new, |row| format!(" ({})", row.who));
        writeln!(
            text,
            "| {}{what} | {brief} | {target} | {met} | {} |",
            row.what,
            others.join("; ")
        )
        .expect("text");
    }
    text
}

/// Three digits are what such figures are worth.
fn number(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "-".to_owned(),
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn with_unit(value: f64, unit: &str) -> String {
    if unit == "ms" && value >= 10_000.0 {
        return format!("{} s", number(value / 1000.0));
    }
    format!("{} {unit}", number(value)).trim_end().to_owned()
}

/// Kernel, cores and processor, and how busy it is with other work.
fn machine() -> String {
    let uname = rustix::system::uname();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let (cpus, load) = (read("/proc/cpuinfo"), read("/proc/loadavg"));
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!(
        "{} {}, {cores} cores, {}; load at the start {}",
        uname.sysname().to_string_lossy(),
        uname.release().to_string_lossy(),
        model.map_or("processor unknown", |(_, model)| model),
        load.split(' ').next().unwrap_or("?"),
    )
}

//! The executable itself: its size, whether it needs anything beside it, and how long it takes to start.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    options::Options,
    table::{Figure, OURS, Row},
};

/// The table.
pub(crate) fn run(options: &Options) -> Vec<Row> {
    let bytes =
        std::fs::read(&options.program).unwrap_or_else(|error| panic!("{}: {error}", options.program.display()));
    let loader: &[u8] = b"/ld-linux";
    let is_static = !bytes.windows(loader.len()).any(|part| part == loader);
    #[expect(clippy::cast_precision_loss, reason = "some megabytes")]
    let size = Figure::new(vec![bytes.len() as f64 / 1e6], "MB");
    let starts: Vec<Duration> = (0..options.rounds).map(|_| start(options)).collect();
    vec![
        Row::new("executable", OURS, size)
            .target("one static file ≤ 6 MB", |figure| is_static && figure.at(1.0) <= 6.0),
        Row::new("`quorate --version`, start to end", OURS, Figure::times(&starts)),
    ]
}

#[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
fn start(options: &Options) -> Duration {
    let before = Instant::now();
    let mut command = Command::new(&options.program);
    let status = command
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("it starts").success());
    before.elapsed()
}

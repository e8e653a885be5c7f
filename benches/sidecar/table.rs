//! The tables: medians with their spread, and the machine they were taken on.

use std::time::Duration;

/// One row of times: median, p99, min, max and how many there were.
pub(crate) fn times(name: &str, mut samples: Vec<Duration>) -> Vec<String> {
    samples.sort_unstable();
    let at = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a few samples"
        )]
        let index = ((samples.len().saturating_sub(1)) as f64 * share).round() as usize;
        samples
            .get(index)
            .map_or_else(|| "-".to_owned(), |time| format!("{:.2}", time.as_secs_f64() * 1000.0))
    };
    vec![
        name.to_owned(),
        at(0.5),
        at(0.99),
        at(0.0),
        at(1.0),
        samples.len().to_string(),
    ]
}

/// Kernel, cores and processor.
pub(crate) fn machine() -> String {
    let uname = rustix::system::uname();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{} {}, {cores} cores",
        uname.sysname().to_string_lossy(),
        uname.release().to_string_lossy()
    )
}

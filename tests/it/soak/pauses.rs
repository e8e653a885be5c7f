//! How long the node stood still, from the log that its Java writes.

use std::{fmt, path::Path, time::Duration};

/// The option that makes a Java write it: every stop of all of its threads, with its length.
pub(crate) fn log_option(log: &Path) -> String {
    format!("-Xlog:safepoint,gc:file={}:uptime:filecount=0", log.display())
}

/// All stops together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pauses {
    count: u32,
    sum: Duration,
    pub(crate) longest: Duration,
    /// Collections of the whole heap.
    full: usize,
}

impl Pauses {
    /// As they stand in this log.
    pub(crate) fn of(log: &Path) -> Self {
        let log = std::fs::read_to_string(log).expect("the log of its Java");
        let full = log.lines().filter(|line| line.contains("Pause Full")).count();
        let stops = log.lines().filter_map(stop);
        stops.fold(
            Self {
                full,
                ..Self::default()
            },
            |all, stop| Self {
                count: all.count + 1,
                sum: all.sum + stop,
                longest: all.longest.max(stop),
                full,
            },
        )
    }
}

/// `[12.3s] Safepoint "G1CollectForAllocation", …, Total: 1234567 ns`
fn stop(line: &str) -> Option<Duration> {
    let (_, total) = line.split_once("Total: ")?;
    total.trim().split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

impl fmt::Display for Pauses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "its Java stopped {} times for {:.1} s in all, {:.0} ms at most, {} collections of the whole heap",
            self.count,
            self.sum.as_secs_f64(),
            self.longest.as_secs_f64() * 1e3,
            self.full
        )
    }
}

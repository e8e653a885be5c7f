//! How long the node stood still, from the log that its Java writes.

use std::{fmt, path::Path, time::Duration};

/// The option that makes a Java write it: every stop of all of its threads, with its length.
pub(crate) fn log_option(log: &Path) -> String {
    format!("-Xlog:safepoint,gc:file={}:uptime:filecount=0", log.display())
}

/// A stop: when it was over, since the start of its Java, and how long it was.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stop {
    over: Duration,
    took: Duration,
}

/// All stops together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pauses {
    stops: Vec<Stop>,
    /// Collections of the whole heap.
    full: usize,
}

impl Pauses {
    /// As they stand in this log.
    pub(crate) fn of(log: &Path) -> Self {
        Self::in_log(&std::fs::read_to_string(log).expect("the log of its Java"))
    }

    fn in_log(log: &str) -> Self {
        Self {
            stops: log.lines().filter_map(stop).collect(),
            full: log.lines().filter(|line| line.contains("Pause Full")).count(),
        }
    }

    /// The most that it stood still within so long: stops that follow each other closely are as good as one.
    pub(crate) fn most_within(&self, window: Duration) -> Duration {
        let within = |(at, last): (usize, &Stop)| {
            let from = last.over.saturating_sub(window);
            let recent = self.stops.get(..=at).into_iter().flatten().rev();
            recent
                .take_while(|stop| stop.over > from)
                .map(|stop| stop.took.min(stop.over.saturating_sub(from)))
                .sum()
        };
        self.stops.iter().enumerate().map(within).max().unwrap_or_default()
    }
}

/// `[12.3s] Safepoint "G1CollectForAllocation", …, Total: 1234567 ns`
fn stop(line: &str) -> Option<Stop> {
    let (over, _) = line.strip_prefix('[')?.split_once("s]")?;
    let (_, total) = line.split_once("Total: ")?;
    let took = total.trim().split(' ').next()?.parse().ok()?;
    Some(Stop {
        over: Duration::try_from_secs_f64(over.parse().ok()?).ok()?,
        took: Duration::from_nanos(took),
    })
}

impl fmt::Display for Pauses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.stops.iter().map(|stop| stop.took);
        write!(
            f,
            "its Java stopped {} times for {:.1} s in all, {:.0} ms at most, {} collections of the whole heap",
            self.stops.len(),
            took.clone().sum::<Duration>().as_secs_f64(),
            took.max().unwrap_or_default().as_secs_f64() * 1e3,
            self.full
        )
    }
}

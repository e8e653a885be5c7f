//! The log: stderr, one line per event, data in fields. Under the journal without time and colour, which the journal adds itself.

use std::io::IsTerminal;

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLevel(LevelFilter);

impl LogLevel {
    /// What daemons log when nobody says anything.
    pub const DAEMON: Self = Self(LevelFilter::INFO);
    /// What commands log when nobody says anything.
    pub const COMMAND: Self = Self(LevelFilter::WARN);

    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub fn parse(text: &str) -> Option<Self> {
        ["error", "warn", "info", "debug", "trace"]
            .contains(&text)
            .then(|| text.parse().ok().map(Self))
            .flatten()
    }
}

/// Starts the log. `journal` is whether stderr is connected to the journal, `plain` whether `NO_COLOR` is set.
pub fn init_log(level: LogLevel, journal: bool, plain: bool) {
    // The libraries below us say in their words what we say in ours. (Targets, no patterns: those bring a regex engine along.)
    let filter = Targets::new()
        .with_default(level.0)
        .with_targets(["h2", "hyper", "tonic", "tower"].map(|library| (library, LevelFilter::ERROR)));
    let colour = !plain && !journal && std::io::stderr().is_terminal();
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(false);
    let log = tracing_subscriber::registry().with(filter);
    // A second start, as in tests, keeps the first log.
    let _ = if journal {
        log.with(lines.without_time()).try_init()
    } else {
        log.with(lines).try_init()
    };
}

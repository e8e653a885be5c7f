//! The log: stderr, one line per event, data in fields. Under the journal without time and colour, which the journal adds itself.

use std::io::IsTerminal;

use tracing_subscriber::filter::LevelFilter;

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
    let filter = tracing_subscriber::EnvFilter::default()
        .add_directive(level.0.into())
        // The libraries below us say in their words what we say in ours.
        .add_directive("h2=error".parse().unwrap_or_else(|_| LevelFilter::ERROR.into()))
        .add_directive("hyper=error".parse().unwrap_or_else(|_| LevelFilter::ERROR.into()))
        .add_directive("tonic=error".parse().unwrap_or_else(|_| LevelFilter::ERROR.into()))
        .add_directive("tower=error".parse().unwrap_or_else(|_| LevelFilter::ERROR.into()));
    let colour = !plain && !journal && std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(false);
    // A second start, as in tests, keeps the first log.
    let _ = if journal {
        builder.without_time().try_init()
    } else {
        builder.try_init()
    };
}

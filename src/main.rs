//! The `quorate` binary: parse, log, runtime, run, exit code. Nothing else.

use std::{io::IsTerminal, process::ExitCode};

use quorate::{cli, commands, config::Sources, exit::Exit, host, launcher::disk::helper, output};

fn main() -> ExitCode {
    // Before anything that costs memory: a helper stays as long as its node.
    if let Some(code) = helper::run_if_asked() {
        return code;
    }
    let matches = match cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            let usage = error.use_stderr();
            // A closed pipe on the other side is no failure of ours.
            let _ = error.print();
            return if usage { Exit::Usage } else { Exit::Done }.into();
        }
    };
    // One provider for everybody, chosen before any client is made: two would be two megabytes more.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let result = commands::sources(&matches).and_then(|sources| {
        start_log(&matches, &sources)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // Signals are this thread's alone, so that it can let them wait.
            .on_thread_start(host::hold_signals)
            .build()?;
        runtime.block_on(commands::run(&matches, &sources))
    });
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if !failure.problems.is_empty() {
                output::note(&failure.to_string());
            }
            failure.exit.into()
        }
    }
}

fn start_log(matches: &clap::ArgMatches, sources: &Sources) -> Result<(), quorate::exit::Failure> {
    let said = matches
        .get_one::<String>("log")
        .map(String::as_str)
        .or_else(|| sources.variable("QUORATE_LOG"));
    let level = match said {
        Some(text) => host::LogLevel::parse(text).ok_or_else(|| {
            let hint = "expected error, warn, info, debug or trace";
            quorate::exit::Failure::with_hint(Exit::Config, format!("QUORATE_LOG is `{text}`"), hint)
        })?,
        None if commands::is_daemon(matches) => host::LogLevel::DAEMON,
        None => host::LogLevel::COMMAND,
    };
    let journal = sources.variable("JOURNAL_STREAM").is_some() && !std::io::stderr().is_terminal();
    host::init_log(level, journal, sources.variable("NO_COLOR").is_some());
    Ok(())
}

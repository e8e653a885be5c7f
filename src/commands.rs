//! The commands: each takes its settings, does one thing and ends with an exit code.

mod ask;
mod check;
mod cluster;
mod config_show;
mod generate;
mod launch;
mod live;
mod seeds;
mod sidecar;
mod status;
mod units;
mod wait;

use clap::ArgMatches;
pub use wait::Goal;

use crate::{
    config::{Resolver, Sources},
    exit::{Exit, Failure},
};

/// Flags, environment and files of this command line. Commands without settings read no file.
pub fn sources(matches: &ArgMatches) -> Result<Sources, Failure> {
    match leaf(matches) {
        ("completions" | "config sample" | "man" | "demo" | "units print" | "units diff" | "units install", _) => {
            Ok(Sources::without_files())
        }
        (_, matches) => Sources::collect(matches),
    }
}

/// Whether the command stays until it is told to stop.
pub fn is_daemon(matches: &ArgMatches) -> bool {
    matches!(leaf(matches).0, "sidecar" | "launch")
}

/// Runs the command.
pub async fn run(matches: &ArgMatches, sources: &Sources) -> Result<Exit, Failure> {
    let (name, own) = leaf(matches);
    match name {
        "check" => check::run(own, sources).await,
        "seeds" => seeds::run(own, sources).await,
        "status" => status::run(own, sources).await,
        "wait" => wait::run(own, sources).await,
        "config show" => config_show::run(own, sources),
        "config sample" => generate::sample(),
        "cluster show" => cluster::show(own, sources).await,
        "cluster adopt" => cluster::adopt(own, sources).await,
        "cluster reset" => cluster::reset(own, sources).await,
        "sidecar" => Box::pin(sidecar::run(own, sources)).await,
        "demo" => crate::demo::run(own, sources).await,
        "completions" => generate::completions(own),
        "launch" => launch::run(own, sources).await,
        "man" => generate::man(own),
        "units print" => units::print(own),
        "units diff" => units::diff(own),
        "units install" => units::install(own),
        other => Err(Failure::new(Exit::Usage, format!("there is no command `{other}`"))),
    }
}

/// Settings, read by one of the functions in [`crate::config`], or all problems with them.
pub fn resolve<T>(sources: &Sources, read: impl FnOnce(&mut Resolver<'_>) -> Option<T>) -> Result<T, Failure> {
    let mut resolver = Resolver::new(sources);
    let settings = read(&mut resolver);
    resolver.finish()?;
    settings.ok_or_else(|| Failure::new(Exit::Config, "the settings are incomplete"))
}

/// The innermost command with its name, e.g. `config show`.
fn leaf(matches: &ArgMatches) -> (&str, &ArgMatches) {
    match matches.subcommand() {
        Some(("config", inner)) => match inner.subcommand() {
            Some(("show", own)) => ("config show", own),
            Some(("sample", own)) => ("config sample", own),
            Some((other, own)) => (other, own),
            None => ("config", inner),
        },
        Some(("cluster", inner)) => match inner.subcommand() {
            Some(("show", own)) => ("cluster show", own),
            Some(("adopt", own)) => ("cluster adopt", own),
            Some(("reset", own)) => ("cluster reset", own),
            Some((other, own)) => (other, own),
            None => ("cluster", inner),
        },
        Some(("units", inner)) => match inner.subcommand() {
            Some(("print", own)) => ("units print", own),
            Some(("diff", own)) => ("units diff", own),
            Some(("install", own)) => ("units install", own),
            Some((other, own)) => (other, own),
            None => ("units", inner),
        },
        Some((name, own)) => (name, own),
        None => ("", matches),
    }
}

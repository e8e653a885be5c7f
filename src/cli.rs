//! The command line: commands, their flags and their help texts. No logic.
//!
//! Flags that are settings come from the table in [`crate::config::OPTIONS`]; the few others stand with their command.

mod ask;
mod demo;
mod help;
mod units;

use clap::{Arg, ArgAction, ArgMatches, Command, builder::PossibleValuesParser};

use crate::config::{Group, Kind, OPTIONS, Opt};

/// The whole command line.
pub fn command() -> Command {
    Command::new("quorate")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Forms and keeps Elasticsearch and OpenSearch clusters on plain Linux hosts, through etcd")
        .after_help(help::EXIT_CODES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(log_arg())
        .subcommands([
            sidecar(),
            launch(),
            ask::seeds(),
            ask::status(),
            ask::wait(),
            check(),
            config(),
            ask::cluster(),
            units::units(),
            demo::demo(),
            completions(),
            man(),
        ])
}

/// The settings of `sidecar`.
pub(crate) const SIDECAR: [Group; 4] = [Group::Registry, Group::Node, Group::Access, Group::Sidecar];

fn sidecar() -> Command {
    let command = Command::new("sidecar")
        .about("Watches the local node and keeps its member key true")
        .long_about(help::SIDECAR)
        .after_help(help::SIDECAR_EXAMPLE);
    with_groups(command, &SIDECAR).arg(switch(
        "dry-run",
        "Check the settings and print them, then end; a reload asks this of a new executable",
    ))
}

/// The settings of `launch`, which `check` has to know.
pub(crate) const LAUNCH: [Group; 4] = [Group::Registry, Group::Node, Group::Access, Group::Launch];

fn launch() -> Command {
    let command = Command::new("launch")
        .about("Starts the local node so that it joins the one right cluster, and stays with it")
        .long_about(help::LAUNCH)
        .after_help(help::LAUNCH_EXAMPLE);
    with_groups(command, &LAUNCH).arg(switch(
        "dry-run",
        "Print what would be run and written, then end; touches nothing",
    ))
}

fn check() -> Command {
    let command = Command::new("check")
        .about("Looks whether this host can run the node")
        .long_about(help::CHECK)
        .after_help(help::CHECK_EXAMPLE);
    with_groups(command, &LAUNCH)
        .arg(switch(
            "fix",
            "First mend what is safe to: raise vm.max_map_count for now and every boot, make missing directories",
        ))
        .arg(output())
}

fn config() -> Command {
    let show = Command::new("show")
        .about("Each setting with its value and where it comes from")
        .long_about(help::CONFIG_SHOW)
        .after_help(help::CONFIG_SHOW_EXAMPLE);
    let sample = Command::new("sample")
        .about("Prints a configuration file to begin with: every setting, commented out")
        .after_help(help::CONFIG_SAMPLE_EXAMPLE);
    Command::new("config")
        .about("Shows the settings")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(with_groups(show, &Group::ALL).arg(output()))
        .subcommand(sample)
}

fn completions() -> Command {
    let shell = Arg::new("shell")
        .value_name("SHELL")
        .required(true)
        .value_parser(clap::value_parser!(clap_complete::Shell))
        .help("For which shell");
    Command::new("completions")
        .about("Prints completions for a shell")
        .after_help(help::COMPLETIONS_EXAMPLE)
        .arg(shell)
}

fn man() -> Command {
    let dir = Arg::new("dir")
        .value_name("DIR")
        .help("Where the pages go; it must exist");
    Command::new("man")
        .about("Prints the manual page, or writes one page per command into a directory")
        .after_help(help::MAN_EXAMPLE)
        .arg(dir)
}

/// The settings of whole groups.
fn with_groups(command: Command, groups: &[Group]) -> Command {
    with_settings(command, |opt| groups.contains(&opt.group))
}

/// The settings that `wanted` picks, and the flags that say which files are read.
fn with_settings(command: Command, wanted: impl Fn(&Opt) -> bool) -> Command {
    let own = OPTIONS.iter().filter(|opt| wanted(opt) && !opt.secret);
    own.fold(command, |command, opt| command.arg(setting(opt)))
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .help_heading("Files")
                .help("Configuration file [env: QUORATE_CONFIG] [default: /etc/quorate/quorate.toml]"),
        )
        .arg(
            Arg::new("instance")
                .long("instance")
                .value_name("NAME")
                .help_heading("Files")
                .help("Read NAME.toml beside it afterwards [env: QUORATE_INSTANCE]"),
        )
}

fn setting(opt: &'static Opt) -> Arg {
    let default = opt
        .default
        .filter(|_| opt.kind != Kind::Switch)
        .map(|text| format!(" [default: {text}]"))
        .unwrap_or_default();
    let arg = Arg::new(opt.key)
        .long(opt.key)
        .help_heading(opt.group.title())
        .help(format!("{} [env: {}]{default}", opt.help, opt.variables().join(", ")));
    match opt.kind {
        Kind::Switch => arg.action(ArgAction::SetTrue),
        Kind::Pairs => arg.value_name(opt.value).action(ArgAction::Append),
        Kind::Lines => arg
            .value_name(opt.value)
            .action(ArgAction::Append)
            .allow_hyphen_values(true),
        Kind::Text | Kind::List => arg.value_name(opt.value),
    }
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn output() -> Arg {
    Arg::new("output")
        .long("output")
        .value_name("FORM")
        .value_parser(["table", "json"])
        .default_value("table")
        .help("A table for people or JSON for programs")
}

fn log_arg() -> Arg {
    let levels = PossibleValuesParser::new(["error", "warn", "info", "debug", "trace"]);
    Arg::new("log")
        .long("log")
        .global(true)
        .value_name("LEVEL")
        .value_parser(levels)
        .help("How much is logged [env: QUORATE_LOG] [default: info for daemons, warn for commands]")
}

/// Whether `--output json` was asked for.
pub fn wants_json(matches: &ArgMatches) -> bool {
    matches.get_one::<String>("output").is_some_and(|form| form == "json")
}

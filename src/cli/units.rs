//! `quorate units`: which units, for what host, and where they go.

use std::path::PathBuf;

use clap::{Arg, Command, builder::PossibleValuesParser, value_parser};

use super::{help, switch};
use crate::units::TEMPLATES;

pub(super) fn units() -> Command {
    let print = Command::new("print")
        .about("Prints the units for this host")
        .long_about(help::UNITS_PRINT)
        .after_help(help::UNITS_PRINT_EXAMPLE);
    let diff = Command::new("diff")
        .about("Compares the units for this host with those that are there")
        .long_about(help::UNITS_DIFF)
        .after_help(help::UNITS_DIFF_EXAMPLE);
    let install = Command::new("install")
        .about("Writes the units for this host")
        .long_about(help::UNITS_INSTALL)
        .after_help(help::UNITS_INSTALL_EXAMPLE);
    Command::new("units")
        .about("The systemd units of launcher and sidecar, made to fit this host")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([
            print.args(of_host()),
            diff.args(of_host()).arg(directory()),
            install.args(of_host()).arg(directory()).arg(switch(
                "force",
                "Replace what others wrote or changed too, and keep it as NAME.before",
            )),
        ])
}

fn of_host() -> [Arg; 3] {
    [
        Arg::new("unit")
            .value_name("UNIT")
            .num_args(0..)
            .value_parser(PossibleValuesParser::new(TEMPLATES.map(|template| template.name)))
            .help("Which; default: all"),
        Arg::new("program")
            .long("program")
            .value_name("PATH")
            .value_parser(value_parser!(PathBuf))
            .help("Where the program is on that host; default: where this one is"),
        Arg::new("engine")
            .long("engine")
            .value_name("ENGINE")
            .value_parser(["docker", "podman", "process"])
            .default_value("docker")
            .help("What runs the node; only Docker has a service to start after"),
    ]
}

fn directory() -> Arg {
    Arg::new("directory")
        .long("directory")
        .value_name("DIR")
        .value_parser(value_parser!(PathBuf))
        .default_value("/etc/systemd/system")
        .help("Where the units are; it must exist")
}

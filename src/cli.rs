//! The command line: commands, their flags and their help texts. No logic.
//!
//! Flags that are settings come from the table in [`crate::config::OPTIONS`]; the few others stand with their command below.

use clap::{Arg, ArgAction, ArgMatches, Command, builder::PossibleValuesParser};

use crate::config::{Group, Kind, OPTIONS, Opt};

/// The whole command line.
pub fn command() -> Command {
    Command::new("quorate")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Forms and keeps Elasticsearch and OpenSearch clusters on plain Linux hosts, through etcd")
        .after_help(AFTER)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .infer_long_args(false)
        .arg(log_arg())
        .subcommands([
            daemon(
                "sidecar",
                "Watches the local node and keeps its member key true",
                SIDECAR,
                &[Group::Registry, Group::Node, Group::Sidecar],
            ),
            daemon(
                "launch",
                "Starts the local node so that it joins the one right cluster, and stays with it",
                LAUNCH,
                &[Group::Registry, Group::Node, Group::Launch],
            )
            .arg(switch(
                "dry-run",
                "Print what would be run and written, then end; touches nothing",
            )),
            seeds(),
            status(),
            wait(),
            daemon(
                "check",
                "Looks whether this host can run the node",
                CHECK,
                &[Group::Registry, Group::Node, Group::Launch],
            )
            .arg(output()),
            Command::new("config")
                .about("Shows the settings")
                .subcommand_required(true)
                .subcommand(
                    with_settings(
                        Command::new("show")
                            .about("Each setting with its value and where it comes from")
                            .after_help(CONFIG),
                        &Group::ALL,
                    )
                    .arg(output()),
                ),
            cluster(),
            demo(),
            Command::new("completions")
                .about("Prints completions for a shell")
                .after_help(COMPLETIONS)
                .arg(
                    Arg::new("shell")
                        .required(true)
                        .value_parser(clap::value_parser!(clap_complete::Shell)),
                ),
            Command::new("man")
                .about("Prints the manual page, or writes one page per command into a directory")
                .after_help(MAN)
                .arg(Arg::new("dir").value_name("DIR")),
        ])
}

fn daemon(name: &'static str, about: &'static str, example: &'static str, groups: &[Group]) -> Command {
    with_settings(Command::new(name).about(about).after_help(example), groups)
}

fn seeds() -> Command {
    with_settings(
        Command::new("seeds")
            .about("Lists the addresses through which a node finds the cluster")
            .after_help(SEEDS),
        &[Group::Registry],
    )
    .arg(
        Arg::new("format")
            .long("format")
            .value_name("FORM")
            .value_parser(["csv", "lines", "json"])
            .default_value("lines")
            .help("How they are written"),
    )
    .arg(switch("watch", "Go on and print each change"))
    .arg(
        Arg::new("file")
            .long("output")
            .value_name("FILE")
            .help("Write this file instead, and keep it live; never emptied"),
    )
}

fn status() -> Command {
    with_settings(
        Command::new("status")
            .about("Shows record, seeds and members in one table")
            .after_help(STATUS),
        &[Group::Registry],
    )
    .arg(switch("watch", "Show it again at every change"))
    .arg(switch(
        "verify",
        "Ask every node itself; exit 1 when two clusters or two masters are found",
    ))
    .arg(output())
}

fn wait() -> Command {
    with_settings(
        Command::new("wait")
            .about("Waits until the cluster is as wanted")
            .after_help(WAIT),
        &[Group::Registry, Group::Node],
    )
    .arg(
        Arg::new("for")
            .long("for")
            .value_name("ready|members=N")
            .required(true)
            .help("What to wait for: this host's node, or a number of members"),
    )
    .arg(
        Arg::new("wait-timeout")
            .long("timeout")
            .value_name("TIME")
            .help("End with exit code 4 after this long; default: wait for ever"),
    )
}

fn cluster() -> Command {
    Command::new("cluster")
        .about("The cluster record: who formed the cluster, and its UUID")
        .subcommand_required(true)
        .subcommands([
            with_settings(
                Command::new("show").about("Shows the record").after_help(CLUSTER_SHOW),
                &[Group::Registry],
            )
            .arg(output()),
            with_settings(
                Command::new("adopt")
                    .about("Writes the record of a cluster that is there already")
                    .after_help(CLUSTER_ADOPT),
                &[Group::Registry],
            )
            .arg(
                Arg::new("from")
                    .long("from")
                    .value_name("HOST:PORT,..")
                    .value_delimiter(',')
                    .help("HTTP addresses of living nodes; default: the members"),
            )
            .arg(switch("yes", "Do not ask")),
        ])
}

fn demo() -> Command {
    Command::new("demo")
        .about("Runs etcd and a real cluster on loopback addresses of this machine, and shows what happens")
        .after_help(DEMO)
        .arg(
            Arg::new("home")
                .long("home")
                .value_name("DIR")
                .required(true)
                .help("An unpacked distribution of Elasticsearch or OpenSearch"),
        )
        .arg(
            Arg::new("java-home")
                .long("java-home")
                .value_name("DIR")
                .help("The JDK for the nodes; default: the one the distribution finds"),
        )
        .arg(
            Arg::new("etcd")
                .long("etcd")
                .value_name("FILE")
                .help("The etcd binary; default: the one in PATH"),
        )
        .arg(
            Arg::new("nodes")
                .long("nodes")
                .value_name("N")
                .default_value("3")
                .value_parser(clap::value_parser!(u8).range(1..=9))
                .help("How many nodes"),
        )
        .arg(
            Arg::new("address")
                .long("address")
                .value_name("IP")
                .default_value("127.0.0.1")
                .help("Loopback address of the first node; the others count up"),
        )
        .arg(
            Arg::new("http-port")
                .long("http-port")
                .value_name("PORT")
                .default_value("9200")
                .value_parser(clap::value_parser!(u16).range(1..))
                .help("HTTP port of every node"),
        )
        .arg(
            Arg::new("transport-port")
                .long("transport-port")
                .value_name("PORT")
                .default_value("9300")
                .value_parser(clap::value_parser!(u16).range(1..))
                .help("Transport port of every node"),
        )
        .arg(
            Arg::new("heap")
                .long("heap")
                .value_name("SIZE")
                .default_value("256m")
                .help("Java heap of every node"),
        )
        .arg(
            Arg::new("user")
                .long("user")
                .value_name("NAME")
                .default_value("nobody")
                .help("User of the nodes when started as root"),
        )
        .arg(
            Arg::new("dir")
                .long("dir")
                .value_name("DIR")
                .help("Its own folder; default: quorate-demo in the temporary directory"),
        )
        .arg(switch(
            "script",
            "Tell the story without a person: form, kill, bring back, stop, verify",
        ))
}

const AFTER: &str = "Every command says more with --help. Exit codes: 0 done, 1 failed, 2 usage, 3 refused as unsafe, 4 timed out waiting,
75 registry unreachable, 78 configuration.";

const SIDECAR: &str = "Example: on every host, beside the node
  quorate sidecar --endpoints 10.0.0.11:2379,10.0.0.12:2379 --address 10.0.0.21
  curl -s http://127.0.0.1:9190/status";

const LAUNCH: &str = "Example: the same on three hosts at the same time; they form one cluster
  quorate launch --home /opt/elasticsearch-9.5.3 --address 10.0.0.21 --data /srv/search --bootstrap-expect 3
  quorate launch --home /opt/elasticsearch-9.5.3 --address 10.0.0.21 --dry-run";

const SEEDS: &str = "Example:
  quorate seeds --format csv
  quorate seeds --output /etc/elasticsearch/unicast_hosts.txt";

const STATUS: &str = "Example:
  quorate status --verify
  quorate status --output json | jq '.members[].id'";

const WAIT: &str = "Example:
  quorate wait --for members=3 --timeout 5m
  quorate wait --for ready --address 10.0.0.21";

const CHECK: &str = "Example:
  quorate check --home /opt/elasticsearch-9.5.3 --address 10.0.0.21 --data /srv/search";

const CONFIG: &str = "Example:
  quorate config show --config ./quorate.toml --output json";

const CLUSTER_SHOW: &str = "Example:
  quorate cluster show --output json";

const CLUSTER_ADOPT: &str = "Example: a cluster that was formed by hand, before quorate came
  quorate cluster adopt --from 10.0.0.21:9200,10.0.0.22:9200";

const DEMO: &str = "Example:
  quorate demo --home ./elasticsearch-9.5.3
  quorate demo --home ./elasticsearch-9.5.3 --script";

const COMPLETIONS: &str = "Example:
  quorate completions bash > /usr/share/bash-completion/completions/quorate";

const MAN: &str = "Example:
  quorate man | man -l -
  quorate man /usr/share/man/man1";

fn with_settings(command: Command, groups: &[Group]) -> Command {
    let own = OPTIONS.iter().filter(|opt| groups.contains(&opt.group) && !opt.secret);
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
                .help("Read /etc/quorate/NAME.toml after it [env: QUORATE_INSTANCE]"),
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

//! `quorate demo`: it takes no settings, so that nothing of this host's own cluster gets into it.

use clap::{Arg, ArgGroup, Command, value_parser};

use super::{help, switch};

pub(super) fn demo() -> Command {
    Command::new("demo")
        .about("Runs etcd and a real cluster on loopback addresses of this machine, and shows what happens")
        .long_about(help::DEMO)
        .after_help(help::DEMO_EXAMPLE)
        // `make demo` gives the parts, and whoever adds other ones means those.
        .args_override_self(true)
        .args(parts())
        .group(ArgGroup::new("stock").args(["home", "image"]).required(true))
        .args(cluster())
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

fn parts() -> [Arg; 5] {
    [
        Arg::new("home")
            .long("home")
            .value_name("DIR")
            .help("An unpacked distribution of Elasticsearch or OpenSearch: the nodes are processes"),
        Arg::new("image")
            .long("image")
            .value_name("IMAGE")
            .help("An image of Elasticsearch or OpenSearch: the nodes are containers in the host's network"),
        Arg::new("engine")
            .long("engine")
            .value_name("ENGINE")
            .value_parser(["docker", "podman", "process"])
            .hide_possible_values(true)
            .help(
                "What runs the nodes: docker, podman or process; default: docker with `--image`, process with `--home`",
            ),
        Arg::new("java-home")
            .long("java-home")
            .value_name("DIR")
            .conflicts_with("image")
            .help("The Java of the nodes; default: the one that `quorate launch` finds"),
        Arg::new("etcd")
            .long("etcd")
            .value_name("FILE")
            .help("The etcd binary; default: the one in PATH"),
    ]
}

fn cluster() -> [Arg; 6] {
    [
        Arg::new("nodes")
            .long("nodes")
            .value_name("N")
            .default_value("3")
            .value_parser(value_parser!(u8).range(1..=9))
            .help("How many nodes"),
        Arg::new("address")
            .long("address")
            .value_name("IP")
            .default_value("127.0.0.1")
            .value_parser(value_parser!(std::net::Ipv4Addr))
            .help("Loopback address of the first node; the others count up"),
        Arg::new("http-port")
            .long("http-port")
            .value_name("PORT")
            .default_value("9200")
            .value_parser(value_parser!(u16).range(1..))
            .help("HTTP port of every node"),
        Arg::new("transport-port")
            .long("transport-port")
            .value_name("PORT")
            .default_value("9300")
            .value_parser(value_parser!(u16).range(1..))
            .help("Transport port of every node"),
        Arg::new("heap")
            .long("heap")
            .value_name("SIZE")
            .default_value("256m")
            .help("Java heap of every node"),
        Arg::new("user")
            .long("user")
            .value_name("NAME")
            .default_value("nobody")
            .help("User of the processes when started as root"),
    ]
}

//! Commands that read the registry: seeds, status, wait, cluster.

use std::time::Duration;

use clap::{Arg, Command, builder::NonEmptyStringValueParser};
use hyper::http::uri::Authority;

use super::{help, output, switch, with_groups, with_settings};
use crate::{
    commands::Goal,
    config::{self, Group},
    model::ClaimId,
};

pub(super) fn seeds() -> Command {
    let command = Command::new("seeds")
        .about("Lists the addresses through which a node finds the cluster")
        .long_about(help::SEEDS)
        .after_help(help::SEEDS_EXAMPLE);
    with_settings(command, |opt| opt.group == Group::Registry || opt.key == "run-dir")
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORM")
                .value_parser(["csv", "lines", "json"])
                .default_value("lines")
                .help("How they are written"),
        )
        .arg(switch(
            "watch",
            "Go on and print the list again at each change; a file is always kept on",
        ))
        .arg(
            Arg::new("file")
                .long("output")
                .value_name("FILE")
                .value_parser(NonEmptyStringValueParser::new())
                .help("Write this file instead and keep it true until stopped; it is never emptied"),
        )
        .arg(
            Arg::new("exec")
                .long("exec")
                .value_name("COMMAND")
                .requires("file")
                .help("Run this with /bin/sh after the file has changed, and once at the start"),
        )
        .arg(
            Arg::new("exec-timeout")
                .long("exec-timeout")
                .value_name("TIME")
                .value_parser(time)
                .default_value("30s")
                .help("Kill the command, and all that it started, after this long"),
        )
        .arg(
            Arg::new("exec-result")
                .long("exec-result")
                .value_name("FILE")
                .value_parser(NonEmptyStringValueParser::new())
                .requires("exec")
                .help("Write how the command last ended into this file, as JSON"),
        )
}

pub(super) fn status() -> Command {
    let command = Command::new("status")
        .about("Shows record, seeds and members in one table")
        .long_about(help::STATUS)
        .after_help(help::STATUS_EXAMPLE);
    let wanted = [Group::Registry, Group::Access];
    with_settings(command, |opt| wanted.contains(&opt.group) || opt.key == "run-dir")
        .arg(switch("watch", "Show it again at every change"))
        .arg(switch(
            "verify",
            "Ask every node itself; exit 1 when two clusters or two masters are found",
        ))
        .arg(output())
}

pub(super) fn wait() -> Command {
    let command = Command::new("wait")
        .about("Waits until the cluster is as wanted")
        .long_about(help::WAIT)
        .after_help(help::WAIT_EXAMPLE);
    let own_node = ["address", "transport-port"];
    let goal = Arg::new("for")
        .long("for")
        .value_name("ready|members=N")
        .required(true)
        .value_parser(Goal::parse)
        .help("What to wait for: this host's node, or a number of members");
    // `timeout` is the name of a setting of the sidecar.
    let limit = Arg::new("wait-timeout")
        .long("timeout")
        .value_name("TIME")
        .value_parser(time)
        .help("End with exit code 4 after this long; default: wait for ever");
    with_settings(command, |opt| {
        opt.group == Group::Registry || own_node.contains(&opt.key)
    })
    .args([goal, limit])
}

fn time(text: &str) -> Result<Duration, &'static str> {
    config::time(text).ok_or("expected a time with its unit, e.g. `90s`, `5m`, at most a year")
}

/// `host:port`, with 9200 where there is no port.
fn http_address(text: &str) -> Result<(String, u16), &'static str> {
    let authority: Authority = text.parse().map_err(|_| "expected HOST:PORT")?;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let has_port = text.len() > authority.host().len();
    match (authority.port_u16(), has_port) {
        (Some(port), _) if port != 0 && !host.is_empty() && !text.contains('@') => Ok((host.to_owned(), port)),
        (None, false) if !host.is_empty() => Ok((host.to_owned(), 9200)),
        _ => Err("expected HOST:PORT"),
    }
}

pub(super) fn cluster() -> Command {
    let show = Command::new("show")
        .about("Shows the record")
        .long_about(help::CLUSTER_SHOW)
        .after_help(help::CLUSTER_SHOW_EXAMPLE);
    let adopt = Command::new("adopt")
        .about("Writes the record of a cluster that is there already")
        .long_about(help::CLUSTER_ADOPT)
        .after_help(help::CLUSTER_ADOPT_EXAMPLE);
    let from = Arg::new("from")
        .long("from")
        .value_name("HOST:PORT,..")
        .value_delimiter(',')
        .value_parser(http_address)
        .help("HTTP addresses of living nodes; default: the members");
    let reset = Command::new("reset")
        .about("Takes back the claim of a cluster of which nothing lives any more")
        .long_about(help::CLUSTER_RESET)
        .after_help(help::CLUSTER_RESET_EXAMPLE);
    let also = Arg::new("from")
        .long("from")
        .value_name("HOST:PORT,..")
        .value_delimiter(',')
        .value_parser(http_address)
        .help("HTTP addresses that are asked too, beside those of the nodes that record and keys name");
    let claim = Arg::new("claim")
        .long("claim")
        .value_name("ID")
        .value_parser(|text: &str| text.parse::<ClaimId>())
        .help("The claim; needed where its record is gone");
    let reason = Arg::new("reason")
        .long("reason")
        .value_name("TEXT")
        .help("Why, for those who find the tombstone later");
    Command::new("cluster")
        .about("The cluster record: who formed the cluster, and its UUID")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([
            with_groups(show, &[Group::Registry]).arg(output()),
            with_groups(adopt, &[Group::Registry, Group::Access])
                .arg(from)
                .arg(switch("yes", "Do not ask")),
            with_groups(reset, &[Group::Registry, Group::Access])
                .args([claim, also, reason])
                .arg(switch("yes", "Do not ask")),
        ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_address_needs_no_port() {
        let ok = |host: &str, port| Ok((host.to_owned(), port));
        assert_eq!(http_address("10.0.0.1:9201"), ok("10.0.0.1", 9201));
        assert_eq!(http_address("search-1"), ok("search-1", 9200));
        assert_eq!(http_address("[fd00::1]:9201"), ok("fd00::1", 9201));
        assert_eq!(http_address("[fd00::1]"), ok("fd00::1", 9200));
        for wrong in ["", ":9200", "a:0", "a:x", "a:70000", "http://a:9200", "u@a:9200"] {
            assert!(http_address(wrong).is_err(), "{wrong}");
        }
    }
}

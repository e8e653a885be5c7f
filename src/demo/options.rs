//! What was asked for on the command line, checked as far as that needs no look at the machine.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
};

use clap::{ArgMatches, parser::ValueSource};

use crate::exit::{Exit, Failure};

/// What the demo plays with.
#[derive(Debug, Clone)]
pub(super) struct Options {
    /// The unpacked distribution.
    pub(super) home: PathBuf,
    /// The Java of the nodes; none: the one that the launcher finds.
    pub(super) java_home: Option<PathBuf>,
    /// The etcd binary; none: the one in PATH.
    pub(super) etcd: Option<PathBuf>,
    /// One address for each node.
    pub(super) addresses: Vec<Ipv4Addr>,
    pub(super) http_port: u16,
    pub(super) transport_port: u16,
    pub(super) heap: String,
    /// The user of the nodes; none: our own.
    pub(super) user: Option<String>,
    /// Its own folder.
    pub(super) dir: PathBuf,
    /// Whether it plays without a person.
    pub(super) script: bool,
}

impl Options {
    /// Reads the command line. `root` is whether nodes can be given to another user.
    pub(super) fn of(matches: &ArgMatches, root: bool) -> Result<Self, Failure> {
        let text = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
        let path = |name: &str| matches.get_one::<String>(name).map(|path| absolute(path)).transpose();
        let port = |name: &str| matches.get_one::<u16>(name).copied().unwrap_or_default();
        let first = matches
            .get_one::<Ipv4Addr>("address")
            .copied()
            .unwrap_or(Ipv4Addr::LOCALHOST);
        let nodes = matches.get_one::<u8>("nodes").copied().unwrap_or_default();
        let user_given = matches.value_source("user") == Some(ValueSource::CommandLine);
        if port("http-port") == port("transport-port") {
            return Err(Failure::new(
                Exit::Usage,
                "`--http-port` and `--transport-port` are the same",
            ));
        }
        Ok(Self {
            home: absolute(&text("home"))?,
            java_home: path("java-home")?,
            etcd: path("etcd")?,
            addresses: addresses(first, nodes)?,
            http_port: port("http-port"),
            transport_port: port("transport-port"),
            heap: text("heap"),
            // Only root can start a node as somebody else; everybody else is told so when it was asked for.
            user: (root || user_given).then(|| text("user")),
            dir: path("dir")?.unwrap_or_else(|| std::env::temp_dir().join("quorate-demo")),
            script: matches.get_flag("script"),
        })
    }
}

fn absolute(path: &str) -> Result<PathBuf, Failure> {
    std::path::absolute(Path::new(path))
        .map_err(|error| Failure::new(Exit::Usage, format!("`{path}` is no path: {error}")))
}

/// The addresses of the nodes, counted up from the first; all of them loopback, so that nothing of the demo leaves the machine.
fn addresses(first: Ipv4Addr, nodes: u8) -> Result<Vec<Ipv4Addr>, Failure> {
    let all: Vec<Ipv4Addr> = (0..u32::from(nodes))
        .filter_map(|n| Some(Ipv4Addr::from_bits(first.to_bits().checked_add(n)?)))
        .collect();
    let broadcast = Ipv4Addr::new(127, 255, 255, 255);
    let fits = |address: &Ipv4Addr| IpAddr::V4(*address).is_loopback() && *address != broadcast;
    if all.len() < usize::from(nodes) || !all.iter().all(fits) {
        return Err(Failure::with_hint(
            Exit::Usage,
            format!("`--address` is {first}, from which {nodes} loopback addresses cannot be counted up"),
            "choose one that begins with 127, e.g. 127.0.0.1",
        ));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    fn options(args: &[&str], root: bool) -> Result<Options, Failure> {
        let args = ["quorate", "demo", "--home", "/es"].iter().chain(args);
        let matches = cli::command().try_get_matches_from(args).expect("a command line");
        Options::of(matches.subcommand_matches("demo").expect("demo"), root)
    }

    #[test]
    fn addresses_count_up_and_stay_loopback() {
        let found = options(&["--address", "127.0.0.254", "--nodes", "4"], true)
            .expect("valid")
            .addresses;
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["127.0.0.254", "127.0.0.255", "127.0.1.0", "127.0.1.1"]);
        for wrong in ["10.0.0.1", "127.255.255.254", "255.255.255.255"] {
            let failure = options(&["--address", wrong], true).expect_err(wrong);
            assert_eq!(failure.exit, Exit::Usage, "{wrong}");
        }
    }

    #[test]
    fn only_root_gives_nodes_to_another_user() {
        let user = |args: &[&str], root| options(args, root).expect("valid").user;
        assert_eq!(user(&[], true).as_deref(), Some("nobody"));
        assert_eq!(user(&[], false), None);
        assert_eq!(
            user(&["--user", "es"], false).as_deref(),
            Some("es"),
            "refused later, with the reason"
        );
    }
}

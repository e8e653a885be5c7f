//! What was asked for on the command line, checked as far as that needs no look at the machine.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
};

use clap::{ArgMatches, parser::ValueSource};

use crate::{
    config::Cli,
    exit::{Exit, Failure},
};

/// What the nodes are made of.
#[derive(Debug, Clone)]
pub(super) enum Stock {
    /// Processes of an unpacked distribution.
    Home {
        /// Where it lies.
        home: PathBuf,
        /// The Java of the nodes; none: the one that the launcher finds.
        java_home: Option<PathBuf>,
        /// Their user; none: our own.
        user: Option<String>,
    },
    /// Containers of an image.
    Image {
        /// What runs them.
        cli: Cli,
        /// The image.
        image: String,
    },
}

/// What the demo plays with.
#[derive(Debug, Clone)]
pub(super) struct Options {
    /// What the nodes are made of.
    pub(super) stock: Stock,
    /// The etcd binary; none: the one in PATH.
    pub(super) etcd: Option<PathBuf>,
    /// One address for each node.
    pub(super) addresses: Vec<Ipv4Addr>,
    pub(super) http_port: u16,
    pub(super) transport_port: u16,
    pub(super) heap: String,
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
        if port("http-port") == port("transport-port") {
            return Err(Failure::new(
                Exit::Usage,
                "`--http-port` and `--transport-port` are the same",
            ));
        }
        Ok(Self {
            stock: stock(matches, root)?,
            etcd: path("etcd")?,
            addresses: addresses(first, nodes)?,
            http_port: port("http-port"),
            transport_port: port("transport-port"),
            heap: text("heap"),
            dir: path("dir")?.unwrap_or_else(|| std::env::temp_dir().join("quorate-demo")),
            script: matches.get_flag("script"),
        })
    }
}

/// The command line has one of `--home` and `--image`.
fn stock(matches: &ArgMatches, root: bool) -> Result<Stock, Failure> {
    let text = |name: &str| matches.get_one::<String>(name);
    let path = |name: &str| text(name).map(|path| absolute(path)).transpose();
    let user_given = matches.value_source("user") == Some(ValueSource::CommandLine);
    let engine = text("engine").map(String::as_str);
    match (path("home")?, text("image"), engine) {
        (Some(home), None, None | Some("process")) => Ok(Stock::Home {
            home,
            java_home: path("java-home")?,
            // Only root can start a node as somebody else; everybody else is told so when it was asked for.
            user: (root || user_given).then(|| text("user").cloned()).flatten(),
        }),
        (None, Some(image), None | Some("docker")) => Ok(Stock::Image {
            cli: Cli::Docker,
            image: image.clone(),
        }),
        (None, Some(image), Some("podman")) => Ok(Stock::Image {
            cli: Cli::Podman,
            image: image.clone(),
        }),
        (_, image, engine) => {
            let (given, wanted) = if image.is_some() {
                ("--image", "`--engine docker` or `--engine podman`")
            } else {
                ("--home", "`--engine process`")
            };
            let engine = engine.unwrap_or_default();
            Err(Failure::with_hint(
                Exit::Usage,
                format!("`{given}` is given, but `--engine` is `{engine}`"),
                format!("it goes with {wanted}"),
            ))
        }
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
    fn an_image_is_run_by_an_engine_and_a_distribution_by_none() {
        let stock = |args: &[&str]| {
            let args = ["quorate", "demo"].iter().chain(args);
            let matches = cli::command()
                .try_get_matches_from(args)
                .map_err(|error| error.kind().to_string())?;
            let options = Options::of(matches.subcommand_matches("demo").expect("demo"), true);
            options
                .map(|options| options.stock)
                .map_err(|failure| failure.to_string())
        };
        for (args, expected) in [
            (&["--image", "i"][..], Cli::Docker),
            (&["--image", "i", "--engine", "docker"], Cli::Docker),
            (&["--image", "i", "--engine", "podman"], Cli::Podman),
        ] {
            assert!(
                matches!(stock(args), Ok(Stock::Image { cli, .. }) if cli == expected),
                "{args:?}"
            );
        }
        assert!(matches!(
            stock(&["--home", "h", "--engine", "process"]),
            Ok(Stock::Home { .. })
        ));
        for (wrong, expected) in [
            (
                &["--image", "i", "--engine", "process"][..],
                "`--image` is given, but `--engine` is `process`",
            ),
            (
                &["--home", "h", "--engine", "docker"],
                "`--home` is given, but `--engine` is `docker`",
            ),
            (
                &["--home", "h", "--image", "i"],
                "an argument cannot be used with one or more of the other specified arguments",
            ),
            (&[], "one or more required arguments were not provided"),
        ] {
            let said = stock(wrong).map(|_| ()).expect_err("wrong");
            assert!(said.contains(expected), "{wrong:?}: {said}");
        }
    }

    #[test]
    fn only_root_gives_nodes_to_another_user() {
        let user = |args: &[&str], root| match options(args, root).expect("valid").stock {
            Stock::Home { user, .. } => user,
            Stock::Image { .. } => None,
        };
        assert_eq!(user(&[], true).as_deref(), Some("nobody"));
        assert_eq!(user(&[], false), None);
        assert_eq!(
            user(&["--user", "es"], false).as_deref(),
            Some("es"),
            "refused later, with the reason"
        );
    }
}

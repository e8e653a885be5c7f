//! What runs the node, and what of: a distribution as a plain process, or an image by a container engine.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use rustix::process::{Resource, getrlimit};

use super::{Resolver, node::directory};
use crate::exit::Problem;

/// What the nodes of every line ask for.
const OPEN_FILES: u64 = 65_536;
/// Threads that Podman can give on any machine, which is no more than there are process numbers; a node wants 4096.
const PROCESSES: u64 = 32_768;
/// What leaves a limit to the engine.
const BY_ENGINE: &str = "engine";

/// The engine, and what it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// A plain process in its own process group.
    Process {
        /// The unpacked distribution.
        home: PathBuf,
    },
    /// A container.
    Container(ContainerSettings),
}

/// The command-line program of a container engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cli {
    /// `docker`.
    Docker,
    /// `podman`.
    Podman,
}

impl Cli {
    /// The program, and the engine's name in flags and files.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// Its name in sentences.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Docker => "Docker",
            Self::Podman => "Podman",
        }
    }
}

/// The network of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// The host's own.
    Host,
    /// Another one of the engine's; the node's ports are published.
    Named(String),
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// Everything about the container that is no setting of the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSettings {
    /// What runs it.
    pub cli: Cli,
    /// The image.
    pub image: String,
    /// Its network.
    pub network: Network,
    /// Its limits by name, in the engine's words.
    pub limits: BTreeMap<String, String>,
    /// More arguments for `create`.
    pub arguments: Vec<String>,
    /// The environment of the command-line program: where the engine is, and who we are to a registry.
    pub environment: BTreeMap<String, String>,
}

/// What `--engine` says.
#[derive(Debug, Clone, Copy)]
enum Said {
    Process,
    Container(Cli),
}

/// Variables of ours that the engine's program reads. All else stays out: secrets of the launcher, its notification socket.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "DOCKER_API_VERSION",
    "CONTAINER_HOST",
    "CONTAINERS_CONF",
    "CONTAINERS_STORAGE_CONF",
    "CONTAINERS_REGISTRIES_CONF",
    "REGISTRY_AUTH_FILE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// The engine, or none when something is wrong (the resolver then knows what).
pub(super) fn engine(r: &mut Resolver<'_>) -> Option<Engine> {
    let expected = "`docker`, `podman` or `process`";
    let named = r.parse_with("engine", expected, |text| match text {
        "docker" => Some(Said::Container(Cli::Docker)),
        "podman" => Some(Said::Container(Cli::Podman)),
        "process" => Some(Said::Process),
        _ => None,
    });
    let (image, home) = (image(r), directory(r, "home"));
    let (has_image, has_home) = (r.raw("image").is_some(), r.raw("home").is_some());
    let (network, arguments) = (network(r), arguments(r));
    let limits = limits(r);
    let container = |cli, image| {
        Engine::Container(ContainerSettings {
            cli,
            image,
            network,
            limits: completed(limits, cli),
            arguments,
            environment: BTreeMap::new(),
        })
    };
    if r.raw("engine").is_some() && named.is_none() {
        return None;
    }
    match (named, has_image, has_home) {
        (Some(Said::Process) | None, false, true) => home.map(|home| Engine::Process { home }),
        (Some(Said::Container(cli)), true, false) => image.map(|image| container(cli, image)),
        (None, true, false) => image.map(|image| container(Cli::Docker, image)),
        _ => {
            r.problem(mismatch(named, has_image));
            None
        }
    }
    .map(|engine| inheriting(engine, r))
}

fn mismatch(named: Option<Said>, has_image: bool) -> Problem {
    let image = "name the image, e.g. `--image docker.elastic.co/elasticsearch/elasticsearch:9.5.3`";
    let home = "name the unpacked distribution, e.g. `--home /opt/elasticsearch-9.5.3`";
    match (named, has_image) {
        (Some(Said::Process), true) => Problem::with_hint("`--image` is given, but `--engine` is `process`", home),
        (Some(Said::Process), false) => Problem::with_hint("`--home` is missing", home),
        (Some(Said::Container(cli)), true) => Problem::with_hint(
            format!("`--home` is given, but `--engine` is `{}`", cli.program()),
            "leave `--home` out: the image has its own",
        ),
        (Some(Said::Container(_)), false) => Problem::with_hint("`--image` is missing", image),
        (None, true) => Problem::with_hint(
            "`--image` and `--home` are both given",
            "an image is run by a container engine, a distribution at `--home` as a process: leave one out",
        ),
        (None, false) => Problem::with_hint("neither `--image` nor `--home` is given", image),
    }
}

fn inheriting(engine: Engine, r: &Resolver<'_>) -> Engine {
    let variable = |name: &&str| Some(((*name).to_owned(), r.sources().variable(name)?.to_owned()));
    match engine {
        Engine::Container(settings) => Engine::Container(ContainerSettings {
            environment: INHERITED.iter().filter_map(variable).collect(),
            ..settings
        }),
        Engine::Process { home } => Engine::Process { home },
    }
}

/// Arguments of `create` that a flag of ours says better, or that would take the container away from us.
const OWNED: &[(&str, &str)] = &[
    ("--env", ENV),
    ("-e", ENV),
    ("--env-file", ENV),
    ("--user", "use `--user`"),
    ("-u", "use `--user`"),
    ("--network", "use `--network`"),
    ("--net", "use `--network`"),
    ("--ulimit", "use `--ulimit`"),
    ("--name", NAME),
    ("--rm", NAME),
    ("--restart", NAME),
];
const ENV: &str = "use `--env`: what is an argument can be read by everybody on this host";
const NAME: &str = "quorate itself names, starts and removes the container";

fn arguments(r: &mut Resolver<'_>) -> Vec<String> {
    let arguments = r.list("engine-arg");
    for argument in &arguments {
        let flag = argument.split(['=', ' ']).next().unwrap_or_default();
        if let Some((_, hint)) = OWNED.iter().find(|(owned, _)| *owned == flag) {
            r.problem(Problem::with_hint(format!("`--engine-arg={flag}` is refused"), *hint));
        }
    }
    arguments
}

fn image(r: &mut Resolver<'_>) -> Option<String> {
    r.parse_with("image", "an image, e.g. `opensearchproject/opensearch:3.6.0`", |text| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b);
        (text.bytes().all(fits) && !text.starts_with('-')).then(|| text.to_owned())
    })
}

fn network(r: &mut Resolver<'_>) -> Network {
    let name = r.parse_with("network", "`host`, `bridge` or another network of the engine", |text| {
        (text.bytes().all(|b| b.is_ascii_graphic()) && text != "none").then(|| text.to_owned())
    });
    match name {
        Some(name) if name != "host" => Network::Named(name),
        // What is wrong with it is noted.
        Some(_) | None => Network::Host,
    }
}

/// Who names one limit to Podman gets numbers for the others that this machine may not be able to give.
fn completed(mut limits: BTreeMap<String, String>, cli: Cli) -> BTreeMap<String, String> {
    if cli == Cli::Podman && !limits.is_empty() {
        let own = getrlimit(Resource::Nproc).maximum.unwrap_or(u64::MAX);
        let processes = || PROCESSES.min(own).to_string();
        limits.entry("nproc".to_owned()).or_insert_with(processes);
    }
    limits
}

/// What was said, and the open files that a node wants: no more of them than this machine can give, which is seen by what we have.
fn limits(r: &mut Resolver<'_>) -> BTreeMap<String, String> {
    let own = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let mut limits = BTreeMap::from([("nofile".to_owned(), OPEN_FILES.min(own).to_string())]);
    for (name, value) in r.pairs("ulimit") {
        let number = |part: &str| part == "-1" || part.parse::<u64>().is_ok();
        if value == BY_ENGINE {
            limits.remove(&name);
        } else if value == "unlimited" {
            limits.insert(name, "-1".to_owned());
        } else if value.split(':').count() <= 2 && value.split(':').all(number) {
            limits.insert(name, value);
        } else {
            let expected = "a number, SOFT:HARD, `unlimited`, or `engine` for what the engine gives";
            r.complain("ulimit", &format!("{name}={value}"), expected);
        }
    }
    limits
}

//! What the container engines' programs say when they refuse, read into one clear message. Pure; the only place that knows the texts.
//!
//! Exit codes tell them apart no further than "failed", so here texts decide, and a text that is not known is passed on as it is.

use std::{fmt, io};

use crate::{
    config::Cli,
    exit::{Exit, Failure},
};

/// Why an engine did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) cli: Cli,
    pub(super) kind: Kind,
    /// Its own words.
    said: String,
}

/// What kind of reason it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// There is no such program.
    NotInstalled,
    /// No engine answers.
    Away,
    /// It did not answer in time.
    Slow,
    /// We may not talk to it.
    Forbidden,
    /// There is no such container or image.
    Absent,
    /// Another container has the name.
    NameTaken,
    /// Another process has the port.
    PortTaken,
    /// The machine does not give that much.
    Limit,
    /// The registry knows no such image.
    NoImage,
    /// The registry does not let us in.
    Denied,
    /// The registry does not answer.
    RegistryAway,
    /// That is no image's name.
    BadName,
    /// It does not know an argument.
    BadArgument,
    /// A directory that it was to mount is not there.
    NoDirectory,
    /// There is no room.
    Full,
    /// Something else.
    Other,
}

/// In this order: the first that fits. What fits first is the more telling.
const TEXTS: &[(Kind, &[&str])] = &[
    (
        Kind::Forbidden,
        &[
            "permission denied while trying to connect",
            "dial unix",
            "permission denied",
        ],
    ),
    (
        Kind::Away,
        &[
            "cannot connect to the docker daemon",
            "is the docker daemon running",
            "error during connect",
            "unable to connect to podman",
            "cannot connect to podman",
        ],
    ),
    (Kind::NameTaken, &["is already in use by"]),
    (
        Kind::PortTaken,
        &["port is already allocated", "address already in use"],
    ),
    (Kind::Limit, &["rlimit"]),
    (
        Kind::BadName,
        &[
            "invalid reference format",
            "did not resolve to an alias",
            "invalid image name",
            "invalid repository name",
        ],
    ),
    (
        Kind::Denied,
        &[
            "pull access denied",
            "unauthorized",
            "authentication required",
            "no basic auth credentials",
            "access forbidden",
        ],
    ),
    (
        Kind::NoImage,
        &[
            "manifest unknown",
            "name unknown",
            "manifest for",
            "repository does not exist",
            "not found: manifest",
        ],
    ),
    (
        Kind::RegistryAway,
        &[
            "no such host",
            "pinging container registry",
            "connection refused",
            "i/o timeout",
            "client.timeout",
            "tls handshake",
            "x509:",
            "server gave http response to https client",
        ],
    ),
    (
        Kind::Absent,
        &[
            "no such container",
            "no such object",
            "no such image",
            "image not known",
            "no container with name or id",
        ],
    ),
    (Kind::NoDirectory, &["bind source path does not exist", "statfs "]),
    (
        Kind::BadArgument,
        &["unknown flag", "unknown shorthand", "invalid argument", "invalid value"],
    ),
    (Kind::Full, &["no space left on device"]),
];

/// Forbidden needs all of its texts but the first, which is enough by itself.
fn fits(kind: Kind, texts: &[&str], said: &str) -> bool {
    match (kind, texts) {
        (Kind::Forbidden, [alone, together @ ..]) => {
            said.contains(alone) || together.iter().all(|text| said.contains(text))
        }
        _ => texts.iter().any(|text| said.contains(text)),
    }
}

impl Refusal {
    /// Of a program that ended with an error and these words.
    pub(super) fn of_text(cli: Cli, stderr: &str) -> Self {
        let lower = stderr.to_lowercase();
        let known = TEXTS.iter().find(|(kind, texts)| fits(*kind, texts, &lower));
        Self {
            cli,
            kind: known.map_or(Kind::Other, |(kind, _)| *kind),
            said: last_words(stderr),
        }
    }

    /// Of a program that did not start.
    pub(super) fn of_error(cli: Cli, error: &io::Error) -> Self {
        let known = [
            (io::ErrorKind::NotFound, Kind::NotInstalled),
            (io::ErrorKind::TimedOut, Kind::Slow),
        ];
        let kind = known.iter().find(|(known, _)| *known == error.kind());
        Self {
            cli,
            kind: kind.map_or(Kind::Other, |(_, kind)| *kind),
            said: error.to_string(),
        }
    }

    /// The failure of a launcher that tried to `what`, which follows "cannot".
    pub(super) fn failure(&self, what: &str) -> Failure {
        let (exit, hint) = self.advice();
        let what = match self.kind {
            Kind::NotInstalled => format!("cannot {what}: there is no program `{}` in PATH", self.cli.program()),
            Kind::Away | Kind::Slow => format!("cannot {what}: {} does not answer: {}", self.cli.title(), self.said),
            Kind::Forbidden
            | Kind::Absent
            | Kind::NameTaken
            | Kind::PortTaken
            | Kind::Limit
            | Kind::NoImage
            | Kind::Denied
            | Kind::RegistryAway
            | Kind::BadName
            | Kind::BadArgument
            | Kind::NoDirectory
            | Kind::Full
            | Kind::Other => format!("cannot {what}: {}", self.said),
        };
        match hint {
            Some(hint) => Failure::with_hint(exit, what, hint),
            None => Failure::new(exit, what),
        }
    }

    fn advice(&self) -> (Exit, Option<String>) {
        let program = self.cli.program();
        let hint = match self.kind {
            Kind::NotInstalled => format!("install {}, or name another engine by `--engine`", self.cli.title()),
            Kind::Away => match self.cli {
                Cli::Docker => "start it, `systemctl start docker`; DOCKER_HOST says where it is looked for".to_owned(),
                Cli::Podman => "see `podman info`; CONTAINER_HOST says where it is looked for".to_owned(),
            },
            Kind::Slow => format!("see `{program} info` and the engine's own log"),
            Kind::Forbidden => {
                "start the launcher as root, or as a member of the group `docker` (whose members are as good as root)".to_owned()
            }
            Kind::NameTaken => format!("look at it, `{program} ps -a`, and rename or remove it"),
            Kind::PortTaken => "see who has it, `ss -ltnp`, or choose another `--http-port` or `--transport-port`".to_owned(),
            Kind::Limit => {
                "ask for less, `--ulimit nofile=N`, or leave it to the engine, `--ulimit nofile=engine`; this machine gives no more"
                    .to_owned()
            }
            Kind::NoImage => "look at the name and tag in `--image`".to_owned(),
            Kind::Denied => {
                format!("look at the name in `--image`; for a private registry `{program} login REGISTRY` as the launcher's user")
            }
            Kind::RegistryAway => format!("try `{program} pull` by hand, or load the image on this host before"),
            Kind::BadName => "give the whole name: `REGISTRY/NAME:TAG` or `REGISTRY/NAME@sha256:...`".to_owned(),
            Kind::BadArgument => format!("look at `--engine-arg`; `{program} create --help` lists what there is"),
            Kind::Full => format!("make room, e.g. by `{program} image prune`"),
            Kind::Absent | Kind::NoDirectory | Kind::Other => return (Exit::Failed, None),
        };
        let exit = match self.kind {
            // These pass by themselves: the service manager may try again.
            Kind::Away
            | Kind::Slow
            | Kind::RegistryAway
            | Kind::Full
            | Kind::Absent
            | Kind::NoDirectory
            | Kind::Other => Exit::Failed,
            Kind::NotInstalled
            | Kind::Forbidden
            | Kind::NameTaken
            | Kind::PortTaken
            | Kind::Limit
            | Kind::NoImage
            | Kind::Denied
            | Kind::BadName
            | Kind::BadArgument => Exit::Config,
        };
        (exit, Some(hint))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

/// The line that says it: programs put usage, progress and warnings around it, and after it only that they failed.
fn last_words(stderr: &str) -> String {
    let mut lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_error = |line: &&str| line.starts_with("Error") || line.starts_with("unknown");
    let line = lines.clone().find(is_error).or_else(|| lines.next_back());
    let line = line.unwrap_or("it does not say why");
    let bare = ["Error response from daemon: ", "Error: "]
        .iter()
        .find_map(|start| line.strip_prefix(start));
    bare.unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests;

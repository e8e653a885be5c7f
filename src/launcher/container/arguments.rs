//! What the command-line programs of Docker and Podman are told: arguments as data. Pure.
//!
//! Invariant: no secret is among them. Variables go into a file that only the launcher may read.

use std::{collections::BTreeMap, net::IpAddr, path::Path, time::Duration};

use super::labels;
use crate::{
    config::{Cli, Network},
    launcher::leftover::Label,
};

/// The engine's own copy of the output; the whole of it goes on to the launcher's.
const LOG: [&str; 6] = [
    "--log-driver",
    "json-file",
    "--log-opt",
    "max-size=10m",
    "--log-opt",
    "max-file=2",
];

/// A container that is to be made, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blueprint {
    /// Whose words are spoken.
    pub cli: Cli,
    /// Its name, which also keeps a second one of this node from being made.
    pub name: String,
    /// The image.
    pub image: String,
    /// User and group in it.
    pub user: (u32, u32),
    /// Its network.
    pub network: Network,
    /// What is published of it where the network is not the host's.
    pub published: (IpAddr, Vec<u16>),
    /// Directories of the host and where they are in it.
    pub mounts: Vec<Mount>,
    /// Its whole environment, as far as the image does not say it.
    pub environment: BTreeMap<String, String>,
    /// Limits by name.
    pub limits: BTreeMap<String, String>,
    /// How long the engine waits when somebody else stops it.
    pub grace: Duration,
    /// What is known of it before its start.
    pub labels: BTreeMap<&'static str, String>,
    /// More arguments.
    pub arguments: Vec<String>,
    /// Where settings file and seed link go.
    pub config: String,
    /// The settings file there.
    pub settings_file: String,
    /// The seed link there, and where it points; none for lines that read no seed file.
    pub seed_link: Option<(String, String)>,
}

/// A directory of the host in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where it lies on the host.
    pub source: String,
    /// Where it is in the container.
    pub target: String,
    /// Whether the node may write there.
    pub writable: bool,
}

impl Mount {
    /// As the engines read it: comma-separated values, in quotes where they must be.
    fn text(&self) -> String {
        let value = |key: &str, value: &str| {
            let plain = format!("{key}={value}");
            if plain.contains([',', '"']) {
                format!("\"{}\"", plain.replace('"', "\"\""))
            } else {
                plain
            }
        };
        let read_only = if self.writable { "" } else { ",readonly" };
        let (source, target) = (value("source", &self.source), value("target", &self.target));
        format!("type=bind,{source},{target}{read_only}")
    }
}

impl Blueprint {
    /// `create`; the variables lie in `env_file`.
    pub fn create(&self, label: &Label, env_file: &Path) -> Vec<String> {
        let grace = self.grace.as_secs().max(1).to_string();
        let user = format!("{}:{}", self.user.0, self.user.1);
        let network = self.network.to_string();
        let mut all = texts(&["create", "--pull=never", "--restart=no", "--name", &self.name]);
        all.extend(texts(&["--user", &user, "--network", &network]));
        all.extend(texts(&["--stop-signal", "SIGTERM", "--stop-timeout", &grace]));
        all.extend(texts(&LOG));
        let mut add = |flag: &str, value: String| all.extend([flag.to_owned(), value]);
        if self.network != Network::Host {
            self.ports().for_each(|port| add("--publish", port));
        }
        for (name, value) in labels::of_start(label).iter().chain(&self.labels) {
            add("--label", format!("{name}={value}"));
        }
        self.mounts.iter().for_each(|mount| add("--mount", mount.text()));
        for (name, value) in &self.limits {
            let both = if value.contains(':') {
                value.clone()
            } else {
                format!("{value}:{value}")
            };
            add("--ulimit", format!("{name}={both}"));
        }
        add("--env-file", env_file.display().to_string());
        all.extend(self.arguments.iter().cloned());
        all.push(self.image.clone());
        all
    }

    fn ports(&self) -> impl Iterator<Item = String> {
        let (address, ports) = &self.published;
        let host = match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        ports.iter().map(move |port| format!("{host}:{port}:{port}"))
    }
}

/// The variables as the engines read them from a file: one a line, as they are.
pub(super) fn env_file(environment: &BTreeMap<String, String>) -> String {
    let lines: Vec<String> = environment
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    lines.concat()
}

/// The state of the container with this name or id.
pub(super) fn inspect(container: &str) -> Vec<String> {
    texts(&["inspect", "--type", "container", container])
}

/// What is known of an image that is here.
pub(super) fn inspect_image(image: &str) -> Vec<String> {
    texts(&["image", "inspect", image])
}

/// Gets an image.
pub(super) fn pull(image: &str) -> Vec<String> {
    texts(&["pull", image])
}

/// A container that is never started, to look into the image. An image needs no command of its own for that.
pub(super) fn create_to_look(name: &str, image: &str) -> Vec<String> {
    texts(&[
        "create",
        "--pull=never",
        "--name",
        name,
        "--network",
        "none",
        image,
        "true",
    ])
}

/// A file of a container, as a tar stream.
pub(super) fn copy_out(container: &str, path: &str) -> Vec<String> {
    texts(&["cp", &format!("{container}:{path}"), "-"])
}

/// Puts a tar stream into a directory of a container.
pub(in crate::launcher) fn copy_in(container: &str, dir: &str) -> Vec<String> {
    texts(&["cp", "-", &format!("{container}:{dir}")])
}

/// Starts what was created.
pub(in crate::launcher) fn start(container: &str) -> Vec<String> {
    texts(&["start", container])
}

/// Waits for the end.
pub(super) fn wait(container: &str) -> Vec<String> {
    texts(&["wait", container])
}

/// The output from `since` (seconds since 1970) on, and all that comes.
pub(super) fn logs(container: &str, since: Option<Duration>) -> Vec<String> {
    let mut all = texts(&["logs", "--follow"]);
    if let Some(since) = since {
        all.extend([
            "--since".to_owned(),
            format!("{}.{:09}", since.as_secs(), since.subsec_nanos()),
        ]);
    }
    all.push(container.to_owned());
    all
}

/// Asks the node to end, and ends it after `grace`.
pub(super) fn stop(container: &str, grace: Duration) -> Vec<String> {
    texts(&["stop", "-t", &grace.as_secs().to_string(), container])
}

/// Asks the node to end, and waits for nothing.
pub(super) fn terminate(container: &str) -> Vec<String> {
    texts(&["kill", "--signal", "SIGTERM", container])
}

/// Ends it now.
pub(super) fn kill(container: &str) -> Vec<String> {
    texts(&["kill", container])
}

/// Takes it away, whatever it does.
pub(super) fn remove(container: &str) -> Vec<String> {
    texts(&["rm", "--force", "--volumes", container])
}

/// The names of running containers with this label.
pub(super) fn running_with(label: &str, value: &str) -> Vec<String> {
    let filter = format!("label={label}={value}");
    texts(&["ps", "--filter", &filter, "--format", "{{.Names}}"])
}

/// The names of all containers with this label.
pub(super) fn all_with(label: &str, value: &str) -> Vec<String> {
    let mut all = running_with(label, value);
    all.insert(1, "--all".to_owned());
    all
}

/// The engine's version, which only an engine that answers can say.
pub(super) fn version(cli: Cli) -> Vec<String> {
    match cli {
        Cli::Docker => texts(&["version", "--format", "{{.Server.Version}}"]),
        Cli::Podman => texts(&["info", "--format", "{{.Version.Version}}"]),
    }
}

fn texts(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blueprint() -> Blueprint {
        Blueprint {
            cli: Cli::Docker,
            name: "quorate-es-10.0.0.1".to_owned(),
            image: "es:9.5.3".to_owned(),
            user: (1000, 0),
            network: Network::Host,
            published: ("10.0.0.1".parse().expect("address"), vec![9200, 9300]),
            mounts: vec![Mount {
                source: "/data".to_owned(),
                target: "/usr/share/elasticsearch/data".to_owned(),
                writable: true,
            }],
            environment: BTreeMap::from([("ES_JAVA_OPTS".to_owned(), "-Xmx1g -Dp=\"x y\"".to_owned())]),
            limits: BTreeMap::from([
                ("memlock".to_owned(), "-1".to_owned()),
                ("nofile".to_owned(), "1:2".to_owned()),
            ]),
            grace: Duration::from_mins(2),
            labels: BTreeMap::from([("quorate.id", "10.0.0.1".to_owned())]),
            arguments: vec!["--memory=4g".to_owned()],
            config: "/usr/share/elasticsearch/config".to_owned(),
            settings_file: "elasticsearch.yml".to_owned(),
            seed_link: Some(("unicast_hosts.txt".to_owned(), "/quorate/unicast_hosts.txt".to_owned())),
        }
    }

    fn label() -> Label {
        Label {
            claim: Some("c1".parse().expect("claim")),
            with_setting: true,
        }
    }

    #[test]
    fn a_container_is_created_with_everything_that_finds_and_bounds_it() {
        let all = blueprint().create(&label(), Path::new("/run/env")).join(" ");
        assert_eq!(
            all,
            "create --pull=never --restart=no --name quorate-es-10.0.0.1 --user 1000:0 --network host --stop-signal SIGTERM \
             --stop-timeout 120 --log-driver json-file --log-opt max-size=10m --log-opt max-file=2 --label quorate.claim=c1 \
             --label quorate.with-setting=true --label quorate.id=10.0.0.1 \
             --mount type=bind,source=/data,target=/usr/share/elasticsearch/data --ulimit memlock=-1:-1 --ulimit nofile=1:2 \
             --env-file /run/env --memory=4g es:9.5.3"
        );
    }

    #[test]
    fn ports_are_published_where_the_network_is_not_the_hosts() {
        for (address, expected) in [
            ("10.0.0.1", "--publish 10.0.0.1:9200:9200 --publish 10.0.0.1:9300:9300"),
            ("fd00::1", "--publish [fd00::1]:9200:9200 --publish [fd00::1]:9300:9300"),
        ] {
            let blueprint = Blueprint {
                network: Network::Named("bridge".to_owned()),
                published: (address.parse().expect("address"), vec![9200, 9300]),
                ..blueprint()
            };
            let all = blueprint.create(&label(), Path::new("/e")).join(" ");
            assert!(all.contains(expected) && all.contains("--network bridge"), "{all}");
        }
    }

    #[test]
    fn variables_are_no_arguments() {
        let blueprint = blueprint();
        let all = blueprint.create(&label(), Path::new("/run/env")).join(" ");
        assert!(!all.contains("JAVA_OPTS"), "{all}");
        assert_eq!(env_file(&blueprint.environment), "ES_JAVA_OPTS=-Xmx1g -Dp=\"x y\"\n");
    }

    #[test]
    fn paths_may_hold_what_separates_values() {
        let mount = |source: &str, writable| {
            Mount {
                source: source.to_owned(),
                target: "/t".to_owned(),
                writable,
            }
            .text()
        };
        assert_eq!(mount("/a:b", false), "type=bind,source=/a:b,target=/t,readonly");
        assert_eq!(mount("/a,\"b", true), "type=bind,\"source=/a,\"\"b\",target=/t");
    }

    #[test]
    fn each_command_names_what_it_is_about() {
        let since = Duration::new(1_700_000_000, 5_000_000);
        for (arguments, expected) in [
            (inspect("c"), "inspect --type container c"),
            (inspect_image("i"), "image inspect i"),
            (pull("i"), "pull i"),
            (
                create_to_look("c", "i"),
                "create --pull=never --name c --network none i true",
            ),
            (copy_in("c", "/d"), "cp - c:/d"),
            (copy_out("c", "/d"), "cp c:/d -"),
            (start("c"), "start c"),
            (wait("c"), "wait c"),
            (logs("c", None), "logs --follow c"),
            (logs("c", Some(since)), "logs --follow --since 1700000000.005000000 c"),
            (stop("c", Duration::from_secs(7)), "stop -t 7 c"),
            (kill("c"), "kill c"),
            (terminate("c"), "kill --signal SIGTERM c"),
            (remove("c"), "rm --force --volumes c"),
            (running_with("l", "v"), "ps --filter label=l=v --format {{.Names}}"),
            (all_with("l", "v"), "ps --all --filter label=l=v --format {{.Names}}"),
            (version(Cli::Docker), "version --format {{.Server.Version}}"),
            (version(Cli::Podman), "info --format {{.Version.Version}}"),
        ] {
            assert_eq!(arguments.join(" "), expected);
        }
    }
}

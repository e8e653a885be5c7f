//! Container engines: what a launcher's settings say of one, a script in the place of the node, and a look past the launcher.

use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use quorate::{
    config::{Cli, Resolver, Sources, launch},
    exit::Failure,
    launcher::{
        container::{Absent, ContainerRuntime, Dead, leftover},
        leftover::{Label, Leftover},
        plan::{Node, Packed, Plan},
        runtime::Order,
    },
};
use tempfile::TempDir;

use super::part;

/// The node as far as an engine can tell: it says who it is and what it was given, and ends as `ENDS` says.
const SCRIPT: &str = r#"#!/bin/sh
{
  echo "user $(id -u):$(id -g)"
  echo "link $(readlink config/unicast_hosts.txt)"
  echo "secret $PASSWORD"
  sed 's/^/yml /' config/elasticsearch.yml
} > data/seen.new
case $ENDS in
  deaf) trap 'echo deaf' TERM ;;
  [0-9]*) mv data/seen.new data/seen; exit $ENDS ;;
  *) trap 'echo the last words; exit 143' TERM ;;
esac
mv data/seen.new data/seen
[ -z "$PORT" ] || while :; do echo hello | busybox nc -l -p "$PORT"; done &
while :; do date +%s.%N > data/alive; sleep 0.1 & wait $!; done
"#;

/// An engine as the tests know it, and directories for one node.
#[derive(Debug)]
pub(crate) struct Bed {
    pub(crate) cli: Cli,
    /// The image of the node.
    pub(crate) image: String,
    /// Where the engine is; none: where the tests' own is.
    pub(crate) host: Option<String>,
    /// More variables of the launcher.
    pub(crate) variables: Vec<(String, String)>,
    /// More of the configuration file.
    pub(crate) file: String,
    /// The data directory.
    pub(crate) data: PathBuf,
    address: String,
    dir: TempDir,
}

impl Bed {
    /// Of a node at `address`, which belongs to one test.
    pub(crate) fn new(cli: Cli, address: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        open(dir.path());
        let bed = Self {
            cli,
            image: part("QUORATE_TEST_ES6_IMAGE"),
            host: None,
            variables: Vec::new(),
            file: String::new(),
            data: dir.path().join("data"),
            address: address.to_owned(),
            dir,
        };
        std::fs::create_dir(bed.path("script")).expect("a directory");
        open(&bed.path("script"));
        std::fs::write(bed.path("script/node"), SCRIPT).expect("a script");
        open(&bed.path("script/node"));
        bed
    }

    /// A path in its directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The container's name.
    pub(crate) fn name(&self) -> String {
        format!("quorate-test-{}", self.address)
    }

    /// What the launcher would do, with the script in the place of the node.
    pub(crate) async fn plan(&self) -> Result<Plan, Failure> {
        self.plan_with(Absent::Leave).await
    }

    /// The same, with what is to become of an image that is not here.
    pub(crate) async fn plan_with(&self, absent: Absent<'_>) -> Result<Plan, Failure> {
        let own = self.variables();
        let variables: Vec<(&str, &str)> = own
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let path = |name: &str| self.path(name).display().to_string();
        let mount = format!("--mount=type=bind,source={},target=/test,readonly", path("script"));
        let file = format!("engine-arg = [\"--entrypoint=/test/node\", \"{mount}\"]\n{}", self.file);
        let (data, state, run) = (self.data.display().to_string(), path("state"), path("run"));
        let flags = [
            ("engine", self.cli.program()),
            ("image", self.image.as_str()),
            ("service", "test"),
            ("address", self.address.as_str()),
            ("name", "a"),
            ("expected-masters", "1"),
            ("data", &data),
            ("state-dir", &state),
            ("run-dir", &run),
        ];
        let sources = Sources::from_parts(&flags, &variables, &file)?;
        let mut resolver = Resolver::new(&sources);
        let settings = launch(&mut resolver);
        resolver.finish()?;
        let plan = Plan::find(settings.expect("settings"), absent).await?;
        quorate::launcher::prepare::directories(&plan.layout, plan.user.as_ref())?;
        std::fs::write(plan.seed_file(), "127.0.0.9:9300\n")?;
        Ok(plan)
    }

    /// What the script has said of itself, once it has.
    pub(crate) fn seen(&self) -> Option<String> {
        std::fs::read_to_string(self.path("data/seen")).ok()
    }

    /// What the engine says to `arguments`.
    #[expect(clippy::disallowed_methods, reason = "a look past the launcher")]
    pub(crate) fn engine(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.cli.program());
        command.env_clear().envs(self.variables()).args(arguments);
        command.stdin(Stdio::null()).output().expect("the engine's program")
    }

    /// One value of the container, none when there is no container.
    pub(crate) fn inspected(&self, format: &str) -> Option<String> {
        let output = self.engine(&["inspect", "--type", "container", "--format", format, &self.name()]);
        output.status.success().then(|| said(&output.stdout))
    }

    fn variables(&self) -> Vec<(String, String)> {
        let own = std::env::vars().find_map(|(name, value)| (name == "PATH").then_some(value));
        let path = own.unwrap_or_default();
        let engine = match self.cli {
            Cli::Docker => {
                let host = self.host.clone().unwrap_or_else(|| part("QUORATE_TEST_DOCKER_HOST"));
                vec![("PATH".to_owned(), path), ("DOCKER_HOST".to_owned(), host)]
            }
            Cli::Podman => {
                let program = PathBuf::from(part("QUORATE_TEST_PODMAN"));
                let dir = program.parent().expect("a directory").display().to_string();
                vec![("PATH".to_owned(), format!("{dir}:{path}"))]
            }
        };
        engine.into_iter().chain(self.variables.clone()).collect()
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.engine(&["rm", "--force", "--volumes", &self.name()]);
    }
}

/// Everybody may enter and run it.
fn open(path: &Path) {
    std::fs::set_permissions(path, Permissions::from_mode(0o755)).expect("open to all");
}

/// A program's answer.
pub(crate) fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// The part of a plan that is about the container.
pub(crate) fn packed(plan: &Plan) -> &Packed {
    match &plan.node {
        Node::Container(packed) => packed,
        Node::Process(_) => panic!("a container was asked for"),
    }
}

/// What runs the node of a plan.
pub(crate) fn runtime(plan: &Plan) -> ContainerRuntime {
    ContainerRuntime::new(plan, packed(plan))
}

/// The container that is there.
pub(crate) async fn found(plan: &Plan, dead: Dead) -> Result<Option<Leftover>, Failure> {
    leftover(plan, packed(plan), dead).await
}

/// A start under a claim.
pub(crate) fn order(plan: &Plan) -> Order {
    Order {
        settings: plan.setup.render(None, &[]),
        label: Label {
            claim: Some("c1".parse().expect("a claim")),
            with_setting: true,
        },
    }
}

/// Processes below this one whose command line holds `part`.
pub(crate) fn children(part: &str) -> Vec<u32> {
    let own = std::process::id().to_string();
    let of = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.to_owned();
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        (parent == own && line.contains(part)).then_some(pid)
    };
    let entries = std::fs::read_dir("/proc").expect("/proc");
    entries
        .filter_map(|entry| of(entry.ok()?.file_name().to_str()?.parse().ok()?))
        .collect()
}

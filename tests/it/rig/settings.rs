//! How quorate comes onto a host of the rig, and what it is told there: what a user would do by hand, with the package of this very build
//! and two lines of the configuration.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

use super::host::{Host, MAIN};
use crate::support::part;

const SETTINGS: &str = "/etc/quorate/quorate.toml";

/// What is put onto each host.
#[derive(Debug)]
pub(super) struct Equipment {
    /// The image of the node.
    pub(super) image: String,
    package: PathBuf,
    dir: TempDir,
}

/// Runs a command to its end, which has to be good; its output.
async fn run(program: &str, args: &[&str]) -> String {
    #[expect(clippy::disallowed_methods, reason = "what makes the parts of a host is a process")]
    let output = Command::new(program)
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .await;
    let output = output.unwrap_or_else(|error| panic!("{program} does not run: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Equipment {
    /// Makes it.
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name).display().to_string();
        run(
            "cc",
            &["-O2", "-shared", "-fPIC", "-o", &path("limit.so"), "tests/rig/limit.c"],
        )
        .await;
        // What is looked up in it when it panics is nine tenths of it.
        run("strip", &["-o", &path("quorate"), env!("CARGO_BIN_EXE_quorate")]).await;
        Self {
            image: part("QUORATE_TEST_ES6_IMAGE"),
            package: package(dir.path(), env!("CARGO_PKG_VERSION")).await,
            dir,
        }
    }

    /// The files that a host needs, each with its place there.
    pub(super) fn files(&self) -> [(PathBuf, &'static str); 2] {
        [
            (self.package.clone(), "/root/quorate.deb"),
            (self.dir.path().join("limit.so"), "/opt/limit.so"),
        ]
    }

    /// The package of the next version, with a program that is another one.
    pub(super) async fn next_package(&self) -> PathBuf {
        let program = self.dir.path().join("quorate");
        let mut bytes = std::fs::read(&program).expect("the program");
        bytes.extend(b"next");
        std::fs::write(&program, bytes).expect("written");
        package(self.dir.path(), concat!(env!("CARGO_PKG_VERSION"), "+next")).await
    }

    /// Installs quorate on a host that has these files.
    pub(super) async fn install(&self, host: &Host) {
        host.writes("/etc/quorate/1.toml", &Self::machine(host)).await;
        host.runs("apt-get -qq install -y /root/quorate.deb </dev/null").await;
    }

    /// What this machine and this node, the smallest there is, want beyond what every host is told: Elasticsearch 6 cannot do without the
    /// number of its masters, and waits a minute and a half for one that is silent where it is not told otherwise.
    fn machine(host: &Host) -> String {
        let name = &host.name;
        format!(
            r#"# {name}
expected-masters = 3
heap = "256m"
skip-check = ["open-files"]
engine-arg = ["--volume=/opt/limit.so:/opt/limit.so:ro"]
env = {{ LD_PRELOAD = "/opt/limit.so" }}
set = {{ "node.store.allow_mmap" = "false", "discovery.zen.fd.ping_interval" = "1s", "discovery.zen.fd.ping_timeout" = "2s", "discovery.zen.fd.ping_retries" = "2", "discovery.zen.publish_timeout" = "3s" }}
"#
        )
    }

    /// The two lines that everybody edits: where etcd is, and what to run.
    pub(super) async fn edit(&self, host: &Host, endpoints: &[String]) {
        let endpoints = endpoints.join("\", \"");
        let image = &self.image;
        host.runs(&format!(
            "sed -i -e 's|^#endpoints = .*|endpoints = [\"{endpoints}\"]|' -e 's|^#image = .*|image = \"{image}\"|' {SETTINGS} && \
             grep -c '^[a-z]' {SETTINGS} | grep -qx 2"
        ))
        .await;
    }

    /// The node of a host has another image from its next start on.
    pub(super) async fn change_image(&self, host: &Host, image: &str) {
        host.runs(&format!("sed -i 's|^image = .*|image = \"{image}\"|' {SETTINGS}"))
            .await;
    }
}

/// The .deb of the program that lies in that directory.
async fn package(dir: &Path, version: &str) -> PathBuf {
    let (program, to) = (dir.join("quorate").display().to_string(), dir.display().to_string());
    let made = run(
        "scripts/package",
        &["--program", &program, "--version", version, "--to", &to],
    )
    .await;
    let mut files = made.lines().map(PathBuf::from);
    let deb = files.find(|file| file.extension().is_some_and(|kind| kind == "deb"));
    deb.unwrap_or_else(|| panic!("no .deb in {made}"))
}

impl Host {
    /// The node's unit is started now and at every boot. Comes back at once: the node may have to wait for others.
    pub(super) async fn enable(&self) {
        self.runs(&format!("systemctl enable --now --no-block {MAIN}")).await;
    }
}

//! How quorate comes onto a host of the rig, and what it is told there: what a user would do by hand, two lines of the configuration
//! included.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

use super::host::{Host, MAIN};
use crate::support::{part, setting};

/// Where the package of the distribution puts it, for a host without it.
const PROGRAM: &str = "/usr/local/bin/quorate";
const SETTINGS: &str = "/etc/quorate/quorate.toml";

/// What is put onto each host.
#[derive(Debug)]
pub(super) struct Equipment {
    /// The package; without one the program of this build, which writes the units itself.
    pub(super) package: Option<PathBuf>,
    /// The image of the node.
    pub(super) image: String,
    dir: TempDir,
}

impl Equipment {
    /// Finds it and makes it.
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig/limit.c");
        #[expect(clippy::disallowed_methods, reason = "the C compiler is a process")]
        let made = Command::new("cc")
            .args(["-O2", "-shared", "-fPIC", "-o"])
            .args([&dir.path().join("limit.so"), &source])
            .status();
        assert!(
            made.await.expect("cc runs").success(),
            "{} cannot be built",
            source.display()
        );
        Self {
            package: setting("QUORATE_TEST_PACKAGE").map(PathBuf::from),
            image: part("QUORATE_TEST_ES6_IMAGE"),
            dir,
        }
    }

    /// The files that a host needs, each with its place there.
    pub(super) fn files(&self) -> Vec<(PathBuf, String)> {
        let program = match &self.package {
            Some(package) => (package.clone(), "/root/quorate.deb".to_owned()),
            None => (env!("CARGO_BIN_EXE_quorate").into(), PROGRAM.to_owned()),
        };
        vec![program, (self.dir.path().join("limit.so"), "/opt/limit.so".to_owned())]
    }

    /// Installs quorate on a host that has these files.
    pub(super) async fn install(&self, host: &Host) {
        host.writes("/etc/quorate/1.toml", &Self::machine(host)).await;
        if self.package.is_some() {
            host.runs("apt-get -qq install -y /root/quorate.deb </dev/null").await;
        } else {
            host.runs(&format!(
                "quorate config sample >{SETTINGS} && quorate units install && systemctl daemon-reload"
            ))
            .await;
        }
        host.runs("quorate --version").await;
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

impl Host {
    /// The node's unit is started now and at every boot. Comes back at once: the node may have to wait for others.
    pub(super) async fn enable(&self) {
        self.runs(&format!("systemctl enable --now --no-block {MAIN}")).await;
    }
}

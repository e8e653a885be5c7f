//! One host, as somebody sees it who is logged in there.

use std::{net::Ipv4Addr, process::Stdio};

use tokio::{io::AsyncWriteExt, process::Command};

use crate::support::{LONG, eventually, part};

/// The launcher's unit.
pub(super) const MAIN: &str = "elasticsearch@1";
/// The sidecar's.
pub(super) const SIDECAR: &str = "elasticsearch-discovery@1";

/// A host of the rig.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    /// 1, 2, …
    pub(super) number: usize,
    /// Its container, which is its host name as well.
    pub(super) name: String,
    pub(super) ip: Ipv4Addr,
}

/// How a command on a host ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Host {
    fn docker(args: &[&str]) -> Command {
        #[expect(clippy::disallowed_methods, reason = "a host is a container")]
        let mut command = Command::new("docker");
        command.args(args).env("DOCKER_HOST", part("QUORATE_TEST_DOCKER_HOST"));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs a line of shell as root, however it ends.
    pub(super) async fn tries(&self, line: &str) -> Done {
        let output = Self::docker(&["exec", &self.name, "sh", "-c", line]).output();
        let output = tokio::time::timeout(3 * LONG, output).await;
        let output = output.unwrap_or_else(|_| panic!("`{line}` on {} does not end", self.name));
        let output = output.expect("docker runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end().to_owned();
        Done {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// Runs a line of shell as root, which has to succeed; its output.
    pub(super) async fn runs(&self, line: &str) -> String {
        let done = self.tries(line).await;
        assert_eq!(done.code, Some(0), "`{line}` on {}: {done:?}", self.name);
        done.out
    }

    /// Writes a file.
    pub(super) async fn writes(&self, path: &str, text: &str) {
        let line = format!("mkdir -p \"$(dirname {path})\" && cat >{path}");
        let mut child = Self::docker(&["exec", "-i", &self.name, "sh", "-c", &line])
            .stdin(Stdio::piped())
            .spawn()
            .expect("docker runs");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(text.as_bytes()).await.expect("written");
        drop(input);
        assert!(
            child.wait().await.expect("docker runs").success(),
            "{path} on {}",
            self.name
        );
    }

    /// A property of a unit.
    pub(super) async fn property(&self, unit: &str, property: &str) -> String {
        self.tries(&format!("systemctl show --value -p {property} {unit}"))
            .await
            .out
    }

    /// What `systemctl status` has in its line `Status:`.
    pub(super) async fn status(&self, unit: &str) -> String {
        let shown = self
            .tries(&format!("systemctl status --no-pager --lines=0 --full {unit}"))
            .await
            .out;
        let line = shown
            .lines()
            .find_map(|line| line.trim_start().strip_prefix("Status: "));
        line.unwrap_or_default().trim_matches('"').to_owned()
    }

    /// Waits until the status line of a unit has that in it.
    pub(super) async fn says(&self, unit: &str, what: &str) {
        let seen = std::sync::Mutex::new(String::new());
        let look = async {
            eventually(what, 10 * LONG, || async {
                let said = self.status(unit).await;
                let fits = said.contains(what);
                *seen.lock().expect("no panic") = said;
                fits.then_some(())
            })
            .await;
        };
        if tokio::time::timeout(LONG, look).await.is_err() {
            let seen = seen.into_inner().expect("no panic");
            panic!("{unit} on {} does not say `{what}`, but: {seen}", self.name);
        }
    }

    /// The id of the process that owns the node's port, on this host.
    pub(super) async fn node(&self) -> String {
        let line = format!(
            "sed -E 's/.*\"server\":\\{{\"pid\":([0-9]+).*/\\1/' /run/quorate/elasticsearch/{}.json",
            self.ip
        );
        let pid = self.runs(&line).await;
        assert!(
            pid.parse::<u32>().is_ok(),
            "no process of the node on {}: {pid}",
            self.name
        );
        pid
    }

    /// What the journal of a unit has.
    pub(super) async fn journal(&self, unit: &str) -> String {
        self.tries(&format!("journalctl --no-pager --output=cat -u {unit}"))
            .await
            .out
    }
}

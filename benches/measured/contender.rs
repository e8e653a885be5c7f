//! What is measured against each other: the sidecar, and the shell loop of `curl` and `etcdctl` that it replaces.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use super::etcd::Etcd;

/// Something that keeps one member key; ended when dropped.
pub(crate) struct Contender {
    child: Child,
    /// The shell loop has children of its own and ends as a group.
    group: bool,
}

impl Contender {
    /// The sidecar at default settings for a node at `address` with HTTP port 9200.
    #[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
    pub(crate) fn sidecar(etcd: &Etcd, address: &str, state: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quorate"));
        command.args([
            "sidecar",
            "--log",
            "error",
            "--listen",
            "off",
            "--cluster",
            "bench",
            "--address",
            address,
        ]);
        command
            .args(["--endpoints", etcd.url()])
            .arg("--state-dir")
            .arg(state)
            .arg("--run-dir")
            .arg(state.join("run"));
        Self {
            child: command.stdin(Stdio::null()).spawn().expect("the sidecar"),
            group: false,
        }
    }

    /// The loop: ask the node, put a key with a fresh lease of 60 s, delete it when the node does not answer, sleep.
    #[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
    pub(crate) fn shell_loop(etcd: &Etcd, address: &str, sleep: u32) -> Self {
        use std::os::unix::process::CommandExt as _;
        let script = format!(
            r#"while :; do
                 if curl -sf -m 2 http://{address}:9200/ >/dev/null; then
                   lease=$("$ETCDCTL" lease grant 60 | cut -d' ' -f2)
                   "$ETCDCTL" put --lease="$lease" /services/elasticsearch/{address} '{{"http_port":9200,"transport_port":9300}}'
                 else
                   "$ETCDCTL" del /services/elasticsearch/{address}
                 fi
                 sleep {sleep}
               done"#
        );
        let mut command = Command::new("bash");
        command
            .args(["-c", &script])
            .env("ETCDCTL", etcd.etcdctl())
            .env("ETCDCTL_API", "3")
            .env("ETCDCTL_ENDPOINTS", etcd.url());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        Self {
            child: command.spawn().expect("bash"),
            group: true,
        }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid.filter(|_| self.group) {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

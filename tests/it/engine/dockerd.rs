//! An engine that is stopped and started again under a node that runs: one of the test's own, that nobody else is using.

use std::{
    fs::File,
    path::Path,
    process::{Child, Command, Stdio},
};

use quorate::{
    config::Cli,
    launcher::runtime::{Ending, Runtime},
};
use rustix::process::{Signal, kill_process};
use tempfile::TempDir;

use super::{begun, ended, lock, plan};
use crate::support::{
    LONG,
    engine::{Bed, order, runtime, said},
    eventually,
    launcher::pid,
    part,
};

/// A Docker engine with directories of its own, ended on drop with all of its containers. As on a real host, what holds the
/// containers is a process beside it.
struct Dockerd {
    dir: TempDir,
    live_restore: bool,
    containerd: Child,
    daemon: Option<Child>,
}

impl Dockerd {
    async fn start(live_restore: bool) -> Self {
        let dir = tempfile::Builder::new().prefix("qd").tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name);
        let containerd = spawn(dir.path(), |command| {
            command.arg("containerd").arg("--root").arg(path("root"));
            command
                .arg("--state")
                .arg(path("state"))
                .arg("--address")
                .arg(path("c"));
        });
        let mut engine = Self {
            dir,
            live_restore,
            containerd,
            daemon: None,
        };
        engine.up().await;
        engine
    }

    fn host(&self) -> String {
        format!("unix://{}", self.dir.path().join("s").display())
    }

    async fn up(&mut self) {
        let host = self.host();
        let path = |name: &str| self.dir.path().join(name);
        let child = spawn(self.dir.path(), |command| {
            command.args([
                "dockerd",
                "--bridge=none",
                "--iptables=false",
                "--ip6tables=false",
                "--host",
                &host,
            ]);
            for (flag, name) in [
                ("--data-root", "data"),
                ("--exec-root", "x"),
                ("--pidfile", "pid"),
                ("--containerd", "c"),
            ] {
                command.arg(flag).arg(path(name));
            }
            if self.live_restore {
                command.arg("--live-restore");
            }
        });
        self.daemon = Some(child);
        let answers = || async { docker(&host, &["version"]).then_some(()) };
        eventually("dockerd answers", LONG, answers).await;
    }

    async fn end(&mut self, signal: Signal) {
        let mut child = self.daemon.take().expect("it runs");
        kill_process(pid(child.id()), signal).expect("a signal");
        let gone = eventually("dockerd has ended", LONG, || {
            let status = child.try_wait().expect("a state");
            async move { status }
        });
        gone.await;
    }
}

/// Starts a program in a network of its own: an engine without a bridge would take away that of another one.
#[expect(clippy::disallowed_methods, reason = "the engine is a process")]
fn spawn(dir: &Path, arguments: impl FnOnce(&mut Command)) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(dir.join("log"))
        .expect("a log");
    let mut command = Command::new("unshare");
    command.arg("--net");
    arguments(&mut command);
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log);
    command.spawn().expect("it starts")
}

impl Drop for Dockerd {
    #[expect(clippy::disallowed_methods, reason = "what a killed engine leaves is mounted")]
    fn drop(&mut self) {
        if let Some(mut child) = self.daemon.take() {
            let listed = output(&self.host(), &["ps", "--quiet"]);
            for container in listed.lines() {
                docker(&self.host(), &["rm", "--force", container]);
            }
            let _ = kill_process(pid(child.id()), Signal::TERM);
            let _ = child.wait();
        }
        let _ = kill_process(pid(self.containerd.id()), Signal::TERM);
        let _ = self.containerd.wait();
        let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
        let below = mounts.lines().filter_map(|line| line.split_whitespace().nth(1));
        for mount in below.filter(|mount| Path::new(mount).starts_with(self.dir.path())) {
            let _ = Command::new("umount").args(["--lazy", mount]).status();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a look past the launcher")]
fn output(host: &str, arguments: &[&str]) -> String {
    let output = Command::new("docker")
        .args(["--host", host])
        .args(arguments)
        .output()
        .expect("docker");
    said(&output.stdout)
}

#[expect(clippy::disallowed_methods, reason = "a look past the launcher")]
fn docker(host: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new("docker");
    command
        .args(["--host", host])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().expect("docker").success()
}

/// The engine's own images are another's here: only what the script needs is put into one.
#[expect(clippy::disallowed_methods, reason = "the image comes through a pipe")]
fn import(host: &str, root: &Path, name: &str) -> String {
    let of = part("QUORATE_TEST_DOCKER_HOST");
    let image = part("QUORATE_TEST_ES6_IMAGE");
    docker(&of, &["rm", "--force", name]);
    assert!(docker(&of, &["create", "--name", name, &image, "true"]));
    let home = root.join("usr/share/elasticsearch");
    for (from, to) in [
        ("/usr/bin/busybox", "bin/busybox"),
        (
            "/usr/share/elasticsearch/modules/transport-netty4/plugin-descriptor.properties",
            "usr/share/elasticsearch/modules/transport-netty4/plugin-descriptor.properties",
        ),
    ] {
        let to = root.join(to);
        std::fs::create_dir_all(to.parent().expect("a directory")).expect("made");
        let to = to.display().to_string();
        assert!(docker(&of, &["cp", &format!("{name}:{from}"), &to]), "{from}");
    }
    docker(&of, &["rm", "--force", name]);
    for applet in ["sh", "sed", "id", "readlink", "mv", "date", "sleep", "echo"] {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).expect("linked");
    }
    for dir in ["config", "data"] {
        std::fs::create_dir_all(home.join(dir)).expect("made");
    }
    let mut tar = Command::new("tar")
        .arg("-cC")
        .arg(root)
        .arg(".")
        .stdout(Stdio::piped())
        .spawn()
        .expect("tar");
    let image = "localhost/skeleton:6.8.23";
    let imported = Command::new("docker")
        .args([
            "--host",
            host,
            "import",
            "--change",
            "WORKDIR /usr/share/elasticsearch",
            "-",
            image,
        ])
        .stdin(tar.stdout.take().expect("a pipe"))
        .stdout(Stdio::null())
        .status();
    assert!(imported.expect("docker").success() && tar.wait().expect("tar").success());
    image.to_owned()
}

fn bed(engine: &Dockerd, address: &str) -> Bed {
    let mut bed = Bed::new(Cli::Docker, address);
    bed.image = import(&engine.host(), &bed.path("root"), &format!("{}-skeleton", bed.name()));
    bed.host = Some(engine.host());
    bed
}

#[tokio::test]
async fn a_node_that_lives_on_while_its_engine_is_started_again_is_kept() {
    let mut engine = Dockerd::start(true).await;
    let bed = bed(&engine, "127.0.30.31");
    let plan = plan(&bed).await;
    let (mut node, lock) = (runtime(&plan), lock(&bed));
    let started = node.start(&order(&plan), &lock).await.expect("started");
    begun(&bed).await;

    // Stopped in order, and killed: both leave the node alone.
    for signal in [Signal::TERM, Signal::KILL] {
        let restart = async {
            engine.end(signal).await;
            engine.up().await;
        };
        tokio::select! {
            ending = node.ended() => panic!("the node has ended {ending}"),
            () = restart => {}
        }
        assert!(started.process.is_alive(), "{signal:?}");
    }
    node.terminate(LONG).expect("asked");
    assert_eq!(ended(&mut node).await, Ending::Code(143));
    assert_eq!(bed.inspected("{{.Id}}"), None);
}

#[tokio::test]
async fn a_node_that_ends_with_its_engine_has_ended_when_the_engine_says_so() {
    let mut engine = Dockerd::start(false).await;
    let bed = bed(&engine, "127.0.30.32");
    let plan = plan(&bed).await;
    let (mut node, lock) = (runtime(&plan), lock(&bed));
    node.start(&order(&plan), &lock).await.expect("started");
    begun(&bed).await;

    let restart = async {
        engine.end(Signal::TERM).await;
        engine.up().await;
    };
    let (ending, ()) = tokio::join!(ended(&mut node), restart);
    assert_eq!(
        ending,
        Ending::Code(143),
        "it got its SIGTERM and its grace from the engine"
    );
    assert_eq!(bed.inspected("{{.Id}}"), None);
}

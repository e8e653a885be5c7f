//! The process engine: the node as a plain process in its own process group, with the launcher's standard output and error.
//!
//! The only place that starts a node. Invariant: signals go to a process that is surely the node: our own child that was not reaped,
//! or a process whose pidfd was opened before its start time was compared.

use std::{
    io,
    os::{fd::AsFd, unix::process::ExitStatusExt},
    process::{ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::{
    io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd},
    process::{Pid, Signal, getpgid, kill_process_group, test_kill_process_group},
};
use tokio::{process::Child, time::Instant};

use super::runtime::{Ending, Runtime, Spec};
use crate::{
    host::{self, FileLock, Pidfd},
    nodefile::ProcessId,
};

/// What the node started gets this long to follow it. A server whose parent was killed closes itself within two seconds.
const FOLLOW: Duration = Duration::from_secs(10);
/// Between two looks whether a process group is empty, which no event tells.
const LOOK: Duration = Duration::from_millis(50);

/// One node, or none yet.
#[derive(Debug, Default)]
pub struct ProcessRuntime {
    node: Option<Node>,
}

#[derive(Debug)]
struct Node {
    /// The main process; the group has its number.
    pid: Pid,
    /// Names the process even after its number was given to another one.
    handle: Pidfd,
    /// Whether there is a group of its own, so that everybody in it may be killed.
    has_group: bool,
    /// Our child, whose exit status we get.
    child: Option<Child>,
}

impl Runtime for ProcessRuntime {
    fn name(&self) -> &'static str {
        "process"
    }

    fn start(&mut self, spec: &Spec, lock: &FileLock) -> io::Result<ProcessId> {
        let child = inheriting(lock, || command(spec).spawn())?;
        let unseen = || io::Error::other("the node's process cannot be seen in /proc");
        let pid = child.id().ok_or_else(unseen)?;
        let start_time = host::child_start_time(pid).ok_or_else(unseen)?;
        self.node = Some(Node {
            child: Some(child),
            ..Node::open(pid)?
        });
        Ok(ProcessId { pid, start_time })
    }

    fn adopt(&mut self, process: ProcessId) -> io::Result<()> {
        let node = Node::open(process.pid)?;
        // Only now: between a look and the open, the number could have gone to another process.
        if !process.is_alive() {
            return Err(io::Error::other(format!(
                "process {} is not the node any more",
                process.pid
            )));
        }
        self.node = Some(node);
        Ok(())
    }

    fn terminate(&self) -> io::Result<()> {
        self.node
            .as_ref()
            .map_or(Ok(()), |node| node.handle.signal(Signal::TERM))
    }

    fn kill(&self) -> io::Result<()> {
        self.node.as_ref().map_or(Ok(()), Node::kill)
    }

    async fn ended(&mut self) -> Ending {
        let Some(node) = &mut self.node else {
            return Ending::Unknown;
        };
        let ending = node.wait().await;
        node.wait_for_the_rest().await;
        ending
    }
}

impl Node {
    fn open(number: u32) -> io::Result<Self> {
        let pid = i32::try_from(number).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other(format!("{number} is no process number")))?;
        let handle = Pidfd::open(pid)?;
        let has_group = getpgid(Some(pid))? == pid;
        Ok(Self {
            pid,
            handle,
            has_group,
            child: None,
        })
    }

    /// Waits for the main process.
    async fn wait(&mut self) -> Ending {
        if let Some(child) = &mut self.child {
            return child.wait().await.map_or(Ending::Unknown, ending);
        }
        self.handle.ended().await;
        Ending::Unknown
    }

    /// Waits until the whole group is gone, and ends it when that takes too long: a server that outlives its parent would keep the
    /// ports and the data directory.
    async fn wait_for_the_rest(&self) {
        let deadline = Instant::now() + FOLLOW;
        while self.has_group && test_kill_process_group(self.pid).is_ok() {
            if Instant::now() >= deadline {
                let _ = self.kill();
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn kill(&self) -> io::Result<()> {
        if !self.has_group {
            return self.handle.signal(Signal::KILL);
        }
        match kill_process_group(self.pid, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

fn command(spec: &Spec) -> tokio::process::Command {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter that starts nodes")]
    let mut command = tokio::process::Command::new(&spec.program);
    command
        .args(&spec.arguments)
        .env_clear()
        .envs(&spec.environment)
        .current_dir(&spec.directory)
        .stdin(Stdio::null())
        // A signal to the launcher's group, such as Ctrl-C, is not one to the node.
        .process_group(0);
    if let Some(user) = &spec.user {
        // Whoever sets the user as root loses all further groups, too.
        command.gid(user.gid).uid(user.uid);
    }
    command
}

/// Runs `spawn` so that the child gets the lock's open file, and nobody else does.
fn inheriting<T>(lock: &FileLock, spawn: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    // Two nodes started at once by one process would get each other's.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let file = lock.file().as_fd();
    let flags = fcntl_getfd(file)?;
    fcntl_setfd(file, flags - FdFlags::CLOEXEC)?;
    let spawned = spawn();
    fcntl_setfd(file, flags)?;
    spawned
}

fn ending(status: ExitStatus) -> Ending {
    let small = |number: Option<i32>| number.and_then(|number| u8::try_from(number).ok());
    match (small(status.code()), small(status.signal())) {
        (Some(code), _) => Ending::Code(code),
        (None, Some(signal)) => Ending::Signal(signal),
        (None, None) => Ending::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::*;
    use crate::launcher::user::User;

    fn shell(dir: &Path, script: &str) -> Spec {
        Spec {
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            environment: BTreeMap::from([("ONLY".to_owned(), "this".to_owned())]),
            directory: dir.to_owned(),
            user: None,
        }
    }

    fn start(dir: &Path, script: &str) -> (ProcessRuntime, ProcessId, FileLock) {
        let lock = FileLock::take(&dir.join("lock")).expect("lock");
        let mut runtime = ProcessRuntime::default();
        let process = runtime.start(&shell(dir, script), &lock).expect("started");
        (runtime, process, lock)
    }

    async fn reads(path: &Path, expected: &str) {
        let text = async {
            while std::fs::read_to_string(path).ok().as_deref() != Some(expected) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), text)
            .await
            .expect(expected);
    }

    #[tokio::test]
    async fn how_a_node_ended_is_told() {
        let dir = tempfile::tempdir().expect("directory");
        for (script, ending) in [
            ("exit 0", Ending::Code(0)),
            ("exit 78", Ending::Code(78)),
            ("kill -9 $$", Ending::Signal(9)),
        ] {
            let (mut runtime, ..) = start(dir.path(), script);
            assert_eq!(runtime.ended().await, ending, "{script}");
        }
    }

    #[tokio::test]
    async fn a_node_has_its_own_group_a_clean_environment_and_no_input() {
        let dir = tempfile::tempdir().expect("directory");
        let script = "read x; echo \"$? $(cut -d' ' -f5 /proc/$$/stat) $(env | grep -c -v -e PWD -e _ -e SHLVL) $ONLY\" > out.new; mv out.new out";
        let (mut runtime, process, _lock) = start(dir.path(), script);
        assert_eq!(runtime.ended().await, Ending::Code(0));
        reads(&dir.path().join("out"), &format!("1 {} 1 this\n", process.pid)).await;
    }

    #[tokio::test]
    async fn the_lock_lives_as_long_as_the_node() {
        let dir = tempfile::tempdir().expect("directory");
        let (mut runtime, process, lock) = start(dir.path(), "exec sleep 1000");
        drop(lock);
        assert!(
            FileLock::is_held(&dir.path().join("lock")).expect("looked"),
            "the node holds it"
        );
        assert_eq!(FileLock::holder(&dir.path().join("lock")), Some(process.pid));
        runtime.terminate().expect("sent");
        assert_eq!(runtime.ended().await, Ending::Signal(15));
        assert!(!FileLock::is_held(&dir.path().join("lock")).expect("looked"));
        runtime.terminate().expect("a node that is gone is no error");
        runtime.kill().expect("a node that is gone is no error");
    }

    #[tokio::test]
    async fn the_end_is_told_when_everything_the_node_started_is_gone() {
        let dir = tempfile::tempdir().expect("directory");
        // The main process ends at once; what it started follows half a second later.
        let (mut runtime, ..) = start(dir.path(), "(sleep 0.5; echo gone > out) & exit 3");
        assert_eq!(runtime.ended().await, Ending::Code(3));
        assert_eq!(
            std::fs::read_to_string(dir.path().join("out")).expect("written before the end"),
            "gone\n"
        );
    }

    #[tokio::test]
    async fn a_node_of_another_run_is_adopted_by_number_and_start_time() {
        let dir = tempfile::tempdir().expect("directory");
        let (mut first, process, _lock) = start(dir.path(), "exec sleep 1000");
        let mut second = ProcessRuntime::default();
        let stale = ProcessId {
            start_time: process.start_time + 1,
            ..process
        };
        assert!(second.adopt(stale).is_err(), "another process with this number");
        second.adopt(process).expect("adopted");
        second.kill().expect("sent");
        // Its parent reaps it, as the system's first process does for a launcher that is gone.
        let endings = tokio::join!(first.ended(), second.ended());
        assert_eq!(endings, (Ending::Signal(9), Ending::Unknown));
        assert!(ProcessRuntime::default().adopt(process).is_err(), "it is gone");
    }

    #[tokio::test]
    async fn as_root_a_node_runs_as_its_user_without_further_groups() {
        let dir = tempfile::tempdir().expect("directory");
        if !rustix::process::geteuid().is_root() {
            // There is no other user to become; what the launcher itself is, is seen in every other test.
            return;
        }
        let script = "test $(id -u) = 65534 && test $(id -g) = 65533 && test \"$(id -G)\" = 65533";
        let spec = Spec {
            user: Some(User {
                name: "x".to_owned(),
                uid: 65534,
                gid: 65533,
            }),
            directory: "/".into(),
            ..shell(dir.path(), script)
        };
        let lock = FileLock::take(&dir.path().join("lock")).expect("lock");
        let mut runtime = ProcessRuntime::default();
        runtime.start(&spec, &lock).expect("started");
        assert_eq!(runtime.ended().await, Ending::Code(0));
    }
}

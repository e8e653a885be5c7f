//! The process engine: the node as a plain process in its own process group, with the launcher's standard output and error.
//!
//! The only place that starts a node. Invariant: signals go to a process that is surely the node: our own child that was not reaped,
//! or a process whose pidfd was opened before its start time was compared.

use std::{
    io,
    os::{fd::AsFd, unix::process::ExitStatusExt},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::{
    io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd},
    process::{Pid, Signal, getpgid, kill_process_group, test_kill_process_group},
};
use tokio::{process::Child, time::Instant};

use super::runtime::{Ending, Runtime, Spec};
use crate::{
    host::{FileLock, Pidfd},
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
        let number = child.id().ok_or_else(|| io::Error::other("the node ended at once"))?;
        let process = ProcessId::of(number).ok_or_else(|| io::Error::other("the node ended at once"))?;
        self.node = Some(Node {
            child: Some(child),
            ..Node::open(number)?
        });
        Ok(process)
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

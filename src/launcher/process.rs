//! The process engine: the node as a plain process in its own process group, with the launcher's standard output and error.
//!
//! The only place that starts a node. Invariant: signals go to a process that is surely the node: our own child that was not reaped,
//! or a process whose pidfd was opened before its start time was compared.

use std::{
    collections::BTreeMap,
    io,
    os::{fd::AsFd, unix::process::ExitStatusExt},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::{
    io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd},
    process::{Pid, Signal, getpgid, kill_process_group, test_kill_process_group},
};
use tokio::{process::Child, time::Instant};

use super::{
    layout::Layout,
    leftover::{Leftover, PROCESS},
    prepare,
    product::Line,
    runtime::{Ending, Order, Runtime, Started},
    user::User,
};
use crate::{
    exit::{Exit, Failure},
    host::{self, FileLock, Pidfd},
    nodefile::ProcessId,
};

/// What the node started gets this long to follow it. A server whose parent was killed closes itself within two seconds.
const FOLLOW: Duration = Duration::from_secs(10);
/// Between two looks whether a process group is empty, which no event tells.
const LOOK: Duration = Duration::from_millis(50);

/// What becomes the node, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The executable file.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment.
    pub environment: BTreeMap<String, String>,
    /// Where it is started.
    pub directory: PathBuf,
    /// Whose rights it gets; none: the launcher's.
    pub user: Option<User>,
    /// What its config directory is made of; none: it has none.
    pub template: Option<Template>,
}

/// What the config directory of a node is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The distribution's own.
    pub source: PathBuf,
    /// The Java that it is made for, where that is known.
    pub java: Option<u32>,
    /// Where everything goes.
    pub layout: Layout,
    /// What the files are called.
    pub line: &'static Line,
    /// Where the node's certificates are.
    pub certificates: Option<PathBuf>,
}

/// One node, or none yet.
#[derive(Debug)]
pub struct ProcessRuntime {
    program: Program,
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
    /// How the main process has ended: nobody is told twice.
    ending: Option<Ending>,
}

impl ProcessRuntime {
    /// For a node that is to be this program.
    pub fn new(program: Program) -> Self {
        Self { program, node: None }
    }

    fn spawn(&mut self, lock: &FileLock) -> io::Result<ProcessId> {
        let child = inheriting(lock, || command(&self.program).spawn())?;
        let unseen = || io::Error::other("the node's process cannot be seen in /proc");
        let pid = child.id().ok_or_else(unseen)?;
        let start_time = host::child_start_time(pid).ok_or_else(unseen)?;
        self.node = Some(Node {
            child: Some(child),
            ..Node::open(pid)?
        });
        Ok(ProcessId { pid, start_time })
    }
}

impl Template {
    fn fill(&self, settings: &str, user: Option<&User>) -> io::Result<()> {
        prepare::process_directories(&self.layout, user)?;
        let name = self.line.settings_file();
        let links = prepare::Links {
            seed_file: self.line.seed_link(),
            certificates: self.certificates.as_deref(),
        };
        prepare::config(&self.layout, (&self.source, self.java), (&name, settings), links, user)
    }
}

impl Runtime for ProcessRuntime {
    fn name(&self) -> &'static str {
        PROCESS
    }

    async fn start(&mut self, order: &Order, lock: &FileLock) -> Result<Started, Failure> {
        if let Some(template) = &self.program.template {
            template.fill(&order.settings, self.program.user.as_ref())?;
        }
        let process = self.spawn(lock).map_err(|error| {
            let what = format!("cannot start {}: {error}", self.program.path.display());
            Failure::new(Exit::Failed, what)
        })?;
        Ok(Started {
            process,
            container: None,
        })
    }

    async fn adopt(&mut self, leftover: &Leftover) -> Result<(), Failure> {
        let process = leftover.process;
        let node = Node::open(process.pid)?;
        // Only now: between a look and the open, the number could have gone to another process.
        if !process.is_alive() {
            let what = format!("process {} is not the node any more", process.pid);
            return Err(Failure::new(Exit::Failed, what));
        }
        self.node = Some(node);
        Ok(())
    }

    fn terminate(&mut self, _grace: Duration) -> io::Result<()> {
        self.node
            .as_ref()
            .map_or(Ok(()), |node| node.handle.signal(Signal::TERM))
    }

    fn kill(&mut self) -> io::Result<()> {
        self.node.as_ref().map_or(Ok(()), Node::kill)
    }

    async fn let_go(&mut self) {
        // Nobody helps.
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
            ending: None,
        })
    }

    /// Waits for the main process.
    async fn wait(&mut self) -> Ending {
        if let Some(child) = &mut self.child {
            return child.wait().await.map_or(Ending::Unknown, ending);
        }
        self.handle.ended().await;
        *self.ending.get_or_insert_with(|| reaped(&self.handle))
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

fn command(program: &Program) -> tokio::process::Command {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter that starts nodes")]
    let mut command = tokio::process::Command::new(&program.path);
    command
        .args(&program.arguments)
        .env_clear()
        .envs(&program.environment)
        .current_dir(&program.directory)
        .stdin(Stdio::null())
        // A signal to the launcher's group, such as Ctrl-C, is not one to the node.
        .process_group(0);
    if let Some(user) = &program.user {
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

/// How a node has ended that was a child of the program before this one in the same process; once nothing of it is left.
pub(super) async fn ending_of(process: ProcessId) -> Ending {
    let Ok(node) = Node::open(process.pid) else {
        return Ending::Unknown;
    };
    let ending = reaped(&node.handle);
    node.wait_for_the_rest().await;
    ending
}

/// Of one that is nobody's child here nobody knows.
fn reaped(handle: &Pidfd) -> Ending {
    let small = |number: i32| u8::try_from(number).ok();
    match handle.reap() {
        Some(Ok(code)) => small(code).map_or(Ending::Unknown, Ending::Code),
        Some(Err(signal)) => small(signal).map_or(Ending::Unknown, Ending::Signal),
        None => Ending::Unknown,
    }
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
mod tests;

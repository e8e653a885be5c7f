//! The demo's own folder: made, locked, cleaned of a former demo. It never touches a folder that no demo has made.

use std::{
    collections::BTreeMap,
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::{Instant, sleep};

use super::{
    cast::Cast,
    containers::{self, Containers, ENGINE},
};
use crate::{
    exit::{Exit, Failure},
    host::{self, FileLock, LockError},
    nodefile::{NodeFile, ProcessId},
    output,
};

/// Says that a demo has made the folder.
const MARKER: &str = ".quorate-demo";
/// Held as long as a demo plays in the folder.
const LOCK: &str = "lock";
/// Every process that was started, one `pid start-time` a line.
const PROCESSES: &str = "processes";
/// What a demo makes in its folder.
const OWN: [&str; 9] = [
    PROCESSES,
    ENGINE,
    "quorate.toml",
    "etcd",
    "log",
    "run",
    "launcher",
    "sidecar",
    "data",
];

/// What was killed needs a moment to be gone; a large heap seconds.
const GONE: Duration = Duration::from_secs(10);
/// Between two looks whether it is.
const LOOK: Duration = Duration::from_millis(20);

/// The folder, ours as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    dir: PathBuf,
    containers: Containers,
    _lock: FileLock,
}

impl Folder {
    /// Takes the folder; ends what a demo that was killed has left running there, and removes its files.
    /// `environment` is that of what was started then, and is now.
    pub(super) async fn open(dir: &Path, environment: BTreeMap<String, String>) -> Result<Self, Failure> {
        let broken = |error: io::Error| {
            Failure::new(
                Exit::Failed,
                format!("cannot use the folder {}: {error}", dir.display()),
            )
        };
        match DirBuilder::new().recursive(true).mode(0o755).create(dir) {
            Ok(()) => {}
            Err(error) => return Err(with_other(broken(error))),
        }
        if !is_ours(dir).map_err(broken)? {
            let what = format!(
                "the folder {} is not empty, and no demo of this user has made it",
                dir.display()
            );
            return Err(with_other(Failure::new(Exit::Refused, what)));
        }
        File::create(dir.join(MARKER)).map_err(broken)?;
        let lock = FileLock::take(&dir.join(LOCK)).map_err(|error| match error {
            LockError::Held { path } => {
                let who = FileLock::holder(&path).map_or_else(String::new, |pid| format!(", process {pid}"));
                with_other(Failure::new(
                    Exit::Refused,
                    format!("a demo plays in {} already{who}", dir.display()),
                ))
            }
            LockError::Io { source, .. } => broken(source),
        })?;
        let folder = Self {
            dir: dir.to_owned(),
            containers: Containers::new(dir, environment),
            _lock: lock,
        };
        folder.end_left_over().await?;
        folder.clean().map_err(broken)?;
        Ok(folder)
    }

    /// Makes what the processes need.
    pub(super) fn furnish(&self, cast: &Cast) -> io::Result<()> {
        std::fs::create_dir(self.dir.join("log"))?;
        if let Some(cli) = cast.engine {
            self.containers.note(cli)?;
        }
        let text = "# Read by the processes of the demo in place of this host's configuration.\n";
        std::fs::write(cast.config(), text)
    }

    /// Remembers a process, so that it can be ended even when this demo is killed.
    pub(super) fn remember(&self, pid: u32) -> io::Result<()> {
        let Some(process) = ProcessId::of(pid) else {
            return Ok(());
        };
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.join(PROCESSES))?;
        writeln!(file, "{} {}", process.pid, process.start_time)
    }

    /// Every process of this folder that is still there: those that were remembered, and the nodes.
    pub(super) fn living(&self) -> Vec<ProcessId> {
        let remembered = std::fs::read_to_string(self.dir.join(PROCESSES)).unwrap_or_default();
        let remembered = remembered.lines().filter_map(|line| {
            let (pid, start_time) = line.split_once(' ')?;
            Some(ProcessId {
                pid: pid.parse().ok()?,
                start_time: start_time.parse().ok()?,
            })
        });
        let run_dir = self.dir.join("run");
        let nodes = node_files(&run_dir).filter_map(|file| file.process);
        remembered.chain(nodes).filter(|process| process.is_alive()).collect()
    }

    /// SIGKILL to every process of this folder and everything it started.
    pub(super) fn kill_left_over(&self) {
        for process in self.living() {
            signal_group(process.pid, Signal::KILL);
        }
    }

    /// The same, and waits until they are gone: their ports and files are wanted.
    async fn end_left_over(&self) -> Result<(), Failure> {
        let left = self.living();
        self.kill_left_over();
        let deadline = Instant::now() + GONE;
        while left.iter().any(|process| host::group_lives(process.pid)) {
            if Instant::now() >= deadline {
                let pids: Vec<String> = left.iter().map(|process| process.pid.to_string()).collect();
                let what = format!("processes of a former demo do not end: {}", pids.join(", "));
                return Err(Failure::with_hint(Exit::Failed, what, "look at them with `ps`"));
            }
            sleep(LOOK).await;
        }
        if let Err(failure) = self.remove_containers().await {
            // Their processes have ended, so that they are in nobody's way.
            output::note(&containers::may_be_left(&failure));
        }
        Ok(())
    }

    /// Removes every container of this folder, whatever it does. Their names.
    pub(super) async fn remove_containers(&self) -> Result<Vec<String>, Failure> {
        self.containers.remove().await
    }

    fn clean(&self) -> io::Result<()> {
        for name in OWN {
            let path = self.dir.join(name);
            let removed = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

/// Sends a signal to a process group; one that is gone needs none.
pub(super) fn signal_group(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(pid, signal);
    }
}

/// Whether a demo of ours may play here. Others may be able to write into a temporary directory, never into ours.
fn is_ours(dir: &Path) -> io::Result<bool> {
    let about = std::fs::symlink_metadata(dir)?;
    let private = about.is_dir() && about.uid() == rustix::process::geteuid().as_raw() && about.mode() & 0o022 == 0;
    Ok(private && (dir.join(MARKER).is_file() || std::fs::read_dir(dir)?.next().is_none()))
}

fn with_other(mut failure: Failure) -> Failure {
    for problem in &mut failure.problems {
        problem.hint = Some("choose another folder, `--dir DIR`".to_owned());
    }
    failure
}

/// The launchers' files under a run directory, as far as they are of this boot.
fn node_files(run_dir: &Path) -> impl Iterator<Item = NodeFile> {
    let boot = host::boot_id().unwrap_or_default();
    let services = std::fs::read_dir(run_dir).into_iter().flatten().flatten();
    services
        .flat_map(|service| std::fs::read_dir(service.path()).into_iter().flatten().flatten())
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "json"))
        .filter_map(|file| NodeFile::read(&file.path()).ok().flatten())
        .filter(move |file| file.boot == boot)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn open(dir: &Path) -> Result<Folder, Failure> {
        Folder::open(dir, BTreeMap::new()).await
    }

    #[tokio::test]
    async fn only_an_empty_folder_or_that_of_a_demo_is_taken() {
        let temporary = tempfile::tempdir().expect("a directory");
        let dir = temporary.path().join("a/demo");
        let first = open(&dir).await.expect("free");
        let failure = open(&dir).await.expect_err("taken");
        assert_eq!(failure.exit, Exit::Refused);
        assert!(failure.to_string().contains("a demo plays in"), "{failure}");
        std::fs::create_dir(dir.join("etcd")).expect("made");
        drop(first);
        open(&dir).await.expect("free again");
        assert!(!dir.join("etcd").exists(), "cleaned");

        let foreign = temporary.path().join("foreign");
        std::fs::create_dir(&foreign).expect("made");
        std::fs::write(foreign.join("etcd"), "mine").expect("written");
        assert_eq!(open(&foreign).await.expect_err("foreign").exit, Exit::Refused);
        assert_eq!(std::fs::read_dir(&foreign).expect("list").count(), 1, "untouched");

        let link = temporary.path().join("link");
        std::os::unix::fs::symlink(&dir, &link).expect("linked");
        assert_eq!(open(&link).await.expect_err("a link").exit, Exit::Refused);
    }
}

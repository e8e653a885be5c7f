//! The launcher's files, looked at before each probe and when its directory changes. Reads it only when it has changed, and asks after the process only while
//! that can matter.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use super::{disk::Disk, judge::Launched};
use crate::{
    host::{self, Stamp},
    launcher::seeds::told::SeedsTold,
    nodefile::{DiskTold, NodeFile},
};

/// What the launcher tells of its seed list, with what was last found there.
#[derive(Debug)]
pub(super) struct SeedsFile {
    path: PathBuf,
    stamp: Option<Stamp>,
    told: Option<SeedsTold>,
}

impl SeedsFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            stamp: None,
            told: None,
        }
    }

    /// What it tells now.
    pub(super) fn look(&mut self) -> Option<&SeedsTold> {
        let stamp = host::stamp(&self.path).ok();
        if stamp != self.stamp {
            self.stamp = stamp;
            self.told = SeedsTold::read(&self.path);
        }
        self.told.as_ref()
    }
}

/// The file with what was last found in it.
#[derive(Debug)]
pub(super) struct LauncherFile {
    path: PathBuf,
    boot: String,
    stamp: Option<Stamp>,
    file: Option<NodeFile>,
    /// What it tells of the disk, in this process's time.
    disk: Option<Disk>,
    /// When it last became another, or another time of the same: then its launcher lived.
    heard: Instant,
}

impl LauncherFile {
    /// The file at `path`; one that was written in another boot does not count.
    pub(super) fn new(path: PathBuf, boot: String, now: Instant) -> Self {
        Self {
            path,
            boot,
            stamp: None,
            file: None,
            disk: None,
            heard: now,
        }
    }

    /// Where it is put.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// What the launcher says now.
    pub(super) fn look(&mut self, now: Instant) -> Option<Launched> {
        let stamp = host::stamp(&self.path).ok();
        if stamp != self.stamp {
            // The first look finds a file of any age, and only the clock on the wall can tell which.
            let age = if self.stamp.is_none() {
                age(&self.path)
            } else {
                Duration::ZERO
            };
            self.heard = now.checked_sub(age).unwrap_or(now);
            self.stamp = stamp;
            self.read(now);
        }
        let file = self.file.as_ref()?;
        let process = file.process.filter(|process| process.is_alive());
        let counts = |told: &DiskTold| now < self.heard + Disk::keeps(told);
        Some(Launched {
            process,
            disk: self.disk.clone().filter(|_| file.disk.as_ref().is_some_and(counts)),
            ..Launched::from(file)
        })
    }

    fn read(&mut self, now: Instant) {
        let told = |file: &Option<NodeFile>| file.as_ref().and_then(|file| file.disk.clone());
        let before = told(&self.file);
        self.file = match NodeFile::read(&self.path) {
            Ok(file) => file.filter(|file| file.boot == self.boot),
            Err(error) => {
                // Never guessed: then nothing is known of a launcher.
                tracing::warn!(%error, "the launcher's file cannot be read");
                None
            }
        };
        let said = told(&self.file);
        // Only what is new is put into this process's time: the same words stay the same moment.
        if said != before {
            self.disk = said.map(|told| Disk::heard(&told, now, host::uptime()));
        }
    }

    /// When the launcher last showed that it lives.
    pub(super) fn heard(&self) -> Instant {
        self.heard
    }

    /// The node's data directory.
    pub(super) fn data(&self) -> Option<&str> {
        self.file.as_ref().map(|file| file.data.as_str())
    }
}

/// How long ago a file was written, by the clock on the wall.
fn age(path: &Path) -> Duration {
    let modified = std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    modified
        .and_then(|at| SystemTime::now().duration_since(at).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::{
        model::FORMAT,
        nodefile::{DiskState, Phase},
    };

    const SECOND: Duration = Duration::from_secs(1);

    fn node_file(state: DiskState) -> NodeFile {
        NodeFile {
            format: FORMAT,
            engine: "process".to_owned(),
            container: None,
            process: None,
            server: None,
            name: "n1".to_owned(),
            cluster: "shapes".to_owned(),
            phase: Phase::Running,
            data: "/data".to_owned(),
            claim: None,
            with_setting: false,
            boot: "this".to_owned(),
            reason: None,
            skipped_checks: Vec::new(),
            disk: Some(DiskTold {
                state,
                since_ms: 0,
                why: None,
                used_percent: None,
                watermark: None,
                every_ms: 10_000,
            }),
        }
    }

    /// What is said of the disk at `now`.
    fn state(file: &mut LauncherFile, now: Instant) -> Option<DiskState> {
        file.look(now).expect("a file").disk.map(|disk| disk.state)
    }

    #[test]
    fn a_launcher_that_falls_silent_knows_nothing_of_the_disk_any_more() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("a.json");
        node_file(DiskState::Stalled).write(&path).expect("written");
        let begun = Instant::now();
        let mut file = LauncherFile::new(path.clone(), "this".to_owned(), begun);
        assert_eq!(state(&mut file, begun), Some(DiskState::Stalled));
        assert_eq!(state(&mut file, begun + 34 * SECOND), Some(DiskState::Stalled));
        let same = file.look(begun).expect("a file").disk;
        assert_eq!(state(&mut file, begun + 36 * SECOND), None);
        // Its beat changes the file's time and nothing else.
        NodeFile::touch(&path).expect("touched");
        let again = file.look(begun + 37 * SECOND).expect("a file").disk;
        assert!(again.is_some() && again == same, "{again:?} {same:?}");
        assert_eq!(file.heard(), begun + 37 * SECOND);
        assert_eq!(state(&mut file, begun + 71 * SECOND), Some(DiskState::Stalled));
        assert_eq!(state(&mut file, begun + 73 * SECOND), None);
        node_file(DiskState::Ok).write(&path).expect("written");
        assert_eq!(state(&mut file, begun + 74 * SECOND), Some(DiskState::Ok));
    }

    #[test]
    fn an_old_file_that_is_found_at_the_start_is_old() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("a.json");
        node_file(DiskState::Stalled).write(&path).expect("written");
        let old = std::fs::File::options().write(true).open(&path).expect("opened");
        old.set_modified(UNIX_EPOCH + SECOND).expect("made old");
        let now = Instant::now();
        let mut file = LauncherFile::new(path.clone(), "this".to_owned(), now);
        assert_eq!(state(&mut file, now), None);
        let mut other = LauncherFile::new(path, "another".to_owned(), now);
        assert_eq!(other.look(now), None, "of another boot");
    }
}

//! The launcher's files, looked at before each probe and when its directory changes. Reads it only when it has changed, and asks after the process only while
//! that can matter.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::judge::Launched;
use crate::{launcher::seeds::told::SeedsTold, nodefile::NodeFile};

/// What tells one version of the file from the next: it is replaced by rename.
type Stamp = (u64, i64, i64);

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
        let stamp = stamp(&self.path);
        if stamp != self.stamp {
            self.stamp = stamp;
            self.told = SeedsTold::read(&self.path);
        }
        self.told.as_ref()
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.ino(), meta.mtime(), meta.mtime_nsec()))
}

/// The file with what was last found in it.
#[derive(Debug)]
pub(super) struct LauncherFile {
    path: PathBuf,
    boot: String,
    stamp: Option<Stamp>,
    file: Option<NodeFile>,
}

impl LauncherFile {
    /// The file at `path`; one that was written in another boot does not count.
    pub(super) fn new(path: PathBuf, boot: String) -> Self {
        Self {
            path,
            boot,
            stamp: None,
            file: None,
        }
    }

    /// Where it is put.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// What the launcher says now.
    pub(super) fn look(&mut self) -> Option<Launched> {
        let stamp = stamp(&self.path);
        if stamp != self.stamp {
            self.stamp = stamp;
            self.file = match NodeFile::read(&self.path) {
                Ok(file) => file.filter(|file| file.boot == self.boot),
                Err(error) => {
                    // Never guessed: then nothing is known of a launcher.
                    tracing::warn!(%error, "the launcher's file cannot be read");
                    None
                }
            };
        }
        let file = self.file.as_ref()?;
        let process = file.process.filter(|process| process.is_alive());
        Some(Launched {
            process,
            ..Launched::from(file)
        })
    }

    /// The node's data directory.
    pub(super) fn data(&self) -> Option<&str> {
        self.file.as_ref().map(|file| file.data.as_str())
    }
}

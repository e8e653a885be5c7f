//! Files that are there whole or not at all, locks, and what the host says about itself.

use std::{
    fs::{File, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    os::{
        fd::OwnedFd,
        unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{FlockOperation, OFlags, flock};

/// Lock files may lie where the node's user can put links.
const NO_LINK: i32 = OFlags::NOFOLLOW.bits().cast_signed();

/// Writes `bytes` to `path` so that a reader, or a host that loses power, sees the old file or the new one: temporary file in the
/// same directory, fsync, rename, fsync of the directory. Makes missing directories (0755).
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let dir = path
        .parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir)?;
    let name = path.file_name().ok_or_else(|| io::Error::other("no file name"))?;
    let temporary = dir.join(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
    // Left by a process of this number that died here; also anything that somebody else who may write here has put in our way.
    let _ = std::fs::remove_file(&temporary);
    let written = write_and_sync(&temporary, bytes, mode).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // The error that matters is the first one; a left-over is only untidy.
        let _ = std::fs::remove_file(&temporary);
    }
    written?;
    File::open(dir)?.sync_all()
}

fn write_and_sync(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    // Never an existing file: in a directory of the node's user it could be a link to one that only root may write.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    // The mode of `open` passes through the umask; readers of these files may be other users.
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// What tells one version of a file from the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    place: (u64, u64),
    size: u64,
    modified: (i64, i64),
}

/// The file that lies there now: who replaces one renames another over it, or writes it anew.
pub fn stamp(path: &Path) -> io::Result<Stamp> {
    let meta = std::fs::metadata(path)?;
    Ok(Stamp {
        place: (meta.dev(), meta.ino()),
        size: meta.size(),
        modified: (meta.mtime(), meta.mtime_nsec()),
    })
}

/// A file's content; none when it is not there.
pub fn read_optional(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// An exclusive lock on a file, held until dropped, or for as long as a process lives that inherited it.
#[derive(Debug)]
pub struct FileLock {
    file: File,
    path: PathBuf,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("{} is locked by another process", path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
    },
    /// The file cannot be made or locked.
    #[error("cannot lock {}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl FileLock {
    /// Takes the lock at once or not at all. Makes missing directories.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let io_error = |source| LockError::Io {
            path: path.to_owned(),
            source,
        };
        let open = |create| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(create)
                .truncate(false)
                .custom_flags(NO_LINK)
                .open(path)
        };
        // One that is there already can be opened on a disk that hangs, as long as nothing is asked to be made, a directory neither.
        let file = match open(false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => path
                .parent()
                .map_or(Ok(()), std::fs::create_dir_all)
                .and_then(|()| open(true)),
            opened => opened,
        };
        let file = file.map_err(io_error)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self {
                file,
                path: path.to_owned(),
            }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(LockError::Held { path: path.to_owned() }),
            Err(errno) => Err(io_error(errno.into())),
        }
    }

    /// The lock that the program before this one held in this process; none when `file` is not the lock file at `path`.
    pub fn inherit(file: OwnedFd, path: &Path) -> Option<Self> {
        let file = File::from(file);
        let (ours, there) = (file.metadata().ok()?, std::fs::metadata(path).ok()?);
        if (ours.dev(), ours.ino()) != (there.dev(), there.ino()) {
            return None;
        }
        // Held already; if not, nobody else may hold it.
        flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
        Some(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// Whether somebody holds the lock now. A look that leaves nothing behind.
    pub fn is_held(path: &Path) -> io::Result<bool> {
        let file = match OpenOptions::new().read(true).custom_flags(NO_LINK).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(false),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Another process that has the lock file open, so that it can be named. What this user cannot see is left out.
    pub fn holder(path: &Path) -> Option<u32> {
        let wanted = std::fs::metadata(path).ok()?;
        let same =
            |open: &Path| std::fs::metadata(open).is_ok_and(|f| (f.dev(), f.ino()) == (wanted.dev(), wanted.ino()));
        let entries = std::fs::read_dir("/proc").ok()?;
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| *pid != std::process::id()).find(|pid| {
            let files = std::fs::read_dir(format!("/proc/{pid}/fd"))
                .into_iter()
                .flatten()
                .flatten();
            files.map(|file| file.path()).any(|file| same(&file))
        })
    }

    /// The open file; a child that inherits a duplicate keeps the lock.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where the lock file is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The id of this boot.
pub fn boot_id() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?
        .trim()
        .to_owned())
}

/// The machine id, hashed: tells hosts apart without giving the id away. None where there is no machine id.
pub fn machine_hash() -> Option<String> {
    let id = std::fs::read_to_string("/etc/machine-id").ok()?;
    let mut hasher = DefaultHasher::new();
    ("quorate", id.trim()).hash(&mut hasher);
    Some(format!("{:016x}", hasher.finish()))
}

/// Time since the host started.
pub fn uptime() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_has_its_mode() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("a/b/file");
        write_atomic(&path, b"one", 0o644).expect("written");
        write_atomic(&path, b"two", 0o640).expect("written");
        assert_eq!(read_optional(&path).expect("read"), Some(b"two".to_vec()));
        assert_eq!(
            std::fs::metadata(&path).expect("there").permissions().mode() & 0o777,
            0o640
        );
        let left: Vec<_> = std::fs::read_dir(path.parent().expect("dir")).expect("list").collect();
        assert_eq!(left.len(), 1);
        assert_eq!(read_optional(&dir.path().join("none")).expect("read"), None);
    }

    #[test]
    fn a_lock_is_held_by_one_and_freed_on_drop() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("x/lock");
        let first = FileLock::take(&path).expect("free");
        assert!(matches!(FileLock::take(&path), Err(LockError::Held { .. })));
        assert!(FileLock::is_held(&path).expect("looked"));
        drop(first);
        assert!(!FileLock::is_held(&path).expect("looked"));
        FileLock::take(&path).expect("free again");
    }

    #[test]
    fn a_link_in_the_way_is_replaced_never_followed() {
        let dir = tempfile::tempdir().expect("directory");
        let precious = dir.path().join("precious");
        std::fs::write(&precious, b"x").expect("written");
        let temporary = dir.path().join(format!(".file.{}.tmp", std::process::id()));
        std::os::unix::fs::symlink(&precious, &temporary).expect("linked");
        std::os::unix::fs::symlink(&precious, dir.path().join("lock")).expect("linked");
        write_atomic(&dir.path().join("file"), b"y", 0o644).expect("written");
        assert!(matches!(
            FileLock::take(&dir.path().join("lock")),
            Err(LockError::Io { .. })
        ));
        assert_eq!(std::fs::read(&precious).expect("read"), b"x");
    }
}

//! The helper process: writes a small file in the data directory and waits until it is on the disk, again and again.
//!
//! It may hang there for good, and nobody waits for it but itself. Plain system calls, no runtime: it is to stay small. The kernel ends
//! it together with its launcher, however that ended; out of a hanging write as soon as the disk lets it go.

use std::{
    ffi::OsString,
    io::{self, Write},
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, fsync, openat, unlinkat},
    io::{Errno, pwrite},
    process::{Signal, getppid, set_parent_process_death_signal},
    thread::{Timespec, nanosleep, set_name},
};

use super::{
    line::{Line, Round},
    room::Room,
};

/// The word that makes this program the helper: `quorate disk-helper DIR MILLISECONDS LAUNCHER`.
pub const WORD: &str = "disk-helper";
/// What is written, in the data directory. Hidden, and with the beginning that all of ours have.
pub const FILE: &str = ".quorate.disk";
/// Written over and over in place: a disk that is full takes it all the same.
const BYTES: &[u8; 16] = b"quorate is here\n";

/// Runs until nobody listens, if this process was started as the helper.
pub fn run_if_asked() -> Option<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    if words.next()? != WORD {
        return None;
    }
    let task = Task::of(words);
    Some(task.map_or(ExitCode::from(2), |task| {
        task.run();
        ExitCode::SUCCESS
    }))
}

#[derive(Debug)]
struct Task {
    dir: PathBuf,
    every: Duration,
    /// The process that started it.
    launcher: i32,
}

impl Task {
    fn of(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let dir = PathBuf::from(words.next()?);
        let every = Duration::from_millis(words.next()?.to_str()?.parse().ok()?);
        let launcher = words.next()?.to_str()?.parse().ok()?;
        Some(Self { dir, every, launcher })
    }

    fn run(&self) {
        // By the path that it was started from it would be called `exe` in every list.
        let _ = set_name(c"quorate-disk");
        // A file system that is to be unmounted is not held.
        let _ = std::env::set_current_dir("/");
        let Ok(pause) = Timespec::try_from(self.every) else {
            return;
        };
        let mut out = io::stdout().lock();
        let mut say = |line: Line| out.write_all(line.text().as_bytes()).and_then(|()| out.flush());
        let bound = set_parent_process_death_signal(Some(Signal::KILL)).is_ok();
        // One that died before that is nobody's parent.
        while bound && getppid().is_some_and(|parent| parent.as_raw_nonzero().get() == self.launcher) {
            let ended = say(Line::Begun).and_then(|()| say(Line::Ended(round(&self.dir))));
            if ended.is_err() {
                return;
            }
            let _ = nanosleep(&pause);
        }
    }
}

/// One write, and how much room there is afterwards.
pub fn round(dir: &Path) -> Round {
    Round {
        error: write(dir).err(),
        room: Room::of(dir).ok(),
    }
}

fn write(dir: &Path) -> Result<(), Errno> {
    let dir = openat(
        CWD,
        dir,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let file = open(&dir)?;
    pwrite(&file, BYTES, 0)?;
    // The journal as well: that is what hangs on many a sick disk.
    fsync(&file)
}

/// Our file, whatever somebody who may write here has put in its place: never a link, a pipe, or a file with a second name.
fn open(dir: &OwnedFd) -> Result<OwnedFd, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    match openat(dir, FILE, flags, mode) {
        Ok(file) if is_plain(&file)? => return Ok(file),
        // A link, a pipe without a reader, a directory.
        Ok(_) | Err(Errno::LOOP | Errno::NXIO | Errno::ISDIR) => {}
        Err(errno) => return Err(errno),
    }
    unlinkat(dir, FILE, AtFlags::empty()).or_else(|_| unlinkat(dir, FILE, AtFlags::REMOVEDIR))?;
    openat(dir, FILE, flags | OFlags::EXCL, mode)
}

fn is_plain(file: impl AsFd) -> Result<bool, Errno> {
    let stat = fstat(file)?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && stat.st_nlink == 1)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_round_writes_one_hidden_file_and_tells_of_the_room() {
        let dir = tempfile::tempdir().expect("directory");
        for _ in 0..2 {
            let round = round(dir.path());
            assert_eq!(round.error, None);
            assert!(round.room.is_some_and(|room| room.total > 0), "{round:?}");
        }
        let names: Vec<_> = std::fs::read_dir(dir.path())
            .expect("listed")
            .map(|entry| entry.expect("entry").file_name())
            .collect();
        assert_eq!(names, [FILE]);
        assert_eq!(std::fs::read(dir.path().join(FILE)).expect("read"), BYTES);
        assert_eq!(round(&dir.path().join("none")).error, Some(Errno::NOENT));
    }

    #[test]
    fn what_somebody_put_in_its_place_is_replaced_never_written_to() {
        let dir = tempfile::tempdir().expect("directory");
        let (path, precious) = (dir.path().join(FILE), dir.path().join("precious"));
        let put: [&dyn Fn(); 4] = [
            &|| symlink(&precious, &path).expect("linked"),
            &|| std::fs::hard_link(&precious, &path).expect("linked"),
            &|| rustix::fs::mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).expect("made"),
            &|| std::fs::create_dir(&path).expect("made"),
        ];
        for put in put {
            std::fs::write(&precious, b"x").expect("written");
            let _ = std::fs::remove_file(&path);
            put();
            assert_eq!(round(dir.path()).error, None);
            assert_eq!(std::fs::read(&precious).expect("read"), b"x");
            assert_eq!(std::fs::read(&path).expect("read"), BYTES);
        }
    }
}

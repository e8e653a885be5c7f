//! Becoming another program in place: the same process, its open locks and sockets passed on.
//!
//! What is passed on crosses over by number. A number is believed only when the letter that names it is there, and the letter only
//! when it is ours: an environment that some child inherited leads nowhere.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read, Seek, Write},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
        unix::process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use rustix::{
    fs::{MemfdFlags, memfd_create},
    io::{FdFlags, fcntl_getfd, fcntl_setfd},
};

use super::{signals, stamp};

/// The name of the file in memory that tells the next program what it was given.
const LETTER: &str = "quorate-handover";

/// The program that runs, as it would be started again.
#[derive(Debug, Clone)]
pub struct Executable {
    /// Where it was found when it was started; another file there is another version.
    path: PathBuf,
    name: OsString,
    arguments: Vec<OsString>,
}

impl Executable {
    /// This process's. To be asked at its start.
    pub fn of_this_process() -> io::Result<Self> {
        let mut words = std::env::args_os();
        let name = words.next().unwrap_or_default();
        let linked = std::fs::read_link(RUNNING)?;
        // The name may be a link that an upgrade points elsewhere; the kernel knows only where it led.
        let named = std::path::absolute(&name)
            .ok()
            .filter(|_| name.to_string_lossy().contains('/'));
        let same = |path: &PathBuf| stamp(path).is_ok_and(|found| Some(found) == stamp(Path::new(RUNNING)).ok());
        let path = named.filter(same).unwrap_or_else(|| undeleted(&linked));
        Ok(Self {
            path,
            name,
            arguments: words.collect(),
        })
    }

    /// Where it was found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// With what it was started, its name left out.
    pub fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// Whether another file lies there than the one that runs. One that is gone is no other one.
    pub fn is_replaced(&self) -> bool {
        match (stamp(&self.path), stamp(Path::new(RUNNING))) {
            (Ok(there), Ok(runs)) => there != runs,
            (Err(_), _) | (_, Err(_)) => false,
        }
    }

    /// What to start: the file that lies there, or the one that runs when there is none any more.
    pub fn program(&self) -> &Path {
        if self.path.exists() {
            &self.path
        } else {
            Path::new(RUNNING)
        }
    }
}

/// The program that runs, even when its file was replaced or deleted.
const RUNNING: &str = "/proc/self/exe";

fn undeleted(link: &Path) -> PathBuf {
    let text = link.to_string_lossy();
    text.strip_suffix(" (deleted)")
        .map_or_else(|| link.to_owned(), PathBuf::from)
}

/// Becomes `executable`'s program, which finds `letter` and `files` under the numbers they have here. `variable` tells it where.
/// Returns only when that is impossible; then everything is as before. Signals wait meanwhile and reach the next program.
#[expect(
    clippy::disallowed_methods,
    reason = "it starts nothing beside itself: it is what runs next"
)]
pub fn exec(executable: &Executable, variable: &str, letter: &[u8], files: &[BorrowedFd<'_>]) -> io::Error {
    let letter = match written(letter) {
        Ok(file) => file,
        Err(error) => return error,
    };
    let passed = || files.iter().copied().chain([letter.as_fd()]);
    for file in passed() {
        if let Err(error) = keep_open(file, true) {
            return error;
        }
    }
    signals::hold_signals();
    let error = Command::new(executable.program())
        .arg0(&executable.name)
        .args(&executable.arguments)
        .env(variable, letter.as_raw_fd().to_string())
        .exec();
    signals::let_signals_in();
    for file in passed() {
        // A child that inherited it would only hold it longer.
        let _ = keep_open(file, false);
    }
    error
}

fn written(letter: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create(LETTER, MemfdFlags::CLOEXEC)?);
    file.write_all(letter)?;
    Ok(file)
}

fn keep_open(file: BorrowedFd<'_>, open: bool) -> io::Result<()> {
    let flags = fcntl_getfd(file)?;
    let flags = if open {
        flags - FdFlags::CLOEXEC
    } else {
        flags | FdFlags::CLOEXEC
    };
    Ok(fcntl_setfd(file, flags)?)
}

/// The letter that the program before this one left under `number`; none when there is none. To be read once.
pub fn letter(number: &str) -> Option<Vec<u8>> {
    let number: RawFd = number.parse().ok()?;
    let link = std::fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
    if !link.to_string_lossy().starts_with(&format!("/memfd:{LETTER}")) {
        return None;
    }
    let mut file = File::from(inherited(number)?);
    let mut bytes = Vec::new();
    file.rewind().ok()?;
    file.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// An open file that a letter names, now owned here and closed in children; none when nothing is open under that number. Each
/// number may be asked for once.
pub fn inherited(number: RawFd) -> Option<OwnedFd> {
    std::fs::symlink_metadata(format!("/proc/self/fd/{number}")).ok()?;
    #[expect(unsafe_code, reason = "a number is all that crosses over")]
    // SAFETY: it is open, the program before this one opened it for this purpose, and nobody else here knows its number.
    let file = unsafe { OwnedFd::from_raw_fd(number) };
    keep_open(file.as_fd(), false).ok()?;
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_letter_is_read() {
        assert_eq!(letter("none"), None);
        assert_eq!(letter("-1"), None);
        assert_eq!(letter("65535"), None);
        let other = File::open("/dev/null").expect("a file");
        assert_eq!(letter(&other.as_raw_fd().to_string()), None);
        // Still open: what is not ours is not touched.
        assert!(other.metadata().is_ok());
        let ours = written(b"read me").expect("a letter");
        let number = ours.as_raw_fd().to_string();
        // The reader owns it from here on.
        std::mem::forget(ours);
        assert_eq!(letter(&number).as_deref(), Some(&b"read me"[..]));
        assert_eq!(letter(&number), None);
    }

    #[test]
    fn the_running_program_is_not_replaced_and_a_deleted_one_keeps_its_place() {
        let executable = Executable::of_this_process().expect("a program");
        assert!(!executable.is_replaced());
        assert_eq!(executable.program(), executable.path());
        assert_eq!(
            undeleted(Path::new("/usr/bin/quorate (deleted)")),
            Path::new("/usr/bin/quorate")
        );
        let gone = Executable {
            path: PathBuf::from("/nowhere/quorate"),
            ..executable
        };
        assert!(!gone.is_replaced());
        assert_eq!(gone.program(), Path::new(RUNNING));
    }
}

//! A file system of half a megabyte in the place of a directory, for one program: filled, emptied and made read-only while that runs.
//!
//! It is in a mount namespace of that program; the test gets to it through `/proc`, and nothing else sees it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::geteuid;

/// Mounts at `$0` with these options, then becomes the program.
const MOUNT: &str = r#"mount -t tmpfs -o "$1" none "$0" && shift && exec "$@""#;
/// What fills it.
const FILL: &str = ".fill";

/// A directory that will be a small disk for a program.
#[derive(Debug, Clone)]
pub(crate) struct SmallDisk {
    dir: PathBuf,
    options: String,
}

impl SmallDisk {
    /// In the place of this directory, which is made.
    pub(crate) fn at(dir: PathBuf) -> Self {
        std::fs::create_dir_all(&dir).expect("a directory");
        let options = "size=512k,mode=1777".to_owned();
        Self { dir, options }
    }

    /// It belongs to this user, if root mounts it.
    pub(crate) fn of_user(mut self, user: u32) -> Self {
        if geteuid().is_root() {
            self.options = format!("{},uid={user},gid={user}", self.options);
        }
        self
    }

    /// The same program, for which the directory is a disk of its own. Its process is the one that is started.
    #[expect(clippy::disallowed_methods, reason = "the program is a process")]
    pub(crate) fn on(&self, command: &Command) -> Command {
        let mut unshare = Command::new("/usr/bin/unshare");
        unshare
            .arg("--mount")
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
        if !geteuid().is_root() {
            unshare.arg("--map-root-user");
        }
        let known = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        unshare
            .args(["sh", "-c", MOUNT])
            .arg(&self.dir)
            .arg(&self.options)
            .arg(command.get_program())
            .args(command.get_args())
            .envs(known);
        unshare
    }

    /// A path on it, as the process `pid` sees it.
    pub(crate) fn seen_by(&self, pid: u32, path: &Path) -> PathBuf {
        let path = self.dir.join(path);
        Path::new(&format!("/proc/{pid}/root")).join(path.strip_prefix("/").expect("an absolute path"))
    }

    /// Whether a path lies on it.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        path.starts_with(&self.dir)
    }

    /// Fills what the process `pid` sees to the last byte.
    pub(crate) fn fill(&self, pid: u32) {
        let mut file = std::fs::File::create(self.seen_by(pid, Path::new(FILL))).expect("a file");
        for size in [4096, 1] {
            while std::io::Write::write(&mut file, &vec![b'x'; size]).is_ok_and(|written| written > 0) {}
        }
    }

    /// Makes room again.
    pub(crate) fn make_room(&self, pid: u32) {
        std::fs::remove_file(self.seen_by(pid, Path::new(FILL))).expect("removed");
    }

    /// Makes it read-only for the process `pid`, which may have files open there.
    pub(crate) fn write_protect(&self, pid: u32) {
        // Beside what is open: a mount with open files does not become read-only.
        self.within(pid, r#"mount --bind "$0" "$0" && mount -o remount,bind,ro "$0""#);
    }

    /// Undoes that.
    pub(crate) fn unprotect(&self, pid: u32) {
        self.within(pid, r#"umount "$0""#);
    }

    #[expect(clippy::disallowed_methods, reason = "only a process gets into another namespace")]
    fn within(&self, pid: u32, script: &str) {
        let mut command = Command::new("nsenter");
        command.args(["--target", &pid.to_string(), "--mount"]);
        if !geteuid().is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        let done = command.args(["sh", "-c", script]).arg(&self.dir).output();
        let done = done.expect("nsenter runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// The names of the files in one of its directories.
    pub(crate) fn names(&self, pid: u32, dir: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.seen_by(pid, Path::new(dir)))
            .expect("a directory")
            .flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.retain(|name| name != FILL);
        names.sort();
        names
    }
}

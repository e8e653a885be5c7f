//! File systems of a test's own that misbehave: a small one that can be filled, one that is read-only, and one that hangs. Only root can make
//! them; gone when dropped.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use rustix::process::geteuid;

/// A mounted file system.
#[derive(Debug)]
pub(crate) struct Mount {
    dir: PathBuf,
    hangs: bool,
}

impl Mount {
    /// In memory and of 1 MB, at a directory that is there.
    pub(crate) fn small(dir: &Path) -> Self {
        Self::with(dir, &["-t", "tmpfs", "-o", "size=1m,mode=1777", "none"])
    }

    /// One that takes nothing, over a directory that is there.
    pub(crate) fn read_only(dir: &Path) -> Self {
        Self::with(dir, &["-t", "tmpfs", "-o", "ro", "none"])
    }

    /// A real one on a loop device, from an image beside it.
    pub(crate) fn real(dir: &Path) -> Self {
        let image = dir.with_extension("image");
        let file = std::fs::File::create(&image).expect("an image");
        file.set_len(8 << 20).expect("its size");
        run("mkfs.ext4", &["-q", "-F", "-m", "0", &image.display().to_string()]);
        let mount = Self::with(dir, &["-o", "loop", &image.display().to_string()]);
        std::fs::remove_file(image).expect("removed");
        mount
    }

    fn with(dir: &Path, how: &[&str]) -> Self {
        assert!(
            geteuid().is_root(),
            "only root can mount a file system: run the tests as root"
        );
        let place = dir.display().to_string();
        run("mount", &[how, &[place.as_str()]].concat());
        Self {
            dir: dir.to_owned(),
            hangs: false,
        }
    }

    /// From now on whoever writes there waits, and nothing ends that, as on a disk that does not answer.
    pub(crate) fn hang(&mut self) {
        run("fsfreeze", &["-f", &self.place()]);
        self.hangs = true;
    }

    /// Whoever waits goes on.
    pub(crate) fn go_on(&mut self) {
        run("fsfreeze", &["-u", &self.place()]);
        self.hangs = false;
    }

    fn place(&self) -> String {
        self.dir.display().to_string()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if self.hangs {
            let _ = output("fsfreeze", &["-u", &self.place()]);
        }
        // Lazily: somebody may be on the way out of a write.
        let _ = output("umount", &["-l", &self.place()]);
    }
}

fn run(program: &str, arguments: &[&str]) {
    let output = output(program, arguments);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[expect(clippy::disallowed_methods, reason = "mounting is done by programs")]
fn output(program: &str, arguments: &[&str]) -> Output {
    // They may be where only root looks.
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    let output = Command::new(program).args(arguments).env("PATH", path).output();
    output.unwrap_or_else(|error| panic!("{program}, of util-linux or e2fsprogs: {error}"))
}

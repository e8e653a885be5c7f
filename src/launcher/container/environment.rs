//! The variables of a node in a file that only the engine's program reads, for as long as it does: nothing of them is an argument.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// The file; gone when dropped.
#[derive(Debug)]
pub(super) struct EnvFile {
    path: PathBuf,
}

impl EnvFile {
    /// Writes it, in the place of one that a run left that was killed just here.
    pub(super) fn write(path: &Path, text: &str) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let written = Self { path: path.to_owned() };
        file.write_all(text.as_bytes())?;
        Ok(written)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), cause = %error, "the file with the node's variables was not removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn nobody_else_reads_it_and_nothing_is_left() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("environment");
        std::fs::write(&path, "of another run").expect("written");
        let file = EnvFile::write(&path, "A=b\n").expect("written");
        let mode = std::fs::metadata(file.path()).expect("there").permissions().mode();
        assert_eq!(
            (mode & 0o777, std::fs::read_to_string(&path).expect("read").as_str()),
            (0o600, "A=b\n")
        );
        drop(file);
        assert!(!path.exists());
    }
}

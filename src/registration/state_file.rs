//! The state file: leases and incarnations of this host's runs, written before they are used. What the next run takes over.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use super::StartError;
use crate::{host, model::Incarnation, registry::LeaseId};

/// The format that this version writes; a higher one is not touched.
const FORMAT: u32 = 1;

/// One lease that a run on this host was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The lease.
    pub lease: LeaseId,
    /// Who had it.
    pub incarnation: Incarnation,
    /// In which boot.
    pub boot: String,
}

#[derive(Serialize, Deserialize)]
struct StateFile {
    format: u32,
    runs: Vec<Run>,
}

/// The runs in the file; none when it is not there. One that is damaged counts as empty: then the key of the former run ends
/// with its lease instead of being taken over.
pub(super) fn read(path: &Path) -> Result<Vec<Run>, StartError> {
    let error = |cause: String| StartError::StateFile {
        path: path.to_owned(),
        cause,
    };
    let Some(bytes) = host::read_optional(path).map_err(|source| error(source.to_string()))? else {
        return Ok(Vec::new());
    };
    match serde_json::from_slice::<StateFile>(&bytes) {
        Ok(file) if file.format > FORMAT => Err(error(format!(
            "it has format {} and this version writes {FORMAT}: update quorate, or remove the file",
            file.format
        ))),
        Ok(file) => Ok(file.runs),
        Err(cause) => {
            tracing::warn!(path = %path.display(), %cause, "the state file cannot be read and counts as empty");
            Ok(Vec::new())
        }
    }
}

/// Writes the runs, or removes the file when there are none. Blocks.
pub(super) fn write(path: &Path, runs: &[Run]) -> io::Result<()> {
    if runs.is_empty() {
        return match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        };
    }
    let file = StateFile {
        format: FORMAT,
        runs: runs.to_vec(),
    };
    host::write_atomic(path, &serde_json::to_vec(&file)?, 0o600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_no_runs_are_no_file() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("es/10.0.0.1.json");
        assert_eq!(read(&path).expect("nothing"), []);
        let runs = vec![Run {
            lease: LeaseId(0x1234),
            incarnation: "abc".parse().expect("id"),
            boot: "b".to_owned(),
        }];
        write(&path, &runs).expect("written");
        assert_eq!(read(&path).expect("read"), runs);
        write(&path, &[]).expect("removed");
        write(&path, &[]).expect("removed already");
        assert!(!path.exists());
    }

    #[test]
    fn a_damaged_file_counts_as_empty_and_a_newer_one_is_refused() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("state.json");
        std::fs::write(&path, b"{\"format\":1,\"ru").expect("written");
        assert_eq!(read(&path).expect("empty"), []);
        std::fs::write(&path, br#"{"format":2,"runs":[]}"#).expect("written");
        assert!(matches!(read(&path), Err(StartError::StateFile { .. })));
    }

    #[test]
    fn a_damaged_file_is_read_as_it_was_written_counts_as_empty_or_is_refused() {
        let dir = tempfile::tempdir().expect("directory");
        let (path, again) = (dir.path().join("state.json"), dir.path().join("again.json"));
        crate::fuzz::fuzz("state", |bytes| {
            std::fs::write(&path, bytes).expect("written");
            if let Ok(runs) = read(&path) {
                write(&again, &runs).expect("written");
                assert_eq!(read(&again).expect("read"), runs);
            }
        });
    }
}

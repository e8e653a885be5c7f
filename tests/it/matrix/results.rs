//! What was run before: one file for each cell under target/lines, there only when the cell passed.

use std::{fmt::Write as _, fs, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::cells::name;
use crate::lines::cell::{Cell, Row};

/// What the file of a cell holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Passed {
    /// Of what was run: programs and parts.
    fingerprint: String,
    /// The day, in UTC.
    pub(crate) date: String,
    /// The version that the Java gave.
    pub(crate) java: String,
    pub(crate) row: Row,
}

/// The place of a cell's results.
#[derive(Debug)]
pub(crate) struct Results {
    cell: Cell,
    path: PathBuf,
}

impl Results {
    pub(crate) fn of(cell: Cell) -> Self {
        let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/lines");
        let path = dir.join(format!("{}.json", name(cell)));
        Self { cell, path }
    }

    /// The last ones, if any.
    pub(crate) fn read(&self) -> Option<Passed> {
        serde_json::from_slice(&fs::read(&self.path).ok()?).ok()
    }

    /// Whether running it again would run the same.
    pub(crate) fn are_current(&self) -> bool {
        self.read()
            .is_some_and(|passed| passed.fingerprint == self.fingerprint())
    }

    /// It is about to be run.
    pub(crate) fn forget(&self) {
        // Most often there is none.
        let _ = fs::remove_file(&self.path);
    }

    /// It passed.
    pub(crate) fn keep(&self, row: &Row) {
        let passed = Passed {
            fingerprint: self.fingerprint(),
            date: humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()[..10].to_owned(),
            java: self.java(),
            row: row.clone(),
        };
        let json = serde_json::to_vec_pretty(&passed).expect("JSON");
        quorate::host::write_atomic(&self.path, &json, 0o644).expect("written");
    }

    /// The program, the steps, and what the parts say about themselves.
    fn fingerprint(&self) -> String {
        let mut all = ring::digest::Context::new(&ring::digest::SHA256);
        let steps = std::env::current_exe().expect("a path");
        for program in [env!("CARGO_BIN_EXE_quorate").into(), steps, self.cell.etcd.binary()] {
            all.update(&fs::read(program).expect("a program"));
        }
        let home = self.cell.distribution.home();
        // A part that was put there by hand has none.
        all.update(&fs::read(home.with_extension("json")).unwrap_or_default());
        all.update(home.as_os_str().as_encoded_bytes());
        all.update(self.java().as_bytes());
        let digest = all.finish();
        digest.as_ref().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    fn java(&self) -> String {
        let release = self.cell.distribution.java().join("release");
        let text = fs::read_to_string(release).expect("a Java that says what it is");
        let version = text.lines().find_map(|line| line.strip_prefix("JAVA_RUNTIME_VERSION="));
        version.expect("a version").trim_matches('"').to_owned()
    }
}

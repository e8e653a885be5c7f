//! The launcher's file, `/run/quorate/<service>/<id>.json`: what it tells the sidecar, and its own next run, about the node.

use std::{fs::File, io, path::Path, time::SystemTime};

use serde::{Deserialize, Serialize};

use crate::{host, launcher::disk::room::Watermark, model::ClaimId};

/// Where the node's life stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// About to be started, or waiting for its turn.
    Starting,
    /// Its process runs.
    Running,
    /// It is about to be stopped: readers should go elsewhere now.
    Leaving,
}

/// A process that cannot be mistaken for another one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub start_time: u64,
}

impl ProcessId {
    /// The process that has this number now.
    pub fn of(pid: u32) -> Option<Self> {
        Some(Self {
            pid,
            start_time: host::process_start_time(pid)?,
        })
    }

    /// Whether it still runs.
    pub fn is_alive(self) -> bool {
        host::process_start_time(self.pid) == Some(self.start_time)
    }
}

/// A container of an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerId {
    /// Its name.
    pub name: String,
    /// The engine's id of it.
    pub id: String,
}

/// How the disk under the data stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskState {
    /// It takes writes.
    Ok,
    /// A write does not end.
    Stalled,
    /// It takes none, it is mounted read-only.
    ReadOnly,
    /// It answers writes with an error.
    Failing,
    /// Nobody knows.
    #[serde(other)]
    Unknown,
}

impl DiskState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ok, Self::Stalled, Self::ReadOnly, Self::Failing, Self::Unknown];

    /// The word, as it stands in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Stalled => "stalled",
            Self::ReadOnly => "read_only",
            Self::Failing => "failing",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the node cannot keep what it is given.
    pub const fn is_ill(self) -> bool {
        match self {
            Self::Stalled | Self::ReadOnly | Self::Failing => true,
            Self::Ok | Self::Unknown => false,
        }
    }

    /// What a disk does that is like this, for people: goes after its name.
    pub fn does(self, why: Option<&str>) -> String {
        let does = match self {
            Self::Ok => "takes writes",
            Self::Stalled => "hangs",
            Self::ReadOnly => "is read-only",
            Self::Failing => "fails",
            Self::Unknown => "is not known to be well",
        };
        why.map_or_else(|| does.to_owned(), |why| format!("{does}: {why}"))
    }
}

/// What the launcher's helper found about the disk under the data. The file is rewritten when something of it has changed; that it is
/// still so is said by the file's time, which moves every `every_ms` for as long as the launcher can say so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskTold {
    /// The class.
    pub state: DiskState,
    /// Since when, in milliseconds since boot: no step of a clock moves it.
    pub since_ms: u64,
    /// More about it, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How much of it is used, in percent, rounded up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_percent: Option<u8>,
    /// The watermark of the node that was passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Watermark>,
    /// How often the file's time moves.
    pub every_ms: u64,
}

impl DiskTold {
    /// What a person should know of it, to go after its name; none: it is well.
    pub fn complaint(&self) -> Option<String> {
        match (self.state.is_ill(), self.watermark) {
            (true, _) => Some(self.state.does(self.why.as_deref())),
            (false, Some(passed)) => Some(passed.is_passed(self.used_percent)),
            (false, None) => None,
        }
    }
}

/// What the launcher says about its node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFile {
    /// Format of this file.
    pub format: u32,
    /// What runs the node: `docker`, `podman` or `process`.
    pub engine: String,
    /// The node's container, where the engine runs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerId>,
    /// The node's main process, the one that is signalled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessId>,
    /// The process that owns the node's HTTP socket, once that is open: the main one or one that it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ProcessId>,
    /// The node's name.
    pub name: String,
    /// The cluster's name.
    pub cluster: String,
    /// Where the node's life stands.
    pub phase: Phase,
    /// The data directory.
    pub data: String,
    /// The claim under which the node was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimId>,
    /// Whether it was started with the right to form a cluster; such a node is never restarted as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_setting: bool,
    /// The boot in which this was written; a file of another boot says nothing about processes.
    pub boot: String,
    /// A launcher that waits says here for what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Checks that failed before the start and were skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped_checks: Vec<String>,
    /// How the disk under the data stands; none: nobody looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<DiskTold>,
}

impl NodeFile {
    /// Reads the file; none when it is not there. One that cannot be read is an error: it is never guessed.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        let Some(bytes) = host::read_optional(path)? else {
            return Ok(None);
        };
        let file =
            serde_json::from_slice(&bytes).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
        Ok(Some(file))
    }

    /// Writes the file for everyone to read.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let bytes = serde_json::to_vec(self).map_err(io::Error::other)?;
        host::write_atomic(path, &bytes, 0o644)
    }

    /// Says that what the file says is still so.
    pub fn touch(path: &Path) -> io::Result<()> {
        let file = File::options().write(true).open(path)?;
        file.set_modified(SystemTime::now())
    }
}

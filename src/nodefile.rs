//! The launcher's file, `/run/quorate/<service>/<id>.json`: what it tells the sidecar, and its own next run, about the node.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use crate::{host, model::ClaimId};

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
}

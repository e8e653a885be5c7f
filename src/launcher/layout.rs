//! Where the launcher keeps what belongs to one node. Pure.

use std::path::{Path, PathBuf};

use crate::model::{NodeId, ServiceName};

/// The directories and files of one node. All but `data` lie in a directory that only the launcher may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// `<state-dir>/<service>/<id>`.
    pub dir: PathBuf,
    /// The node's config directory, made afresh at each start.
    pub config: PathBuf,
    /// What the launcher alone writes while the node runs.
    pub seeds: PathBuf,
    /// The node's temporary files.
    pub tmp: PathBuf,
    /// The node's log files.
    pub logs: PathBuf,
    /// What the host remembers beside the data.
    pub cache: PathBuf,
    /// The data directory.
    pub data: PathBuf,
    /// What the data directory says about itself.
    pub marker: PathBuf,
    /// Locked as long as a launcher or a node uses the data directory.
    pub lock: PathBuf,
}

impl Layout {
    /// The layout under `state_dir`, with the data elsewhere when `data` says so.
    pub fn new(state_dir: &Path, service: &ServiceName, id: &NodeId, data: &Path) -> Self {
        let dir = state_dir.join(service.as_str()).join(id.dir_name());
        Self {
            config: dir.join("config"),
            seeds: dir.join("seeds"),
            tmp: dir.join("tmp"),
            logs: dir.join("logs"),
            cache: dir.join("cache.json"),
            data: data.to_owned(),
            marker: data.join(".quorate.json"),
            lock: data.join(".quorate.lock"),
            dir,
        }
    }
}

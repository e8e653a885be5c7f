//! What a launcher tells of its seed list, `/run/quorate/<service>/<id>.seeds.json`: who is in it and why, and how old each source is.
//!
//! For `quorate status`, the sidecar's `/status`, and `quorate seeds` while etcd is away. It stays when the launcher ends: then it is the
//! last good list of this host.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use crate::{
    host,
    model::{NodeId, ServiceName},
    nodefile::ProcessId,
};

const SUFFIX: &str = ".seeds.json";

/// The whole document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedsTold {
    /// Format of this file.
    pub format: u32,
    /// Whose list it is.
    pub id: NodeId,
    /// Whether that node may be elected, so that it belongs into everybody else's list.
    pub master_eligible: bool,
    /// The launcher that wrote it.
    pub launcher: Option<ProcessId>,
    /// The other masters.
    pub seeds: Vec<ToldSeed>,
    /// When the seed file was last written, RFC 3339; none: by an earlier launcher.
    pub written_at: Option<String>,
    /// How etcd stands.
    pub etcd: ToldSource,
    /// How the nodes' own list stands.
    pub nodes: ToldSource,
}

/// One master in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldSeed {
    /// `host:port` of its transport.
    pub host: String,
    /// Which sources name it now: `etcd`, `nodes`.
    pub from: Vec<String>,
    /// Since when none has named it, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_since: Option<String>,
    /// Whether it answered when it was asked directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<bool>,
}

/// A source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldSource {
    /// Whether its word counts now.
    pub current: bool,
    /// etcd: since when it has been there or away; the nodes: when they were last asked. RFC 3339; none: not yet.
    pub at: Option<String>,
    /// Why its word does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl SeedsTold {
    /// Where the launcher of `id` writes it.
    pub fn path(run_dir: &Path, service: &ServiceName, id: &NodeId) -> PathBuf {
        run_dir.join(service.as_str()).join(format!("{id}{SUFFIX}"))
    }

    /// Writes it for everyone to read.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let bytes = serde_json::to_vec(self).map_err(io::Error::other)?;
        host::write_atomic(path, &bytes, 0o644)
    }

    /// Reads it; none when it is not there or from something else.
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&host::read_optional(path).ok()??).ok()
    }

    /// Every list that launchers on this host keep for `service`, or kept, sorted by id.
    pub fn all(run_dir: &Path, service: &ServiceName) -> Vec<Self> {
        let files = fs::read_dir(run_dir.join(service.as_str()))
            .into_iter()
            .flatten()
            .flatten();
        let files = files.map(|file| file.path());
        let files = files.filter(|path| path.to_str().is_some_and(|path| path.ends_with(SUFFIX)));
        let mut all: Vec<Self> = files.filter_map(|path| Self::read(&path)).collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    /// Every master that launchers on this host know, and when their lists were last written or told true; none where there is none.
    /// Those that have ended count only where none lives.
    pub fn last_good(run_dir: &Path, service: &ServiceName) -> Option<(Vec<String>, SystemTime)> {
        let (live, ended): (Vec<Self>, Vec<Self>) = Self::all(run_dir, service).into_iter().partition(Self::is_live);
        let all = if live.is_empty() { ended } else { live };
        let masters: BTreeSet<String> = all.iter().flat_map(Self::masters).collect();
        let files = all.iter().map(|told| Self::path(run_dir, service, &told.id));
        let written = files.filter_map(|path| fs::metadata(path).ok()?.modified().ok());
        (!masters.is_empty()).then(|| {
            (
                masters.into_iter().collect(),
                written.max().unwrap_or(SystemTime::UNIX_EPOCH),
            )
        })
    }

    /// Whether the launcher that wrote it lives.
    pub fn is_live(&self) -> bool {
        self.launcher.is_some_and(ProcessId::is_alive)
    }

    /// All masters, the own node among them if it is one.
    fn masters(&self) -> BTreeSet<String> {
        let own = self
            .master_eligible
            .then(|| self.id.host_port(self.id.transport_port()));
        self.seeds.iter().map(|seed| seed.host.clone()).chain(own).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(id: &str, seeds: &[&str], lives: bool) -> SeedsTold {
        let seed = |host: &&str| ToldSeed {
            host: (*host).to_owned(),
            from: Vec::new(),
            missed_since: None,
            answers: None,
        };
        SeedsTold {
            format: 1,
            id: id.parse().expect("id"),
            master_eligible: true,
            launcher: ProcessId::of(std::process::id()).filter(|_| lives),
            seeds: seeds.iter().map(seed).collect(),
            written_at: None,
            etcd: ToldSource::default(),
            nodes: ToldSource::default(),
        }
    }

    #[test]
    fn launchers_that_live_know_better_than_those_that_have_ended() {
        let dir = tempfile::tempdir().expect("a directory");
        let service: ServiceName = "es".parse().expect("name");
        fs::create_dir(dir.path().join("es")).expect("a directory");
        let last_good = || SeedsTold::last_good(dir.path(), &service).map(|(seeds, _)| seeds);
        assert_eq!(last_good(), None);
        for (told, expected) in [
            (
                told("10.0.0.9", &["10.0.0.1:9300"], false),
                &["10.0.0.1:9300", "10.0.0.9:9300"][..],
            ),
            (
                told("10.0.0.2:9301", &["10.0.0.3:9300"], true),
                &["10.0.0.2:9301", "10.0.0.3:9300"],
            ),
        ] {
            told.write(&SeedsTold::path(dir.path(), &service, &told.id))
                .expect("written");
            let seeds = last_good();
            assert_eq!(
                seeds.as_deref(),
                Some(&expected.iter().map(|&seed| seed.to_owned()).collect::<Vec<_>>()[..])
            );
        }
    }
}

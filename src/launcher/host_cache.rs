//! What a host remembers beside the data directory, so that a wiped disk is not taken for a new host and a host without etcd still
//! finds its cluster. Never proof of anything: it only forbids, or gives addresses to try.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    host,
    model::{ClusterRecord, FORMAT, RecordState},
    view::ClusterView,
};

/// The content of `<state-dir>/<service>/<id>/cache.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostCache {
    /// Format of this file.
    pub format: u32,
    /// The last seed list that was not empty.
    #[serde(default)]
    pub seeds: Vec<String>,
    /// The last record seen armed or formed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<ClusterRecord>,
}

impl Default for HostCache {
    fn default() -> Self {
        Self {
            format: FORMAT,
            seeds: Vec::new(),
            record: None,
        }
    }
}

impl HostCache {
    /// Reads the file; empty when there is none. One that cannot be read is an error: forgetting would allow what it forbids.
    pub fn read(path: &Path) -> io::Result<Self> {
        match host::read_optional(path)? {
            None => Ok(Self::default()),
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let what = "cannot be read, and it is what keeps this host from founding a second cluster";
                let remedy = "bring it back from a copy, or delete it if this host never was in another cluster";
                io::Error::other(format!("{} {what} ({error}): {remedy}", path.display()))
            }),
        }
    }

    /// Writes the file.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let bytes = serde_json::to_vec(self).map_err(io::Error::other)?;
        host::write_atomic(path, &bytes, 0o644)
    }

    /// Takes in what `view` shows; whether anything changed. `seeds` is the seed list of the view without the own node.
    pub fn learn(&mut self, view: &ClusterView, seeds: &[String]) -> bool {
        let lasting = view.record.as_ref().map(|stored| &stored.value);
        let lasting = lasting.filter(|record| record.state != RecordState::Claimed);
        let new_record = lasting.is_some() && self.record.as_ref() != lasting;
        if new_record {
            self.record = lasting.cloned();
        }
        let new_seeds = !seeds.is_empty() && self.seeds != seeds;
        if new_seeds {
            self.seeds = seeds.to_vec();
        }
        new_record || new_seeds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Stored;

    fn view(state: RecordState) -> ClusterView {
        let (claim, id) = ("c1".parse().expect("claim"), "10.0.0.1".parse().expect("id"));
        let mut record = ClusterRecord::claimed(claim, id, "d1".parse().expect("disk"), Vec::new(), "logs".to_owned());
        record.state = state;
        let stored = Stored {
            value: record,
            mod_revision: 1,
            create_revision: 1,
            lease: None,
        };
        ClusterView {
            record: Some(stored),
            ..ClusterView::default()
        }
    }

    #[test]
    fn a_good_list_and_a_lasting_record_are_never_forgotten() {
        let mut cache = HostCache::default();
        let seeds = ["10.0.0.2:9300".to_owned()];
        assert!(
            !cache.learn(&view(RecordState::Claimed), &[]),
            "a claim may vanish again"
        );
        assert!(cache.learn(&view(RecordState::Armed), &seeds));
        assert!(
            !cache.learn(&view(RecordState::Armed), &seeds),
            "nothing new, nothing to write"
        );
        let learned = cache.clone();
        assert!(!cache.learn(&ClusterView::default(), &[]));
        assert_eq!(cache, learned);
    }

    #[test]
    fn a_cache_survives_and_a_damaged_one_is_no_empty_one() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("cache.json");
        assert_eq!(HostCache::read(&path).expect("read"), HostCache::default());
        let mut cache = HostCache::default();
        assert!(cache.learn(&view(RecordState::Formed), &[]));
        cache.write(&path).expect("written");
        assert_eq!(HostCache::read(&path).expect("read"), cache);
        std::fs::write(&path, b"{").expect("damaged");
        assert!(HostCache::read(&path).is_err());
    }
}

//! The cluster as the registry shows it: record, seeds, members. One immutable picture per decision. Pure.
//!
//! Entries are judged one by one: a value that cannot be read costs that entry and a warning, never the others.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::{ClaimId, ClusterRecord, Member, NodeId, Seed},
    registry::{Entry, Key, Keys, LeaseId, Reading, Revision, WatchEvent},
};

/// A value with what etcd knows about its key.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<T> {
    /// The value.
    pub value: T,
    /// The revision that wrote it.
    pub mod_revision: Revision,
    /// The revision that made the key.
    pub create_revision: Revision,
    /// The lease it lives with.
    pub lease: Option<LeaseId>,
}

/// What is there, at one revision.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClusterView {
    /// The revision of this picture.
    pub revision: Revision,
    /// The cluster record.
    pub record: Option<Stored<ClusterRecord>>,
    /// The seeds.
    pub seeds: BTreeMap<NodeId, Stored<Seed>>,
    /// The members.
    pub members: BTreeMap<NodeId, Stored<Member>>,
    /// Claims that were reset.
    pub voids: BTreeSet<ClaimId>,
    /// Keys whose value cannot be used, and why. The record among them forbids every decision that rests on its absence.
    pub unreadable: BTreeMap<String, String>,
}

impl ClusterView {
    /// The picture of one reading of [`Keys::all`].
    pub fn of(keys: &Keys, reading: &Reading) -> Self {
        Self::listed(keys, reading.revision, &reading.entries)
    }

    fn listed(keys: &Keys, revision: Revision, entries: &[Entry]) -> Self {
        let mut view = Self {
            revision,
            ..Self::default()
        };
        for entry in entries {
            view.put(keys, entry);
        }
        view
    }

    /// The picture after `event`; whether anything changed.
    pub fn apply(&mut self, keys: &Keys, event: &WatchEvent) -> bool {
        match event {
            WatchEvent::Listed { revision, entries } => {
                let next = Self::listed(keys, *revision, entries);
                let changed = !self.same_content(&next);
                *self = next;
                changed
            }
            WatchEvent::Put(entry) => {
                self.revision = self.revision.max(entry.mod_revision);
                self.forget(keys, &entry.key);
                self.put(keys, entry);
                true
            }
            WatchEvent::Deleted { key, revision } => {
                self.revision = self.revision.max(*revision);
                self.forget(keys, key)
            }
            WatchEvent::Alive { .. } | WatchEvent::Away { .. } => false,
        }
    }

    /// Whether the record's key is there but cannot be read.
    pub fn record_unreadable(&self, keys: &Keys) -> Option<&str> {
        self.unreadable.get(&keys.record()).map(String::as_str)
    }

    /// `host:port` of every master-eligible node but `me`, seeds and members together, sorted, each once.
    pub fn seed_hosts(&self, me: Option<&NodeId>) -> Vec<String> {
        let hosts = self.hosts().filter(|(id, _, eligible)| *eligible && Some(*id) != me);
        let hosts: BTreeSet<String> = hosts.map(|(id, port, _)| id.host_port(port)).collect();
        hosts.into_iter().collect()
    }

    /// `host:port` of every node that is known to be no master.
    pub fn other_hosts(&self) -> BTreeSet<String> {
        let hosts = self.hosts().filter(|(.., eligible)| !eligible);
        hosts.map(|(id, port, _)| id.host_port(port)).collect()
    }

    /// Every node with its transport port and whether it may be elected.
    fn hosts(&self) -> impl Iterator<Item = (&NodeId, u16, bool)> {
        let seeds = self
            .seeds
            .iter()
            .map(|(id, s)| (id, s.value.transport_port, s.value.master_eligible));
        let members = self
            .members
            .iter()
            .map(|(id, m)| (id, m.value.transport_port, m.value.master_eligible()));
        // A seed knows its roles before it runs; where both keys speak, the seed's word counts.
        seeds.chain(members.filter(|(id, ..)| !self.seeds.contains_key(*id)))
    }

    fn same_content(&self, other: &Self) -> bool {
        let Self {
            revision: _,
            record,
            seeds,
            members,
            voids,
            unreadable,
        } = self;
        (record, seeds, members) == (&other.record, &other.seeds, &other.members)
            && (voids, unreadable) == (&other.voids, &other.unreadable)
    }

    fn put(&mut self, keys: &Keys, entry: &Entry) {
        let problem = match keys.parse(&entry.key) {
            Some(Key::Member(id)) => Member::parse(&entry.value).map(|value| {
                self.members.insert(id, stored(value, entry));
            }),
            Some(Key::Seed(id)) => Seed::parse(&entry.value).map(|value| {
                self.seeds.insert(id, stored(value, entry));
            }),
            Some(Key::Record) => ClusterRecord::parse(&entry.value).map(|value| {
                self.record = Some(stored(value, entry));
            }),
            Some(Key::Void(claim)) => {
                self.voids.insert(claim);
                Ok(())
            }
            None => {
                // Other keys beside the record and the tombstones are a newer version's business.
                if keys.holds_id(&entry.key) {
                    let problem = "the last part of the key is no node id".to_owned();
                    self.unreadable.insert(entry.key.clone(), problem);
                }
                Ok(())
            }
        };
        if let Err(error) = problem {
            self.unreadable.insert(entry.key.clone(), error.to_string());
        }
    }

    fn forget(&mut self, keys: &Keys, key: &str) -> bool {
        let unreadable = self.unreadable.remove(key).is_some();
        let known = match keys.parse(key) {
            Some(Key::Member(id)) => self.members.remove(&id).is_some(),
            Some(Key::Seed(id)) => self.seeds.remove(&id).is_some(),
            Some(Key::Record) => self.record.take().is_some(),
            Some(Key::Void(claim)) => self.voids.remove(&claim),
            None => false,
        };
        unreadable || known
    }
}

fn stored<T>(value: T, entry: &Entry) -> Stored<T> {
    Stored {
        value,
        mod_revision: entry.mod_revision,
        create_revision: entry.create_revision,
        lease: entry.lease,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, value: &str) -> Entry {
        Entry {
            key: key.to_owned(),
            value: value.as_bytes().to_vec(),
            create_revision: 1,
            mod_revision: 1,
            lease: None,
        }
    }

    fn keys() -> Keys {
        Keys::new("/services", "/quorate", &"es".parse().expect("name"))
    }

    #[test]
    fn one_bad_entry_costs_only_itself() {
        let entries = vec![
            entry("/services/es/10.0.0.1", r#"{"http_port":9200,"transport_port":9300}"#),
            entry("/services/es/10.0.0.2", "garbage"),
            entry("/services/es/not/an/id", r#"{"http_port":9200,"transport_port":9300}"#),
            entry(
                "/services/es/10.0.0.3",
                r#"{"http_port":9200,"transport_port":9303,"roles":["data"]}"#,
            ),
        ];
        let view = ClusterView::of(&keys(), &Reading { revision: 7, entries });
        assert_eq!(view.members.len(), 2);
        assert_eq!(
            view.unreadable.keys().collect::<Vec<_>>(),
            ["/services/es/10.0.0.2", "/services/es/not/an/id"]
        );
        assert_eq!(view.seed_hosts(None), ["10.0.0.1:9300"]);
        assert_eq!(
            view.seed_hosts(Some(&"10.0.0.1".parse().expect("id"))),
            Vec::<String>::new()
        );
    }

    #[test]
    fn events_lead_to_the_same_picture_as_a_list() {
        let member = entry("/services/es/10.0.0.1", r#"{"http_port":9200,"transport_port":9300}"#);
        let mut view = ClusterView::default();
        assert!(view.apply(&keys(), &WatchEvent::Put(member.clone())));
        let listed = WatchEvent::Listed {
            revision: 9,
            entries: vec![member.clone()],
        };
        assert!(!view.apply(&keys(), &listed), "the same content is no change");
        assert!(view.apply(
            &keys(),
            &WatchEvent::Deleted {
                key: member.key,
                revision: 10
            }
        ));
        assert!(view.members.is_empty());
        assert_eq!(view.revision, 10);
    }
}

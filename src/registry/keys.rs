//! The key schema: the only place that knows where a `/` goes.

use super::Range;
use crate::model::{ClaimId, NodeId, ServiceName};

/// The keys of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    members: String,
    control: String,
}

/// What a key of this service is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A member.
    Member(NodeId),
    /// A seed.
    Seed(NodeId),
    /// The cluster record.
    Record,
    /// The tombstone of a claim that was reset.
    Void(ClaimId),
}

impl Keys {
    /// The keys of `service` under the two roots, which begin with `/` and do not end in one.
    pub fn new(prefix: &str, control_prefix: &str, service: &ServiceName) -> Self {
        Self {
            members: format!("{prefix}/{service}/"),
            control: format!("{control_prefix}/{service}/"),
        }
    }

    /// The key of a member.
    pub fn member(&self, id: &NodeId) -> String {
        format!("{}{id}", self.members)
    }

    /// All members.
    pub fn members(&self) -> Range {
        Range::Prefix(self.members.clone())
    }

    /// The key of a seed.
    pub fn seed(&self, id: &NodeId) -> String {
        format!("{}seeds/{id}", self.control)
    }

    /// All seeds.
    pub fn seeds(&self) -> Range {
        Range::Prefix(format!("{}seeds/", self.control))
    }

    /// The key of the cluster record.
    pub fn record(&self) -> String {
        format!("{}cluster", self.control)
    }

    /// The key of a claim's tombstone.
    pub fn void(&self, claim: &ClaimId) -> String {
        format!("{}void/{claim}", self.control)
    }

    /// Everything that a view of the cluster consists of. Record, seeds and tombstones are one range, because a watch keeps
    /// together what one transaction writes within one range.
    pub fn all(&self) -> Vec<Range> {
        vec![Range::Prefix(self.control.clone()), self.members()]
    }

    /// Whether `key` stands where an id belongs.
    pub fn holds_id(&self, key: &str) -> bool {
        self.members().contains(key) || self.seeds().contains(key)
    }

    /// What `key` is about; none for keys of other services and for ids that are none.
    pub fn parse(&self, key: &str) -> Option<Key> {
        if let Some(id) = key.strip_prefix(&self.members) {
            return id.parse().ok().map(Key::Member);
        }
        let rest = key.strip_prefix(&self.control)?;
        match rest.split_once('/') {
            None if rest == "cluster" => Some(Key::Record),
            Some(("seeds", id)) => id.parse().ok().map(Key::Seed),
            Some(("void", claim)) => claim.parse().ok().map(Key::Void),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_promised_form_and_read_back() {
        let keys = Keys::new("/services", "/quorate", &"elasticsearch".parse().expect("name"));
        let id: NodeId = "10.0.0.1:9301".parse().expect("id");
        assert_eq!(keys.member(&id), "/services/elasticsearch/10.0.0.1:9301");
        assert_eq!(keys.seed(&id), "/quorate/elasticsearch/seeds/10.0.0.1:9301");
        assert_eq!(keys.record(), "/quorate/elasticsearch/cluster");
        assert_eq!(keys.parse(&keys.member(&id)), Some(Key::Member(id.clone())));
        assert_eq!(keys.parse(&keys.seed(&id)), Some(Key::Seed(id)));
        assert_eq!(keys.parse(&keys.record()), Some(Key::Record));
        for other in [
            "/services/elasticsearch2/10.0.0.1",
            "/services/elasticsearch/a/b",
            "/quorate/elasticsearch/x",
            "/quorate/elasticsearch/cluster/x",
        ] {
            assert_eq!(keys.parse(other), None, "{other}");
        }
    }
}

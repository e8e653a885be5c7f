//! The value of a registered key: a JSON object that carries the incarnation of the run that wrote it.

use serde_json::Map;

use crate::model::{Incarnation, Member, Seed};

/// The field that fences a key.
const INCARNATION: &str = "incarnation";
/// The field that names the boot in which a key was written, where the writer says it.
const BOOT: &str = "boot";

/// The fields of a value, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(Map<String, serde_json::Value>);

impl Value {
    /// Reads a stored value; none when it is no JSON object, which no run of ours wrote.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(Self)
    }

    /// The same value as `incarnation` writes it.
    #[must_use]
    pub fn of_run(mut self, incarnation: &Incarnation) -> Self {
        self.0.insert(INCARNATION.to_owned(), incarnation.as_str().into());
        self
    }

    /// The run that wrote it; none in what a script wrote.
    pub fn incarnation(&self) -> Option<&str> {
        self.0.get(INCARNATION)?.as_str()
    }

    /// The boot in which it was written, where it says so.
    pub fn boot(&self) -> Option<&str> {
        self.0.get(BOOT)?.as_str()
    }

    /// The bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        // A map with string keys: serialisation has no way to fail.
        serde_json::to_vec(&self.0).unwrap_or_default()
    }
}

impl From<Map<String, serde_json::Value>> for Value {
    fn from(fields: Map<String, serde_json::Value>) -> Self {
        Self(fields)
    }
}

impl From<&Member> for Value {
    fn from(member: &Member) -> Self {
        Self::parse(&member.to_value()).unwrap_or(Self(Map::new()))
    }
}

impl From<&Seed> for Value {
    fn from(seed: &Seed) -> Self {
        Self::parse(&seed.to_value()).unwrap_or(Self(Map::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_promised_fields_stay_first() {
        let value = Value::from(&Member::new(9200, 9300)).of_run(&"abc".parse().expect("id"));
        assert_eq!(
            String::from_utf8(value.to_bytes()).as_deref(),
            Ok(r#"{"http_port":9200,"transport_port":9300,"incarnation":"abc"}"#)
        );
        assert_eq!(value.incarnation(), Some("abc"));
        assert_eq!(Value::parse(b"9300"), None);
    }
}

//! The tombstone of a claim that was reset: no disk of that claim brings its record back.

use serde::{Deserialize, Serialize};

use super::{ClusterRecord, value};

/// Says when, by whom and why; that it is there is all that counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tombstone {
    /// Format of this value.
    #[serde(default = "value::first_format")]
    pub format: u32,
    /// When, RFC 3339.
    pub at: String,
    /// By whom: `user@host`.
    pub by: String,
    /// Why, in the words of whoever did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The record that was there; none when only the claim was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<ClusterRecord>,
}

impl Tombstone {
    /// The value to store.
    pub fn to_value(&self) -> Vec<u8> {
        value::to_json(self)
    }
}

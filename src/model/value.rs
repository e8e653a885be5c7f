//! What all stored JSON values share: the format number and the error of a value that cannot be read.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::brief;

/// The format that this version writes into seed, record and files. A higher one is read, never written over.
pub const FORMAT: u32 = 1;

/// Why a stored value cannot be used. Concerns that one entry only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not UTF-8, not JSON, or a field of the wrong type.
    #[error("not a readable {what}: {cause}")]
    Unreadable {
        /// What was expected, e.g. `member`.
        what: &'static str,
        /// The parser's own words.
        cause: String,
    },
    /// Written by a newer version; it may be shown, not rewritten.
    #[error("{what} has format {found}, this version writes {FORMAT}: update quorate before it may change this value")]
    Newer {
        /// What was expected, e.g. `record`.
        what: &'static str,
        /// The format found.
        found: u32,
    },
}

/// Reads `bytes` as JSON.
pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, ValueError> {
    serde_json::from_slice(bytes).map_err(|error| ValueError::Unreadable {
        what,
        cause: brief(&error.to_string()),
    })
}

/// Renders `value` as one line of JSON.
pub(super) fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    // Maps with string keys and plain data: serialisation of these types has no way to fail.
    serde_json::to_vec(value).unwrap_or_default()
}

/// The `format` field where a writer left it out.
pub(super) const fn first_format() -> u32 {
    FORMAT
}

/// Fields that this version does not know, kept when the value is rewritten.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unknown(serde_json::Map<String, serde_json::Value>);

/// Fails when the value was written by a newer version, so that a rewrite would lose what it means.
pub(super) fn writable(what: &'static str, format: u32) -> Result<(), ValueError> {
    if format > FORMAT {
        Err(ValueError::Newer { what, found: format })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{
        model::{ClusterRecord, Marker, Member, Seed},
        nodefile::NodeFile,
    };

    /// Bytes of any kind, and texts that look like what is expected.
    fn outside() -> impl Strategy<Value = Vec<u8>> {
        let word = prop_oneof![
            Just("format"),
            Just("http_port"),
            Just("transport_port"),
            Just("name"),
            Just("disk"),
            Just("state"),
            Just("masters"),
            Just("phase")
        ];
        let value = prop_oneof![
            any::<i64>().prop_map(|n| n.to_string()),
            any::<f64>().prop_map(|n| format!("{n:?}")),
            any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
            Just("null".to_owned()),
            Just("[[{}]]".to_owned()),
            Just("\"formed\"".to_owned()),
        ];
        let field = (word, value).prop_map(|(name, value)| format!("\"{name}\":{value}"));
        let object =
            prop::collection::vec(field, 0..9).prop_map(|fields| format!("{{{}}}", fields.join(",")).into_bytes());
        prop_oneof![any::<Vec<u8>>(), object]
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_reader_panic_and_every_complaint_is_short(bytes in outside()) {
            let errors = [
                Member::parse(&bytes).err(),
                Seed::parse(&bytes).err(),
                ClusterRecord::parse(&bytes).err(),
                Marker::parse(&bytes).err(),
            ];
            for error in errors.into_iter().flatten() {
                prop_assert!(error.to_string().chars().count() < 300, "{error}");
            }
            let _ = serde_json::from_slice::<NodeFile>(&bytes);
        }

        #[test]
        fn what_is_read_is_written_the_same(bytes in outside()) {
            if let Ok(member) = Member::parse(&bytes) {
                prop_assert_eq!(Member::parse(&member.to_value()), Ok(member));
            }
        }
    }

    #[test]
    fn no_damaged_value_makes_a_reader_panic_and_what_is_read_is_written_the_same() {
        crate::fuzz::fuzz("values", |bytes| {
            let again = |written: Vec<u8>, read: &dyn Fn(&[u8]) -> Vec<u8>| assert_eq!(read(&written), written);
            if let Ok(member) = Member::parse(bytes) {
                again(member.to_value(), &|bytes| {
                    Member::parse(bytes).expect("a member").to_value()
                });
            }
            if let Ok(seed) = Seed::parse(bytes) {
                again(seed.to_value(), &|bytes| Seed::parse(bytes).expect("a seed").to_value());
            }
            if let Ok(record) = ClusterRecord::parse(bytes) {
                again(record.to_value(), &|bytes| {
                    ClusterRecord::parse(bytes).expect("a record").to_value()
                });
            }
            if let Ok(marker) = Marker::parse(bytes) {
                again(marker.to_value(), &|bytes| {
                    Marker::parse(bytes).expect("a marker").to_value()
                });
            }
            for error in [Member::parse(bytes).err(), Marker::parse(bytes).err()]
                .into_iter()
                .flatten()
            {
                assert!(error.to_string().chars().count() < 300, "{error}");
            }
            let _ = crate::registration::Value::parse(bytes).map(|value| value.to_bytes());
            let _ = serde_json::from_slice::<NodeFile>(bytes);
        });
    }
}

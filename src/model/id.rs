//! Names, UUIDs and random ids: what they look like, and nothing that does not look so.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is no id or name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}: expected {expected}")]
pub struct IdError {
    /// What was given.
    pub text: String,
    /// What it should have been, e.g. `node id`.
    pub what: &'static str,
    /// The form in words.
    pub expected: &'static str,
}

/// The name under which one search cluster is registered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceName(String);

impl ServiceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ServiceName {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let ok = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let fits = !text.is_empty() && text.len() <= 128 && text.bytes().all(ok) && text.bytes().any(|b| b != b'.');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError {
                text: text.to_owned(),
                what: "service name",
                expected: "letters, digits, `-`, `_` and `.`, at most 128",
            })
        }
    }
}

/// A random 128-bit id, 32 hexadecimal digits.
macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// A fresh id from the operating system's random source.
            ///
            /// # Errors
            /// When that source does not answer; nothing may be fenced then.
            pub fn random() -> std::io::Result<Self> {
                let mut bytes = [0_u8; 16];
                getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
                Ok(Self(bytes.iter().map(|b| format!("{b:02x}")).collect()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                let fits = !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
                if fits {
                    Ok(Self(text))
                } else {
                    Err(IdError { text, what: $what, expected: "up to 64 letters, digits and `-`" })
                }
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.to_owned().try_into()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

random_id! {
    /// One run of a sidecar or launcher; it fences that run's keys.
    Incarnation, "incarnation"
}
random_id! {
    /// One data directory, drawn once when its marker is written.
    DiskId, "disk id"
}
random_id! {
    /// One claim, the one-time right to bootstrap.
    ClaimId, "claim id"
}

/// The id that a search cluster gave itself. `_na_`, a node's word for "none yet", is not one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterUuid(String);

impl ClusterUuid {
    /// The UUID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The UUID in a node's answer; none for `_na_` and anything that is no UUID.
    pub fn reported(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl fmt::Display for ClusterUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ClusterUuid {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let fits = text != "_na_"
            && (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError {
                text: text.to_owned(),
                what: "cluster UUID",
                expected: "what a node that has a cluster reports",
            })
        }
    }
}

impl TryFrom<String> for ClusterUuid {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<ClusterUuid> for String {
    fn from(uuid: ClusterUuid) -> Self {
        uuid.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NodeId;

    #[test]
    fn no_uuid_is_never_a_uuid() {
        assert_eq!(ClusterUuid::reported("_na_"), None);
        assert_eq!(ClusterUuid::reported(""), None);
        assert!(ClusterUuid::reported("xYz-_9aaaaaaaaaaaaaaaa").is_some());
    }

    #[test]
    fn random_ids_differ_and_read_back() {
        let (a, b) = (DiskId::random().expect("random"), DiskId::random().expect("random"));
        assert_ne!(a, b);
        assert_eq!(a.as_str().parse::<DiskId>(), Ok(a.clone()));
        assert_eq!(a.as_str().len(), 32);
    }

    /// Every line is a word.
    #[test]
    fn a_damaged_word_is_written_as_it_was_read_or_named_in_the_error() {
        fn check<T: FromStr<Err = IdError> + fmt::Display + PartialEq + fmt::Debug>(word: &str) {
            match word.parse::<T>() {
                Ok(id) => assert_eq!(id.to_string().parse(), Ok(id)),
                Err(error) => assert!(error.to_string().contains(word)),
            }
        }
        crate::fuzz::fuzz("words", |bytes| {
            let text = String::from_utf8_lossy(bytes);
            for word in text.lines() {
                check::<NodeId>(word);
                check::<ServiceName>(word);
                check::<Incarnation>(word);
                assert_eq!(ClusterUuid::reported("_na_"), None);
                let _ = ClusterUuid::reported(word);
                let time = crate::config::time(word);
                assert!(time.is_none_or(|time| time.as_secs() <= 366 * 24 * 3600));
                if let Ok(version) = word.parse::<crate::launcher::product::Version>() {
                    assert_eq!(version.to_string().parse(), Ok(version));
                }
            }
        });
    }
}

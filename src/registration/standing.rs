//! How a registration stands, for status, metrics and people.

use std::{collections::BTreeMap, fmt, time::Duration};

use tokio::time::Instant;

use crate::registry::{LeaseId, RegistryError, Revision};

/// How a registration stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the key is there as it is wanted, under our lease, as far as is known.
    pub registered: bool,
    /// The lease, while it surely lives.
    pub lease: Option<LeaseId>,
    /// Until when it surely lives.
    pub lease_deadline: Option<Instant>,
    /// The revision that wrote our key, while it is there.
    pub key_revision: Option<Revision>,
    /// Whether it is known what is there: not before the first read, nor after a write that had no answer.
    pub known: bool,
    /// Since when no endpoint answers.
    pub away_since: Option<Instant>,
    /// The last words of an etcd that is away or refuses.
    pub cause: Option<String>,
    /// What keeps the wish from coming true although etcd answers.
    pub obstacle: Option<Obstacle>,
    /// When the key was last read.
    pub verified_at: Option<Instant>,
    /// What was done since the start.
    pub counters: Counters,
}

impl Standing {
    /// What has become of the key, in a word for the log, when something has; `told` is the revision that the log spoke of last.
    /// A wish that is about to come true is no news, and neither is a key of which nothing is known for a moment.
    pub(super) fn news(&self, told: Option<Revision>) -> Option<&'static str> {
        match (told, self.key_revision) {
            (None, Some(_)) => Some("registered"),
            (Some(before), Some(now)) if before != now => Some("registered with a new value"),
            (Some(_), None) if self.known => Some("not registered"),
            (Some(_) | None, Some(_) | None) => None,
        }
    }
}

/// What was done since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Writes of the key.
    pub puts: u64,
    /// Deletions of the key.
    pub deletes: u64,
    /// Leases that ended before we ended them.
    pub lease_losses: u64,
    /// Failed calls by the kind of their error.
    pub errors: BTreeMap<&'static str, u64>,
}

/// What keeps a wish from coming true although etcd answers. Its text is a sentence without period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Another owner's key is at our id, and its lease lives.
    ForeignLease {
        /// The key.
        key: String,
        /// Its lease.
        lease: LeaseId,
    },
    /// The key was written in another boot of this host, or by its clone: its lease was renewed since this boot.
    OtherBoot {
        /// The key.
        key: String,
        /// Its lease.
        lease: LeaseId,
        /// How long the lease lives unless somebody renews it.
        remaining: Duration,
    },
    /// Another owner's key without a lease is at our id; it stays until somebody takes it away.
    ForeignKey {
        /// The key.
        key: String,
        /// The revision that wrote it.
        revision: Revision,
    },
    /// What the next run needs to know cannot be written down, so nothing is put.
    StateFile {
        /// Why.
        cause: String,
    },
    /// etcd answers and refuses, in these words.
    Refused(RegistryError),
}

impl Obstacle {
    /// A fixed word for metrics and logs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ForeignLease { .. } => "foreign_lease",
            Self::OtherBoot { .. } => "other_boot",
            Self::ForeignKey { .. } => "foreign_key",
            Self::StateFile { .. } => "state_file",
            Self::Refused(_) => "refused",
        }
    }

    /// The next thing for a person to do.
    pub fn hint(&self) -> String {
        let text = match self {
            Self::ForeignLease { .. } => "is another sidecar or launcher registered with this address?",
            Self::OtherBoot { .. } => "was this machine cloned from one that still runs?",
            Self::ForeignKey { .. } => "delete the key, or start once with --take-over",
            Self::StateFile { .. } => "make the state directory writable",
            Self::Refused(error) => return error.hint(),
        };
        text.to_owned()
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignLease { key, lease } => {
                write!(
                    f,
                    "`{key}` belongs to another owner: waiting for the end of its lease {lease}"
                )
            }
            Self::OtherBoot { key, lease, remaining } => write!(
                f,
                "`{key}` is from another boot and its lease {lease} was renewed since this one: waiting up to {}s for its end",
                remaining.as_secs()
            ),
            Self::ForeignKey { key, revision } => {
                write!(
                    f,
                    "blocked by foreign key `{key}`, without a lease, written at revision {revision}"
                )
            }
            Self::StateFile { cause } => write!(f, "cannot write the state file: {cause}"),
            Self::Refused(error) => write!(f, "{error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_speaks_of_what_became_of_the_key_and_of_no_wish() {
        let standing = |revision, known| Standing {
            key_revision: revision,
            known,
            ..Standing::default()
        };
        for (told, revision, known, news) in [
            (None, None, false, None),
            (None, None, true, None),
            (None, Some(5), true, Some("registered")),
            (Some(5), Some(5), true, None),
            (Some(5), Some(6), true, Some("registered with a new value")),
            (Some(6), None, false, None),
            (Some(6), None, true, Some("not registered")),
        ] {
            assert_eq!(
                standing(revision, known).news(told),
                news,
                "{told:?} {revision:?} {known}"
            );
        }
    }
}

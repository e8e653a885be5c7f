//! What is wrong with a node, as a class: for the reason in words, for `/status`, and as a label that alarms can be hung on. Pure.

use serde::{Deserialize, Serialize};

use crate::{nodefile::DiskState, probe::ProbeFailure};

/// One class of illness. Each has one cause and wants one thing done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Illness {
    /// Nothing listens.
    Refused,
    /// Its process is dead, whatever its sockets say.
    Dead,
    /// It takes connections and says nothing: it waits for something, collects garbage, or was stopped and nobody can see that.
    Hung,
    /// Its process is stopped or frozen: it gets no processor.
    Frozen,
    /// It begins to answer and is not done in time.
    Slow,
    /// No connection, or one that ends, or an error for an answer.
    Broken,
    /// It lives and does not tell us.
    Denied,
    /// It answers, and has no master.
    Masterless,
    /// Somebody else answers.
    Stranger,
    /// A write to its disk does not end.
    DiskStalled,
    /// Its disk is mounted read-only.
    DiskReadOnly,
    /// Its disk answers writes with an error.
    DiskFailing,
}

impl Illness {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Refused,
        Self::Dead,
        Self::Hung,
        Self::Frozen,
        Self::Slow,
        Self::Broken,
        Self::Denied,
        Self::Masterless,
        Self::Stranger,
        Self::DiskStalled,
        Self::DiskReadOnly,
        Self::DiskFailing,
    ];

    /// The word, the same in `/status` and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Dead => "dead",
            Self::Hung => "hung",
            Self::Frozen => "frozen",
            Self::Slow => "slow",
            Self::Broken => "broken",
            Self::Denied => "denied",
            Self::Masterless => "masterless",
            Self::Stranger => "stranger",
            Self::DiskStalled => "disk_stalled",
            Self::DiskReadOnly => "disk_read_only",
            Self::DiskFailing => "disk_failing",
        }
    }

    /// Whether its disk is ill, and not the node itself.
    pub const fn is_of_disk(self) -> bool {
        matches!(self, Self::DiskStalled | Self::DiskReadOnly | Self::DiskFailing)
    }

    /// What a failed probe shows.
    pub const fn of_failure(failure: &ProbeFailure) -> Self {
        match failure {
            ProbeFailure::Refused => Self::Refused,
            ProbeFailure::Hung(_) => Self::Hung,
            ProbeFailure::TimedOut(_) => Self::Slow,
            ProbeFailure::Closed
            | ProbeFailure::Unreachable(_)
            | ProbeFailure::Tls(_)
            | ProbeFailure::Unauthorized { .. }
            | ProbeFailure::Status(_)
            | ProbeFailure::Garbage(_) => {
                if failure.is_denied() {
                    Self::Denied
                } else if failure.is_stranger() {
                    Self::Stranger
                } else {
                    Self::Broken
                }
            }
        }
    }

    /// What an ill disk is.
    pub const fn of_disk(state: DiskState) -> Option<Self> {
        match state {
            DiskState::Stalled => Some(Self::DiskStalled),
            DiskState::ReadOnly => Some(Self::DiskReadOnly),
            DiskState::Failing => Some(Self::DiskFailing),
            DiskState::Ok | DiskState::Unknown => None,
        }
    }
}

/// A reason: the words, and the class where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The class; none: nothing is wrong.
    pub illness: Option<Illness>,
    /// For people.
    pub words: String,
}

impl Why {
    /// Something is wrong.
    pub fn ill(illness: Illness, words: impl Into<String>) -> Self {
        Self {
            illness: Some(illness),
            words: words.into(),
        }
    }

    /// As it should be, or on its way there.
    pub fn well(words: impl Into<String>) -> Self {
        Self {
            illness: None,
            words: words.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use super::*;
    use crate::probe::Who;

    #[test]
    fn each_class_has_one_word_and_it_is_the_one_in_the_documents() {
        let words: BTreeSet<_> = Illness::ALL.into_iter().map(Illness::word).collect();
        assert_eq!(words.len(), Illness::ALL.len());
        for illness in Illness::ALL {
            let json = serde_json::to_value(illness).expect("json");
            assert_eq!(json, illness.word());
            let page = include_str!("../../docs/usage/http.md");
            assert!(
                page.contains(&format!("| `{}` |", illness.word())),
                "{illness:?} in http.md"
            );
        }
    }

    #[test]
    fn a_node_that_hangs_is_neither_refused_nor_slow_nor_masterless() {
        let second = Duration::from_secs(1);
        for (failure, illness) in [
            (ProbeFailure::Refused, Illness::Refused),
            (ProbeFailure::Hung(second), Illness::Hung),
            (ProbeFailure::TimedOut(second), Illness::Slow),
            (ProbeFailure::Closed, Illness::Broken),
            (ProbeFailure::Unreachable(String::new()), Illness::Broken),
            (ProbeFailure::Status(503), Illness::Broken),
            (ProbeFailure::Status(404), Illness::Stranger),
            (ProbeFailure::Garbage(String::new()), Illness::Stranger),
            (
                ProbeFailure::Unauthorized {
                    status: 401,
                    who: Who::Anybody,
                },
                Illness::Denied,
            ),
        ] {
            assert_eq!(Illness::of_failure(&failure), illness, "{failure:?}");
        }
    }
}

//! How one address stands: named by somebody, or missed and asked directly. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// What came of a connection to a node's transport port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Something accepts it.
    Answers,
    /// The host is there, and nothing listens.
    Refused,
    /// Nothing came back in time.
    Silent,
}

/// How somebody whom no source names was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absence {
    /// Since when no source has named it.
    pub since: Instant,
    /// The last reply.
    pub reply: Option<Reply>,
}

/// One address in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// A source names it, or none speaks.
    Present,
    /// No source names it.
    Missed {
        absence: Absence,
        /// Whether many vanished together, which looks more like a fault of the sources than like people leaving.
        many: bool,
        /// Since when it has not answered; none while it does, or was not asked.
        lost: Option<Instant>,
        /// When it is asked next.
        due: Instant,
    },
}

impl Standing {
    /// No source names it, maybe still.
    pub(super) fn missed(&mut self, now: Instant) {
        if *self == Self::Present {
            *self = Self::Missed {
                absence: Absence {
                    since: now,
                    reply: None,
                },
                many: false,
                lost: None,
                due: now,
            };
        }
    }

    /// It is missed together with many others, if it is and does not answer.
    pub(super) fn one_of_many(&mut self) {
        let gone = self.is_gone();
        if let Self::Missed { many, .. } = self {
            *many |= gone;
        }
    }

    /// No source names it, and it has not answered since.
    pub(super) fn is_gone(&self) -> bool {
        self.absence()
            .is_some_and(|absence| absence.reply != Some(Reply::Answers))
    }

    pub(super) fn is_missed(&self) -> bool {
        *self != Self::Present
    }

    /// The question came to this; it is put again after `again`.
    pub(super) fn replied(&mut self, now: Instant, reply: Reply, again: Duration) {
        if let Self::Missed { absence, lost, due, .. } = self {
            absence.reply = Some(reply);
            *lost = match reply {
                Reply::Answers => None,
                Reply::Refused | Reply::Silent => lost.or(Some(now)),
            };
            *due = now + again;
        }
    }

    /// When it is to be asked.
    pub(super) fn due(&self) -> Option<Instant> {
        match self {
            Self::Missed { due, .. } => Some(*due),
            Self::Present => None,
        }
    }

    /// When it may go. It has `left` when etcd speaks and says nothing of it: then nobody listening is enough, unless many vanished
    /// with it; else a node that starts again looks the same.
    pub(super) fn gone_at(&self, left: bool, hold: Duration) -> Option<Instant> {
        match self {
            Self::Missed {
                lost: Some(lost),
                absence,
                many,
                ..
            } => {
                let closed = absence.reply == Some(Reply::Refused);
                Some(if left && closed && !many { *lost } else { *lost + hold })
            }
            Self::Present | Self::Missed { lost: None, .. } => None,
        }
    }

    pub(super) fn absence(&self) -> Option<Absence> {
        match self {
            Self::Present => None,
            Self::Missed { absence, .. } => Some(*absence),
        }
    }
}

//! What a watch may believe: which messages of a stream are news, and which mean that everything must be listed again. Pure.
//!
//! Invariant: the events that come out lead from each list to the next without a hole, or the next thing is a list.

use super::{Reading, Revision, WatchEvent};

/// One message of a watch stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// The revision of the store when it was sent.
    pub(super) revision: Revision,
    /// Why the server ended the watch, when it did. Compaction is one reason.
    pub(super) canceled: Option<String>,
    /// Changes in their order, each with its revision.
    pub(super) events: Vec<(Revision, WatchEvent)>,
}

/// What a message is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// News, perhaps none.
    News(Vec<WatchEvent>),
    /// There may be a hole: list again.
    Doubt(String),
}

/// How far one stream has come.
#[derive(Debug)]
pub(super) struct Tracker {
    /// The revision of the list that the stream began with.
    began: Revision,
    /// Everything up to here was in a list.
    listed: Revision,
}

impl Tracker {
    /// A stream that begins after a list of this revision.
    pub(super) const fn new(listed: Revision) -> Self {
        Self { began: listed, listed }
    }

    /// One more list while the stream goes on; none when the store has gone back, so that the stream waits for revisions that
    /// were given away already.
    pub(super) fn list(&mut self, reading: Reading) -> Option<WatchEvent> {
        self.listed = reading.revision;
        (reading.revision >= self.began).then(|| listed(reading))
    }

    /// The revision to watch from: that of the list, whose changes come a second time and are no news. From the next one on, a watch
    /// has no sign of life to give until somebody writes: etcd answers for revisions that there are.
    ///
    /// Price: etcd (3.4 to 3.7) first catches up with what there is, every 100 ms; what changes within the first 100 ms of a watch is told
    /// up to so much later.
    pub(super) const fn first_revision(&self) -> Revision {
        self.began
    }

    /// Judges one message.
    pub(super) fn judge(&mut self, message: Message) -> Verdict {
        if let Some(cause) = message.canceled {
            return Verdict::Doubt(cause);
        }
        // Compared with the beginning alone: messages of several watches may overtake each other, and a list overtakes them all.
        if message.revision < self.began {
            let (from, to) = (self.began, message.revision);
            return Verdict::Doubt(format!("the store went back from revision {from} to {to}"));
        }
        // What a list has shown already is old, even when the stream brings it later.
        if message.events.is_empty() {
            let revision = message.revision;
            return Verdict::News(vec![WatchEvent::Alive { revision }]);
        }
        let news = message
            .events
            .into_iter()
            .filter(|(revision, _)| *revision > self.listed);
        Verdict::News(news.map(|(_, event)| event).collect())
    }
}

/// A list as an event.
pub(super) fn listed(reading: Reading) -> WatchEvent {
    WatchEvent::Listed {
        revision: reading.revision,
        entries: reading.entries,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deleted(revision: Revision) -> (Revision, WatchEvent) {
        let key = "/k".to_owned();
        (revision, WatchEvent::Deleted { key, revision })
    }

    fn message(revision: Revision, events: &[Revision]) -> Message {
        Message {
            revision,
            events: events.iter().map(|r| deleted(*r)).collect(),
            canceled: None,
        }
    }

    fn reading(revision: Revision) -> Reading {
        Reading {
            revision,
            entries: Vec::new(),
        }
    }

    fn news(revisions: &[Revision]) -> Verdict {
        Verdict::News(revisions.iter().map(|r| deleted(*r).1).collect())
    }

    #[test]
    fn events_keep_their_order_and_what_was_listed_is_not_repeated() {
        let mut tracker = Tracker::new(10);
        assert_eq!(tracker.first_revision(), 10);
        assert_eq!(tracker.judge(message(10, &[10])), news(&[]), "it was in the list");
        assert_eq!(tracker.judge(message(13, &[11, 12, 12, 13])), news(&[11, 12, 12, 13]));
        assert!(tracker.list(reading(15)).is_some());
        assert_eq!(tracker.judge(message(14, &[14])), news(&[]), "a list overtook it");
        assert_eq!(tracker.judge(message(16, &[15, 16])), news(&[16]));
    }

    #[test]
    fn a_store_that_goes_back_is_in_doubt() {
        assert!(matches!(Tracker::new(10).judge(message(9, &[])), Verdict::Doubt(_)));
        assert_eq!(Tracker::new(10).list(reading(9)), None);
    }

    #[test]
    fn a_watch_that_the_server_ended_is_in_doubt() {
        let canceled = Message {
            canceled: Some("compacted".to_owned()),
            ..Message::default()
        };
        assert_eq!(Tracker::new(10).judge(canceled), Verdict::Doubt("compacted".to_owned()));
    }
}

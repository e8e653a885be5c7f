//! When a wait says its reason: at once when it is another one, and again every half minute for as long as it stays. Pure.
//!
//! Invariant: whoever waits is never silent for longer than [`REPEAT`].

use std::time::Duration;

use tokio::time::Instant;

use crate::launcher::decide::Reason;

/// A wait says its reason again after this long.
const REPEAT: Duration = Duration::from_secs(30);

/// What was said last.
#[derive(Debug, Default)]
pub(super) struct Saying {
    /// The reason, and when it is said again.
    last: Option<(Reason, Instant)>,
}

/// What is to be said now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Say {
    /// The reason is another one than before.
    New,
    /// It is still the same one.
    Again,
}

impl Saying {
    /// Whether `reason` is to be said at `now`; it counts as said.
    #[must_use]
    pub(super) fn due(&mut self, now: Instant, reason: &Reason) -> Option<Say> {
        let say = match &self.last {
            Some((last, again)) if last == reason => (now >= *again).then_some(Say::Again),
            Some(_) | None => Some(Say::New),
        };
        if say.is_some() {
            self.last = Some((reason.clone(), now + REPEAT));
        }
        say
    }

    /// When a reason that stays is due again; none before anything was said.
    pub(super) fn again(&self) -> Option<Instant> {
        self.last.as_ref().map(|(_, again)| *again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_said_at_once_and_every_half_minute_and_a_new_one_at_once() {
        let away = |cause: &str| Reason::RegistryAway {
            cause: cause.to_owned(),
        };
        let mut saying = Saying::default();
        let start = Instant::now();
        assert_eq!(saying.again(), None);
        for (after, cause, expected) in [
            (0, "refused", Some(Say::New)),
            (15, "refused", None),
            (29, "refused", None),
            (30, "refused", Some(Say::Again)),
            (45, "refused", None),
            (50, "no answer", Some(Say::New)),
            (79, "no answer", None),
            (80, "no answer", Some(Say::Again)),
            (200, "no answer", Some(Say::Again)),
            (201, "refused", Some(Say::New)),
        ] {
            let now = start + Duration::from_secs(after);
            assert_eq!(saying.due(now, &away(cause)), expected, "after {after} s: {cause}");
            assert!(saying.again().is_some_and(|again| again > now && again <= now + REPEAT));
        }
    }
}

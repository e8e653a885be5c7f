//! Signs of a death that may be none. Each kind is looked into at once, and again only after an interval: never in a circle. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// When such a sign was last looked into.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    ended: Option<Instant>,
    cut: Option<Instant>,
}

impl Doubts {
    /// The idle connection has ended; whether to look now. A server may close idle connections.
    pub(super) fn ended(&mut self, now: Instant, interval: Duration) -> bool {
        is_new(&mut self.ended, now, interval)
    }

    /// A probe was cut off; whether to look again now. A dying node cuts off its connections before its port is closed, which the next probe
    /// would find only a timeout later.
    pub(super) fn cut(&mut self, now: Instant, interval: Duration) -> bool {
        is_new(&mut self.cut, now, interval)
    }
}

fn is_new(last: &mut Option<Instant>, now: Instant, interval: Duration) -> bool {
    let is_new = last.is_none_or(|at| now >= at + interval);
    if is_new {
        *last = Some(now);
    }
    is_new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sign_is_looked_into_once_in_an_interval() {
        let (mut doubts, now, interval) = (Doubts::default(), Instant::now(), Duration::from_secs(3));
        // The first look at a node whose idle connection has ended may be cut off as well.
        assert!(doubts.ended(now, interval) && doubts.cut(now, interval));
        assert!(!doubts.ended(now, interval) && !doubts.cut(now, interval));
        assert!(doubts.ended(now + interval, interval) && doubts.cut(now + interval, interval));
    }
}

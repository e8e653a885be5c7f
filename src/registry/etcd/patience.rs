//! How long an answer is waited for, and when its connection is given up. Pure.
//!
//! A call whose time is up was not cheap: etcd does it all the same, and the next attempt comes on top. When thousands of hosts
//! start together, a fixed bound makes all that etcd does be for nobody. So the bound grows while no endpoint answers in time, up
//! to the time after which etcd itself gives up, and comes back down with the answers.

use std::time::Duration;

use tokio::time::Instant;

/// The longest that an attempt takes while answers come: three endpoints fit well into what a lease has left at its renewal.
pub(super) const ATTEMPT: Duration = Duration::from_secs(3);
/// The longest ever. etcd itself gives a request up after 5 s and two election time-outs of 1 s.
const LONGEST: Duration = Duration::from_secs(8);
/// What an answer takes off the bound: slow enough that fast answers between slow ones do not undo what was learnt.
const EASED: f64 = 0.875;

/// The bound of the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    bound: Duration,
    endpoints: usize,
    /// Attempts without an answer in a row.
    unanswered: usize,
    /// When the last of them was counted.
    counted: Option<Instant>,
}

impl Patience {
    pub(super) fn new(endpoints: usize) -> Self {
        Self {
            bound: ATTEMPT,
            endpoints: endpoints.max(1),
            unanswered: 0,
            counted: None,
        }
    }

    /// How long the next attempt may take.
    pub(super) const fn bound(&self) -> Duration {
        self.bound
    }

    /// An answer came, this long after it was asked for.
    pub(super) fn answered(&mut self, after: Duration) {
        self.unanswered = 0;
        self.bound = self.bound.mul_f64(EASED).max(after * 2).clamp(ATTEMPT, LONGEST);
    }

    /// No answer came in time to what was asked at `asked`; whether to leave the connection. Where there is another endpoint, at once:
    /// it may be as fast as ever. A single one may be slow, and a new connection is more work for it; one that is dead keeps silent
    /// the next time, too. When no endpoint answers, the next round takes longer.
    pub(super) fn unanswered(&mut self, asked: Instant, now: Instant) -> bool {
        if self.counted.is_some_and(|counted| asked < counted) {
            // It waited together with the one that was counted, and says nothing more.
            return self.endpoints > 1;
        }
        self.counted = Some(now);
        self.unanswered += 1;
        if self.unanswered.is_multiple_of(self.endpoints) {
            self.bound = (self.bound * 2).min(LONGEST);
        }
        self.endpoints > 1 || self.unanswered.is_multiple_of(2)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// So many time-outs in a row: the bound after each, and whether its connection was left.
    fn time_outs(patience: &mut Patience, count: u32) -> Vec<(u64, bool)> {
        let begin = patience.counted.unwrap_or_else(Instant::now);
        let mut time_out = |at| {
            let leaves = patience.unanswered(begin + SECOND * at, begin + SECOND * (at + 1));
            (patience.bound().as_secs(), leaves)
        };
        (0..count).map(|time| time_out(time * 2)).collect()
    }

    #[test]
    fn the_bound_grows_only_when_no_endpoint_answers() {
        let bounds: Vec<_> = time_outs(&mut Patience::new(3), 7);
        assert_eq!(bounds, [3, 3, 6, 6, 6, 8, 8].map(|bound| (bound, true)));
        let mut one_frozen = Patience::new(3);
        for _ in 0..20 {
            time_outs(&mut one_frozen, 1);
            one_frozen.answered(SECOND / 100);
        }
        assert_eq!(one_frozen.bound(), ATTEMPT);
    }

    #[test]
    fn the_connection_of_a_single_endpoint_gets_a_second_chance() {
        let mut patience = Patience::new(1);
        assert_eq!(
            time_outs(&mut patience, 4),
            [(6, false), (8, true), (8, false), (8, true)]
        );
        patience.answered(SECOND);
        assert_eq!(time_outs(&mut patience, 1), [(8, false)]);
    }

    #[test]
    fn what_waited_together_counts_once() {
        let (mut patience, begin) = (Patience::new(1), Instant::now());
        for _ in 0..3 {
            assert!(!patience.unanswered(begin, begin + ATTEMPT));
        }
        assert_eq!(patience.bound(), ATTEMPT * 2);
        assert!(
            patience.unanswered(begin + ATTEMPT, begin + ATTEMPT * 3),
            "the next one does"
        );
    }

    #[test]
    fn slow_answers_keep_it_and_quick_ones_bring_it_back() {
        let mut patience = Patience::new(1);
        time_outs(&mut patience, 2);
        for _ in 0..9 {
            patience.answered(SECOND * 4);
        }
        assert_eq!(patience.bound(), LONGEST);
        patience.answered(SECOND / 10);
        assert_eq!(patience.bound(), SECOND * 7, "one quick answer forgets little");
        for _ in 0..7 {
            patience.answered(SECOND / 10);
        }
        assert_eq!(patience.bound(), ATTEMPT);
    }

    proptest! {
        #[test]
        fn it_stays_within_its_limits(endpoints in 0..5_usize, answers in proptest::collection::vec(proptest::option::of(0..20_000_u64), 0..60)) {
            let (mut patience, mut now) = (Patience::new(endpoints), Instant::now());
            for answer in answers {
                let asked = now;
                now += SECOND;
                match answer {
                    Some(after) => patience.answered(Duration::from_millis(after)),
                    None => {
                        patience.unanswered(asked, now);
                    }
                }
                prop_assert!((ATTEMPT..=LONGEST).contains(&patience.bound()));
            }
        }
    }
}

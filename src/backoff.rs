//! How long to wait after a failure: doubling up to a cap, each wait drawn evenly from zero on (full jitter), so that many
//! clients that failed together do not come back together. Pure: the random number is passed in.

use std::time::Duration;

/// The waits of one streak of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    failures: u32,
}

impl Backoff {
    /// Waits of up to `base`, twice that, and so on up to `cap`.
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, failures: 0 }
    }

    /// The wait after one more failure. `fraction` is drawn evenly from 0 to 1.
    pub fn next(&mut self, fraction: f64) -> Duration {
        let longest = self
            .base
            .saturating_mul(2_u32.saturating_pow(self.failures))
            .min(self.cap);
        self.failures = self.failures.saturating_add(1);
        longest.mul_f64(fraction.clamp(0.0, 1.0))
    }

    /// The streak is over.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}

/// `period`, up to a tenth shorter or longer, so that what started together drifts apart. `fraction` is drawn from 0 to 1.
pub fn spread(period: Duration, fraction: f64) -> Duration {
    period.mul_f64(0.9 + 0.2 * fraction.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: Duration = Duration::from_millis(250);
    const CAP: Duration = Duration::from_secs(4);

    #[test]
    fn the_longest_waits_double_up_to_the_cap() {
        let mut backoff = Backoff::new(BASE, CAP);
        let waits = [(); 7].map(|()| backoff.next(1.0).as_millis());
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 4000, 4000]);
        backoff.reset();
        assert_eq!(backoff.next(1.0), BASE);
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_its_step_however_long_the_streak(streak in 0..200_u32, fraction in 0.0..1.0_f64) {
            let mut backoff = Backoff::new(BASE, CAP);
            for _ in 0..streak {
                prop_assert!(backoff.next(fraction) <= CAP);
            }
            prop_assert!(backoff.next(fraction) <= BASE.saturating_mul(2_u32.saturating_pow(streak)).min(CAP));
        }

        #[test]
        fn a_spread_period_stays_within_a_tenth(fraction in 0.0..1.0_f64) {
            let spread = spread(Duration::from_secs(10), fraction);
            prop_assert!(spread >= Duration::from_secs(9) && spread <= Duration::from_secs(11));
        }
    }
}

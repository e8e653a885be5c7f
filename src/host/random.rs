//! Randomness that nothing is fenced by: jitter, and where to begin. Never a secret.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A number drawn evenly from 0 to 1.
pub fn random_fraction() -> f64 {
    f64::from(random()) / f64::from(u32::MAX)
}

/// A number below `limit`; 0 when there is none.
pub fn random_below(limit: usize) -> usize {
    usize::try_from(random()).unwrap_or(0).checked_rem(limit).unwrap_or(0)
}

/// From the keys of a hash map, which the kernel gives each thread once: the machines want a number at every step, and a system call for
/// each would be one in seven of all that a quiet sidecar makes.
fn random() -> u32 {
    u32::try_from(random_bits() >> 32).unwrap_or(u32::MAX / 2)
}

/// 64 bits that nobody else draws.
pub fn random_bits() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::{random_below, random_fraction};

    #[test]
    fn numbers_spread_over_all_of_their_range() {
        let numbers: Vec<f64> = (0..1000).map(|_| random_fraction()).collect();
        for tenth in 0..10 {
            let from = f64::from(tenth) / 10.0;
            let count = numbers
                .iter()
                .filter(|&&number| (from..from + 0.1).contains(&number))
                .count();
            assert!((40..250).contains(&count), "{count} of 1000 numbers from {from} on");
        }
        assert_eq!(random_below(0), 0);
        assert!((0..100).all(|_| random_below(3) < 3));
    }
}

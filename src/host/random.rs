//! Randomness that nothing is fenced by: jitter, and where to begin. Without a random source there is less spread and nothing
//! wrong.

/// A number drawn evenly from 0 to 1.
pub fn random_fraction() -> f64 {
    f64::from(random()) / f64::from(u32::MAX)
}

/// A number below `limit`; 0 when there is none.
pub fn random_below(limit: usize) -> usize {
    usize::try_from(random()).unwrap_or(0).checked_rem(limit).unwrap_or(0)
}

fn random() -> u32 {
    let mut bytes = [0_u8; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u32::from_le_bytes(bytes),
        Err(_) => u32::MAX / 2,
    }
}

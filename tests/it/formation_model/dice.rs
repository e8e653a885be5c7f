//! Random choices that are cheap and that a seed repeats.

/// A splitmix64 generator.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn random() -> Self {
        let mut seed = [0_u8; 8];
        getrandom::fill(&mut seed).expect("random");
        Self::new(u64::from_le_bytes(seed))
    }

    /// What [`new`](Self::new) takes to go on from here.
    pub(crate) fn seed(&self) -> u64 {
        self.0
    }

    /// A number from 0 to `end` - 1.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % end.max(1) as u64).expect("small")
    }
}

//! Why a node that hangs does so, as far as its process can be seen from outside. Pure.
//!
//! A stopped process is certain, whatever the node was about to say. Everything else is a hint for people: a long garbage collection works
//! hard, a node that waits for its disk has threads that nothing interrupts, one that waits for itself does nothing at all.

use super::illness::{Illness, Why};
use crate::host::Stillness;

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symptom {
    /// Somebody stopped it.
    Stopped,
    /// Its control group is frozen.
    Paused,
    /// So many of its threads wait for a disk.
    Waits(usize),
    /// It uses a processor.
    Works,
    /// It uses none.
    Idle,
    /// It lives; more is known after the next look.
    Lives,
}

impl Symptom {
    /// From a look, and the one before in the same illness.
    pub fn of(before: Option<Stillness>, now: Stillness) -> Self {
        match before {
            _ if now.frozen => Self::Paused,
            _ if now.stopped => Self::Stopped,
            _ if now.waiting > 0 => Self::Waits(now.waiting),
            Some(before) if now.used > before.used => Self::Works,
            Some(_) => Self::Idle,
            None => Self::Lives,
        }
    }

    /// Whether no second probe is needed to know that the node serves nobody.
    pub const fn is_certain(self) -> bool {
        match self {
            Self::Stopped | Self::Paused => true,
            Self::Waits(_) | Self::Works | Self::Idle | Self::Lives => false,
        }
    }

    /// The reason with what this adds to it.
    pub fn explains(self, why: Why) -> Why {
        let Why { illness, words: before } = why;
        let illness = if self.is_certain() {
            Some(Illness::Frozen)
        } else {
            illness
        };
        let words = match self {
            Self::Stopped => "its process is stopped (SIGSTOP, or a debugger)".to_owned(),
            Self::Paused => "its control group is frozen (a paused container)".to_owned(),
            Self::Waits(1) => "one of its threads waits for a disk".to_owned(),
            Self::Waits(threads) => format!("{threads} of its threads wait for a disk"),
            Self::Works => "its process works: garbage collection, or too much to do".to_owned(),
            Self::Idle => "its process does nothing".to_owned(),
            Self::Lives => "its process lives".to_owned(),
        };
        Why {
            illness,
            words: format!("{before}; {words}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_of_a_process_that_does_not_answer() {
        let still = Stillness {
            stopped: false,
            frozen: false,
            waiting: 0,
            used: 100,
        };
        let stopped = Stillness { stopped: true, ..still };
        let paused = Stillness { frozen: true, ..still };
        let waits = Stillness { waiting: 2, ..still };
        let works = Stillness { used: 101, ..still };
        for (before, now, symptom, certain) in [
            (None, still, Symptom::Lives, false),
            (None, stopped, Symptom::Stopped, true),
            (None, paused, Symptom::Paused, true),
            (None, waits, Symptom::Waits(2), false),
            (Some(still), still, Symptom::Idle, false),
            (Some(still), works, Symptom::Works, false),
            (Some(still), stopped, Symptom::Stopped, true),
        ] {
            assert_eq!(Symptom::of(before, now), symptom);
            assert_eq!(symptom.is_certain(), certain, "{symptom:?}");
            let why = symptom.explains(Why::ill(Illness::Hung, "silent"));
            let class = if certain { Illness::Frozen } else { Illness::Hung };
            assert_eq!(why.illness, Some(class), "{symptom:?}");
            assert!(why.words.starts_with("silent; "), "{why:?}");
        }
    }
}

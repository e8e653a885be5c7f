//! Looks for a story that goes wrong, on every core, and shrinks the first one that does.
//!
//! `QUORATE_TEST_SEED` tells stories again: the first one has that seed, the next ones the numbers after it. A failure prints the seed
//! of its story. `QUORATE_TEST_SCHEDULES` is how many times as many stories are told.

use std::{
    io::Write as _,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use super::{dice::Dice, sim::Sabotage, story::Story};
use crate::support::setting;

/// The seed to begin with: the one that was asked for, or chance.
pub(crate) fn seed() -> u64 {
    match setting("QUORATE_TEST_SEED") {
        Some(seed) => seed
            .parse()
            .unwrap_or_else(|_| panic!("QUORATE_TEST_SEED is `{seed}`, expected a number")),
        None => Dice::random().seed(),
    }
}

fn times() -> u64 {
    match setting("QUORATE_TEST_SCHEDULES") {
        Some(times) => times
            .parse()
            .unwrap_or_else(|_| panic!("QUORATE_TEST_SCHEDULES is `{times}`, expected a number")),
        None => 1,
    }
}

/// Tells `count` stories, and says so past the test's captured output. Panics with the shortest form of one that goes wrong.
#[track_caller]
pub(super) fn never_fails(what: &str, count: u64, story: impl Fn(&mut Dice) -> Story + Sync) {
    let (first, count) = (seed(), count * times());
    if let Some(found) = search(first, count, &story, Sabotage::Nothing) {
        panic!("{found}\nQUORATE_TEST_SEED={} tells it again", found.seed);
    }
    let told = format!("{count} schedules of {what}, QUORATE_TEST_SEED={first}\n");
    std::io::stderr().write_all(told.as_bytes()).expect("written");
}

/// A story that goes wrong.
#[derive(Debug)]
pub(super) struct Found {
    seed: u64,
    pub(super) error: String,
    story: Story,
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n{:?}", self.error, self.story)
    }
}

/// The first story found that goes wrong, in its shortest form.
pub(super) fn search(
    first: u64,
    count: u64,
    story: &(impl Fn(&mut Dice) -> Story + Sync),
    sabotage: Sabotage,
) -> Option<Found> {
    let (next, over, found) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(None));
    let look = || {
        while !over.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            let seed = first.wrapping_add(index);
            let told = story(&mut Dice::new(seed));
            if told.tell(sabotage).is_err() {
                over.store(true, Ordering::Relaxed);
                found.lock().expect("found").get_or_insert((seed, told));
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(look);
        }
    });
    let (seed, story) = found.into_inner().expect("found")?;
    let story = shortest(story, sabotage);
    let error = story.tell(sabotage).expect_err("it still fails");
    Some(Found { seed, error, story })
}

/// Leaves away what is not needed for the failure.
fn shortest(mut story: Story, sabotage: Sabotage) -> Story {
    let mut chunk = story.actions.len();
    while chunk > 0 {
        let mut from = 0;
        while from < story.actions.len() {
            let mut shorter = story.clone();
            shorter.actions.drain(from..(from + chunk).min(story.actions.len()));
            if shorter.tell(sabotage).is_err() {
                story = shorter;
            } else {
                from += chunk;
            }
        }
        chunk /= 2;
    }
    story
}

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

use super::dice::Dice;
use crate::support::setting;

/// What happens in a model: can be told, and shortened.
pub(crate) trait Tale: Clone + Send + std::fmt::Debug {
    /// What can be taken away from the rules.
    type Sabotage: Copy + Sync;
    /// One thing that happens.
    type Action: Clone;
    /// Nothing is taken away.
    const INTACT: Self::Sabotage;

    /// What happens, one after the other.
    fn actions(&mut self) -> &mut Vec<Self::Action>;

    /// What goes wrong.
    fn tell(&self, sabotage: Self::Sabotage) -> Result<(), String>;
}

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
pub(crate) fn never_fails<T: Tale>(what: &str, count: u64, story: impl Fn(&mut Dice) -> T + Sync) {
    let (first, count) = (seed(), count * times());
    if let Some(found) = search(first, count, &story, T::INTACT) {
        panic!("{found}\nQUORATE_TEST_SEED={} tells it again", found.seed);
    }
    let told = format!("{count} schedules of {what}, QUORATE_TEST_SEED={first}\n");
    std::io::stderr().write_all(told.as_bytes()).expect("written");
}

/// A story that goes wrong.
#[derive(Debug)]
pub(crate) struct Found<T> {
    seed: u64,
    pub(crate) error: String,
    story: T,
}

impl<T: std::fmt::Debug> std::fmt::Display for Found<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n{:?}", self.error, self.story)
    }
}

/// The first story found that goes wrong, in its shortest form.
pub(crate) fn search<T: Tale>(
    first: u64,
    count: u64,
    story: &(impl Fn(&mut Dice) -> T + Sync),
    sabotage: T::Sabotage,
) -> Option<Found<T>> {
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
fn shortest<T: Tale>(mut story: T, sabotage: T::Sabotage) -> T {
    let mut chunk = story.actions().len();
    while chunk > 0 {
        let mut from = 0;
        while from < story.actions().len() {
            let mut shorter = story.clone();
            let end = (from + chunk).min(shorter.actions().len());
            shorter.actions().drain(from..end);
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

//! The life of a container from its start to its removal, as its launcher learns of it. Pure.
//!
//! What the engine's programs say by ending is only a reason to look: what a look shows is the truth. Invariants: the node is asked
//! to end or ended only when the launcher wants it; a container that may run is never removed; an engine that does not answer changes
//! nothing while the node's process lives.

use std::time::Duration;

use tokio::time::Instant;

use crate::launcher::runtime::Ending;

/// Between two looks at an engine that does not answer, and before a program that has ended is started again.
const PAUSE: Duration = Duration::from_secs(1);
/// What the node has written before its end gets this long to arrive.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// A node whose process is gone counts as ended when its engine does not say how within this time.
const PATIENCE: Duration = Duration::from_secs(30);
/// A node that was asked to end is asked again this often: the first process of a container hears no signal that it has not prepared
/// for, so one that comes while it begins is lost.
const NUDGE: Duration = Duration::from_secs(5);
/// A removal is tried this often; the next start tries again.
const REMOVALS: u32 = 5;

/// What the launcher wants of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Run,
    /// To end in order, and at the latest then.
    Stop(Instant),
    /// To be gone.
    Kill,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It runs, as far as anybody knows.
    Alive,
    /// It has ended; its last words are on their way until then.
    Ended { ending: Ending, until: Instant },
    /// It has ended and is taken away.
    Removing { ending: Ending, tries: u32 },
    /// It is gone.
    Gone,
}

/// What a look at the container shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// It runs.
    Runs,
    /// It has ended.
    Ended(Ending),
    /// There is no such container.
    Absent,
    /// The engine does not answer; whether the node's process lives is seen without it.
    NoAnswer {
        /// Whether it does.
        process_lives: bool,
    },
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The program that waits for the container has ended.
    WaitEnded,
    /// The program that follows the output has ended.
    LogsEnded,
    /// A look has an answer.
    Seen(Sight),
    /// The launcher wants the node to end within this time.
    StopAsked {
        /// Then it is ended.
        grace: Duration,
    },
    /// The launcher wants the node to be gone.
    KillAsked,
    /// The program that was to stop or kill the container has ended.
    AskEnded,
    /// The program that asked once more has ended.
    Nudged,
    /// The program that was to remove the container has ended.
    RemovalEnded {
        /// Whether it is gone.
        gone: bool,
    },
    /// The time asked for has come.
    Woke,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Start the program that waits.
    Wait,
    /// Start the program that follows the output.
    Follow,
    /// Look at the container.
    Look,
    /// Start the program that stops it.
    Stop(Duration),
    /// Ask once more, beside the program that stops it.
    Nudge,
    /// Start the program that kills it.
    Kill,
    /// Start the program that removes it.
    Remove,
    /// Say [`Event::Woke`] then; replaces an earlier time.
    WakeAt(Instant),
    /// It is over.
    Finish(Ending),
}

/// Which programs run.
#[derive(Debug)]
struct Programs {
    waits: bool,
    follows: bool,
    /// The one that stops or kills.
    asks: bool,
}

/// The machine.
#[derive(Debug)]
pub(super) struct Life {
    state: State,
    wish: Wish,
    programs: Programs,
    /// Whether a look is on its way.
    looks: bool,
    /// Since when the engine has not answered.
    silent_since: Option<Instant>,
}

impl Life {
    /// Of a container that runs; with what its shell has to do first.
    pub(super) fn begin() -> (Self, Vec<Effect>) {
        let life = Self {
            state: State::Alive,
            wish: Wish::Run,
            programs: Programs {
                waits: true,
                follows: true,
                asks: false,
            },
            looks: false,
            silent_since: None,
        };
        (life, vec![Effect::Wait, Effect::Follow])
    }

    /// Takes in `event`.
    #[must_use]
    pub(super) fn step(&mut self, now: Instant, event: Event) -> Vec<Effect> {
        match event {
            Event::WaitEnded => self.programs.waits = false,
            Event::LogsEnded => self.programs.follows = false,
            Event::Seen(_) => self.looks = false,
            Event::AskEnded => self.programs.asks = false,
            Event::StopAsked { grace } if self.wish != Wish::Kill => self.wish = Wish::Stop(now + grace),
            Event::KillAsked => self.wish = Wish::Kill,
            // Whoever is killed needs not be stopped.
            Event::StopAsked { .. } | Event::Nudged | Event::RemovalEnded { .. } | Event::Woke => {}
        }
        match self.state {
            State::Alive => self.alive(now, event),
            State::Ended { ending, until } => match event {
                Event::LogsEnded => self.remove(ending, 1),
                Event::Woke if now >= until => self.remove(ending, 1),
                Event::Woke => vec![Effect::WakeAt(until)],
                Event::WaitEnded
                | Event::Seen(_)
                | Event::StopAsked { .. }
                | Event::KillAsked
                | Event::AskEnded
                | Event::Nudged
                | Event::RemovalEnded { .. } => Vec::new(),
            },
            State::Removing { ending, tries } => match event {
                Event::RemovalEnded { gone: false } if tries < REMOVALS => vec![Effect::WakeAt(now + PAUSE)],
                Event::RemovalEnded { .. } => self.finish(ending),
                Event::Woke => self.remove(ending, tries + 1),
                Event::WaitEnded
                | Event::LogsEnded
                | Event::Seen(_)
                | Event::StopAsked { .. }
                | Event::KillAsked
                | Event::AskEnded
                | Event::Nudged => Vec::new(),
            },
            // Nothing is left to be done.
            State::Gone => Vec::new(),
        }
    }

    fn alive(&mut self, now: Instant, event: Event) -> Vec<Effect> {
        match event {
            Event::StopAsked { .. } | Event::KillAsked => self.ask(now),
            Event::Seen(Sight::Runs) => {
                self.silent_since = None;
                let unasked = self.wish != Wish::Run && !self.programs.asks;
                if self.programs.waits && self.programs.follows && !unasked {
                    return Vec::new();
                }
                // A program that ends at once must not be started as fast as it ends.
                vec![Effect::WakeAt(now + PAUSE)]
            }
            Event::Seen(Sight::Ended(ending)) => self.ended(now, ending),
            Event::Seen(Sight::Absent) => self.finish(Ending::Unknown),
            Event::Seen(Sight::NoAnswer { process_lives }) => {
                let since = *self.silent_since.get_or_insert(now);
                if !process_lives && now >= since + PATIENCE {
                    return self.finish(Ending::Unknown);
                }
                vec![Effect::WakeAt(now + PAUSE)]
            }
            // Both end when the container does, and when the engine does: only a look can tell.
            Event::WaitEnded | Event::LogsEnded | Event::AskEnded => self.look(),
            Event::Woke if self.silent_since.is_some() => self.look(),
            Event::Woke => {
                let mut effects = self.listen();
                effects.extend(match (self.programs.asks, self.wish) {
                    (false, _) => self.ask(now),
                    (true, Wish::Stop(_)) => vec![Effect::Nudge, Effect::WakeAt(now + NUDGE)],
                    (true, Wish::Run | Wish::Kill) => Vec::new(),
                });
                effects
            }
            // What it did shows when the node ends; no removal was asked for.
            Event::Nudged | Event::RemovalEnded { .. } => Vec::new(),
        }
    }

    fn look(&mut self) -> Vec<Effect> {
        if std::mem::replace(&mut self.looks, true) {
            return Vec::new();
        }
        vec![Effect::Look]
    }

    fn listen(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !std::mem::replace(&mut self.programs.waits, true) {
            effects.push(Effect::Wait);
        }
        if !std::mem::replace(&mut self.programs.follows, true) {
            effects.push(Effect::Follow);
        }
        effects
    }

    /// Tells the engine what is wanted. A kill does not wait for a stop.
    fn ask(&mut self, now: Instant) -> Vec<Effect> {
        let effects = match self.wish {
            Wish::Run => return Vec::new(),
            Wish::Stop(until) => vec![
                Effect::Stop(until.saturating_duration_since(now)),
                Effect::WakeAt(now + NUDGE),
            ],
            Wish::Kill => vec![Effect::Kill],
        };
        self.programs.asks = true;
        effects
    }

    fn ended(&mut self, now: Instant, ending: Ending) -> Vec<Effect> {
        if !self.programs.follows {
            return self.remove(ending, 1);
        }
        let until = now + LAST_WORDS;
        self.state = State::Ended { ending, until };
        vec![Effect::WakeAt(until)]
    }

    fn remove(&mut self, ending: Ending, tries: u32) -> Vec<Effect> {
        self.state = State::Removing { ending, tries };
        vec![Effect::Remove]
    }

    fn finish(&mut self, ending: Ending) -> Vec<Effect> {
        self.state = State::Gone;
        vec![Effect::Finish(ending)]
    }
}

#[cfg(test)]
mod tests;

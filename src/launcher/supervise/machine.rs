//! The life of a started node: running, draining, stopping, ended. Pure.
//!
//! Invariants: the node is asked to end only after somebody told the launcher to stop; once asked, it is killed at the latest when
//! its grace is over; every end of the node leads to exactly one [`Effect::Finish`].

use std::time::Duration;

use tokio::time::Instant;

use crate::{exit::Exit, launcher::runtime::Ending};

/// What a second signal leaves of the grace.
const HURRY: Duration = Duration::from_secs(10);

/// Where the node's life stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It runs.
    Running,
    /// It is leaving and still runs, so that readers can go elsewhere.
    Draining {
        /// When it is asked to end.
        until: Instant,
    },
    /// It was asked to end.
    Stopping {
        /// When it is killed.
        kill_at: Instant,
    },
    /// It was killed.
    Killed,
    /// It is gone.
    Ended,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// Somebody told the launcher to stop.
    StopAsked,
    /// The time asked for has come.
    Woke,
    /// The node and all it started are gone.
    NodeEnded(Ending),
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Say everywhere that the node is leaving; the stop will take at most this long.
    SayLeaving {
        /// Drain and grace together.
        at_most: Duration,
    },
    /// Say [`Event::Woke`] then; replaces an earlier time.
    WakeAt(Instant),
    /// Ask the node to end.
    Terminate {
        /// When it has not, it is killed after this long.
        grace: Duration,
    },
    /// End it.
    Kill,
    /// Withdraw the seed, tidy up, and end with this code.
    Finish(Exit),
}

/// The machine.
#[derive(Debug, Clone)]
pub(super) struct Supervision {
    state: State,
    /// Time for readers between leaving and the stop.
    drain: Duration,
    /// Time for the node to stop by itself.
    grace: Duration,
}

impl Supervision {
    /// Of a node that runs.
    pub(super) fn of_running(drain: Duration, grace: Duration) -> Self {
        Self {
            state: State::Running,
            drain,
            grace,
        }
    }

    /// Where it stands.
    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Takes in `event`.
    #[must_use]
    pub(super) fn step(&mut self, now: Instant, event: Event) -> Vec<Effect> {
        match (self.state, event) {
            (State::Running, Event::StopAsked) => {
                let until = now + self.drain;
                self.state = State::Draining { until };
                let at_most = self.drain + self.grace;
                vec![Effect::SayLeaving { at_most }, Effect::WakeAt(until)]
            }
            (State::Draining { .. }, Event::StopAsked) => self.stop(now, self.grace.min(HURRY)),
            (State::Stopping { kill_at }, Event::StopAsked) => {
                let kill_at = kill_at.min(now + HURRY);
                self.state = State::Stopping { kill_at };
                vec![Effect::WakeAt(kill_at)]
            }
            (State::Draining { until }, Event::Woke) if now >= until => self.stop(now, self.grace),
            (State::Stopping { kill_at }, Event::Woke) if now >= kill_at => {
                self.state = State::Killed;
                vec![Effect::Kill]
            }
            // Woken early: ask again.
            (State::Draining { until }, Event::Woke) => vec![Effect::WakeAt(until)],
            (State::Stopping { kill_at }, Event::Woke) => vec![Effect::WakeAt(kill_at)],
            (
                State::Running | State::Draining { .. } | State::Stopping { .. } | State::Killed,
                Event::NodeEnded(ending),
            ) => {
                let exit = exit(self.state, ending);
                self.state = State::Ended;
                vec![Effect::Finish(exit)]
            }
            // Nothing was asked for; nothing is left to be done.
            (State::Running, Event::Woke)
            | (State::Killed, Event::StopAsked | Event::Woke)
            | (State::Ended, Event::StopAsked | Event::Woke | Event::NodeEnded(_)) => Vec::new(),
        }
    }

    fn stop(&mut self, now: Instant, grace: Duration) -> Vec<Effect> {
        let kill_at = now + grace;
        self.state = State::Stopping { kill_at };
        vec![Effect::Terminate { grace }, Effect::WakeAt(kill_at)]
    }
}

/// The launcher's exit code for the end of a node.
pub(super) fn exit(state: State, ending: Ending) -> Exit {
    let told_to_stop = match state {
        State::Draining { .. } | State::Stopping { .. } | State::Killed => true,
        State::Running | State::Ended => false,
    };
    let code = match (ending, state) {
        (Ending::Code(code), _) => code,
        (Ending::Signal(signal), _) => signal.saturating_add(128),
        // A node that we killed ended by that, though nobody says so.
        (Ending::Unknown, State::Killed) => 137,
        // In order as far as anybody can know when it was asked to, else not.
        (Ending::Unknown, State::Running | State::Draining { .. } | State::Stopping { .. } | State::Ended) => 0,
    };
    match code {
        0 | 130 | 143 if told_to_stop => Exit::Done,
        64 | 78 => Exit::Config,
        100.. => Exit::Node(code),
        _ => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DRAIN: Duration = Duration::from_secs(5);
    const GRACE: Duration = Duration::from_mins(2);

    fn running() -> Supervision {
        Supervision::of_running(DRAIN, GRACE)
    }

    #[test]
    fn a_stop_drains_then_asks_then_kills() {
        let mut node = running();
        let now = Instant::now();
        let leaving = Effect::SayLeaving { at_most: DRAIN + GRACE };
        assert_eq!(node.step(now, Event::StopAsked), [leaving, Effect::WakeAt(now + DRAIN)]);
        let later = now + DRAIN;
        assert_eq!(
            node.step(later, Event::Woke),
            [Effect::Terminate { grace: GRACE }, Effect::WakeAt(later + GRACE)]
        );
        assert_eq!(node.step(later + GRACE, Event::Woke), [Effect::Kill]);
        assert_eq!(
            node.step(later + GRACE, Event::NodeEnded(Ending::Signal(9))),
            [Effect::Finish(Exit::Node(137))]
        );
    }

    #[test]
    fn a_second_signal_skips_the_wait_and_shortens_the_grace() {
        let mut node = running();
        let now = Instant::now();
        let _ = node.step(now, Event::StopAsked);
        assert_eq!(
            node.step(now, Event::StopAsked),
            [Effect::Terminate { grace: HURRY }, Effect::WakeAt(now + HURRY)]
        );
        let mut node = running();
        let _ = node.step(now, Event::StopAsked);
        let _ = node.step(now + DRAIN, Event::Woke);
        assert_eq!(
            node.step(now + DRAIN, Event::StopAsked),
            [Effect::WakeAt(now + DRAIN + HURRY)]
        );
        let mut node = Supervision::of_running(DRAIN, Duration::from_secs(2));
        let _ = node.step(now, Event::StopAsked);
        assert_eq!(
            node.step(now, Event::StopAsked)[1],
            Effect::WakeAt(now + Duration::from_secs(2)),
            "never longer"
        );
    }

    #[test]
    fn exit_codes_are_the_promised_ones() {
        let stopping = State::Stopping {
            kill_at: Instant::now(),
        };
        for (state, ending, expected) in [
            (stopping, Ending::Code(0), Exit::Done),
            (stopping, Ending::Code(143), Exit::Done),
            (stopping, Ending::Signal(15), Exit::Done),
            (stopping, Ending::Code(130), Exit::Done),
            (stopping, Ending::Unknown, Exit::Done),
            (stopping, Ending::Code(1), Exit::Failed),
            (stopping, Ending::Signal(9), Exit::Node(137)),
            (State::Killed, Ending::Unknown, Exit::Node(137)),
            (State::Running, Ending::Code(0), Exit::Failed),
            (State::Running, Ending::Unknown, Exit::Failed),
            (State::Running, Ending::Code(143), Exit::Node(143)),
            (State::Running, Ending::Signal(9), Exit::Node(137)),
            (State::Running, Ending::Code(127), Exit::Node(127)),
            (State::Running, Ending::Code(64), Exit::Config),
            (State::Running, Ending::Code(78), Exit::Config),
            (State::Running, Ending::Code(3), Exit::Failed),
        ] {
            assert_eq!(exit(state, ending), expected, "{state:?} {ending:?}");
        }
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            4 => Just(Event::Woke),
            2 => Just(Event::StopAsked),
            1 => any::<u8>().prop_map(|code| Event::NodeEnded(Ending::Code(code))),
        ]
    }

    proptest! {
        #[test]
        fn no_signal_without_a_stop_and_one_finish(events in proptest::collection::vec((0_u64..200, event()), 1..30)) {
            let (mut node, mut now) = (running(), Instant::now());
            let (mut asked, mut finished) = (false, 0);
            for (pause, event) in events {
                now += Duration::from_secs(pause);
                asked |= event == Event::StopAsked;
                for effect in node.step(now, event) {
                    prop_assert!(finished == 0, "nothing after the end");
                    prop_assert!(asked || matches!(effect, Effect::Finish(_)), "{:?} without a stop", effect);
                    finished += usize::from(matches!(effect, Effect::Finish(_)));
                }
            }
            prop_assert_eq!(finished == 1, node.state() == State::Ended);
        }

        #[test]
        fn two_signals_always_kill(first in 0_u64..300, second in 0_u64..300) {
            let (mut node, start) = (running(), Instant::now());
            let mut now = start + Duration::from_secs(first);
            let mut wake = None;
            for signal in [now, now + Duration::from_secs(second)] {
                now = signal;
                for effect in node.step(now, Event::StopAsked) {
                    if let Effect::WakeAt(at) = effect { wake = Some(at); }
                }
            }
            let mut killed = false;
            for _ in 0..4 {
                now = now.max(wake.unwrap_or(now));
                for effect in node.step(now, Event::Woke) {
                    match effect {
                        Effect::WakeAt(at) => wake = Some(at),
                        Effect::Kill => killed = true,
                        Effect::SayLeaving { .. } | Effect::Terminate { .. } | Effect::Finish(_) => {}
                    }
                }
            }
            prop_assert!(killed && now <= start + Duration::from_secs(first + second) + DRAIN + GRACE);
        }
    }
}

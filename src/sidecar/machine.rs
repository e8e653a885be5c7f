//! From probes to a verdict, and from the verdict to what the member key should be. Pure. Drawn in `docs/design/sidecar-fsm.dot`.
//!
//! Invariant: the key is wanted present only while the verdict is ready and the record was heard of. A refused connection, a dead
//! process, a stranger, the launcher's word that the node is leaving and the stop take it away at once; after the stop nothing
//! brings it back.
//!
//! A well node is probed every `interval`, counted from the start of the last probe. A failed probe is followed by the next
//! one `timeout` after its start (at once, when it timed out), so that `fall` of them fit into `interval` + `fall` × `timeout`,
//! whether the node hangs or answers wrongly.

mod around;
mod doubts;
mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

use doubts::Doubts;
pub use state::{Rhythm, State};
use tokio::time::Instant;

use super::{
    illness::{Illness, Why},
    judge::{Expected, Judgement, Launched, Miss, Record, judge},
    resumed::Resumed,
    step::{Effect, Event},
    symptom::Symptom,
    verdict::{Conclusion, Verdict, Wish},
};
use crate::{
    config::ReadyWhen,
    nodefile::{Phase, ProcessId},
    probe::{ProbeFailure, Report},
};

/// While a node is starting or down, two probes begin no further apart than this: a new member should be seen within 100 ms. A refused
/// connection costs some ten system calls.
const START_INTERVAL: Duration = Duration::from_millis(80);

/// The machine of one node.
#[derive(Debug)]
pub struct Machine {
    expected: Expected,
    rhythm: Rhythm,
    state: State,
    conclusion: Conclusion,
    record: Record,
    launched: Option<Launched>,
    /// The last report.
    report: Option<Report>,
    /// The last good report: what the member's value is made of.
    good: Option<Report>,
    wish: Wish,
    /// Whether a probe has decided yet; until then the last run's key stands.
    decided: bool,
    /// When the probe in flight began; none: none is in flight.
    probing: Option<Instant>,
    /// When the next probe begins.
    due: Instant,
    /// What may have been a death, and was none.
    doubts: Doubts,
    /// The process that died last, and when. What was asked before is about the time when it lived.
    died: Option<(ProcessId, Instant)>,
    /// What was last seen of its process, while it does not answer.
    symptom: Option<Symptom>,
}

impl Machine {
    /// A machine that knows nothing yet. Its first event should be [`Event::Woke`].
    pub fn new(expected: Expected, rhythm: Rhythm, now: Instant) -> Self {
        Self {
            expected,
            rhythm,
            state: State::Starting,
            conclusion: Conclusion {
                verdict: Verdict::Starting,
                why: "not probed yet".to_owned(),
                illness: None,
                since: now,
            },
            record: Record::Unknown,
            launched: None,
            report: None,
            good: None,
            wish: Wish::Keep,
            decided: false,
            probing: None,
            due: now,
            doubts: Doubts::default(),
            died: None,
            symptom: None,
        }
    }

    /// A machine that goes on where the program before this one stood. The key stays as that one left it until a probe has given
    /// what its value is made of, unless the node was found wanting already.
    pub fn resumed(expected: Expected, rhythm: Rhythm, now: Instant, resumed: &Resumed) -> Self {
        let mut machine = Self::new(expected, rhythm, now);
        machine.decided = resumed.decided;
        let why = Why {
            illness: resumed.illness,
            words: resumed.why.clone(),
        };
        machine.enter(now, resumed.state, why);
        machine.conclusion.since = resumed.since(now);
        machine
    }

    /// Where the node stands, and whether a probe has decided that.
    pub fn state(&self) -> (State, bool) {
        (self.state, self.decided)
    }

    /// Verdict, reason and since when.
    pub fn conclusion(&self) -> &Conclusion {
        &self.conclusion
    }

    /// The last report, good or not.
    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    /// The last good report; while the verdict is ready, it is what the verdict rests on.
    pub fn good_report(&self) -> Option<&Report> {
        self.good.as_ref()
    }

    /// Takes an event in; what has to be done about it.
    #[must_use]
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Effect> {
        if self.state == State::Stopped {
            // Leaving is for good; whatever still comes in is old news.
            return Vec::new();
        }
        let (conclusion, wish) = (self.conclusion.clone(), self.wish);
        let mut value_changed = false;
        match event {
            Event::Probed(result) => value_changed = self.probed(now, result),
            Event::Seen(symptom) => self.symptom = Some(symptom),
            Event::ConnectionEnded => self.connection_ended(now),
            Event::ProcessDied { process, why } => self.process_died(now, process, &why),
            Event::RecordChanged(record) => {
                self.record = record;
                self.expectation_changed(now);
            }
            Event::LauncherSaid(launched) => self.launcher_said(now, launched),
            Event::Woke => {}
            Event::Stopped => self.enter(now, State::Stopped, Why::well("the sidecar was told to stop")),
        }
        self.wish = self.wish();
        let mut effects = Vec::new();
        if self.wish != wish || (value_changed && self.wish == Wish::Present) {
            effects.push(Effect::Want(self.wish));
        }
        if self.conclusion != conclusion {
            effects.push(Effect::Publish);
        }
        effects.extend(self.next(now));
        effects
    }

    /// What comes after this step: the next probe, the time to wait for it, or the end.
    fn next(&mut self, now: Instant) -> Option<Effect> {
        if self.state == State::Stopped {
            return Some(Effect::Leave);
        }
        if self.probing.is_some() {
            return None;
        }
        if self.due > now {
            return Some(Effect::WakeAt(self.due));
        }
        self.probing = Some(now);
        Some(Effect::Probe)
    }

    fn wish(&self) -> Wish {
        match self.state {
            // Before the record was heard of, nobody can say that this is the right cluster; and a value needs a report.
            State::Ready { .. } if self.record == Record::Unknown || self.good.is_none() => self.wish,
            State::Ready { .. } => Wish::Present,
            State::Starting if !self.decided => self.wish,
            State::Starting
            | State::Unready { .. }
            | State::Down { .. }
            | State::Impostor
            | State::Leaving
            | State::Stopped => Wish::Absent,
        }
    }

    /// Whether the member's value changed.
    fn probed(&mut self, now: Instant, result: Result<Report, ProbeFailure>) -> bool {
        let Some(begun) = self.probing.take() else {
            // Nobody asked; without its start it cannot be put in order.
            return false;
        };
        if self.died.is_some_and(|(_, at)| begun <= at) {
            self.due = now.max(begun + self.pause(false));
            return false;
        }
        self.leave_no_longer(now);
        let was_cut = matches!(result, Err(ProbeFailure::Closed));
        let mut value_changed = false;
        let well = match result {
            Ok(report) => {
                let judgement = judge(&self.expected, &self.record, self.launched.as_ref(), &report);
                if judgement == Judgement::Good {
                    value_changed = !self.good.as_ref().is_some_and(|last| same_member(last, &report));
                    self.good = Some(report.clone());
                }
                self.report = Some(report);
                self.judged(now, judgement)
            }
            Err(ProbeFailure::Refused) => self.refused(now),
            Err(failure) => {
                let why = Why::ill(Illness::of_failure(&failure), failure.to_string());
                self.missed(now, self.explained(why), Miss::of(&failure))
            }
        };
        self.symptom = None;
        self.decided = true;
        self.due = now.max(begun + self.pause(well));
        if was_cut && self.doubts.cut(now, self.rhythm.interval) {
            self.due = now;
        }
        value_changed
    }

    /// A program that became this one was leaving. If the launcher has taken its word back meanwhile, nobody else tells: its file is looked
    /// at before a probe.
    fn leave_no_longer(&mut self, now: Instant) {
        let phase = self.launched.as_ref().map(|launched| launched.phase);
        if self.state == State::Leaving && phase != Some(Phase::Leaving) {
            self.enter(now, State::Starting, Why::well("the launcher goes on with the node"));
        }
    }

    /// How long after the start of a probe the next one begins.
    fn pause(&self, well: bool) -> Duration {
        match self.state {
            State::Starting | State::Down { .. } => START_INTERVAL.min(self.rhythm.interval),
            State::Ready { .. } | State::Unready { .. } if !well => self.rhythm.timeout,
            State::Ready { .. } | State::Unready { .. } | State::Impostor | State::Leaving | State::Stopped => {
                self.rhythm.interval
            }
        }
    }

    /// A report came in; whether it was good.
    fn judged(&mut self, now: Instant, judgement: Judgement) -> bool {
        match judgement {
            Judgement::Good => match self.disk_exhausted(now) {
                Some(why) => self.unfit(now, why),
                None => self.good(now),
            },
            Judgement::Pending(why) => self.missed(now, Why::ill(Illness::Masterless, why), Miss::Trouble),
            Judgement::Stranger(_) if self.state == State::Leaving => false,
            Judgement::Stranger(why) => {
                self.enter(now, State::Impostor, Why::ill(Illness::Stranger, why));
                false
            }
        }
    }

    fn good(&mut self, now: Instant) -> bool {
        let hits = match self.state {
            State::Unready { hits } => hits + 1,
            // The first success counts: nobody should wait for a new member.
            State::Starting | State::Ready { .. } | State::Down { .. } | State::Impostor => self.rhythm.rise,
            State::Leaving | State::Stopped => return true,
        };
        if hits >= self.rhythm.rise {
            let level = match self.expected.ready_when {
                ReadyWhen::Joined => "joined",
                ReadyWhen::Up => "up",
            };
            self.enter(
                now,
                State::Ready { misses: 0 },
                Why::well(format!("{level}, and the node that is expected")),
            );
        } else {
            let why = format!("{hits} of {} good probes in a row", self.rhythm.rise);
            self.enter(now, State::Unready { hits }, Why::well(why));
        }
        true
    }

    /// It answers, and cannot keep what it is given.
    fn unfit(&mut self, now: Instant, why: Why) -> bool {
        match self.state {
            State::Leaving | State::Stopped => {}
            State::Starting | State::Ready { .. } | State::Unready { .. } | State::Down { .. } | State::Impostor => {
                self.enter(now, State::Unready { hits: 0 }, why);
            }
        }
        false
    }

    /// A probe failed, or the node is not ready.
    fn missed(&mut self, now: Instant, why: Why, miss: Miss) -> bool {
        let certain = why.illness == Some(Illness::Frozen);
        let counted = match miss {
            Miss::Trouble | Miss::Denied => State::Unready { hits: 0 },
            Miss::Stranger => State::Impostor,
        };
        match (self.state, miss) {
            (State::Ready { misses }, _) if misses + 1 < self.rhythm.fall && !certain => {
                let words = format!("{} ({} of {})", why.words, misses + 1, self.rhythm.fall);
                self.enter(now, State::Ready { misses: misses + 1 }, Why { words, ..why });
            }
            // Its socket is open until its memory is given back.
            (State::Down { .. }, Miss::Trouble) if self.is_dead() => {}
            (State::Starting | State::Down { .. }, Miss::Trouble) => self.enter(now, State::Starting, why),
            (State::Starting | State::Down { .. }, Miss::Denied | Miss::Stranger)
            | (State::Ready { .. } | State::Unready { .. } | State::Impostor, _) => self.enter(now, counted, why),
            // What a leaving node answers changes nothing.
            (State::Leaving | State::Stopped, _) => {}
        }
        false
    }

    /// Nothing listens: dead at once, without a second opinion, unless the launcher says that it is only just being started.
    fn refused(&mut self, now: Instant) -> bool {
        self.doubts = Doubts::default();
        let process = self.launched.as_ref().and_then(|launched| launched.process);
        let phase = self.launched.as_ref().map(|launched| launched.phase);
        let on_its_way = match self.state {
            State::Starting => process.is_some() || phase == Some(Phase::Starting),
            State::Down { of } => (process.is_some() && process != of) || phase == Some(Phase::Starting),
            State::Ready { .. } | State::Unready { .. } | State::Impostor => false,
            State::Leaving | State::Stopped => return false,
        };
        if on_its_way {
            let waits = self.launched.as_ref().and_then(|launched| launched.reason.clone());
            let why = waits.unwrap_or_else(|| "the node is being started, its port is not open yet".to_owned());
            self.enter(now, State::Starting, Why::well(why));
        } else {
            let of = if let State::Down { of } = self.state {
                of
            } else {
                process
            };
            let why = Why::ill(Illness::Refused, "nothing listens on the node's HTTP port");
            self.enter(now, State::Down { of }, why);
        }
        false
    }

    fn enter(&mut self, now: Instant, state: State, why: Why) {
        self.state = state;
        let verdict = state.verdict();
        let since = if verdict == self.conclusion.verdict {
            self.conclusion.since
        } else {
            now
        };
        self.conclusion = Conclusion {
            verdict,
            why: why.words,
            illness: why.illness,
            since,
        };
    }
}

/// Whether both reports make the same member: who is master is no part of it.
fn same_member(a: &Report, b: &Report) -> bool {
    a.identity == b.identity && a.uuid == b.uuid
}

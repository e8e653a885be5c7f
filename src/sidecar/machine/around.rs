//! What is told of the node by others than the probe: its process, its connection, its launcher, and its disk.

use tokio::time::Instant;

use super::{Machine, State};
use crate::{
    nodefile::{Phase, ProcessId},
    sidecar::{
        illness::{Illness, Why},
        judge::{Judgement, Launched, judge},
    },
};

impl Machine {
    pub(super) fn connection_ended(&mut self, now: Instant) {
        if self.probing.is_none() && self.doubts.ended(now, self.rhythm.interval) {
            self.due = now;
        }
    }

    /// Certain, so no probe has to agree.
    pub(super) fn process_died(&mut self, now: Instant, process: ProcessId, why: &str) {
        if self.launched.as_ref().and_then(|launched| launched.server) != Some(process) {
            return;
        }
        self.died = Some((process, now));
        self.decided = true;
        match self.state {
            State::Leaving | State::Stopped => {}
            State::Starting | State::Ready { .. } | State::Unready { .. } | State::Down { .. } | State::Impostor => {
                let of = self.launched.as_ref().and_then(|launched| launched.process);
                self.enter(now, State::Down { of }, Why::ill(Illness::Dead, why));
            }
        }
        self.due = now + self.pause(false);
    }

    /// Whether the process that the launcher names is known to be dead.
    pub(super) fn is_dead(&self) -> bool {
        let server = self.launched.as_ref().and_then(|launched| launched.server);
        self.died.is_some_and(|(process, _)| server == Some(process))
    }

    pub(super) fn launcher_said(&mut self, now: Instant, launched: Option<Launched>) {
        let leaving = launched
            .as_ref()
            .is_some_and(|launched| launched.phase == Phase::Leaving);
        self.launched = launched;
        match (leaving, self.state) {
            (true, State::Leaving) => {}
            (true, _) => {
                let why = Why::well("the launcher is about to stop the node");
                self.enter(now, State::Leaving, why);
            }
            (false, State::Leaving) => {
                self.enter(now, State::Starting, Why::well("the launcher goes on with the node"));
                self.due = now;
            }
            (false, _) => self.expectation_changed(now),
        }
    }

    /// A ready node is judged again at once by its last good report; any other is asked again.
    pub(super) fn expectation_changed(&mut self, now: Instant) {
        match (self.state, &self.good) {
            (State::Ready { .. }, Some(report)) => {
                match judge(&self.expected, &self.record, self.launched.as_ref(), report) {
                    Judgement::Good => {}
                    Judgement::Pending(why) => {
                        self.enter(now, State::Unready { hits: 0 }, Why::ill(Illness::Masterless, why));
                    }
                    Judgement::Stranger(why) => self.enter(now, State::Impostor, Why::ill(Illness::Stranger, why)),
                }
            }
            (State::Impostor | State::Unready { .. }, _) => self.due = now,
            (State::Starting | State::Down { .. } | State::Ready { .. } | State::Leaving | State::Stopped, _) => {}
        }
    }

    /// What its disk makes of a node that answers well, once that has lasted.
    pub(super) fn disk_exhausted(&self, now: Instant) -> Option<Why> {
        let disk = self.launched.as_ref()?.disk.as_ref()?;
        disk.exhausted(now, self.expected.disk_patience)
    }

    /// A reason why it does not answer, with what else is known. Its disk explains a node that hangs, whatever that does meanwhile.
    pub(super) fn explained(&self, why: Why) -> Why {
        if !matches!(why.illness, Some(Illness::Hung | Illness::Slow)) {
            return why;
        }
        let disk = self
            .launched
            .as_ref()
            .and_then(|launched| launched.disk.as_ref()?.illness());
        let why = match self.symptom {
            Some(symptom) => symptom.explains(why),
            None => why,
        };
        match disk {
            Some(disk) if why.illness != Some(Illness::Frozen) => Why::ill(
                disk.illness.unwrap_or(Illness::DiskFailing),
                format!("{}; {}", why.words, disk.words),
            ),
            Some(_) | None => why,
        }
    }
}

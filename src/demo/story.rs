//! The story: what is done when, and when it has failed. Pure; the [stage](super::stage) performs.
//!
//! Both ways of playing go through the same stages: a person's play stays in `Playing` until Ctrl-C, the script kills one node
//! there, brings it back, and kills a launcher. Invariant: every stage but `Playing` has an end in time, and every way out leads through `Stopping`
//! to `Searching`, so nothing is left running.

mod end;
mod terms;
#[cfg(test)]
mod tests;
mod words;

use std::{collections::BTreeMap, time::Duration};

pub(super) use terms::{Effect, Event, Mode, Stage};
#[cfg(test)]
pub(super) use tests::{cast as test_cast, cast_of as test_cast_of};
use tokio::time::Instant;
pub(super) use words::{hints, seconds};

use super::{
    cast::{Cast, Who},
    scene::{Fact, How, Life, Scene},
};

/// etcd is there within a second.
const OPENING: Duration = Duration::from_secs(30);
/// Three of the slowest nodes need 74 s on two busy cores, and three minutes on two that have much else to do.
const FORMING: Duration = Duration::from_mins(10);
/// A story that stands still says so.
const REMIND: Duration = Duration::from_secs(30);
/// Twice the TTL: a key that lives longer was deleted by nobody who saw the node die.
const KILLING: Duration = Duration::from_mins(1);
/// An adoption asks etcd and the engine; nothing has to start.
const ADOPTING: Duration = Duration::from_secs(30);
/// Beyond the launcher's grace and drain.
const STOPPING: Duration = Duration::from_mins(1);
/// What was killed is gone soon.
const LAST: Duration = Duration::from_secs(10);
/// Between an end and the new start, so that a person sees what lies between; systemd waits a moment, too.
const PAUSE: Duration = Duration::from_secs(5);

/// The story.
#[derive(Debug)]
pub(super) struct Story {
    mode: Mode,
    cast: Cast,
    pub(super) scene: Scene,
    pub(super) stage: Stage,
    /// When this stage has failed.
    until: Option<Instant>,
    /// When a sign of life is due.
    remind: Instant,
    /// Processes that are started again, and when.
    returns: BTreeMap<Who, Instant>,
    /// What went wrong. Empty: the story ends well.
    problems: Vec<String>,
    /// Whether everything was killed, so that nobody can be blamed for how it ended.
    killed: bool,
}

impl Story {
    /// The story at its beginning, and its first effects.
    #[must_use]
    pub(super) fn begin(now: Instant, mode: Mode, cast: Cast) -> (Self, Vec<Effect>) {
        let story = Self {
            mode,
            scene: Scene::new(&cast),
            cast,
            stage: Stage::Opening,
            until: Some(now + OPENING),
            remind: now + REMIND,
            returns: BTreeMap::new(),
            problems: Vec::new(),
            killed: false,
        };
        (story, vec![Effect::Start(Who::Etcd)])
    }

    /// What went wrong.
    pub(super) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// When [`Event::Woke`] is wanted.
    pub(super) fn wake(&self) -> Option<Instant> {
        let returns = self.returns.values().copied();
        let remind = self.waits_for_nodes().then_some(self.remind);
        returns.chain(self.until).chain(remind).min()
    }

    /// Takes in `event`.
    #[must_use]
    pub(super) fn step(&mut self, now: Instant, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.stage == Stage::Over {
            return effects;
        }
        for fact in self.see(now, event, &mut effects) {
            effects.extend(words::tell(&self.cast, &self.scene, self.stage, &fact).map(Effect::Say));
            self.react(now, &fact, &mut effects);
        }
        self.returns_due(now, &mut effects);
        if self.until.is_some_and(|until| now >= until) {
            self.overdue(now, &mut effects);
        }
        self.advance(now, &mut effects);
        if effects.iter().any(|effect| matches!(effect, Effect::Say(_))) {
            self.remind = now + REMIND;
        } else if self.waits_for_nodes() && now >= self.remind {
            self.remind = now + REMIND;
            effects.push(Effect::Say(words::patience(&self.scene)));
        }
        effects
    }

    fn waits_for_nodes(&self) -> bool {
        matches!(self.stage, Stage::Forming { .. } | Stage::Returning { .. })
    }

    /// Changes the scene. What is no fact of the scene is dealt with at once.
    fn see(&mut self, now: Instant, event: Event, effects: &mut Vec<Effect>) -> Vec<Fact> {
        let none = Vec::new();
        match event {
            Event::Started { who, pid } => {
                // Started when the end had begun: it has missed its call.
                effects.extend(self.stage.is_ending().then_some(Effect::Terminate(who)));
                self.scene.started(who, pid)
            }
            Event::Ended { who, how } => self.scene.ended(who, how),
            Event::Viewed(view) => self.scene.viewed(now, view),
            Event::Away => self.scene.away(),
            Event::Filed { node, file, search } => self.scene.filed(node, file, search),
            Event::Answered { node, answer } => {
                self.scene.answered(node, answer);
                none
            }
            Event::Closed { node } => self.scene.closed(now, node),
            Event::Signalled { node, pid } => {
                self.scene.signalled(now, node);
                match pid {
                    Some(pid) => effects.push(Effect::Say(words::killed(&self.scene, node, pid))),
                    None => self.fail(now, words::nobody_listens(&self.scene, node), effects),
                }
                none
            }
            Event::KeysLeft(left) => {
                // Anywhere else it is the late answer to a question that was given up.
                if self.stage == Stage::Checking {
                    self.problems.extend(left);
                    self.close(now, effects);
                }
                none
            }
            Event::ProcessesLeft(left) => {
                if self.stage == Stage::Searching {
                    self.problems.extend(left);
                    self.finish(effects);
                }
                none
            }
            Event::Failed(what) => {
                self.fail(now, what, effects);
                none
            }
            Event::Stop => {
                self.interrupt(now, effects);
                none
            }
            Event::Woke => none,
        }
    }

    /// What a fact means for the story.
    fn react(&mut self, now: Instant, fact: &Fact, effects: &mut Vec<Effect>) {
        match (fact, self.stage) {
            (Fact::EtcdAnswers, Stage::Opening) => {
                let nodes = 0..self.scene.nodes.len();
                effects.push(Effect::Say(words::opening(&self.cast)));
                effects.extend(nodes.flat_map(|n| [Effect::Start(Who::Launcher(n)), Effect::Start(Who::Sidecar(n))]));
                self.enter(Stage::Forming { since: now }, now + FORMING);
            }
            // The node was killed, so its launcher ends: as on a host.
            (Fact::Ended(Who::Launcher(ended), _), Stage::Killing { node } | Stage::Mourning { node })
                if *ended == node => {}
            (Fact::Ended(Who::Launcher(ended), How::Signal(_)), Stage::Orphaning { node }) if *ended == node => {}
            (Fact::KeyGone(gone), Stage::Orphaning { node } | Stage::Adopting { node, .. }) if *gone == node => {
                self.fail(now, words::noticed(&self.scene, node), effects);
            }
            (Fact::Ended(who, how), Stage::Playing) => {
                self.returns.insert(*who, now + PAUSE);
                effects.push(Effect::Say(words::returns(&self.cast, *who, *how, PAUSE)));
            }
            (Fact::Ended(who, how), stage) if stage.is_ending() => {
                // etcd ends by the signal that it was sent.
                if !self.killed && *who != Who::Etcd && *how != How::Code(0) {
                    self.problems.push(words::ended(&self.cast, *who, *how));
                    effects.push(Effect::ShowLog(*who));
                }
            }
            (Fact::Ended(who, how), _) => {
                effects.push(Effect::ShowLog(*who));
                self.fail(now, words::ended(&self.cast, *who, *how), effects);
            }
            (
                Fact::EtcdAnswers
                | Fact::EtcdAway
                | Fact::SeedUp(_)
                | Fact::SeedGone(_)
                | Fact::Recorded(_)
                | Fact::Running(_)
                | Fact::Waiting(..)
                | Fact::Ready(_)
                | Fact::KeyGone(_)
                | Fact::SocketClosed(_)
                | Fact::Started(..),
                _,
            ) => {}
        }
    }

    /// Goes on to the next stage when this one has reached its aim.
    fn advance(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let runs = |who: &Who| self.scene.life(*who).pid().is_some();
        match self.stage {
            Stage::Forming { since } if self.scene.is_one_cluster() => {
                effects.push(Effect::Say(words::formed(&self.scene, now - since)));
                effects.push(Effect::ShowTable);
                self.formed(now, effects);
            }
            Stage::Killing { node } => {
                if let Some(sentence) = words::measured(&self.scene, node) {
                    effects.push(Effect::Say(sentence));
                    self.enter(Stage::Mourning { node }, now + KILLING);
                    self.advance(now, effects);
                }
            }
            Stage::Mourning { node } if !runs(&Who::Launcher(node)) => {
                effects.push(Effect::Start(Who::Launcher(node)));
                self.enter(Stage::Returning { node, since: now }, now + FORMING);
            }
            Stage::Returning { node, since } if runs(&Who::Launcher(node)) && self.scene.is_one_cluster() => {
                effects.push(Effect::Say(words::returned(&self.scene, node, now - since)));
                self.orphan((node + 1) % self.scene.nodes.len(), now, effects);
            }
            Stage::Orphaning { node } if !runs(&Who::Launcher(node)) => {
                effects.push(Effect::Start(Who::Launcher(node)));
                self.enter(Stage::Adopting { node, since: now }, now + ADOPTING);
            }
            Stage::Adopting { node, since } if self.scene.is_adopted(node) => {
                effects.push(Effect::Say(words::adopted(&self.scene, node, now - since)));
                self.stop(now, effects);
            }
            Stage::Stopping { .. } | Stage::Closing | Stage::Dimming => self.wind_up(now, effects),
            Stage::Opening
            | Stage::Forming { .. }
            | Stage::Mourning { .. }
            | Stage::Returning { .. }
            | Stage::Orphaning { .. }
            | Stage::Adopting { .. }
            | Stage::Playing
            | Stage::Checking
            | Stage::Searching
            | Stage::Over => {}
        }
    }

    /// A launcher is killed: its node must not notice, nor anybody who reads its key.
    fn orphan(&mut self, node: usize, now: Instant, effects: &mut Vec<Effect>) {
        let launcher = Who::Launcher(node);
        effects.push(Effect::Say(words::orphaned(&self.scene, node)));
        effects.push(Effect::Kill(launcher));
        self.enter(Stage::Orphaning { node }, now + LAST);
    }

    /// The cluster is there.
    fn formed(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        match self.mode {
            Mode::Script => {
                // The master's death is another story: the others are without one for a while.
                let master = self.scene.master();
                let node = (0..self.scene.nodes.len()).find(|n| Some(*n) != master).unwrap_or(0);
                effects.push(Effect::KillNode(node));
                self.enter(Stage::Killing { node }, now + KILLING);
            }
            Mode::Play => {
                self.stage = Stage::Playing;
                self.until = None;
            }
        }
    }

    fn enter(&mut self, stage: Stage, until: Instant) {
        self.stage = stage;
        self.until = Some(until);
    }

    fn returns_due(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let due: Vec<Who> = self
            .returns
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(who, _)| *who)
            .collect();
        for who in due {
            self.returns.remove(&who);
            if !matches!(self.scene.life(who), Life::Runs { .. }) {
                effects.push(Effect::Start(who));
            }
        }
    }
}

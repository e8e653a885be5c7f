//! How a story ends: when its time is over, when something fails, on Ctrl-C. Every end leads through `Stopping`.

use tokio::time::Instant;

use super::{Effect, LAST, Mode, STOPPING, Stage, Story, words};
use crate::demo::cast::Who;

impl Story {
    /// Goes on to the next stage of the end when this one has reached its aim.
    pub(super) fn wind_up(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let runs = |who: &Who| self.scene.life(*who).pid().is_some();
        match self.stage {
            Stage::Stopping { since } if !(0..self.scene.nodes.len()).any(|n| runs(&Who::Launcher(n))) => {
                effects.push(Effect::Say(words::stopped(now - since)));
                if self.killed {
                    // Nobody was left to take the keys away.
                    self.close(now, effects);
                } else {
                    effects.push(Effect::CheckKeys);
                    self.enter(Stage::Checking, now + LAST);
                }
            }
            Stage::Closing if !(0..self.scene.nodes.len()).any(|n| runs(&Who::Sidecar(n))) => {
                effects.push(Effect::Terminate(Who::Etcd));
                self.enter(Stage::Dimming, now + LAST);
                self.wind_up(now, effects);
            }
            Stage::Dimming if self.scene.running().is_empty() => {
                effects.push(Effect::CheckProcesses);
                self.enter(Stage::Searching, now + LAST);
            }
            Stage::Opening
            | Stage::Forming { .. }
            | Stage::Killing { .. }
            | Stage::Mourning { .. }
            | Stage::Returning { .. }
            | Stage::Orphaning { .. }
            | Stage::Adopting { .. }
            | Stage::Playing
            | Stage::Stopping { .. }
            | Stage::Checking
            | Stage::Closing
            | Stage::Dimming
            | Stage::Searching
            | Stage::Over => {}
        }
    }

    /// The time of this stage is over.
    pub(super) fn overdue(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let what = words::overdue(&self.scene, self.stage);
        match self.stage {
            Stage::Opening => {
                effects.push(Effect::ShowLog(Who::Etcd));
                self.fail(now, what, effects);
            }
            Stage::Forming { .. } => {
                let late =
                    (0..self.scene.nodes.len()).filter(|n| self.scene.nodes.get(*n).is_some_and(|node| !node.member));
                effects
                    .extend(late.flat_map(|n| [Effect::ShowLog(Who::Launcher(n)), Effect::ShowLog(Who::Sidecar(n))]));
                self.fail(now, what, effects);
            }
            Stage::Killing { node }
            | Stage::Mourning { node }
            | Stage::Returning { node, .. }
            | Stage::Orphaning { node }
            | Stage::Adopting { node, .. } => {
                effects.extend([
                    Effect::ShowLog(Who::Launcher(node)),
                    Effect::ShowLog(Who::Sidecar(node)),
                ]);
                self.fail(now, what, effects);
            }
            Stage::Stopping { .. } | Stage::Checking | Stage::Closing | Stage::Dimming if !self.killed => {
                self.problems.push(what);
                effects.extend(self.scene.running().into_iter().map(Effect::ShowLog));
                self.kill_all(now, effects);
            }
            Stage::Stopping { .. } | Stage::Checking | Stage::Closing | Stage::Dimming | Stage::Searching => {
                self.problems.push(what);
                self.finish(effects);
            }
            Stage::Playing | Stage::Over => {}
        }
    }

    /// Ctrl-C: the first one stops everything in order, the next one at once.
    pub(super) fn interrupt(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        if self.stage.is_ending() {
            if !self.killed {
                self.problems.push("killed before it could stop in order".to_owned());
            }
            self.kill_all(now, effects);
            return;
        }
        if self.mode == Mode::Script {
            self.problems.push("interrupted".to_owned());
        }
        self.stop(now, effects);
    }

    pub(super) fn fail(&mut self, now: Instant, what: String, effects: &mut Vec<Effect>) {
        effects.push(Effect::Say(format!("failed: {what}")));
        self.problems.push(what);
        if !self.stage.is_ending() {
            self.stop(now, effects);
        }
    }

    /// Begins the end.
    pub(super) fn stop(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        self.returns.clear();
        effects.push(Effect::Say(words::stopping().to_owned()));
        let running = self.scene.running().into_iter();
        effects.extend(
            running
                .filter(|who| matches!(who, Who::Launcher(_)))
                .map(Effect::Terminate),
        );
        self.enter(Stage::Stopping { since: now }, now + STOPPING);
    }

    /// The nodes are gone: what stood beside them goes too.
    pub(super) fn close(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        let running = self.scene.running().into_iter();
        effects.extend(
            running
                .filter(|who| matches!(who, Who::Sidecar(_)))
                .map(Effect::Terminate),
        );
        self.enter(Stage::Closing, now + LAST);
    }

    fn kill_all(&mut self, now: Instant, effects: &mut Vec<Effect>) {
        self.killed = true;
        self.until = Some(now + LAST);
        effects.push(Effect::KillAll);
    }

    pub(super) fn finish(&mut self, effects: &mut Vec<Effect>) {
        if self.scene.uuids.len() > 1 {
            self.problems.push(words::two_clusters(&self.scene));
        }
        self.stage = Stage::Over;
        self.until = None;
        effects.push(Effect::Say(words::the_end(&self.cast, &self.problems)));
        effects.push(Effect::Finish);
    }
}

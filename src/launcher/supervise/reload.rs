//! What the launcher does about SIGHUP while its node runs: looks, and becomes the next program where there is something new. Shell.
//!
//! The node is a child of this process, whatever program that is, and goes on. Invariant: what the next program will read again (the
//! distribution, the data directory's lock) was read by this one just before, so that it finds no reason to refuse.

use std::{os::fd::AsFd, time::Duration};

use tokio::time::timeout;

use super::{Passed, Running, machine::Event};
use crate::{
    commands::resolve,
    config::{self, Kept},
    host,
    launcher::{container::Absent, plan::Plan, runtime::Runtime},
    reload::{Found, in_one_line},
};

/// The longest that planning may take, for which everything else waits: a distribution is read at once, an engine asked.
const PLAN: Duration = Duration::from_secs(5);

impl<R: Runtime> Running<'_, R> {
    /// SIGHUP came.
    pub(super) fn reload_asked(&mut self) {
        self.desk.reloading();
        self.looking.ask();
    }

    /// The settings were looked at. When this returns, there is nothing new, or becoming it was impossible, or somebody told us to stop.
    pub(super) async fn looked(&mut self, looked: Result<Found, String>) -> Option<Event> {
        let settled = match looked {
            Ok(found) if found.is_new() => match self.become_next(&found).await {
                Ok(stop) => return Some(stop),
                Err(why) => Err(why),
            },
            nothing_new => nothing_new,
        };
        self.reading = self.looking.reload.settled(settled);
        if self.looking.is_over() {
            self.desk.ready();
        }
        None
    }

    async fn become_next(&mut self, found: &Found) -> Result<Event, String> {
        let kept = self.looking.reload.kept(self.ground.plan.settings.node.address);
        plan_again(found, &kept).await?;
        if self.signals.hold().await {
            host::let_signals_in();
            return Ok(Event::StopAsked);
        }
        self.runtime.let_go().await;
        if !self.process.is_alive() {
            // Its status may be here already, where the next program could not get it.
            host::let_signals_in();
            return Err("the node is ending".to_owned());
        }
        let helper = self.disk.let_go().await;
        self.desk.repeat();
        let mut files = vec![(Passed::LOCK, self.ground.registration.lock())];
        files.extend(self.lock.iter().map(|lock| (Passed::DATA, lock.file().as_fd())));
        let state = Passed::state(self.process, helper);
        let error = self.looking.reload.become_next(found, kept, state, &files);
        host::let_signals_in();
        Err(format!("cannot become the next program: {error}"))
    }
}

/// Whether the plan can be made again with what the next program will be told.
async fn plan_again(found: &Found, kept: &Kept) -> Result<(), String> {
    let Some(sources) = found.settings(kept) else {
        return Ok(());
    };
    let settings = resolve(&sources, config::launch).map_err(|failure| in_one_line(&failure))?;
    match timeout(PLAN, Plan::find(settings, Absent::Leave)).await {
        Ok(plan) => plan.map(drop).map_err(|failure| in_one_line(&failure)),
        Err(_) => Err(format!("the engine does not answer within {PLAN:?}")),
    }
}

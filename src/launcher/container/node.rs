//! A container that runs: performs what its [`Life`] wants, and hears what comes of it. Shell.

use std::{future::pending, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{
    arguments,
    inspect::Standing,
    life::{Effect, Event, Life, Sight},
    look,
    output::{self, Heard},
    program::Program,
    refusal::{Kind, Refusal},
};
use crate::{launcher::runtime::Ending, nodefile::ProcessId};

/// A program that was killed has ended after this time.
const REAP: Duration = Duration::from_millis(50);

/// A container that runs.
#[derive(Debug)]
pub(super) struct Node {
    id: String,
    process: ProcessId,
    life: Life,
    /// Everything that is on its way; each answers with an event. What changes something goes on when this is dropped.
    tasks: JoinSet<Event>,
    heard: Heard,
    wake: Option<Instant>,
    /// What the engine has not answered is said once.
    silent: bool,
}

impl Node {
    /// Stays with a container.
    pub(super) fn new(program: &Program, id: String, process: ProcessId, heard: Heard) -> Self {
        let (life, effects) = Life::begin();
        let mut node = Self {
            id,
            process,
            life,
            tasks: JoinSet::new(),
            heard,
            wake: None,
            silent: false,
        };
        node.perform(program, effects);
        node
    }

    /// Takes in what has happened; how the node has ended, once it has.
    pub(super) fn take_in(&mut self, program: &Program, event: Event) -> Option<Ending> {
        self.say(program, event);
        let effects = self.life.step(Instant::now(), event);
        self.perform(program, effects)
    }

    /// Cancel safety: what is on its way stays so.
    pub(super) async fn next(&mut self) -> Event {
        let wake = self.wake;
        tokio::select! {
            biased;
            Some(event) = self.tasks.join_next() => {
                // A task of ours that has died has found out nothing: the look that follows will.
                event.unwrap_or(Event::AskEnded)
            }
            () = at(wake) => {
                self.wake = None;
                Event::Woke
            }
        }
    }

    /// Ends the programs that wait and follow. If this one goes on after all, it starts them again after a look.
    pub(super) async fn let_go(&mut self) {
        self.tasks.shutdown().await;
        // Whoever was ended is waited for here: nobody else could.
        sleep(REAP).await;
        let process_lives = true;
        for event in [
            Event::WaitEnded,
            Event::LogsEnded,
            Event::Seen(Sight::NoAnswer { process_lives }),
        ] {
            self.run(async move { event });
        }
    }

    fn perform(&mut self, program: &Program, effects: Vec<Effect>) -> Option<Ending> {
        let mut over = None;
        for effect in effects {
            let (program, id) = (program.clone(), self.id.clone());
            match effect {
                Effect::WakeAt(at) => self.wake = Some(at),
                Effect::Finish(ending) => over = Some(ending),
                Effect::Wait => self.run(async move {
                    let _ = program.last(&arguments::wait(&id)).await;
                    Event::WaitEnded
                }),
                Effect::Follow => {
                    let heard = self.heard.clone();
                    self.run(async move {
                        if let Err(error) = output::follow(&program, &id, heard).await {
                            tracing::warn!(cause = %error, "the node's output cannot be followed, trying again");
                        }
                        Event::LogsEnded
                    });
                }
                Effect::Look => {
                    let process = self.process;
                    self.run(async move { Event::Seen(sight(&program, &id, process).await) });
                }
                Effect::Stop(grace) => self.ask(program, arguments::stop(&id, grace)),
                Effect::Nudge => self.run(async move {
                    // Nothing depends on it: the program that stops the container is still there.
                    let _ = program.change(&arguments::terminate(&id)).await;
                    Event::Nudged
                }),
                Effect::Kill => self.ask(program, arguments::kill(&id)),
                Effect::Remove => self.run(async move {
                    let removed = look::remove(&program, &id).await;
                    if let Err(error) = &removed {
                        tracing::warn!(cause = %error, "the container was not removed");
                    }
                    Event::RemovalEnded { gone: removed.is_ok() }
                }),
            }
        }
        over
    }

    fn run(&mut self, task: impl Future<Output = Event> + Send + 'static) {
        self.tasks.spawn(task);
    }

    fn ask(&mut self, program: Program, arguments: Vec<String>) {
        self.run(async move {
            match program.order(&arguments).await {
                Ok(_) | Err(Refusal { kind: Kind::Absent, .. }) => {}
                Err(error) => tracing::warn!(cause = %error, "the engine did not end the node"),
            }
            Event::AskEnded
        });
    }

    fn say(&mut self, program: &Program, event: Event) {
        let silent = matches!(event, Event::Seen(Sight::NoAnswer { .. }));
        let engine = program.cli.title();
        match (self.silent, silent, event) {
            (false, true, _) => tracing::warn!(engine, "the engine does not answer, the node is left as it is"),
            (true, false, Event::Seen(_)) => tracing::info!(engine, "the engine answers again"),
            _ => return,
        }
        self.silent = silent;
    }
}

async fn sight(program: &Program, id: &str, process: ProcessId) -> Sight {
    match look::inspect_container(program, id).await {
        Ok(None) => Sight::Absent,
        Ok(Some(found)) => match found.standing {
            Standing::Runs { .. } => Sight::Runs,
            Standing::Ended { ending, out_of_memory } => {
                if out_of_memory {
                    tracing::error!("the kernel has ended the node: out of memory");
                }
                Sight::Ended(ending)
            }
            // Nobody starts a container but its launcher: it was made anew behind our back.
            Standing::Created => Sight::Absent,
        },
        Err(error) => {
            tracing::debug!(cause = %error, "no answer");
            Sight::NoAnswer {
                process_lives: process.is_alive(),
            }
        }
    }
}

/// Waits until `time`, or for ever.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

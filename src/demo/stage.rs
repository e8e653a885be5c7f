//! The stage: receives events, asks the story, does what it says. Decides nothing.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    sync::mpsc,
    task::AbortHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    cast::{Cast, Who},
    child, containers,
    folder::{Folder, signal_group},
    output::Output,
    story::{Effect, Event, Mode, Story},
    watch::{self, Events},
};
use crate::{
    exit::{Exit, Failure},
    host::{self, Signals},
    nodefile::NodeFile,
    registry::Registry,
    view::ClusterView,
};

/// etcd is on this machine.
const REGISTRY: Duration = Duration::from_secs(5);
/// What was killed needs a moment to be gone.
const GONE: Duration = Duration::from_secs(5);
/// Between two looks whether it is.
const LOOK: Duration = Duration::from_millis(50);
/// A person sees the time go on.
const REDRAW: Duration = Duration::from_secs(1);

/// Everything that is needed to perform.
#[derive(Debug)]
pub(super) struct Stage {
    cast: Cast,
    folder: Arc<Folder>,
    registry: Registry,
    environment: BTreeMap<String, String>,
    /// Process numbers of children that were not waited for yet.
    children: BTreeMap<Who, u32>,
    sender: Events,
    events: mpsc::UnboundedReceiver<(Instant, Event)>,
    output: Output,
    /// Follows the registry; etcd would wait for it when it is to end.
    follower: Option<AbortHandle>,
}

impl Stage {
    pub(super) fn new(
        cast: Cast,
        folder: Folder,
        environment: BTreeMap<String, String>,
        output: Output,
    ) -> Result<Self, Failure> {
        let (sender, events) = mpsc::unbounded_channel();
        Ok(Self {
            registry: Registry::new(cast.registry())?,
            cast,
            folder: Arc::new(folder),
            environment,
            children: BTreeMap::new(),
            sender,
            events,
            output,
            follower: None,
        })
    }

    /// Plays to the end. However it ends, nothing runs afterwards.
    pub(super) async fn play(mut self, mode: Mode, mut signals: Signals) -> Result<Exit, Failure> {
        let (mut story, first) = Story::begin(Instant::now(), mode, self.cast.clone());
        self.watch();
        let mut effects = VecDeque::from(first);
        loop {
            while let Some(effect) = effects.pop_front() {
                if effect == Effect::Finish {
                    self.output.draw(&self.cast, &story.scene);
                    self.output.end();
                    return Ok(if story.problems().is_empty() {
                        Exit::Done
                    } else {
                        Exit::Failed
                    });
                }
                if let Some((now, event)) = self.perform(&story, effect) {
                    effects.extend(story.step(now, event));
                }
            }
            self.output.draw(&self.cast, &story.scene);
            let (now, event) = tokio::select! {
                biased;
                _ = signals.next() => (Instant::now(), Event::Stop),
                Some(event) = self.events.recv() => event,
                () = wake(story.wake()) => (Instant::now(), Event::Woke),
                () = sleep(REDRAW) => (Instant::now(), Event::Woke),
            };
            if let Event::Ended { who, .. } = &event {
                self.children.remove(who);
            }
            effects.extend(story.step(now, event));
            if self.output.is_lost() {
                // A reader that has gone away cannot press Ctrl-C any more.
                effects.extend(story.step(now, Event::Stop));
            }
        }
    }

    fn watch(&mut self) {
        let follower = watch::registry(self.registry.clone(), self.cast.clone(), self.sender.clone());
        self.follower = Some(tokio::spawn(follower).abort_handle());
        for (index, part) in self.cast.nodes.iter().enumerate() {
            tokio::spawn(watch::file(index, part.file.clone(), part.clone(), self.sender.clone()));
            tokio::spawn(watch::node(index, part.clone(), self.sender.clone()));
        }
    }

    /// Does what the story says; what follows at once.
    fn perform(&mut self, story: &Story, effect: Effect) -> Option<(Instant, Event)> {
        match effect {
            Effect::Say(text) => self.output.say(&text),
            Effect::ShowTable => self.output.show_table(&story.scene),
            Effect::ShowLog(who) => self.output.show_log(&self.cast.call(who), &self.log(who)),
            Effect::Start(who) => return Some((Instant::now(), self.start(who))),
            Effect::Terminate(who) => self.terminate(who),
            Effect::KillNode(node) => return Some(self.kill_node(node)),
            Effect::Kill(who) => {
                if let Some(pid) = self.children.get(&who) {
                    signal_process(*pid, Signal::KILL);
                }
            }
            Effect::KillAll => {
                for pid in self.children.values() {
                    signal_group(*pid, Signal::KILL);
                }
                self.folder.kill_left_over();
            }
            Effect::CheckKeys => self.check_keys(),
            Effect::CheckProcesses => self.check_processes(),
            Effect::Finish => {}
        }
        None
    }

    fn log(&self, who: Who) -> PathBuf {
        self.cast.command(who).map(|command| command.log).unwrap_or_default()
    }

    fn start(&mut self, who: Who) -> Event {
        match self.spawn(who) {
            Ok(pid) => Event::Started { who, pid },
            Err(error) => Event::Failed(format!("{} cannot be started: {error}", self.cast.call(who))),
        }
    }

    fn spawn(&mut self, who: Who) -> io::Result<u32> {
        let command = self.cast.command(who).ok_or_else(|| io::Error::other("no such part"))?;
        let process = child::spawn(&command, &self.environment)?;
        let pid = process.id().ok_or_else(|| io::Error::other("it has ended at once"))?;
        self.children.insert(who, pid);
        let sender = self.sender.clone();
        tokio::spawn(async move {
            let how = child::end(process).await;
            let _ = sender.send((Instant::now(), Event::Ended { who, how }));
        });
        self.folder.remember(pid)?;
        Ok(pid)
    }

    /// A process that was frozen by a person is woken, so that it can end in order.
    fn terminate(&mut self, who: Who) {
        if let Some(follower) = self.follower.take_if(|_| who == Who::Etcd) {
            follower.abort();
        }
        if let Who::Launcher(index) = who
            && let Some(node) = self.cast.nodes.get(index)
            && let Some(process) = NodeFile::read(&node.file).ok().flatten().and_then(|file| file.process)
            && process.is_alive()
        {
            signal_group(process.pid, Signal::CONT);
        }
        if let Some(pid) = self.children.get(&who) {
            signal_group(*pid, Signal::CONT);
            signal_process(*pid, Signal::TERM);
        }
    }

    fn kill_node(&self, node: usize) -> (Instant, Event) {
        let pid = self.cast.nodes.get(node).and_then(|part| host::listener(part.http()));
        // The time stands before the signal: what it causes may be there before the call returns.
        let now = Instant::now();
        if let Some(pid) = pid {
            signal_process(pid, Signal::KILL);
        }
        (now, Event::Signalled { node, pid })
    }

    fn check_keys(&self) {
        let (registry, keys, sender) = (self.registry.clone(), self.cast.keys.clone(), self.sender.clone());
        tokio::spawn(async move {
            let ranges = keys.all();
            let left = match timeout(REGISTRY, registry.read(&ranges)).await {
                Ok(Ok(reading)) => {
                    let view = ClusterView::of(&keys, &reading);
                    let members = view.members.keys().map(|id| keys.member(id));
                    let seeds = view.seeds.keys().map(|id| keys.seed(id));
                    members
                        .chain(seeds)
                        .map(|key| format!("the key {key} is left"))
                        .collect()
                }
                Ok(Err(_)) | Err(_) => vec!["etcd does not answer, so nobody knows which keys are left".to_owned()],
            };
            let _ = sender.send((Instant::now(), Event::KeysLeft(left)));
        });
    }

    fn check_processes(&self) {
        let (folder, sender) = (Arc::clone(&self.folder), self.sender.clone());
        tokio::spawn(async move {
            let deadline = Instant::now() + GONE;
            while !folder.living().is_empty() && Instant::now() < deadline {
                sleep(LOOK).await;
            }
            let living = folder.living().into_iter();
            let left = living.map(|process| format!("process {} was left and is killed", process.pid));
            folder.kill_left_over();
            let left = match folder.remove_containers().await {
                Ok(removed) => removed
                    .into_iter()
                    .map(|name| format!("the container {name} was left and is removed"))
                    .chain(left)
                    .collect(),
                Err(failure) => left.chain([containers::may_be_left(&failure)]).collect(),
            };
            let _ = sender.send((Instant::now(), Event::ProcessesLeft(left)));
        });
    }
}

fn signal_process(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // One that is gone needs no signal.
        let _ = kill_process(pid, signal);
    }
}

async fn wake(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

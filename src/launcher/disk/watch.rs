//! Starts the helper, listens to it, and tells what the machine makes of that. Shell. Touches the data directory never.

use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout},
};

use super::{
    helper,
    line::Line,
    machine::{DiskMachine, Effect, Event, Standing},
};
use crate::{
    host::{self, FileLock, LockError},
    launcher::plan::Plan,
    nodefile::{DiskState, DiskTold},
};

/// The program that runs, also when another one lies in its place by now: both ends of the pipe have to be of one version.
const SELF: &str = "/proc/self/exe";
/// A helper that was killed and is not at a write needs no longer.
const KILLED: Duration = Duration::from_millis(200);

/// Looks after one disk, or after none when it was told not to.
#[derive(Debug)]
pub struct DiskWatch {
    watched: Option<Watched>,
}

/// What is worth telling.
#[derive(Debug)]
pub enum DiskNews {
    /// The disk stands differently.
    Changed(DiskTold),
    /// It stands as it did, which is news as well.
    Same,
}

#[derive(Debug)]
struct Watched {
    dir: PathBuf,
    lock: PathBuf,
    every: Duration,
    machine: DiskMachine,
    helper: Option<Helper>,
    /// One of the program before this one in the same process, which could not be ended: it wants to be waited for by us.
    orphan: Option<u32>,
    wake: Option<Instant>,
    beat: Interval,
    /// What was told last.
    told: Option<Standing>,
}

#[derive(Debug)]
struct Helper {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl DiskWatch {
    /// Starts the helper of the node with this plan. `orphan` is what [`let_go`](Self::let_go) gave to the program before, `hang` since
    /// when an earlier launcher saw the disk hang, in milliseconds since boot.
    pub fn start(plan: &Plan, orphan: Option<u32>, hang: Option<u64>) -> Self {
        let settings = &plan.settings;
        let run_file = settings.node.run_file(&settings.common.service);
        Self {
            watched: settings.disk_interval.map(|every| {
                let now = Instant::now();
                let ago = hang.map(|since| host::uptime().saturating_sub(Duration::from_millis(since)));
                let hang = ago.and_then(|ago| now.checked_sub(ago));
                let (machine, effects) = DiskMachine::new(every, plan.watermarks(), now, hang);
                let mut beat = interval(every);
                beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
                let mut watched = Watched {
                    dir: plan.layout.data.clone(),
                    lock: run_file.with_extension("disk.lock"),
                    every,
                    machine,
                    helper: None,
                    orphan,
                    wake: None,
                    beat,
                    told: None,
                };
                watched.act(effects);
                watched
            }),
        }
    }

    /// What comes next; never when nobody looks. Cancel safety: nothing is lost.
    pub async fn next(&mut self) -> DiskNews {
        match &mut self.watched {
            Some(watched) => watched.next().await,
            None => std::future::pending().await,
        }
    }

    /// Something for the one sentence; nothing when all is well.
    pub fn words(&self) -> String {
        let told = self
            .watched
            .as_ref()
            .map(|watched| told(watched.machine.standing(), watched.every));
        let complaint = told.and_then(|told| told.complaint());
        complaint.map_or_else(String::new, |complaint| format!("; its disk {complaint}"))
    }

    /// Ends the helper, because this process becomes the next program. The number of one that does not end: it hangs.
    pub async fn let_go(&mut self) -> Option<u32> {
        let watched = self.watched.as_mut()?;
        let Some(mut helper) = watched.helper.take() else {
            return watched.orphan;
        };
        let number = helper.child.id();
        let ended = timeout(KILLED, helper.child.kill()).await;
        // In case there is no next program after all.
        watched.take(Event::Ended("the helper was ended for a reload".to_owned()));
        ended.is_err().then_some(number).flatten()
    }
}

impl Watched {
    async fn next(&mut self) -> DiskNews {
        loop {
            let event = tokio::select! {
                // What was said comes before the conclusion that nothing was said.
                biased;
                event = said(&mut self.helper) => event,
                () = at(self.wake) => {
                    self.wake = None;
                    Event::Woke
                }
                _ = self.beat.tick() => return DiskNews::Same,
            };
            self.take(event);
            if let Some(told) = self.tell() {
                return DiskNews::Changed(told);
            }
        }
    }

    fn take(&mut self, event: Event) {
        if matches!(event, Event::Ended(_)) {
            // Whoever drops a child that has not ended yet has it waited for by the runtime.
            self.helper = None;
        }
        let effects = self.machine.step(Instant::now(), event);
        self.act(effects);
    }

    fn act(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::WakeAt(at) => self.wake = Some(at),
                Effect::Start => {
                    let event = self.start();
                    self.take(event);
                }
                Effect::Kill => {
                    if let Some(helper) = &mut self.helper {
                        // Ended already, or at a write after all: then its end comes with the end of that.
                        let _ = helper.child.start_kill();
                    }
                }
            }
        }
    }

    fn start(&mut self) -> Event {
        let lock = match FileLock::take(&self.lock) {
            Ok(lock) => lock,
            Err(LockError::Held { .. }) => return Event::EarlierLives,
            Err(error @ LockError::Io { .. }) => return Event::Ended(format!("the helper was not started: {error}")),
        };
        if let Some(orphan) = self.orphan.take() {
            reap(orphan);
        }
        match spawn(&self.dir, self.every, &lock) {
            Ok(helper) => {
                self.helper = Some(helper);
                Event::Started
            }
            Err(error) => Event::Ended(format!("the helper was not started: {error}")),
        }
    }

    /// What is to be told, if it is something new.
    fn tell(&mut self) -> Option<DiskTold> {
        let standing = self.machine.standing();
        if self.told.as_ref() == Some(standing) {
            return None;
        }
        let before = self.told.as_ref().map_or(DiskState::Unknown, |told| told.state);
        let (state, why) = (standing.state.word(), standing.why.as_deref());
        match (before == standing.state, standing.state) {
            (true, _) => {}
            (false, DiskState::Ok) => tracing::info!(state, "the disk under the data takes writes"),
            (false, _) => tracing::warn!(state, cause = why, "the disk under the data is not well"),
        }
        let told = told(standing, self.every);
        self.told = Some(standing.clone());
        Some(told)
    }
}

fn told(standing: &Standing, every: Duration) -> DiskTold {
    let since = host::uptime().saturating_sub(standing.since.elapsed());
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    DiskTold {
        state: standing.state,
        since_ms: milliseconds(since),
        why: standing.why.clone(),
        used_percent: standing.used_percent,
        watermark: standing.watermark,
        every_ms: milliseconds(every),
    }
}

/// The helper gets the lock as its standard input: it has it for as long as it lives, and this process has it no longer.
fn spawn(dir: &Path, every: Duration, lock: &FileLock) -> io::Result<Helper> {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter that starts the helper")]
    let mut command = Command::new(SELF);
    let mut child = command
        .arg0("quorate")
        .arg(helper::WORD)
        .arg(dir)
        .arg(every.as_millis().to_string())
        .arg(std::process::id().to_string())
        .env_clear()
        .current_dir("/")
        .stdin(lock.file().try_clone()?)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A signal to the launcher's group, such as Ctrl-C, is not one to the helper.
        .process_group(0)
        .spawn()?;
    let out = child.stdout.take().ok_or_else(|| io::Error::other("no pipe"))?;
    let lines = BufReader::new(out).lines();
    tracing::debug!(pid = child.id(), "the helper tries the disk under the data");
    Ok(Helper { child, lines })
}

async fn said(helper: &mut Option<Helper>) -> Event {
    let Some(helper) = helper else {
        return std::future::pending().await;
    };
    match helper.lines.next_line().await {
        Ok(Some(line)) => {
            Line::parse(&line).map_or_else(|| Event::Ended("the helper is not understood".to_owned()), Event::Said)
        }
        Ok(None) | Err(_) => Event::Ended("the helper has ended".to_owned()),
    }
}

fn reap(number: u32) {
    if let Some(pid) = i32::try_from(number).ok().and_then(Pid::from_raw) {
        // Not our child any more, or waited for already: all the same.
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

//! The world in virtual time: what is due next happens, and after each thing the promises are looked at.

use std::{collections::BTreeMap, time::Duration};

use quorate::{
    nodefile::ProcessId,
    registration::machine::{Event as Keep, Op, Outcome},
    registry::Txn,
    sidecar::step::Event,
};
use tokio::time::Instant;

use super::{
    action::{Action, Fate, Kind, Move, Sabotage},
    etcd::Etcd,
    host::{Host, KEY, Link},
    node::{Node, record},
};
use crate::formation_model::dice::Dice;

/// From etcd's return, or that of the way to it, until a watch has caught up.
pub(super) const WATCH: Duration = Duration::from_secs(2);
/// How long a killed node's sockets are open.
const MEMORY: Duration = Duration::from_millis(700);

/// The same for everybody in a story.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) rise: u32,
    pub(super) fall: u32,
    pub(super) ttl: Duration,
    /// How long a TTL takes on etcd's clock.
    pub(super) lived: Duration,
    /// Of one way to etcd.
    pub(super) latency: Duration,
    pub(super) endpoints: usize,
    pub(super) luck: u64,
}

/// What is due at some time. The first number is that of a run; what is due to one that is gone does not happen.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    Wake(u64),
    KeeperWake(u64),
    /// The probe of this number is over.
    ProbeOver(u64, u64),
    ConnectionEnded(u64),
    ProcessDied(u64, ProcessId),
    /// The launcher's file has changed.
    LauncherSeen(u64),
    /// A call, of a host, reaches etcd; when it was sent, and whether its answer comes back.
    Arrives(Flight),
    /// What comes of the call of this number.
    Answered(u64, u64, Outcome),
    /// A watch tells of the record.
    Heard(u64),
    /// A killed node's memory has been given back, that of this process.
    SocketsClose(u32),
    /// A run that was told to stop has no more time.
    LeaveOver(u64),
}

/// A call on its way to etcd.
#[derive(Debug, Clone)]
pub(crate) struct Flight {
    pub(super) host: usize,
    pub(super) run: u64,
    pub(super) call: u64,
    pub(super) sent: Instant,
    pub(super) answered: bool,
    pub(super) op: Op,
    /// As it was when it was sent.
    pub(super) txn: Option<Txn>,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(super) now: Instant,
    pub(super) settings: Settings,
    pub(super) sabotage: Sabotage,
    queue: BTreeMap<(Instant, u64), Happening>,
    numbers: u64,
    luck: Dice,
    pub(super) etcd: Etcd,
    pub(super) node: Node,
    pub(super) hosts: [Host; 2],
    /// Something that never may be.
    pub(super) broken: Option<String>,
    /// Changes of the key that somebody asked etcd for.
    pub(super) writes: u64,
}

impl World {
    pub(crate) fn new(settings: Settings, sabotage: Sabotage) -> Self {
        let now = Instant::now();
        let mut world = Self {
            now,
            settings,
            sabotage,
            queue: BTreeMap::new(),
            numbers: 0,
            luck: Dice::new(settings.luck),
            etcd: Etcd::new(settings.ttl, settings.lived, now),
            node: Node::new(now),
            hosts: [Host::new(now), Host::new(now)],
            broken: None,
            writes: 0,
        };
        world.act(Action::Start(0));
        world
    }

    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// From 0 to 1.
    pub(super) fn fraction(&mut self) -> f64 {
        f64::from(u32::try_from(self.luck.below(1000)).expect("small")) / 1000.0
    }

    pub(super) fn due(&mut self, at: Instant, what: Happening) {
        let number = self.number();
        self.queue.insert((at, number), what);
    }

    pub(super) fn soon(&mut self, what: Happening) {
        self.due(self.now + Duration::from_millis(1), what);
    }

    /// The host whose run has this number.
    pub(super) fn host_of(&self, run: u64) -> Option<usize> {
        self.hosts
            .iter()
            .position(|host| host.sidecar.as_ref().is_some_and(|sidecar| sidecar.id == run))
    }

    /// Lets time pass, and everything happen that is due; what was broken.
    pub(crate) fn pass(&mut self, time: Duration) -> Result<(), String> {
        let end = self.now + time;
        while self.broken.is_none() {
            let next = self.queue.first_key_value().map(|((at, _), _)| *at);
            let lease = self.etcd.next_end();
            let Some(at) = next.into_iter().chain(lease).min().filter(|at| *at <= end) else {
                break;
            };
            self.now = at.max(self.now);
            self.look();
            self.etcd.expire(self.now);
            if next == Some(at)
                && let Some((_, what)) = self.queue.pop_first()
            {
                self.happen(what);
            }
            self.look();
        }
        self.now = end;
        self.look();
        self.broken.take().map_or(Ok(()), Err)
    }

    /// One move of a story.
    pub(crate) fn make(&mut self, Move(after, action): Move) -> Result<(), String> {
        self.pass(after)?;
        self.act(action);
        self.look();
        self.broken.take().map_or(Ok(()), Err)
    }

    fn happen(&mut self, what: Happening) {
        let run = match &what {
            Happening::Wake(run)
            | Happening::KeeperWake(run)
            | Happening::ProbeOver(run, _)
            | Happening::ConnectionEnded(run)
            | Happening::ProcessDied(run, _)
            | Happening::LauncherSeen(run)
            | Happening::Answered(run, ..)
            | Happening::Heard(run)
            | Happening::LeaveOver(run) => *run,
            Happening::Arrives(flight) => return self.arrives(flight.clone()),
            Happening::SocketsClose(pid) => return self.sockets_close(*pid),
        };
        let Some(host) = self.host_of(run) else { return };
        let sidecar = self.hosts[host].sidecar.as_mut().expect("a run");
        if let Some(missed) = &mut sidecar.frozen {
            missed.push(what);
            return;
        }
        match what {
            Happening::Wake(_) if sidecar.wake.is_some_and(|at| at <= self.now) => self.feed(host, Event::Woke),
            Happening::KeeperWake(_) if sidecar.keeper_wake.is_some_and(|at| at <= self.now) => {
                self.keep(host, Keep::Woke);
            }
            Happening::Wake(_) | Happening::KeeperWake(_) | Happening::Arrives(_) | Happening::SocketsClose(_) => {}
            Happening::ProbeOver(_, probe) => self.probe_over(host, probe),
            Happening::ConnectionEnded(_) => {
                if sidecar.probe.is_none() && std::mem::take(&mut sidecar.connected) {
                    self.feed(host, Event::ConnectionEnded);
                }
            }
            Happening::ProcessDied(_, process) => {
                if sidecar.launched.as_ref().and_then(|launched| launched.server) == Some(process) {
                    sidecar.dead_since = Some(self.now);
                }
                let why = "killed".to_owned();
                self.feed(host, Event::ProcessDied { process, why });
            }
            Happening::LauncherSeen(_) => {
                if let Some(event) = self.look_at_launcher(host) {
                    self.feed(host, event);
                }
            }
            Happening::Answered(_, call, outcome) => self.answered(host, call, outcome),
            Happening::Heard(_) => self.heard(host),
            Happening::LeaveOver(_) => self.hosts[host].sidecar = None,
        }
    }

    fn heard(&mut self, host: usize) {
        let record_now = self.etcd.record;
        if self.sabotage == Sabotage::NoRecord || !self.etcd.up || self.hosts[host].link != Link::Fine {
            return;
        }
        let sidecar = self.hosts[host].sidecar.as_mut().expect("a run");
        if sidecar.heard != Some(record_now) {
            sidecar.heard = Some(record_now);
            self.feed(host, Event::RecordChanged(record(record_now)));
        }
    }

    /// Everybody's watch tells of the record after a while.
    pub(super) fn tell_of_record(&mut self, after: Duration) {
        for run in self.runs() {
            self.due(self.now + after, Happening::Heard(run));
        }
    }

    pub(super) fn runs(&self) -> Vec<u64> {
        let id = |host: &Host| host.sidecar.as_ref().map(|sidecar| sidecar.id);
        self.hosts.iter().filter_map(id).collect()
    }

    /// The process of the node is gone or goes: whoever holds a connection to it, or watches it, hears of that.
    pub(super) fn process_ends(&mut self, closed: bool) {
        let dead = super::node::process(self.node.pid);
        let watched = |host: &Host| {
            let sidecar = host.sidecar.as_ref()?;
            let watches = sidecar.launched.as_ref().and_then(|launched| launched.server) == Some(dead);
            watches.then_some(sidecar.id)
        };
        let watching: Vec<u64> = self.hosts.iter().filter_map(watched).collect();
        if self.sabotage != Sabotage::NoVigil {
            for run in watching {
                self.soon(Happening::ProcessDied(run, dead));
            }
        }
        if closed {
            self.connections_end();
        } else {
            self.due(self.now + MEMORY, Happening::SocketsClose(self.node.pid));
        }
    }

    pub(super) fn connections_end(&mut self) {
        for run in self.runs() {
            self.soon(Happening::ConnectionEnded(run));
        }
    }

    fn sockets_close(&mut self, pid: u32) {
        if self.node.pid == pid && self.node.kind == Kind::Dying {
            self.node.kind = Kind::Off;
            self.connections_end();
        }
    }

    /// The fate of a call, by the way to etcd or by chance.
    pub(super) fn fate(&mut self, host: usize) -> Option<Fate> {
        if let Some(fate) = self.hosts[host].fates.pop_front() {
            return Some(fate);
        }
        match self.hosts[host].link {
            Link::Fine => None,
            Link::Cut => Some(Fate::Lost),
            Link::Deaf => Some(Fate::Unanswered),
        }
    }

    pub(super) fn script(&mut self, leased: bool) {
        self.etcd.script(leased, KEY, self.now);
    }

    pub(super) fn break_down(&mut self, what: String) {
        self.broken.get_or_insert(what);
    }
}

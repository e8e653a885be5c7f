//! What the shells of sidecar and registration do, over the world: events in, effects done.

use std::{collections::VecDeque, time::Duration};

use quorate::{
    probe::ProbeFailure,
    registration::{
        Want,
        machine::{Effect as KeepEffect, Event as Keep, Op, Outcome},
    },
    registry::{RegistryError, Txn},
    sidecar::{
        step::{Effect, Event},
        verdict::Wish,
    },
};

use super::{
    action::{Fate, Kind, Sabotage},
    host::{Doing, Link},
    world::{Flight, Happening, World},
};

/// How long a call may take.
pub(super) const CALL: Duration = Duration::from_secs(2);
/// How long a sidecar may take to leave.
pub(super) const LEAVE: Duration = Duration::from_secs(3);
/// What needs no network.
const AT_ONCE: Duration = Duration::from_millis(1);

impl World {
    /// Gives an event to the judge of the sidecar on `host`, and does what it says.
    pub(super) fn feed(&mut self, host: usize, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let Some(sidecar) = self.hosts[host].sidecar.as_mut() else {
                return;
            };
            for effect in sidecar.judge.step(self.now, event) {
                match effect {
                    Effect::Probe => {
                        self.hosts[host].sidecar.as_mut().expect("a run").wake = None;
                        events.extend(self.look_at_launcher(host));
                        self.probe(host);
                    }
                    Effect::WakeAt(at) => {
                        let sidecar = self.hosts[host].sidecar.as_mut().expect("a run");
                        sidecar.wake = Some(at);
                        let id = sidecar.id;
                        self.due(at, Happening::Wake(id));
                    }
                    Effect::Want(wish) => self.want(host, wish),
                    Effect::Publish => {}
                    Effect::Leave => self.leave(host),
                }
            }
        }
        self.never_sleeps(host);
    }

    fn never_sleeps(&mut self, host: usize) {
        let Some(sidecar) = &self.hosts[host].sidecar else {
            return;
        };
        let probes = sidecar.probe.is_some() || sidecar.wake.is_some() || sidecar.leaving.is_some();
        let keeps = sidecar.doing.is_some() || sidecar.keeper_wake.is_some();
        if !probes || !keeps {
            self.break_down("a machine sleeps for ever".to_owned());
        }
    }

    pub(super) fn look_at_launcher(&mut self, host: usize) -> Option<Event> {
        // The other host has no launcher.
        if host != 0 || self.sabotage == Sabotage::NoLauncher {
            return None;
        }
        let launched = self.node.launched();
        let sidecar = self.hosts[host].sidecar.as_mut().expect("a run");
        if sidecar.launched == launched {
            return None;
        }
        sidecar.launched.clone_from(&launched);
        Some(Event::LauncherSaid(launched))
    }

    fn probe(&mut self, host: usize) {
        let number = self.number();
        let delay = self.node.delay(self.settings.timeout);
        let pid = self.node.pid;
        let sidecar = self.hosts[host].sidecar.as_mut().expect("a run");
        sidecar.probe = Some((number, pid));
        let over = Happening::ProbeOver(sidecar.id, number);
        if delay.is_some() || self.sabotage != Sabotage::NoDeadline {
            self.due(self.now + delay.unwrap_or(self.settings.timeout), over);
        }
    }

    pub(super) fn probe_over(&mut self, host: usize, number: u64) {
        let timeout = self.settings.timeout;
        let sidecar = self.hosts[host].sidecar.as_mut().expect("a run");
        let Some((_, pid)) = sidecar.probe.take_if(|(probe, _)| *probe == number) else {
            return;
        };
        let mut result = self.node.answer(pid, timeout);
        sidecar.connected = result.is_ok();
        if self.sabotage == Sabotage::NoRefusal && result == Err(ProbeFailure::Refused) {
            result = Err(ProbeFailure::TimedOut(timeout));
        }
        self.feed(host, Event::Probed(result));
    }

    fn want(&mut self, host: usize, wish: Wish) {
        let sidecar = self.hosts[host].sidecar.as_ref().expect("a run");
        let want = match wish {
            Wish::Keep => Want::Keep,
            Wish::Absent => Want::Absent,
            Wish::Present => match sidecar.value() {
                Some(value) => Want::Present(value),
                None => return,
            },
        };
        let sidecar = self.hosts[host].sidecar.as_mut().expect("a run");
        sidecar.wanted = match &want {
            Want::Present(value) => Some(value.clone().of_run(&sidecar.spec.incarnation).to_bytes()),
            Want::Keep | Want::Absent => None,
        };
        self.keep(host, Keep::Wanted(want));
    }

    fn leave(&mut self, host: usize) {
        let sidecar = self.hosts[host].sidecar.as_mut().expect("a run");
        sidecar.leaving = Some(self.now);
        let id = sidecar.id;
        self.due(self.now + LEAVE, Happening::LeaveOver(id));
        self.keep(host, Keep::LeaveAsked);
    }

    /// Gives an event to the keeper of the key, and does what it says.
    pub(super) fn keep(&mut self, host: usize, event: Keep) {
        let (now, fraction) = (self.now, self.fraction());
        let Some(sidecar) = self.hosts[host].sidecar.as_mut() else {
            return;
        };
        sidecar.keeper_wake = None;
        for effect in sidecar.keeper.step(now, fraction, event) {
            match effect {
                KeepEffect::Run(op) => self.call(host, op),
                KeepEffect::Drop => self.hosts[host].sidecar.as_mut().expect("a run").doing = None,
                KeepEffect::WakeAt(at) => {
                    let sidecar = self.hosts[host].sidecar.as_mut().expect("a run");
                    sidecar.keeper_wake = Some(at);
                    let id = sidecar.id;
                    self.due(at, Happening::KeeperWake(id));
                }
                KeepEffect::Answer { .. } => self.break_down("an answer that nobody asked for".to_owned()),
                KeepEffect::Left => {
                    self.hosts[host].sidecar = None;
                    return;
                }
            }
        }
    }

    fn call(&mut self, host: usize, op: Op) {
        self.may_ask(host, &op);
        let (call, now, latency) = (self.number(), self.now, self.settings.latency);
        let sidecar = self.hosts[host].sidecar.as_mut().expect("a run");
        let (run, txn) = (sidecar.id, op.txn(&sidecar.spec));
        sidecar.doing = Some(Doing { call, op: op.clone() });
        if let Op::Save(_) = op {
            let outcome = if self.hosts[host].disk_full {
                Outcome::NotSaved("no space left".to_owned())
            } else {
                Outcome::Saved
            };
            self.due(now + AT_ONCE, Happening::Answered(run, call, outcome));
            return;
        }
        if let Some(outcome) = self.made_up(host, &op) {
            self.due(now + latency, Happening::Answered(run, call, outcome));
            return;
        }
        if !self.etcd.up {
            self.due(now + AT_ONCE, Happening::Answered(run, call, Outcome::Failed(away())));
            return;
        }
        let fate = self.fate(host);
        let arrives = match fate {
            Some(Fate::Lost | Fate::Refused) => None,
            Some(Fate::Late(millis)) => Some(now + Duration::from_millis(millis)),
            Some(Fate::Unanswered) | None => Some(now + latency),
        };
        if let Some(at) = arrives {
            let answered = fate.is_none();
            let flight = Flight {
                host,
                run,
                call,
                sent: now,
                answered,
                op,
                txn,
            };
            self.due(at, Happening::Arrives(flight));
        }
        if fate == Some(Fate::Refused) {
            self.due(
                now + latency * 2,
                Happening::Answered(run, call, Outcome::Failed(refused())),
            );
        } else {
            self.due(now + CALL, Happening::Answered(run, call, Outcome::Failed(away())));
        }
    }

    /// What a sabotaged run believes without asking.
    fn made_up(&self, host: usize, op: &Op) -> Option<Outcome> {
        match (self.sabotage, op) {
            (Sabotage::NoRevoke, Op::Revoke(_)) => Some(Outcome::Revoked),
            (Sabotage::NoDeletion, Op::Delete { replaces }) => Some(Outcome::Committed(Some(*replaces))),
            (Sabotage::NoVerification, Op::Read) => {
                let sidecar = self.hosts[host].sidecar.as_ref()?;
                let known = sidecar.keeper.standing(self.now).key_revision?;
                let entry = self.etcd.entry.clone().filter(|entry| entry.mod_revision == known);
                // What it saw last; the value is what it wrote itself.
                let value = sidecar.value()?.of_run(&sidecar.spec.incarnation);
                Some(Outcome::Read(Some(entry.unwrap_or(quorate::registry::Entry {
                    key: sidecar.spec.key.clone(),
                    value: value.to_bytes(),
                    create_revision: known,
                    mod_revision: known,
                    lease: sidecar.keeper.standing(self.now).lease,
                }))))
            }
            _ => None,
        }
    }

    pub(super) fn arrives(&mut self, flight: Flight) {
        let Flight {
            host,
            run,
            call,
            sent,
            answered,
            op,
            txn,
        } = flight;
        if !self.etcd.up {
            return;
        }
        let now = self.now;
        let outcome = match (&op, txn) {
            (_, Some(txn)) => self.commit(host, run, txn),
            (Op::Grant, None) => self.etcd.granted(host, now, sent),
            (Op::Renew(lease), None) => self.etcd.renewed(*lease, now, sent),
            (Op::Ask(lease), None) => Outcome::Lives {
                ttl: self.etcd.remaining(*lease, now),
                uptime: if self.sabotage == Sabotage::NoUptime {
                    Duration::ZERO
                } else {
                    now - self.hosts[host].booted
                },
            },
            (Op::Revoke(lease), None) => {
                self.may_revoke(host, *lease);
                self.etcd.end(*lease);
                Outcome::Revoked
            }
            (Op::Read | Op::Put { .. } | Op::Delete { .. } | Op::Commit { .. } | Op::Save(_), None) => {
                Outcome::Read(self.etcd.entry.clone())
            }
        };
        if matches!(op, Op::Grant | Op::Renew(_) | Op::Put { .. }) {
            self.hosts[host].renewed = now;
        }
        if answered && self.hosts[host].link == Link::Fine {
            self.due(now + self.settings.latency, Happening::Answered(run, call, outcome));
        }
    }

    fn commit(&mut self, host: usize, run: u64, mut txn: Txn) -> Outcome {
        if self.sabotage == Sabotage::NoFence {
            txn.when.clear();
        }
        for change in &mut txn.then {
            if let (Sabotage::NoLease, quorate::registry::Op::Put { lease, .. }) = (self.sabotage, change) {
                *lease = None;
            }
        }
        self.may_write(host, run, &txn);
        self.writes += 1;
        self.etcd.commit(run, &txn)
    }

    pub(super) fn answered(&mut self, host: usize, call: u64, outcome: Outcome) {
        let sidecar = self.hosts[host].sidecar.as_mut().expect("a run");
        let Some(doing) = sidecar.doing.take_if(|doing| doing.call == call) else {
            return;
        };
        if let (Op::Save(runs), Outcome::Saved) = (&doing.op, &outcome)
            && self.sabotage != Sabotage::NoStateFile
        {
            self.hosts[host].file.clone_from(runs);
        }
        if matches!(outcome, Outcome::Failed(_) | Outcome::NotSaved(_)) {
            self.hosts[host].disturbed = self.now;
        }
        self.keep(host, Keep::Done(outcome));
        self.never_sleeps(host);
    }

    /// Whether the key of a node in good order is there as its sidecar would write it.
    pub(super) fn is_true(&self, host: usize) -> bool {
        let Some(sidecar) = &self.hosts[host].sidecar else {
            return false;
        };
        let written = self.etcd.entry.as_ref().map(|entry| &entry.value);
        written.is_some() && written == sidecar.wanted.as_ref()
    }

    pub(super) fn is_off(&self) -> bool {
        self.node.kind == Kind::Off
    }
}

fn away() -> RegistryError {
    RegistryError::Away {
        endpoint: "e".to_owned(),
        cause: "no answer".to_owned(),
    }
}

fn refused() -> RegistryError {
    RegistryError::Refused {
        endpoint: "e".to_owned(),
        cause: "no".to_owned(),
    }
}

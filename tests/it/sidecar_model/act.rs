//! The actions: what people, hosts, networks and nodes do.

use std::{
    collections::VecDeque,
    time::{Duration, SystemTime},
};

use quorate::{
    registration::machine::Event as Keep,
    sidecar::{resumed::Resumed, step::Event, verdict::Verdict},
};

use super::{
    action::{Action, Kind, Recorded, Sabotage},
    host::{Link, Sidecar},
    oracle::RECOVERY,
    world::{Happening, WATCH, World},
};

impl World {
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Node(kind) => self.node_becomes(kind),
            Action::Restart(kind) => {
                self.node_becomes(Kind::Off);
                self.node_becomes(kind);
            }
            Action::CloseIdle => self.connections_end(),
            Action::Launcher(says) => {
                let alive = self.node.is_alive().then_some(self.node.pid);
                self.node.file = says.map(|(phase, names)| (phase, alive.filter(|_| names)));
                for run in self.runs() {
                    self.soon(Happening::LauncherSeen(run));
                }
            }
            Action::Record(recorded) => self.record_becomes(recorded),
            Action::Start(host) => self.start(host, None),
            Action::Kill(host) => self.kill(host),
            Action::Stop(host) => self.stop(host),
            Action::Exec(host) => self.exec(host),
            Action::Freeze(host) => {
                if let Some(sidecar) = &mut self.hosts[host].sidecar {
                    sidecar.frozen.get_or_insert_default();
                }
            }
            Action::Thaw(host) => self.thaw(host),
            Action::Reboot(host) => self.reboot(host),
            Action::Clone => self.clone_host(),
            Action::Cut(host) => self.hosts[host].link = Link::Cut,
            Action::Deafen(host) => self.hosts[host].link = Link::Deaf,
            Action::Heal(host) => {
                self.hosts[host].link = Link::Fine;
                self.tell_of_record(WATCH);
            }
            Action::Call(host, fate) => self.hosts[host].fates.push_back(fate),
            Action::FillDisk(host) => self.hosts[host].disk_full = true,
            Action::FreeDisk(host) => self.hosts[host].disk_full = false,
            Action::EtcdDown => self.etcd.go_down(),
            Action::EtcdUp => {
                if !self.etcd.up {
                    self.etcd.come_up(self.now);
                    self.tell_of_record(WATCH);
                }
            }
            Action::Script(leased) => self.script(leased),
            Action::Delete if self.etcd.up => {
                self.etcd.delete();
                self.disturb();
            }
            Action::EndLease(host) if self.etcd.up => self.end_lease(host),
            Action::Delete | Action::EndLease(_) => {}
        }
    }

    /// Something happened to the key that no sidecar can have known of.
    fn disturb(&mut self) {
        for host in &mut self.hosts {
            host.true_at = self.now;
        }
    }

    fn end_lease(&mut self, host: usize) {
        let standing = self.hosts[host].sidecar.as_ref();
        let lease = standing.and_then(|sidecar| sidecar.keeper.standing(self.now).lease);
        if let Some(lease) = lease {
            self.etcd.end(lease);
            self.disturb();
        }
    }

    fn node_becomes(&mut self, kind: Kind) {
        let (was, alive) = (self.node.kind, self.node.is_alive());
        if was == kind || (was == Kind::Off && kind == Kind::Dying) {
            return;
        }
        if alive && self.node.who.zip(kind.who()).is_some_and(|(a, b)| a != b) {
            // A process stays who it is.
            self.node_becomes(Kind::Off);
            return self.node_becomes(kind);
        }
        self.node.kind = kind;
        self.node.who = if alive {
            kind.who().or(self.node.who)
        } else {
            kind.who()
        };
        match kind {
            Kind::Off => {
                if alive {
                    self.process_ends(true);
                } else {
                    self.connections_end();
                }
            }
            Kind::Dying => self.process_ends(false),
            Kind::Joining
            | Kind::Ready
            | Kind::Slow
            | Kind::Masterless
            | Kind::Hung
            | Kind::Denied
            | Kind::Stranger
            | Kind::Renamed
            | Kind::Moved => {
                if !alive {
                    self.node.pid += 1;
                    self.node.since = self.now;
                    // Whoever is still connected is so with the process that was there before.
                    self.connections_end();
                }
            }
        }
    }

    fn record_becomes(&mut self, recorded: Recorded) {
        if self.etcd.up && self.etcd.record != recorded {
            self.etcd.record = recorded;
            self.tell_of_record(self.settings.latency);
        }
    }

    fn start(&mut self, index: usize, resumed: Option<&Resumed>) {
        if self.hosts[index].sidecar.is_some() {
            return;
        }
        let id = self.number();
        let host = &mut self.hosts[index];
        let sidecar = Sidecar::new(&self.settings, (index, host), id, resumed, self.now);
        host.runs.push(id);
        host.left = None;
        host.sidecar = Some(sidecar);
        self.due(self.now + self.settings.latency * 2, Happening::Heard(id));
        self.keep(index, Keep::Woke);
        self.feed(index, Event::Woke);
    }

    fn stop(&mut self, index: usize) {
        let host = &mut self.hosts[index];
        if host.awake().is_none_or(|sidecar| sidecar.leaving.is_some()) {
            return;
        }
        let undisturbed = host.disturbed + RECOVERY <= self.now;
        host.left = undisturbed.then_some(self.now);
        if self.sabotage == Sabotage::NoLeaving {
            host.sidecar = None;
        } else {
            self.feed(index, Event::Stopped);
        }
    }

    fn kill(&mut self, index: usize) {
        // One that was leaving did not come to its end.
        if self.hosts[index].sidecar.take().is_some() {
            self.hosts[index].left = None;
        }
    }

    fn exec(&mut self, index: usize) {
        let Some(before) = self.hosts[index].awake().filter(|sidecar| sidecar.leaving.is_none()) else {
            return;
        };
        let (state, decided) = before.judge.state();
        let conclusion = before.judge.conclusion();
        let verdict = conclusion.verdict;
        let resumed = Resumed::new(state, decided, conclusion, SystemTime::UNIX_EPOCH, self.now);
        let since = (before.good_since, before.bad_since, before.off_since);
        let resumed = Some(&resumed).filter(|_| self.sabotage != Sabotage::NoResume);
        self.hosts[index].sidecar = None;
        self.start(index, resumed);
        let Some(after) = self.hosts[index].sidecar.as_mut() else {
            return;
        };
        (after.good_since, after.bad_since, after.off_since) = since;
        let now = after.judge.conclusion().verdict;
        if now != verdict && now != Verdict::Leaving && verdict != Verdict::Leaving {
            self.break_down(format!("a reload makes the verdict {now:?} of {verdict:?}"));
        }
    }

    fn thaw(&mut self, index: usize) {
        let Some(sidecar) = &mut self.hosts[index].sidecar else {
            return;
        };
        let Some(missed) = sidecar.frozen.take() else { return };
        sidecar.awake_since = self.now;
        for what in missed {
            self.due(self.now, what);
        }
    }

    fn reboot(&mut self, index: usize) {
        self.kill(index);
        let host = &mut self.hosts[index];
        host.boots += 1;
        host.booted = self.now;
        if index == 0 {
            self.node.file = None;
            self.node_becomes(Kind::Off);
        } else {
            // What a clone brought with it: until its next renewal nobody can tell the original from one that was dead meanwhile.
            host.file.clear();
        }
    }

    /// A clone that has been up for longer than any lease lives: one that just booted looks like its original after a boot.
    fn clone_host(&mut self) {
        if self.hosts[1].sidecar.is_some() {
            return;
        }
        let file = self.hosts[0].file.clone();
        let host = &mut self.hosts[1];
        host.file = file;
        host.boots += 1;
        host.booted = self.now.checked_sub(Duration::from_mins(5)).unwrap_or(self.now);
    }

    /// Every fault ends: one sidecar, on the node's host, and nothing in its way. The node ends as `kind`.
    pub(super) fn calm_down(&mut self, kind: Kind) {
        self.act(Action::Thaw(0));
        self.act(Action::Kill(1));
        for host in 0..2 {
            self.hosts[host].fates = VecDeque::new();
            self.hosts[host].disk_full = false;
            self.act(Action::Heal(host));
        }
        self.act(Action::EtcdUp);
        if self.etcd.entry.as_ref().is_some_and(|entry| entry.lease.is_none()) {
            self.act(Action::Delete);
        }
        self.act(Action::Record(Recorded::Ours));
        self.act(Action::Launcher(None));
        self.act(Action::Node(kind));
    }
}

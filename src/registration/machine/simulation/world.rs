//! A small etcd in memory, a host that runs one machine after the other on it, and what may befall them.

use std::collections::BTreeMap;

use serde_json::json;

use super::Fate;
use crate::{
    registration::machine::{tests::spec, *},
    registry::{Compare, Op as Change, RegistryError, TimeToLive},
};

const TTL: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Instant,
    booted: Instant,
    boots: u32,
    pub(super) machine: Machine,
    doing: Option<Op>,
    wake: Option<Instant>,
    /// The state file.
    pub(super) file: Vec<Run>,
    /// Everything this host ever was.
    incarnations: Vec<String>,
    revision: Revision,
    pub(super) entry: Option<Entry>,
    leases: BTreeMap<i64, Instant>,
    next_lease: i64,
    /// Failed writes that may still arrive, with the spec of the run that sent them.
    pub(super) late: Vec<(Spec, Op)>,
    pub(super) answers: BTreeMap<u64, bool>,
    commits: u64,
    pub(super) left: bool,
    /// The revisions of the key and of the store, each time that a watch told them.
    told: Vec<(Option<Revision>, Revision)>,
}

pub(super) fn value(n: u8) -> Value {
    let fields = json!({ "http_port": 9200 + u32::from(n), "transport_port": 9300 });
    Value::parse(fields.to_string().as_bytes()).expect("an object")
}

impl World {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let mut world = Self {
            now,
            booted: now,
            boots: 0,
            machine: Machine::new(spec(), 2, Vec::new(), now),
            doing: None,
            wake: None,
            file: Vec::new(),
            incarnations: Vec::new(),
            revision: 1,
            entry: None,
            leases: BTreeMap::new(),
            next_lease: 100,
            late: Vec::new(),
            answers: BTreeMap::new(),
            commits: 0,
            left: false,
            told: Vec::new(),
        };
        world.start();
        world
    }

    /// The next run of this host.
    fn start(&mut self) {
        let incarnation = format!("run{}", self.incarnations.len());
        self.incarnations.push(incarnation.clone());
        let spec = Spec {
            incarnation: incarnation.parse().expect("id"),
            boot_id: format!("boot{}", self.boots),
            ..spec()
        };
        // What was under way may still arrive; a file is written by its process or not at all.
        if let Some(op) = self.doing.take().filter(|op| !matches!(op, Op::Save(_))) {
            self.late.push((self.machine.spec.clone(), op));
        }
        self.answers.clear();
        self.machine = Machine::new(spec, 2, self.file.clone(), self.now);
        self.wake = None;
        self.event(Event::Woke);
    }

    pub(super) fn event(&mut self, event: Event) {
        // Any number will do for the spread; this one is different each time.
        let fraction = f64::from(u32::try_from(self.revision % 7).expect("small")) / 7.0;
        self.wake = None;
        for effect in self.machine.step(self.now, fraction, event) {
            match effect {
                Effect::Run(op) => {
                    assert_eq!(self.doing, None, "one piece of work at a time");
                    if let Op::Put { lease, .. } | Op::Commit { lease, .. } = &op {
                        let written = self.file.iter().any(|run| run.lease == *lease);
                        assert!(written, "nothing is put before the state file names its lease");
                    }
                    self.doing = Some(op);
                }
                Effect::Drop => {
                    assert!(self.doing.take().is_some_and(|op| op.may_be_dropped()));
                }
                Effect::WakeAt(at) => self.wake = Some(at),
                Effect::Answer { id, .. } => {
                    assert_eq!(self.answers.insert(id, true), Some(false), "one answer to each commit");
                }
                Effect::Left => self.left = true,
            }
        }
        assert!(
            self.left || self.doing.is_some() || self.wake.is_some(),
            "the machine never sleeps for ever"
        );
    }

    fn expire(&mut self) {
        let now = self.now;
        let dead: Vec<i64> = self
            .leases
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(id, _)| *id)
            .collect();
        for lease in dead {
            self.end(LeaseId(lease));
        }
    }

    fn end(&mut self, lease: LeaseId) {
        self.leases.remove(&lease.0);
        if self.entry.as_ref().is_some_and(|entry| entry.lease == Some(lease)) {
            self.revision += 1;
            self.entry = None;
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.expire();
        // Whoever uses a stranger's lease keeps it alive for some time, then stops.
        if self.wake.is_some_and(|at| at <= self.now) {
            self.event(Event::Woke);
        }
    }

    /// Does `op` as etcd would.
    pub(super) fn do_it(&mut self, spec: &Spec, op: &Op) -> Outcome {
        if let Some(txn) = op.txn(spec) {
            return self.transact(spec, &txn);
        }
        match op {
            Op::Grant => {
                self.next_lease += 1;
                self.leases.insert(self.next_lease, self.now + TTL);
                Outcome::Granted(Lease {
                    id: LeaseId(self.next_lease),
                    ttl: TTL,
                    deadline: self.now + TTL,
                })
            }
            Op::Save(runs) => {
                self.file.clone_from(runs);
                Outcome::Saved
            }
            Op::Renew(lease) => match self.leases.get_mut(&lease.id.0) {
                Some(at) => {
                    *at = self.now + TTL;
                    let deadline = self.now + TTL;
                    Outcome::Renewed(Lease { deadline, ..*lease })
                }
                None => Outcome::Failed(RegistryError::LeaseGone),
            },
            Op::Ask(lease) => Outcome::Lives {
                ttl: self.leases.get(&lease.0).map(|at| TimeToLive {
                    remaining: Duration::from_secs((*at - self.now).as_secs()),
                    granted: TTL,
                }),
                uptime: self.now - self.booted,
            },
            Op::Revoke(lease) => {
                self.end(*lease);
                Outcome::Revoked
            }
            Op::Read | Op::Put { .. } | Op::Delete { .. } | Op::Commit { .. } => Outcome::Read(self.entry.clone()),
        }
    }

    fn transact(&mut self, spec: &Spec, txn: &Txn) -> Outcome {
        let current = self.entry.as_ref().map_or(0, |entry| entry.mod_revision);
        let expected = Compare::ModRevision(spec.key.clone(), current);
        assert_eq!(txn.when.len(), 1, "every change is compared with what it replaces");
        if txn.when != [expected] {
            return Outcome::Committed(None);
        }
        if let Some(entry) = &self.entry {
            let incarnation = Value::parse(&entry.value).and_then(|value| value.incarnation().map(str::to_owned));
            let ours = incarnation.is_some_and(|id| self.incarnations.contains(&id));
            assert!(ours, "a key of another owner is never changed: {entry:?}");
        }
        for change in &txn.then {
            match change {
                Change::Put { value, lease, .. } => {
                    let lease = lease.expect("a lease");
                    if !self.leases.contains_key(&lease.0) {
                        return Outcome::Failed(RegistryError::LeaseGone);
                    }
                    self.revision += 1;
                    let create_revision = self.entry.as_ref().map_or(self.revision, |entry| entry.create_revision);
                    self.entry = Some(Entry {
                        key: spec.key.clone(),
                        value: value.clone(),
                        create_revision,
                        mod_revision: self.revision,
                        lease: Some(lease),
                    });
                }
                Change::Delete { .. } => {
                    self.revision += 1;
                    self.entry = None;
                }
            }
        }
        Outcome::Committed(Some(self.revision))
    }

    fn work(&mut self, apply: bool, answered: bool, late: bool) {
        let Some(op) = self.doing.take() else { return };
        let spec = self.machine.spec.clone();
        // The state file is no matter of etcd's.
        let local = matches!(op, Op::Save(_));
        let outcome = if apply || local {
            Some(self.do_it(&spec, &op))
        } else {
            None
        };
        if late && !local {
            self.late.push((spec, op));
        }
        let away = || {
            Outcome::Failed(RegistryError::Away {
                endpoint: "e".to_owned(),
                cause: "c".to_owned(),
            })
        };
        self.event(Event::Done(outcome.filter(|_| answered || local).unwrap_or_else(away)));
    }

    pub(super) fn meet(&mut self, fate: Fate) {
        match fate {
            Fate::Answered => self.work(true, true, false),
            Fate::AnswerLost => self.work(true, false, false),
            Fate::Fails => self.work(false, false, false),
            Fate::Late => self.work(false, false, true),
            Fate::Arrives(which) => {
                if which < self.late.len() {
                    let (spec, op) = self.late.remove(which);
                    let _ = self.do_it(&spec, &op);
                }
            }
            Fate::Refused => {
                if self.doing.as_ref().is_some_and(|op| !matches!(op, Op::Save(_))) {
                    self.doing = None;
                    let (endpoint, cause) = ("e".to_owned(), "no".to_owned());
                    self.event(Event::Done(Outcome::Failed(RegistryError::Refused { endpoint, cause })));
                }
            }
            Fate::DiskFull => {
                if matches!(self.doing, Some(Op::Save(_))) {
                    self.doing = None;
                    self.event(Event::Done(Outcome::NotSaved("full".to_owned())));
                } else {
                    self.work(true, true, false);
                }
            }
            Fate::Wanted(n) => self.event(Event::Wanted(match n {
                0 => Want::Keep,
                1 | 2 => Want::Absent,
                n => Want::Present(value(n)),
            })),
            Fate::CommitAsked(n) => {
                self.commits += 1;
                self.answers.insert(self.commits, false);
                self.event(Event::CommitAsked {
                    id: self.commits,
                    txn: Txn::default(),
                    value: value(n),
                });
            }
            Fate::Passes(seconds) => self.pass(seconds),
            Fate::Stranger { leased } => self.stranger(leased),
            Fate::Deleted => {
                if self.entry.take().is_some() {
                    self.revision += 1;
                }
            }
            Fate::LeaseEnded => {
                if let Some(lease) = self.machine.lease() {
                    self.end(lease.id);
                }
            }
            Fate::Told { ago, seen } => self.tell(ago, seen),
            Fate::Restarted => self.start(),
            Fate::Rebooted => self.reboot(),
        }
    }

    fn tell(&mut self, ago: usize, seen: bool) {
        let key = self.entry.as_ref().map(|entry| entry.mod_revision);
        self.told.push((key, self.revision));
        let (key, at) = self.told[self.told.len().saturating_sub(ago + 1)];
        self.event(Event::Heard(Heard { key, at, seen }));
    }

    fn reboot(&mut self) {
        // A renewal that arrives after the boot looks like a clone's: the key of that run ends with its lease.
        self.late.retain(|(_, op)| !matches!(op, Op::Renew(_)));
        self.doing = self.doing.take().filter(|op| !matches!(op, Op::Renew(_)));
        self.boots += 1;
        self.booted = self.now;
        self.start();
    }

    fn stranger(&mut self, leased: bool) {
        if self.entry.is_some() {
            return;
        }
        self.next_lease += 1;
        if leased {
            self.leases.insert(self.next_lease, self.now + TTL);
        }
        self.revision += 1;
        self.entry = Some(Entry {
            key: "/k".to_owned(),
            value: br#"{"http_port":1,"transport_port":2}"#.to_vec(),
            create_revision: self.revision,
            mod_revision: self.revision,
            lease: leased.then_some(LeaseId(self.next_lease)),
        });
    }

    /// Lets everything be answered for `seconds`; the kinds of the work done.
    pub(super) fn settle(&mut self, seconds: u64) -> Vec<&'static str> {
        let mut kinds = Vec::new();
        let end = self.now + Duration::from_secs(seconds);
        while self.now < end && !self.left {
            assert!(kinds.len() < 10_000, "no end: {:?}", &kinds[kinds.len() - 20..]);
            if let Some(op) = &self.doing {
                kinds.push(op.kind());
                self.work(true, true, false);
            } else {
                let wake = self.wake.expect("a time to wake");
                self.now = wake.clamp(self.now, end);
                self.expire();
                self.event(Event::Woke);
            }
        }
        kinds
    }

    pub(super) fn holder(&self) -> Option<Owner> {
        owner(&self.machine.spec, &self.file, &[], self.entry.as_ref()).into()
    }
}

//! Single transitions of the machine.

mod commits;
mod heard;

use super::*;
use crate::registry::RegistryError;

/// The boot of these tests.
pub(super) const BOOT: &str = "this";

pub(super) fn spec() -> Spec {
    Spec {
        key: "/k".to_owned(),
        state_file: "/state".into(),
        lock_file: "/lock".into(),
        ttl: Duration::from_secs(30),
        incarnation: "us".parse().expect("id"),
        boot_id: BOOT.to_owned(),
        take_over: false,
    }
}

pub(super) fn run(lease: i64, incarnation: &str, boot: &str) -> Run {
    Run {
        lease: LeaseId(lease),
        incarnation: incarnation.parse().expect("id"),
        boot: boot.to_owned(),
    }
}

/// A machine that is spoken to event by event; time stands still unless it is moved.
struct Bench {
    machine: Machine,
    now: Instant,
    doing: Option<Op>,
    effects: Vec<Effect>,
}

impl Bench {
    fn new(spec: Spec, endpoints: usize) -> Self {
        let now = Instant::now();
        let mut bench = Self {
            machine: Machine::new(spec, endpoints, Vec::new(), now),
            now,
            doing: None,
            effects: Vec::new(),
        };
        bench.event(Event::Woke);
        bench
    }

    /// One with a lease and a known key, waiting for wishes.
    fn settled(entry: Option<Entry>) -> Self {
        let mut bench = Self::new(spec(), 1);
        let lease = bench.lease(1);
        bench.done(Outcome::Granted(lease));
        bench.done(Outcome::Saved);
        bench.done(Outcome::Read(entry));
        assert_eq!(bench.doing, None);
        bench
    }

    /// One whose key has this value.
    fn registered(value: &Value) -> Self {
        let mut bench = Self::settled(None);
        bench.event(Event::Wanted(Want::Present(value.clone())));
        bench.done(Outcome::Committed(Some(7)));
        assert!(bench.standing().registered);
        bench
    }

    fn lease(&self, id: i64) -> Lease {
        let ttl = self.machine.spec.ttl;
        Lease {
            id: LeaseId(id),
            ttl,
            deadline: self.now + ttl,
        }
    }

    fn event(&mut self, event: Event) {
        self.effects = self.machine.step(self.now, 0.5, event);
        for effect in &self.effects {
            match effect {
                Effect::Run(op) => self.doing = Some(op.clone()),
                Effect::Drop => self.doing = None,
                Effect::WakeAt(_) | Effect::Answer { .. } | Effect::Left => {}
            }
        }
    }

    fn done(&mut self, outcome: Outcome) {
        self.doing = None;
        self.event(Event::Done(outcome));
    }

    fn away(&mut self) {
        self.done(Outcome::Failed(RegistryError::Away {
            endpoint: "e".to_owned(),
            cause: "c".to_owned(),
        }));
    }

    fn hears(&mut self, key: Option<Revision>, at: Revision, seen: bool) {
        self.event(Event::Heard(Heard { key, at, seen }));
    }

    /// Answers a renewal, if one is under way.
    fn renews(&mut self) -> bool {
        let Some(Op::Renew(lease)) = self.doing else {
            return false;
        };
        let renewed = Outcome::Renewed(self.lease(lease.id.0));
        self.done(renewed);
        true
    }

    fn passes(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.event(Event::Woke);
    }

    fn standing(&self) -> Standing {
        self.machine.standing(self.now)
    }

    fn wake(&self) -> Option<Duration> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::WakeAt(at) => Some(*at - self.now),
            Effect::Run(_) | Effect::Drop | Effect::Answer { .. } | Effect::Left => None,
        })
    }
}

fn value(n: u8) -> Value {
    Value::parse(format!("{{\"n\":{n}}}").as_bytes()).expect("an object")
}

fn entry(value: &Value, incarnation: &str, lease: Option<i64>, revision: Revision) -> Entry {
    Entry {
        key: "/k".to_owned(),
        value: value.clone().of_run(&incarnation.parse().expect("id")).to_bytes(),
        create_revision: revision,
        mod_revision: revision,
        lease: lease.map(LeaseId),
    }
}

fn commit(id: u64, n: u8) -> Event {
    Event::CommitAsked {
        id,
        txn: Txn::default(),
        value: value(n),
    }
}

#[test]
fn the_key_is_verified_as_often_as_the_lease_is_renewed() {
    let mut bench = Bench::registered(&value(1));
    for _ in 0..3 {
        bench.passes(11);
        bench.done(Outcome::Renewed(bench.lease(1)));
        assert_eq!(bench.doing, Some(Op::Read));
        bench.done(Outcome::Read(Some(entry(&value(1), "us", Some(1), 7))));
        assert_eq!(bench.doing, None);
    }
}

#[test]
fn a_lease_whose_grant_was_long_in_coming_is_renewed_before_anything_else() {
    for (late, first) in [(0, Some(Op::Read)), (20, None)] {
        let mut bench = Bench::new(spec(), 1);
        let lease = bench.lease(1);
        bench.passes(late);
        bench.done(Outcome::Granted(lease));
        bench.done(Outcome::Saved);
        assert_eq!(bench.doing, first.or(Some(Op::Renew(lease))));
    }
}

#[test]
fn a_deletion_does_not_wait_for_knowledge() {
    let mut bench = Bench::registered(&value(1));
    bench.passes(11);
    assert!(matches!(bench.doing, Some(Op::Renew(_))));
    bench.event(Event::Wanted(Want::Absent));
    assert_eq!(bench.effects.first(), Some(&Effect::Drop));
    assert_eq!(bench.doing, Some(Op::Delete { replaces: 7 }));
    bench.done(Outcome::Committed(Some(8)));
    assert!(
        matches!(bench.doing, Some(Op::Renew(_))),
        "what was dropped is done afterwards"
    );
}

#[test]
fn a_deletion_does_not_wait_for_the_next_attempt() {
    let mut bench = Bench::registered(&value(1));
    bench.passes(11);
    bench.away();
    assert_eq!(bench.doing, None);
    bench.event(Event::Wanted(Want::Absent));
    assert_eq!(bench.doing, Some(Op::Delete { replaces: 7 }));
}

#[test]
fn a_foreign_key_without_a_lease_is_taken_only_when_told_to() {
    let foreign = || entry(&value(1), "stranger", None, 5);
    let mut bench = Bench::settled(Some(foreign()));
    bench.event(Event::Wanted(Want::Present(value(2))));
    assert_eq!(bench.doing, None);
    assert_eq!(bench.standing().obstacle.map(|o| o.kind()), Some("foreign_key"));

    let mut bench = Bench::settled(Some(foreign()));
    bench.machine.spec.take_over = true;
    bench.event(Event::Wanted(Want::Absent));
    assert_eq!(bench.doing, None, "to take a key over is not to delete it");
    bench.event(Event::Wanted(Want::Present(value(2))));
    assert!(matches!(bench.doing, Some(Op::Put { replaces: 5, .. })));
    assert_eq!(bench.standing().obstacle, None);
}

#[test]
fn another_endpoint_is_tried_before_etcd_counts_as_away() {
    let mut bench = Bench::new(spec(), 2);
    bench.done(Outcome::Granted(bench.lease(1)));
    bench.done(Outcome::Saved);
    bench.done(Outcome::Read(Some(entry(&value(1), "us", Some(1), 7))));
    bench.event(Event::Wanted(Want::Absent));
    let delete = Some(Op::Delete { replaces: 7 });
    assert_eq!(bench.doing, delete);
    bench.away();
    assert_eq!((&bench.doing, bench.standing().away_since), (&delete, None));
    bench.away();
    assert_eq!((&bench.doing, bench.standing().away_since), (&None, Some(bench.now)));
}

#[test]
fn a_busy_etcd_is_left_alone_and_what_it_turned_away_was_not_done() {
    let mut bench = Bench::settled(None);
    bench.event(Event::Wanted(Want::Present(value(1))));
    let put = bench.doing.clone();
    assert!(matches!(put, Some(Op::Put { replaces: 0, .. })));
    // Half of four seconds, where an outage would wait an eighth of one, then longer, up to half of half the TTL.
    for (times, wait) in [(1, 2000), (2, 4000), (3, 7500), (4, 7500)] {
        bench.done(Outcome::Failed(RegistryError::Busy {
            endpoint: "e".to_owned(),
            cause: "too many requests".to_owned(),
        }));
        let wait = Duration::from_millis(wait);
        assert_eq!((&bench.doing, bench.wake()), (&None, Some(wait)));
        let standing = bench.standing();
        assert_eq!(
            (standing.known, standing.counters.errors.get("busy")),
            (true, Some(&times))
        );
        bench.now += wait;
        bench.event(Event::Woke);
        if matches!(bench.doing, Some(Op::Renew(_))) {
            // An answer, which says nothing about writes.
            bench.done(Outcome::Renewed(bench.lease(1)));
        }
        assert_eq!(bench.doing, put);
    }
    bench.done(Outcome::Committed(Some(7)));
    bench.done(Outcome::Read(Some(entry(&value(1), "us", Some(1), 7))));
    assert_eq!(bench.doing, None);
    bench.event(Event::Wanted(Want::Present(value(2))));
    bench.done(Outcome::Failed(RegistryError::Busy {
        endpoint: "e".to_owned(),
        cause: "too many requests".to_owned(),
    }));
    assert_eq!(bench.wake(), Some(Duration::from_secs(2)), "that streak is over");
}

#[test]
fn an_outage_changes_nothing_but_what_is_said_and_ends_with_the_lease() {
    let mut bench = Bench::registered(&value(1));
    for _ in 0..20 {
        bench.passes(10);
        assert!(matches!(bench.doing, Some(Op::Renew(_))), "{:?}", bench.doing);
        bench.away();
    }
    let standing = bench.standing();
    assert!(!standing.registered && standing.lease.is_none() && standing.away_since.is_some());
    // The lease has outlived its deadline: a new leader refreshed it.
    bench.passes(5);
    bench.done(Outcome::Renewed(bench.lease(1)));
    bench.done(Outcome::Read(Some(entry(&value(1), "us", Some(1), 7))));
    assert_eq!(bench.doing, None, "nothing is put that is there");
    assert!(bench.standing().registered);
    assert_eq!(bench.standing().counters.puts, 1);
}

#[test]
fn a_lease_lost_in_a_long_outage_is_replaced_after_a_spread_and_one_lost_otherwise_at_once() {
    for (outage, spread) in [(5, None), (40, Some(1_500))] {
        let mut bench = Bench::registered(&value(1));
        bench.passes(outage);
        if outage == 5 {
            bench.passes(6);
        }
        bench.done(Outcome::Failed(RegistryError::LeaseGone));
        assert_eq!(bench.standing().counters.lease_losses, 1);
        match spread {
            None => assert_eq!(bench.doing, Some(Op::Grant)),
            Some(millis) => assert_eq!(bench.wake(), Some(Duration::from_millis(millis))),
        }
    }
}

#[test]
fn a_refusal_is_said_retried_and_forgotten_with_the_wish() {
    let mut bench = Bench::settled(None);
    bench.event(Event::Wanted(Want::Present(value(1))));
    for _ in 0..3 {
        assert!(matches!(bench.doing, Some(Op::Put { .. })), "{:?}", bench.doing);
        let (endpoint, cause) = ("e".to_owned(), "permission denied".to_owned());
        bench.done(Outcome::Failed(RegistryError::Refused { endpoint, cause }));
        let said = bench.standing().obstacle.map(|o| o.to_string());
        assert_eq!(said.as_deref(), Some("etcd at e refuses: permission denied"));
        assert!(bench.doing.is_none() && bench.wake().is_some());
        bench.passes(4);
        while !matches!(bench.doing, Some(Op::Put { .. })) {
            match bench.doing.clone() {
                Some(Op::Renew(_)) => bench.done(Outcome::Renewed(bench.lease(1))),
                Some(Op::Read) => bench.done(Outcome::Read(None)),
                other => panic!("{other:?}"),
            }
        }
    }
    bench.event(Event::Wanted(Want::Absent));
    assert_eq!(bench.standing().obstacle, None);
}

#[test]
fn a_state_file_that_cannot_be_written_keeps_everything_back() {
    let mut bench = Bench::new(spec(), 1);
    bench.event(Event::Wanted(Want::Present(value(1))));
    bench.done(Outcome::Granted(bench.lease(1)));
    bench.done(Outcome::NotSaved("disk full".to_owned()));
    assert_eq!(bench.standing().obstacle.map(|o| o.kind()), Some("state_file"));
    bench.passes(4);
    assert!(matches!(bench.doing, Some(Op::Save(_))));
    bench.passes(40);
    bench.done(Outcome::NotSaved("disk full".to_owned()));
    bench.passes(4);
    assert_eq!(bench.doing, Some(Op::Grant), "the lease has ended meanwhile");
}

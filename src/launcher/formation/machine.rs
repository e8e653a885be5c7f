//! The order of the steps of one start, as a machine that says one thing to do and is told how it went.
//!
//! Pure, so that the model in the tests drives the very steps that the shell performs: crashes, lost answers and late transactions
//! come between any two of them.
//!
//! Invariant: the node starts only after the commit of its arming or announcement was *answered*, and after its marker, written
//! and read back, showed the disk on which the run began, with the files that its cluster left there.

use crate::{
    launcher::{
        decide::{Candidate, Decision, Disk, Reason, Situation, Start, StartBy, Unpublished, decide, usable_marker},
        host_cache::HostCache,
        protocol,
    },
    model::{ClaimId, ClusterRecord, DiskId, Marker, NamedMaster},
    registry::{Keys, LeaseId, Txn},
    view::ClusterView,
};

/// One start, from the first read to the order to start.
#[derive(Debug)]
pub struct Machine {
    candidate: Candidate,
    keys: Keys,
    /// The disk on which the run began: it may not become another one.
    disk: DiskId,
    /// The claim that this run asked for and still pursues.
    claim: Option<ClaimId>,
    step: Step,
}

/// What was asked for last.
#[derive(Debug)]
enum Step {
    Reading,
    Claiming,
    Releasing,
    Entering(Start, Vec<String>),
    Marking(Start, Vec<String>),
    Waiting,
}

/// Everything a decision rests on, read in this order: etcd, then the disk.
#[derive(Debug)]
pub struct Facts {
    /// Record, seeds and members from one linearizable read, or why there is none.
    pub view: Result<ClusterView, String>,
    /// The data directory.
    pub disk: Disk,
    /// The lease of the own seed, or why it is not published.
    pub lease: Result<LeaseId, Unpublished>,
    /// What the host remembers, this view included.
    pub memory: HostCache,
    /// A random id for the claim that may follow.
    pub fresh: ClaimId,
}

/// How the last effect went.
#[derive(Debug)]
pub enum Event {
    /// After [`Effect::Read`].
    Seen(Box<Facts>),
    /// The transaction was committed.
    Committed,
    /// Its conditions do not hold: nothing was changed.
    Refused,
    /// Nobody knows: it may have been committed, or may be later.
    Unanswered,
    /// After [`Effect::Mark`]: what the disk says now.
    Marked(Box<Disk>),
    /// Something in etcd is different, or time has passed.
    Changed,
}

/// The next thing to do.
#[must_use]
#[derive(Debug)]
pub enum Effect {
    /// Read [`Facts`].
    Read,
    /// Commit, together with the put of the own seed: as it is, or as used under this claim.
    Commit(Txn, Option<ClaimId>),
    /// Commit without the own seed: the claim goes, for this reason.
    Release(Txn, Reason),
    /// Write the claim into the marker and read it back.
    Mark(ClaimId),
    /// Wait for a change; passes by itself.
    Wait(Reason),
    /// Wait for a change; a person has to act.
    WaitForOperator(Reason),
    /// The run is over.
    End(End),
}

/// How a run ends by itself.
#[derive(Debug)]
pub enum End {
    /// Start the node.
    Start(StartOrder),
    /// Exit with 78.
    Refuse(Reason),
    /// The data directory is not the one with which the run began.
    DiskChanged {
        /// The disk then.
        was: DiskId,
        /// The disk now, if there is a marker.
        is: Option<DiskId>,
    },
}

/// What the launcher may start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartOrder {
    /// The names for the bootstrap setting; none: without it.
    pub with_setting: Option<Vec<String>>,
    /// `host:port` of the other masters, as [`at_start`](crate::launcher::seeds::at_start) puts them together.
    pub seeds: Vec<String>,
    /// The claim under which the node starts; it is in the marker.
    pub claim: ClaimId,
    /// What a person should know.
    pub warning: Option<Reason>,
}

impl Machine {
    /// A run on `disk`. The first thing to do is [`Effect::Read`].
    pub fn new(candidate: Candidate, keys: Keys, disk: DiskId) -> Self {
        Self {
            candidate,
            keys,
            disk,
            claim: None,
            step: Step::Reading,
        }
    }

    /// Takes in how the last effect went; the next one.
    pub fn step(&mut self, event: Event) -> Effect {
        let step = std::mem::replace(&mut self.step, Step::Reading);
        match (step, event) {
            (Step::Reading, Event::Seen(facts)) => self.seen(&facts),
            (Step::Entering(start, seeds), Event::Committed) => self.mark(start, seeds),
            (Step::Marking(start, seeds), Event::Marked(disk)) => self.marked(start, seeds, &disk),
            // A refused claim is none; after a refused arm the claim is released.
            (Step::Claiming | Step::Entering(..), Event::Refused) => {
                self.claim = None;
                Effect::Read
            }
            // The arm must rest on a read that shows the claim; without an answer only the record tells what happened; and after
            // an answer to nothing that was asked, reading again is right in every state.
            (
                Step::Reading
                | Step::Claiming
                | Step::Releasing
                | Step::Entering(..)
                | Step::Marking(..)
                | Step::Waiting,
                Event::Seen(_)
                | Event::Committed
                | Event::Refused
                | Event::Unanswered
                | Event::Marked(_)
                | Event::Changed,
            ) => Effect::Read,
        }
    }

    fn seen(&mut self, facts: &Facts) -> Effect {
        // Files without a marker are for the decision to refuse.
        if let Disk::Marked { marker, .. } = &facts.disk
            && marker.disk != self.disk
        {
            return self.disk_changed(Some(marker));
        }
        let decision = decide(&Situation {
            candidate: &self.candidate,
            disk: &facts.disk,
            keys: &self.keys,
            view: facts.view.as_ref().map_err(String::as_str),
            memory: &facts.memory,
            claim: self.claim.as_ref(),
            unpublished: facts.lease.as_ref().err(),
        });
        match (decision, &facts.view, &facts.lease) {
            (Decision::Start(start), ..) => self.enter(start, facts),
            (Decision::Claim { masters }, Ok(view), Ok(lease)) => self.claim(facts, view, *lease, masters),
            (Decision::Release(reason), Ok(view), _) => self.release(view, reason),
            // Decided only on a view, and a claim only with a seed.
            (Decision::Claim { .. } | Decision::Release(_), ..) => Effect::Read,
            (Decision::Wait(reason), ..) => {
                self.step = Step::Waiting;
                Effect::Wait(reason)
            }
            (Decision::Operator(reason), ..) => {
                self.step = Step::Waiting;
                Effect::WaitForOperator(reason)
            }
            (Decision::Refuse(reason), ..) => Effect::End(End::Refuse(reason)),
        }
    }

    fn claim(&mut self, facts: &Facts, view: &ClusterView, lease: LeaseId, masters: Vec<NamedMaster>) -> Effect {
        let claim = facts.fresh.clone();
        let Candidate { id, cluster, .. } = &self.candidate;
        let record = ClusterRecord::claimed(claim.clone(), id.clone(), self.disk.clone(), masters, cluster.clone());
        self.claim = Some(claim);
        self.step = Step::Claiming;
        Effect::Commit(protocol::claim(&self.keys, view, &record, lease), None)
    }

    fn release(&mut self, view: &ClusterView, reason: Reason) -> Effect {
        self.claim = None;
        match protocol::release(&self.keys, view, &self.candidate.id) {
            Some(txn) => {
                self.step = Step::Releasing;
                Effect::Release(txn, reason)
            }
            None => Effect::Read,
        }
    }

    fn enter(&mut self, start: Start, facts: &Facts) -> Effect {
        let seeds = facts.memory.seeds.clone();
        let view = match (start.by, &facts.view) {
            (StartBy::Offline, _) | (_, Err(_)) => return self.mark(start, seeds),
            (StartBy::Arm | StartBy::Announce | StartBy::AnnounceAlone, Ok(view)) => view,
        };
        let txn = match start.by {
            StartBy::Arm => protocol::arm(&self.keys, view),
            StartBy::AnnounceAlone => Some(protocol::announce_alone(&self.keys, view)),
            StartBy::Announce | StartBy::Offline => Some(protocol::announce(&self.keys, view)),
        };
        let Some(txn) = txn else {
            return Effect::Read;
        };
        let used = start.claim.clone();
        self.step = Step::Entering(start, seeds);
        Effect::Commit(txn, Some(used))
    }

    fn mark(&mut self, start: Start, seeds: Vec<String>) -> Effect {
        let claim = start.claim.clone();
        self.step = Step::Marking(start, seeds);
        Effect::Mark(claim)
    }

    fn marked(&self, start: Start, seeds: Vec<String>, disk: &Disk) -> Effect {
        match disk {
            Disk::Marked { marker, .. } if marker.disk == self.disk && marker.claim.as_ref() == Some(&start.claim) => {
                // It may have been emptied around its marker since the decision.
                Effect::End(match usable_marker(&self.candidate.service, disk) {
                    Ok(_) => End::Start(StartOrder {
                        with_setting: start.with_setting,
                        seeds,
                        claim: start.claim,
                        warning: start.warning,
                    }),
                    Err(reason) => End::Refuse(*reason),
                })
            }
            Disk::Marked { marker, .. } => self.disk_changed(Some(marker)),
            Disk::Unmarked => self.disk_changed(None),
        }
    }

    fn disk_changed(&self, now: Option<&Marker>) -> Effect {
        Effect::End(End::DiskChanged {
            was: self.disk.clone(),
            is: now.map(|marker| marker.disk.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        launcher::decide::Rule,
        model::{RecordState, ServiceName},
        view::Stored,
    };

    fn service() -> ServiceName {
        "es".parse().expect("name")
    }

    fn machine() -> Machine {
        let candidate = Candidate {
            id: "10.0.0.1".parse().expect("id"),
            name: "n1".to_owned(),
            service: service(),
            cluster: "logs".to_owned(),
            master_eligible: true,
            votes_only: false,
            rule: Rule::coordinated(None),
            skipped_checks: Vec::new(),
        };
        let keys = Keys::new("/services", "/quorate", &service());
        Machine::new(candidate, keys, "d1".parse().expect("disk"))
    }

    fn disk(id: &str, claim: Option<&str>) -> Disk {
        let mut marker = Marker::new(id.parse().expect("disk"), &service(), "logs", "n1");
        marker.claim = claim.map(|claim| claim.parse().expect("claim"));
        Disk::Marked { marker, files: false }
    }

    /// A node of an armed cluster whose claimant is another one.
    fn facts(disk: Disk, lease: Result<LeaseId, Unpublished>) -> Event {
        let (claim, id) = ("c1".parse().expect("claim"), "10.0.0.2".parse().expect("id"));
        let mut record = ClusterRecord::claimed(claim, id, "d2".parse().expect("disk"), Vec::new(), "logs".to_owned());
        record.state = RecordState::Armed;
        let stored = Stored {
            value: record,
            mod_revision: 8,
            create_revision: 7,
            lease: None,
        };
        let view = ClusterView {
            record: Some(stored),
            ..ClusterView::default()
        };
        Event::Seen(Box::new(Facts {
            view: Ok(view),
            disk,
            lease,
            memory: HostCache::default(),
            fresh: "c9".parse().expect("claim"),
        }))
    }

    fn joining(now: Disk) -> Effect {
        let mut machine = machine();
        assert!(matches!(
            machine.step(facts(disk("d1", None), Ok(LeaseId(7)))),
            Effect::Commit(..)
        ));
        assert!(matches!(machine.step(Event::Committed), Effect::Mark(claim) if claim.as_str() == "c1"));
        machine.step(Event::Marked(Box::new(now)))
    }

    #[test]
    fn a_node_starts_after_its_announcement_and_its_marker() {
        let Effect::End(End::Start(order)) = joining(disk("d1", Some("c1"))) else {
            panic!("the node starts");
        };
        assert_eq!((order.with_setting, order.claim.as_str()), (None, "c1"));
    }

    #[test]
    fn a_disk_that_is_not_the_one_of_the_beginning_ends_the_run() {
        for now in [disk("d9", Some("c1")), disk("d1", None), Disk::Unmarked] {
            assert!(matches!(joining(now), Effect::End(End::DiskChanged { .. })));
        }
        let swapped = machine().step(facts(disk("d9", None), Ok(LeaseId(7))));
        assert!(matches!(swapped, Effect::End(End::DiskChanged { .. })));
    }

    #[test]
    fn a_disk_that_was_emptied_around_its_marker_since_the_decision_starts_nothing() {
        let with_files = |files| {
            let Disk::Marked { mut marker, .. } = disk("d1", Some("c1")) else {
                panic!("a marker");
            };
            marker.joined = true;
            Disk::Marked { marker, files }
        };
        let mut machine = machine();
        let announced = machine.step(facts(with_files(true), Ok(LeaseId(7))));
        assert!(matches!(announced, Effect::Commit(..)));
        assert!(matches!(machine.step(Event::Committed), Effect::Mark(_)));
        let effect = machine.step(Event::Marked(Box::new(with_files(false))));
        assert!(matches!(effect, Effect::End(End::Refuse(Reason::Emptied { .. }))));
    }

    #[test]
    fn without_an_answer_and_after_a_refusal_everything_is_read_again() {
        for event in [Event::Refused, Event::Unanswered, Event::Changed] {
            let mut machine = machine();
            assert!(matches!(
                machine.step(facts(disk("d1", None), Ok(LeaseId(7)))),
                Effect::Commit(..)
            ));
            assert!(matches!(machine.step(event), Effect::Read));
        }
        assert!(
            matches!(machine().step(Event::Committed), Effect::Read),
            "nothing was asked"
        );
    }

    #[test]
    fn a_node_whose_seed_is_not_published_says_why_and_waits() {
        let effect = machine().step(facts(disk("d1", None), Err(Unpublished::Blocked("blocked".to_owned()))));
        let Effect::Wait(reason) = effect else {
            panic!("{effect:?}");
        };
        assert_eq!(reason.to_string(), "the own seed is not published: blocked");
    }
}

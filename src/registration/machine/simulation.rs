//! The machine against a small etcd in memory: any order of wishes, outages, lost answers, writes that arrive late, foreign
//! writers, restarts and reboots keeps the invariants, and when the faults stop the wish comes true.

mod world;

use proptest::prelude::*;

use self::world::{World, value};
use super::*;

/// What happens next to the work under way, or around it.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It is answered.
    Answered,
    /// It takes effect, its answer is lost.
    AnswerLost,
    /// It does not take effect and fails.
    Fails,
    /// It fails, and takes effect at some later time if it still can.
    Late,
    /// Something that failed takes effect now.
    Arrives(usize),
    /// etcd refuses it.
    Refused,
    /// The state file cannot be written, if that is the work; else it is answered.
    DiskFull,
    Wanted(u8),
    CommitAsked(u8),
    Passes(u64),
    /// Somebody who knows nothing of us writes our key, with or without a lease, unless it is there.
    Stranger {
        leased: bool,
    },
    /// An operator deletes the key, whosever it is.
    Deleted,
    /// An operator ends our lease.
    LeaseEnded,
    /// A watch tells how the key is, or how it was when it told before, so many times ago.
    Told {
        ago: usize,
        seen: bool,
    },
    /// The process is replaced by the next run.
    Restarted,
    /// The host boots.
    Rebooted,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        12 => Just(Fate::Answered),
        2 => Just(Fate::AnswerLost),
        2 => Just(Fate::Fails),
        2 => Just(Fate::Late),
        2 => (0..8_usize).prop_map(Fate::Arrives),
        1 => Just(Fate::Refused),
        1 => Just(Fate::DiskFull),
        3 => (0..7_u8).prop_map(Fate::Wanted),
        2 => (0..4_u8).prop_map(Fate::CommitAsked),
        2 => (1..50_u64).prop_map(Fate::Passes),
        1 => any::<bool>().prop_map(|leased| Fate::Stranger { leased }),
        1 => Just(Fate::Deleted),
        1 => Just(Fate::LeaseEnded),
        2 => (0..4_usize, any::<bool>()).prop_map(|(ago, seen)| Fate::Told { ago, seen }),
        1 => Just(Fate::Restarted),
        1 => Just(Fate::Rebooted),
    ]
}

fn after(fates: Vec<Fate>) -> World {
    let mut world = World::new();
    for fate in fates {
        world.meet(fate);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn when_the_faults_stop_the_wish_comes_true_and_then_nothing_is_written(
        fates in proptest::collection::vec(fate(), 0..60),
        wish in proptest::option::of(0..4_u8),
    ) {
        let mut world = after(fates);
        let want = wish.map_or(Want::Absent, |n| Want::Present(value(n)));
        world.event(Event::Wanted(want));
        world.settle(120);
        // A stranger without a lease stays; then there is nothing to come true.
        if world.entry.as_ref().is_some_and(|entry| entry.lease.is_none()) {
            return Ok(());
        }
        let standing = world.machine.standing(world.now);
        if let Some(n) = wish {
            let entry = world.entry.clone().expect("the key is there");
            let written = value(n).of_run(&world.machine.spec.incarnation);
            prop_assert_eq!(Value::parse(&entry.value), Some(written));
            prop_assert_eq!(entry.lease, standing.lease);
            prop_assert!(standing.registered);
        } else {
            prop_assert_eq!(&world.entry, &None);
        }
        prop_assert_eq!(standing.obstacle, None);
        prop_assert!(world.answers.values().all(|answered| *answered), "no commit waits for ever");
        prop_assert_eq!(world.file.len(), 1, "former runs are forgotten");
        let kinds = world.settle(100);
        prop_assert!(kinds.iter().all(|kind| ["renew", "read"].contains(kind)), "{:?}", kinds);
    }

    #[test]
    fn once_the_key_is_gone_no_late_write_brings_it_back(fates in proptest::collection::vec(fate(), 0..60)) {
        let mut world = after(fates);
        world.event(Event::Wanted(Want::Absent));
        // Shorter than a lease lives: it is not the end of the leases that keeps late writes out.
        world.settle(20);
        if world.entry.is_some() {
            // A stranger's.
            return Ok(());
        }
        while let Some((spec, op)) = world.late.pop() {
            let _ = world.do_it(&spec, &op);
            prop_assert_eq!(&world.entry, &None, "{:?} arrived late", op);
        }
    }

    #[test]
    fn leaving_clears_everything_away(fates in proptest::collection::vec(fate(), 0..60)) {
        let mut world = after(fates);
        world.event(Event::LeaveAsked);
        world.settle(60);
        prop_assert!(world.left);
        prop_assert_eq!(&world.file, &vec![]);
        let ours = matches!(world.holder(), Some(Owner::Us | Owner::Former));
        prop_assert!(!ours, "{:?}", world.entry);
        prop_assert!(world.answers.values().all(|answered| *answered), "no commit waits for ever");
    }
}

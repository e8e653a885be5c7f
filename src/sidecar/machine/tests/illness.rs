//! What is wrong with a node, as a class, and what its disk and its process add to what the probe says.

use super::*;
use crate::{nodefile::DiskState, sidecar::disk::Disk};

/// The launcher's word of a disk that has been like this since `since`.
fn disk(state: DiskState, since: Instant) -> Event {
    let Event::LauncherSaid(Some(launched)) = launcher(Phase::Running, Some(1)) else {
        panic!("the launcher says something");
    };
    let disk = Disk {
        state,
        since,
        why: None,
        used_percent: Some(96),
        watermark: None,
    };
    Event::LauncherSaid(Some(Launched {
        disk: Some(disk),
        ..launched
    }))
}

fn illness(bench: &Bench) -> Option<Illness> {
    bench.machine.conclusion().illness
}

#[test]
fn each_way_not_to_be_ready_is_a_class_of_its_own() {
    let ready = || Bench::heard().then(launcher(Phase::Running, Some(1))).then(good());
    for (event, expected) in [
        (failed(ProbeFailure::Refused), Illness::Refused),
        (died(1), Illness::Dead),
        (failed(ProbeFailure::Hung(SECOND)), Illness::Hung),
        (failed(ProbeFailure::TimedOut(SECOND)), Illness::Slow),
        (failed(ProbeFailure::Closed), Illness::Broken),
        (failed(denied(401)), Illness::Denied),
        (masterless(), Illness::Masterless),
        (other_node(), Illness::Stranger),
    ] {
        // Also before it counts, so that it can be seen coming.
        let bench = ready().then(event.clone());
        assert_eq!(illness(&bench), Some(expected), "{event:?}");
        assert_eq!(illness(&bench.then(good())), None, "after {event:?}");
    }
}

#[test]
fn a_node_on_a_disk_that_is_ill_for_too_long_is_unready_though_it_answers() {
    for (state, class) in [
        (DiskState::Stalled, Illness::DiskStalled),
        (DiskState::ReadOnly, Illness::DiskReadOnly),
        (DiskState::Failing, Illness::DiskFailing),
    ] {
        let bench = Bench::heard().then(good());
        let since = bench.now;
        let mut bench = bench.then(disk(state, since));
        while bench.now < since + 30 * SECOND {
            assert_eq!(
                bench.verdict(),
                Verdict::Ready,
                "{state:?} after {:?}",
                bench.now - since
            );
            bench = bench.then(good());
        }
        assert_eq!((bench.verdict(), illness(&bench)), (Verdict::Unready, Some(class)));
        assert!(bench.now <= since + 33 * SECOND, "within one interval more");
        assert!(
            bench.effects.contains(&Effect::Want(Wish::Absent)),
            "{:?}",
            bench.effects
        );
        let still = bench.times(5, &good());
        assert_eq!(still.verdict(), Verdict::Unready);
        let now = still.now;
        let well = still.then(disk(DiskState::Ok, now)).then(good());
        assert_eq!(
            (well.verdict(), well.then(good()).verdict()),
            (Verdict::Unready, Verdict::Ready)
        );
    }
}

#[test]
fn a_full_disk_an_unknown_one_and_a_silent_launcher_take_nothing_away() {
    let bench = Bench::heard().then(good());
    let since = bench.now;
    for event in [
        disk(DiskState::Ok, since),
        disk(DiskState::Unknown, since),
        launcher(Phase::Running, Some(1)),
    ] {
        let bench = Bench::heard().then(good()).then(event.clone()).times(20, &good());
        assert_eq!((bench.verdict(), illness(&bench)), (Verdict::Ready, None), "{event:?}");
    }
    // Too late is as good as never: what was ill is not told of any more.
    let forgotten = bench.then(disk(DiskState::Stalled, since)).times(12, &good());
    assert_eq!(forgotten.verdict(), Verdict::Unready);
    let forgotten = forgotten.then(launcher(Phase::Running, Some(1))).times(2, &good());
    assert_eq!(forgotten.verdict(), Verdict::Ready);
}

#[test]
fn an_ill_disk_explains_a_node_that_hangs() {
    let ready = || Bench::heard().then(good());
    let since = ready().now;
    let hung = ready().then(disk(DiskState::Stalled, since)).then(failed(TIMED_OUT));
    assert_eq!(illness(&hung), Some(Illness::DiskStalled));
    let why = &hung.machine.conclusion().why;
    assert!(why.contains("says nothing") && why.contains("its disk hangs"), "{why}");
    // It is no excuse for a node without a master.
    let masterless = ready().then(disk(DiskState::Stalled, since)).then(masterless());
    assert_eq!(illness(&masterless), Some(Illness::Masterless));
}

#[test]
fn a_stopped_process_needs_no_second_opinion_and_every_other_symptom_does() {
    let seen = |symptom| {
        let bench = Bench::heard().then(launcher(Phase::Running, Some(1))).then(good());
        let mut asked = bench;
        asked.now = asked.machine.due;
        asked
            .then(Event::Woke)
            .then(Event::Seen(symptom))
            .then(failed(TIMED_OUT))
    };
    for symptom in [Symptom::Stopped, Symptom::Paused] {
        let bench = seen(symptom);
        assert_eq!(
            (bench.verdict(), illness(&bench)),
            (Verdict::Unready, Some(Illness::Frozen))
        );
        // It goes on, and is asked as any unready one.
        let bench = bench.then(good());
        assert_eq!(
            (bench.verdict(), bench.then(good()).verdict()),
            (Verdict::Unready, Verdict::Ready)
        );
    }
    for symptom in [Symptom::Works, Symptom::Idle, Symptom::Waits(3), Symptom::Lives] {
        let bench = seen(symptom);
        assert_eq!(
            (bench.verdict(), illness(&bench)),
            (Verdict::Ready, Some(Illness::Hung)),
            "{symptom:?}"
        );
    }
    // What was seen then says nothing of the next time.
    let later = seen(Symptom::Works).then(good()).then(failed(TIMED_OUT));
    let why = &later.machine.conclusion().why;
    assert!(!why.contains("process"), "{why}");
}

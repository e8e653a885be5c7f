//! What holds for the machine whatever happens, in whatever order.

use proptest::prelude::*;

use super::*;

fn any_event() -> impl Strategy<Value = Event> {
    let uuid = || prop_oneof![Just("ours"), Just("theirs"), Just("_na_")];
    let probed = prop_oneof![
        4 => Just(good()),
        1 => Just(masterless()),
        1 => Just(other_node()),
        1 => uuid().prop_map(|uuid| Event::Probed(Ok(report("n1", uuid, true)))),
        1 => Just(failed(ProbeFailure::Refused)),
        1 => Just(failed(TIMED_OUT)),
        1 => Just(failed(ProbeFailure::Closed)),
        1 => Just(failed(denied(403))),
        1 => Just(failed(ProbeFailure::Status(404))),
    ];
    let phase = prop_oneof![Just(Phase::Starting), Just(Phase::Running), Just(Phase::Leaving)];
    prop_oneof![
        12 => probed,
        2 => Just(Event::ConnectionEnded),
        1 => uuid().prop_map(record),
        1 => Just(Event::RecordChanged(Record::Absent)),
        1 => (phase, proptest::option::of(1_u32..3)).prop_map(|(phase, pid)| launcher(phase, pid)),
        1 => Just(Event::LauncherSaid(None)),
        1 => (1_u32..3).prop_map(died),
        3 => Just(Event::Woke),
    ]
}

proptest! {
    /// Whatever happens in whatever order, also what nobody asked for.
    #[test]
    fn the_key_is_never_wanted_without_a_ready_verdict(
        events in proptest::collection::vec((0_u64..4000, any_event()), 1..200),
        stop_at in proptest::option::of(0_usize..200),
    ) {
        let mut now = Instant::now();
        let mut machine = machine(now);
        let (mut stopped, mut was_probed) = (false, false);
        for (index, (wait, event)) in events.into_iter().enumerate() {
            now += Duration::from_millis(wait);
            let event = if stop_at == Some(index) { Event::Stopped } else { event };
            let answered = machine.probing.is_some() && matches!(event, Event::Probed(_));
            let refused = answered && event == failed(ProbeFailure::Refused);
            let stops = event == Event::Stopped;
            let effects = machine.step(now, event);
            was_probed |= answered;
            if effects.contains(&Effect::Want(Wish::Present)) {
                prop_assert!(machine.conclusion().verdict == Verdict::Ready && !stopped);
                prop_assert!(machine.record != Record::Unknown);
            }
            if machine.wish == Wish::Present {
                prop_assert_eq!(machine.conclusion().verdict, Verdict::Ready);
            }
            prop_assert!(!refused || stopped || machine.wish == Wish::Absent, "refused, and still {:?}", machine.wish);
            // Once a probe has decided, the last run's key is no longer a matter of course, unless only the record is missing.
            prop_assert!(!was_probed || machine.wish != Wish::Keep || machine.record == Record::Unknown);
            prop_assert!(effects.iter().filter(|effect| matches!(effect, Effect::Probe)).count() <= 1);
            prop_assert_eq!(effects.contains(&Effect::Leave), stops && !stopped);
            stopped |= stops;
            // It never falls asleep for good.
            prop_assert!(stopped || machine.probing.is_some() || machine.due > now);
        }
    }

    /// From the start of the last good probe; the node hangs or answers wrongly, other things happen meanwhile.
    #[test]
    fn a_node_that_is_not_well_is_found_out_within_the_bound(
        fall in 1_u32..6,
        interval in 3_u32..10,
        timeout in 1_u32..3,
        answers in proptest::collection::vec(proptest::option::of(0_u64..1000), 8),
        nuisance in proptest::collection::vec((0_u64..20_000, prop_oneof![Just(Event::Woke), Just(record("ours"))]), 0..6),
    ) {
        let rhythm = Rhythm { interval: SECOND * interval, timeout: SECOND * timeout, rise: 2, fall };
        let begun = Instant::now();
        let mut machine = machine(begun);
        machine.rhythm = rhythm;
        let _ = machine.step(begun, record("ours"));
        let _ = machine.step(begun, good());
        prop_assert_eq!(machine.conclusion().verdict, Verdict::Ready);
        let bound = begun + rhythm.interval + rhythm.timeout * fall;
        let mut nuisance: Vec<_> = nuisance.into_iter().map(|(at, event)| (begun + Duration::from_millis(at), event)).collect();
        nuisance.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let (mut now, mut answers) = (begun, answers.into_iter().cycle());
        while machine.conclusion().verdict == Verdict::Ready {
            let (at, event) = match machine.probing {
                None => (machine.due, Event::Woke),
                Some(start) => match answers.next().flatten() {
                    Some(quick) if Duration::from_millis(quick) < rhythm.timeout => (start + Duration::from_millis(quick), masterless()),
                    _ => (start + rhythm.timeout, failed(TIMED_OUT)),
                },
            };
            while let Some((early, _)) = nuisance.last() && *early < at {
                let (early, event) = nuisance.pop().expect("there");
                let _ = machine.step(early.max(now), event);
            }
            now = at.max(now);
            let _ = machine.step(now, event);
            prop_assert!(now <= bound, "{:?} after the bound", now - bound);
        }
    }
}

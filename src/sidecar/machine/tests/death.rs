//! What looks like a death, and what is one.

use super::*;

#[test]
fn the_end_of_a_connection_is_looked_into_at_once_but_not_in_a_circle() {
    let bench = Bench::heard().then(good()).then(Event::ConnectionEnded);
    assert_eq!(bench.effects, [Effect::Probe]);
    let bench = bench.then(good()).then(Event::ConnectionEnded);
    assert_eq!(bench.effects, [Effect::WakeAt(bench.now + RHYTHM.interval)]);
    let mut later = bench;
    later.now += RHYTHM.interval;
    let later = later.then(good()).then(Event::ConnectionEnded);
    assert_eq!(later.effects, [Effect::Probe]);
    // A dying node cuts that probe off before its port is closed.
    let cut = later.then(failed(ProbeFailure::Closed));
    assert_eq!(cut.effects.last(), Some(&Effect::Probe));
}

#[test]
fn a_dead_process_is_not_brought_back_by_what_it_said_before() {
    let ready = Bench::heard().then(launcher(Phase::Running, Some(1))).then(good());
    let mut asked = ready;
    asked.now = asked.machine.due;
    let dead = asked.then(Event::Woke).then(died(1));
    assert!(dead.effects.contains(&Effect::Want(Wish::Absent)), "{:?}", dead.effects);
    assert_eq!(dead.machine.conclusion().why, "dead");
    // The answer to the question that was on its way.
    let late = dead.then(good());
    assert_eq!((late.verdict(), late.machine.wish), (Verdict::Down, Wish::Absent));
    // Its socket is still open, then it is not.
    let hung = late.then(failed(TIMED_OUT)).then(failed(ProbeFailure::Refused));
    assert_eq!(hung.verdict(), Verdict::Down);
    // The next process, or somebody else who answers from now on, is another matter.
    let next = |bench: Bench| bench.then(launcher(Phase::Running, Some(2)));
    assert_eq!(
        next(hung).then(failed(ProbeFailure::Refused)).verdict(),
        Verdict::Starting
    );
    let alive = Bench::heard()
        .then(launcher(Phase::Running, Some(1)))
        .then(good())
        .then(died(1))
        .then(good());
    assert_eq!(alive.verdict(), Verdict::Ready);
}

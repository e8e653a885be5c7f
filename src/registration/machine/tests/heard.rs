//! What a watch says of the key: news is looked at, what is known is not.

use super::*;

#[test]
fn what_a_watch_has_listed_counts_as_seen() {
    let mut bench = Bench::registered(&value(1));
    bench.passes(4);
    bench.hears(Some(7), 9, false);
    assert_ne!(
        bench.standing().verified_at,
        Some(bench.now),
        "a change is told when it comes"
    );
    bench.hears(Some(7), 9, true);
    assert_eq!((&bench.doing, bench.standing().verified_at), (&None, Some(bench.now)));
}

#[test]
fn a_renewal_looks_at_the_key_unless_a_watch_lives() {
    // The last: a store that was restored and has lost the key with its last changes.
    for (key, at, sign, reads) in [
        (Some(7), 9, false, true),
        (Some(7), 9, true, false),
        (None, 5, true, true),
    ] {
        let mut bench = Bench::registered(&value(1));
        bench.hears(key, at, sign);
        while !bench.renews() {
            bench.passes(1);
        }
        assert_eq!(
            bench.doing,
            reads.then_some(Op::Read),
            "{key:?} at {at}, a sign of life: {sign}"
        );
    }
}

#[test]
fn a_watch_without_a_sign_of_life_within_the_ttl_is_not_relied_on() {
    let mut bench = Bench::registered(&value(1));
    let entry = bench.machine.key.entry().cloned();
    bench.hears(Some(7), 9, true);
    let end = bench.now + bench.machine.spec.ttl;
    while bench.now < end {
        assert_ne!(bench.doing, Some(Op::Read), "too early");
        bench.passes(1);
        bench.renews();
    }
    assert_eq!(bench.doing, Some(Op::Read));
    bench.done(Outcome::Read(entry));
    while !bench.renews() {
        assert_eq!(bench.doing, None);
        bench.passes(1);
    }
    assert_eq!(bench.doing, Some(Op::Read), "with the renewal");
}

#[test]
fn what_a_watch_says_is_looked_at_only_when_it_is_news() {
    for (key, at, news) in [
        (Some(7), 7, false),
        // Told late: what was there before ours.
        (Some(5), 5, false),
        (None, 6, false),
        (None, 8, true),
        (Some(8), 8, true),
    ] {
        for seen in [false, true] {
            let mut bench = Bench::registered(&value(1));
            bench.hears(key, at, seen);
            assert_eq!(bench.doing, news.then_some(Op::Read), "{key:?} at {at}");
            assert!(bench.standing().registered, "nothing is believed before it is read");
        }
    }
    let mut bench = Bench::settled(None);
    bench.hears(None, 8, true);
    assert_eq!(bench.doing, None);
    bench.hears(Some(9), 9, false);
    assert_eq!(bench.doing, Some(Op::Read));
    // A look that began before the news may have missed it.
    bench.hears(Some(10), 10, false);
    assert_eq!(bench.effects.first(), Some(&Effect::Drop));
    assert_eq!(bench.doing, Some(Op::Read));
}

#[test]
fn a_watch_that_is_faster_than_the_answer_tells_nothing_new() {
    let mut bench = Bench::settled(None);
    bench.event(Event::Wanted(Want::Present(value(1))));
    bench.hears(Some(7), 7, false);
    bench.done(Outcome::Committed(Some(7)));
    assert_eq!(bench.doing, None);
    bench.event(Event::Wanted(Want::Absent));
    bench.hears(None, 8, false);
    bench.done(Outcome::Committed(Some(8)));
    assert_eq!(bench.doing, None);
    // What came after our own change is looked at.
    bench.event(Event::Wanted(Want::Present(value(1))));
    bench.hears(None, 12, false);
    bench.done(Outcome::Committed(Some(9)));
    assert_eq!(bench.doing, Some(Op::Read));
}

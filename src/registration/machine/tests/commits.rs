//! A transaction of the caller that takes the key along: with an answer, without one, and refused.

use super::*;

#[test]
fn an_unanswered_commit_that_took_effect_is_not_undone() {
    let mut bench = Bench::registered(&value(1));
    bench.event(commit(1, 2));
    bench.away();
    let failed = |effect: &Effect| matches!(effect, Effect::Answer { id: 1, answer: Err(_) });
    assert!(bench.effects.iter().any(failed));
    bench.passes(5);
    bench.done(Outcome::Renewed(bench.lease(1)));
    assert_eq!(bench.doing, Some(Op::Read));
    bench.done(Outcome::Read(Some(entry(&value(2), "us", Some(1), 8))));
    assert_eq!(bench.doing, None, "the value of the commit is what is wanted now");
    assert!(bench.standing().registered);
}

#[test]
fn an_unanswered_commit_that_did_not_take_effect_changes_no_wish() {
    let mut bench = Bench::registered(&value(1));
    bench.event(commit(1, 2));
    bench.away();
    bench.passes(5);
    bench.done(Outcome::Renewed(bench.lease(1)));
    bench.done(Outcome::Read(None));
    let put = Op::Put {
        value: value(1).of_run(&spec().incarnation),
        lease: LeaseId(1),
        replaces: 0,
    };
    assert_eq!(bench.doing, Some(put));
}

#[test]
fn a_wish_that_is_younger_than_a_commit_wins() {
    let mut bench = Bench::registered(&value(1));
    bench.event(commit(1, 2));
    bench.event(Event::Wanted(Want::Absent));
    assert!(
        matches!(bench.doing, Some(Op::Commit { .. })),
        "a commit is never dropped half done"
    );
    bench.done(Outcome::Committed(Some(8)));
    assert_eq!(bench.doing, Some(Op::Delete { replaces: 8 }));
}

#[test]
fn a_commit_whose_conditions_do_not_hold_leaves_the_wish_and_looks_again() {
    let mut bench = Bench::registered(&value(1));
    bench.event(commit(1, 2));
    bench.done(Outcome::Committed(None));
    let answer = Ok(None);
    assert!(bench.effects.contains(&Effect::Answer { id: 1, answer }));
    assert_eq!(bench.doing, Some(Op::Read));
    bench.done(Outcome::Read(Some(entry(&value(1), "us", Some(1), 7))));
    assert_eq!(bench.doing, None);
}

#[test]
fn a_commit_that_etcd_refuses_is_answered_and_hinders_nothing() {
    let mut bench = Bench::registered(&value(1));
    bench.event(commit(1, 2));
    let (endpoint, cause) = ("e".to_owned(), "permission denied".to_owned());
    bench.done(Outcome::Failed(RegistryError::Refused { endpoint, cause }));
    assert!(matches!(
        bench.effects.first(),
        Some(Effect::Answer { answer: Err(_), .. })
    ));
    assert!(bench.standing().registered && bench.standing().obstacle.is_none());
}

#[test]
fn a_commit_is_refused_while_somebody_else_has_the_key() {
    let mut bench = Bench::settled(Some(entry(&value(1), "stranger", Some(9), 5)));
    bench.event(commit(1, 2));
    let refused = |effect: &Effect| {
        matches!(
            effect,
            Effect::Answer {
                answer: Err(CommitError::Obstacle(_)),
                ..
            }
        )
    };
    assert!(bench.effects.iter().any(refused));
    assert_eq!(bench.standing().obstacle.map(|o| o.kind()), Some("foreign_lease"));
    bench.passes(1);
    assert_eq!(bench.doing, Some(Op::Read), "its end is looked for");
}

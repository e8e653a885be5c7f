use proptest::prelude::*;

use super::*;

const GRACE: Duration = Duration::from_mins(2);

fn begun() -> (Life, Instant) {
    let (life, effects) = Life::begin();
    assert_eq!(effects, [Effect::Wait, Effect::Follow]);
    (life, Instant::now())
}

#[test]
fn an_end_is_told_after_its_last_words_and_with_the_container_gone() {
    let (mut life, now) = begun();
    let ending = Ending::Code(143);
    assert_eq!(life.step(now, Event::WaitEnded), [Effect::Look]);
    assert_eq!(
        life.step(now, Event::Seen(Sight::Ended(ending))),
        [Effect::WakeAt(now + LAST_WORDS)]
    );
    assert_eq!(life.step(now, Event::LogsEnded), [Effect::Remove]);
    assert_eq!(
        life.step(now, Event::RemovalEnded { gone: true }),
        [Effect::Finish(ending)]
    );
}

#[test]
fn output_that_does_not_end_holds_nothing_up() {
    let (mut life, now) = begun();
    let _ = life.step(now, Event::WaitEnded);
    let _ = life.step(now, Event::Seen(Sight::Ended(Ending::Code(0))));
    assert_eq!(
        life.step(now, Event::Woke),
        [Effect::WakeAt(now + LAST_WORDS)],
        "too early"
    );
    assert_eq!(life.step(now + LAST_WORDS, Event::Woke), [Effect::Remove]);
}

#[test]
fn a_program_that_was_killed_is_started_again() {
    let (mut life, now) = begun();
    assert_eq!(life.step(now, Event::LogsEnded), [Effect::Look]);
    assert_eq!(life.step(now, Event::WaitEnded), [], "one look at a time");
    assert_eq!(life.step(now, Event::Seen(Sight::Runs)), [Effect::WakeAt(now + PAUSE)]);
    assert_eq!(life.step(now + PAUSE, Event::Woke), [Effect::Wait, Effect::Follow]);
    assert_eq!(life.step(now + PAUSE, Event::Woke), [], "both run");
}

#[test]
fn an_engine_that_is_away_is_asked_until_it_answers() {
    let (mut life, now) = begun();
    let away = Event::Seen(Sight::NoAnswer { process_lives: true });
    let _ = life.step(now, Event::WaitEnded);
    let _ = life.step(now, Event::LogsEnded);
    let mut now = now;
    for _ in 0..100 {
        assert_eq!(life.step(now, away), [Effect::WakeAt(now + PAUSE)]);
        now += PAUSE;
        assert_eq!(life.step(now, Event::Woke), [Effect::Look]);
    }
    assert_eq!(life.step(now, Event::Seen(Sight::Runs)), [Effect::WakeAt(now + PAUSE)]);
    assert_eq!(life.step(now + PAUSE, Event::Woke), [Effect::Wait, Effect::Follow]);
}

#[test]
fn without_engine_and_process_the_node_has_ended() {
    let (mut life, now) = begun();
    let away = Event::Seen(Sight::NoAnswer { process_lives: false });
    let _ = life.step(now, Event::WaitEnded);
    assert_eq!(life.step(now, away), [Effect::WakeAt(now + PAUSE)]);
    let later = now + PATIENCE;
    assert_eq!(life.step(later, Event::Woke), [Effect::Look]);
    assert_eq!(life.step(later, away), [Effect::Finish(Ending::Unknown)]);
}

#[test]
fn a_stop_that_the_engine_did_not_hear_is_asked_for_again_with_what_is_left_of_the_grace() {
    let (mut life, now) = begun();
    assert_eq!(
        life.step(now, Event::StopAsked { grace: GRACE }),
        [Effect::Stop(GRACE), Effect::WakeAt(now + NUDGE)]
    );
    assert_eq!(life.step(now, Event::AskEnded), [Effect::Look]);
    assert_eq!(life.step(now, Event::Seen(Sight::Runs)), [Effect::WakeAt(now + PAUSE)]);
    assert_eq!(
        life.step(now + PAUSE, Event::Woke),
        [
            Effect::Stop(GRACE.saturating_sub(PAUSE)),
            Effect::WakeAt(now + PAUSE + NUDGE)
        ]
    );
    assert_eq!(life.step(now + PAUSE, Event::KillAsked), [Effect::Kill], "at once");
    assert_eq!(
        life.step(now + PAUSE, Event::StopAsked { grace: GRACE }),
        [Effect::Kill],
        "a kill stays one"
    );
}

#[test]
fn a_node_that_did_not_hear_is_asked_again() {
    let (mut life, now) = begun();
    let _ = life.step(now, Event::StopAsked { grace: GRACE });
    let later = now + NUDGE;
    assert_eq!(
        life.step(later, Event::Woke),
        [Effect::Nudge, Effect::WakeAt(later + NUDGE)]
    );
    assert_eq!(life.step(later, Event::Nudged), []);
}

#[test]
fn a_container_that_somebody_removed_has_ended() {
    let (mut life, now) = begun();
    let _ = life.step(now, Event::WaitEnded);
    assert_eq!(
        life.step(now, Event::Seen(Sight::Absent)),
        [Effect::Finish(Ending::Unknown)]
    );
}

#[test]
fn a_removal_that_fails_is_tried_again_and_not_for_ever() {
    let (mut life, mut now) = begun();
    let _ = life.step(now, Event::LogsEnded);
    assert_eq!(
        life.step(now, Event::Seen(Sight::Ended(Ending::Code(1)))),
        [Effect::Remove]
    );
    for _ in 1..REMOVALS {
        assert_eq!(
            life.step(now, Event::RemovalEnded { gone: false }),
            [Effect::WakeAt(now + PAUSE)]
        );
        now += PAUSE;
        assert_eq!(life.step(now, Event::Woke), [Effect::Remove]);
    }
    assert_eq!(
        life.step(now, Event::RemovalEnded { gone: false }),
        [Effect::Finish(Ending::Code(1))]
    );
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::WaitEnded),
        Just(Event::LogsEnded),
        Just(Event::Woke),
        Just(Event::AskEnded),
        any::<bool>().prop_map(|gone| Event::RemovalEnded { gone }),
        any::<bool>().prop_map(|process_lives| Event::Seen(Sight::NoAnswer { process_lives })),
        Just(Event::Seen(Sight::Runs)),
        Just(Event::Seen(Sight::Absent)),
        any::<u8>().prop_map(|code| Event::Seen(Sight::Ended(Ending::Code(code)))),
        Just(Event::StopAsked { grace: GRACE }),
        Just(Event::KillAsked),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_nothing_is_done_to_a_node_that_was_not_seen_ended_or_wanted_so(
        events in proptest::collection::vec((0_u64..40, event()), 1..60),
    ) {
        let (mut life, mut now) = begun();
        let (mut wanted, mut killed, mut over, mut finished) = (false, false, false, false);
        for (pause, event) in events {
            now += Duration::from_secs(pause);
            wanted |= matches!(event, Event::StopAsked { .. } | Event::KillAsked);
            killed |= event == Event::KillAsked;
            over |= matches!(event, Event::Seen(Sight::Ended(_) | Sight::Absent | Sight::NoAnswer { process_lives: false }));
            for effect in life.step(now, event) {
                prop_assert!(!finished, "nothing after the end");
                match effect {
                    Effect::Stop(_) | Effect::Nudge => prop_assert!(wanted && !killed),
                    Effect::Kill => prop_assert!(killed),
                    Effect::Remove => prop_assert!(over),
                    Effect::Finish(_) => { prop_assert!(over); finished = true; }
                    Effect::Wait | Effect::Follow | Effect::Look | Effect::WakeAt(_) => {}
                }
            }
        }
    }
}

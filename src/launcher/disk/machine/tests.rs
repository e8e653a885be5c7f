//! The machine: what it makes of the helper's words and of its silence.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_secs(10);

struct Bench {
    machine: DiskMachine,
    begun: Instant,
    now: Instant,
    wake: Option<Instant>,
    /// How many helpers were asked for, and how many ended.
    starts: u32,
    kills: u32,
}

impl Bench {
    fn new() -> Self {
        let now = Instant::now();
        let marks = Watermarks::new(&BTreeMap::new(), None);
        let (machine, effects) = DiskMachine::new(EVERY, marks, now, None);
        let mut bench = Self {
            machine,
            begun: now,
            now,
            wake: None,
            starts: 0,
            kills: 0,
        };
        bench.act(effects);
        bench
    }

    fn act(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start => self.starts += 1,
                Effect::Kill => self.kills += 1,
                Effect::WakeAt(at) => self.wake = Some(at),
            }
        }
    }

    fn then(mut self, event: Event) -> Self {
        if event == Event::Woke {
            self.now = self.wake.take().expect("it wants to be woken");
        }
        let effects = self.machine.step(self.now, event);
        self.act(effects);
        self
    }

    fn after(mut self, time: Duration) -> Self {
        self.now += time;
        self
    }

    fn state(&self) -> (DiskState, Duration) {
        let standing = self.machine.standing();
        (standing.state, standing.since - self.begun)
    }
}

fn begun() -> Event {
    Event::Said(Line::Begun)
}

fn ended(error: Option<Errno>, free: u64) -> Event {
    let room = Room {
        total: 100,
        free,
        free_files: None,
    };
    Event::Said(Line::Ended(Round {
        error,
        room: Some(room),
    }))
}

fn well() -> Bench {
    Bench::new().then(Event::Started).then(begun()).then(ended(None, 50))
}

#[test]
fn a_write_that_does_not_end_is_a_disk_that_hangs_since_it_began() {
    let bench = well().after(EVERY).then(begun());
    assert_eq!(bench.state(), (DiskState::Ok, Duration::ZERO));
    let hangs = bench.then(Event::Woke);
    assert_eq!(hangs.now - hangs.begun, 15 * SECOND, "the deadline is five seconds");
    assert_eq!(hangs.state(), (DiskState::Stalled, EVERY));
    assert_eq!(
        (hangs.starts, hangs.kills, hangs.wake),
        (1, 0, None),
        "nothing is started, ended or waited for"
    );
    let over = hangs.after(60 * SECOND).then(ended(None, 50));
    assert_eq!(over.state(), (DiskState::Ok, 75 * SECOND));
}

#[test]
fn what_a_write_came_to() {
    for (error, free, state, watermark) in [
        (None, 50, DiskState::Ok, None),
        (None, 12, DiskState::Ok, Some(Watermark::Low)),
        (Some(Errno::NOSPC), 12, DiskState::Ok, Some(Watermark::Full)),
        (Some(Errno::DQUOT), 50, DiskState::Ok, Some(Watermark::Full)),
        (Some(Errno::ROFS), 50, DiskState::ReadOnly, None),
        (Some(Errno::IO), 50, DiskState::Failing, None),
        (Some(Errno::NOENT), 50, DiskState::Failing, None),
        (Some(Errno::STALE), 50, DiskState::Failing, None),
    ] {
        let bench = well().after(EVERY).then(begun()).then(ended(error, free));
        assert_eq!(bench.state().0, state, "{error:?}");
        let standing = bench.machine.standing();
        assert_eq!(
            (standing.watermark, standing.why.is_some()),
            (watermark, error.is_some()),
            "{error:?}"
        );
        let again = bench.after(EVERY).then(begun()).then(ended(error, free));
        let since = if state == DiskState::Ok { Duration::ZERO } else { EVERY };
        assert_eq!(again.state(), (state, since), "the same is not new: {error:?}");
    }
}

#[test]
fn a_helper_that_says_nothing_is_no_disk_that_hangs() {
    let silent = well().then(Event::Woke);
    assert_eq!((silent.state().0, silent.kills), (DiskState::Unknown, 1));
    let ended = silent.then(Event::Ended("it has ended".to_owned()));
    assert_eq!(ended.starts, 1, "not at once");
    let again = ended.then(Event::Woke);
    assert_eq!((again.starts, again.kills), (2, 1));
    assert_eq!(again.then(Event::Started).then(begun()).state().0, DiskState::Unknown);
}

#[test]
fn an_earlier_helper_that_does_not_go_hangs() {
    let mut bench = Bench::new().then(Event::EarlierLives);
    assert_eq!(bench.state().0, DiskState::Unknown);
    for _ in 0..8 {
        bench = bench.then(Event::Woke).then(Event::EarlierLives);
    }
    assert_eq!(bench.state(), (DiskState::Stalled, Duration::ZERO));
    let gone = bench
        .then(Event::Woke)
        .then(Event::Started)
        .then(begun())
        .then(ended(None, 50));
    assert_eq!(gone.state().0, DiskState::Ok);
}

#[test]
fn what_an_earlier_launcher_saw_hang_hangs_until_its_helper_is_gone() {
    let now = Instant::now() + 100 * SECOND;
    let marks = Watermarks::new(&BTreeMap::new(), None);
    let (mut machine, _) = DiskMachine::new(EVERY, marks, now, Some(now - 50 * SECOND));
    let _ = machine.step(now, Event::EarlierLives);
    let standing = machine.standing();
    assert_eq!(
        (standing.state, standing.since),
        (DiskState::Stalled, now - 50 * SECOND)
    );
    let _ = machine.step(now, Event::Started);
    assert_eq!(machine.standing().state, DiskState::Unknown);
}

fn any_event() -> impl Strategy<Value = Event> {
    let error = prop_oneof![
        Just(None),
        Just(Some(Errno::ROFS)),
        Just(Some(Errno::IO)),
        Just(Some(Errno::NOSPC))
    ];
    prop_oneof![
        3 => Just(begun()),
        3 => (error, 0_u64..100).prop_map(|(error, free)| ended(error, free)),
        3 => Just(Event::Woke),
        1 => Just(Event::Started),
        1 => Just(Event::EarlierLives),
        1 => Just(Event::Ended("gone".to_owned())),
    ]
}

proptest! {
    /// Whatever is heard in whatever order.
    #[test]
    fn a_disk_hangs_only_while_a_write_is_under_way_and_nobody_falls_asleep(
        events in proptest::collection::vec((0_u64..8000, any_event()), 1..80),
    ) {
        let mut bench = Bench::new();
        // What a shell would answer to the first effect.
        bench = bench.then(Event::Started);
        // A write under way, or an earlier helper in the way.
        let mut busy = false;
        for (wait, event) in events {
            bench.now += Duration::from_millis(wait);
            busy = match &event {
                Event::Said(Line::Begun) | Event::EarlierLives => true,
                Event::Said(Line::Ended(_)) | Event::Started | Event::Ended(_) => false,
                Event::Woke => busy,
            };
            let before = bench.machine.standing().state;
            let effects = bench.machine.step(bench.now, event.clone());
            let acts = !effects.is_empty();
            bench.act(effects);
            let standing = bench.machine.standing().clone();
            if standing.state == DiskState::Stalled && before != DiskState::Stalled {
                prop_assert!(busy, "{standing:?} by {event:?}");
            }
            if matches!(event, Event::Said(Line::Ended(_))) {
                prop_assert!(standing.state != DiskState::Stalled && standing.state != DiskState::Unknown);
            }
            prop_assert!(standing.since <= bench.now);
            // Only a write under way, or the end of a helper, may be waited for without a time.
            prop_assert!(acts || event == Event::Woke);
        }
    }
}

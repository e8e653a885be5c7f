//! The machine: a table of its transitions, and the rules of the drawing one by one.

mod death;
mod illness;
mod properties;

use super::*;
use crate::{
    model::ClusterUuid,
    probe::{Identity, ReportedUuid, Who},
};

const SECOND: Duration = Duration::from_secs(1);
const RHYTHM: Rhythm = Rhythm {
    interval: Duration::from_secs(3),
    timeout: Duration::from_secs(2),
    rise: 2,
    fall: 3,
};
const TIMED_OUT: ProbeFailure = ProbeFailure::Hung(Duration::from_secs(2));

fn machine(now: Instant) -> Machine {
    let expected = Expected {
        name: Some("n1".to_owned()),
        cluster: None,
        transport_port: 9300,
        ready_when: ReadyWhen::Joined,
        disk_patience: Some(30 * SECOND),
    };
    Machine::new(expected, RHYTHM, now)
}

fn report(name: &str, uuid: &str, joined: bool) -> Report {
    Report {
        identity: Identity {
            node_id: "id".to_owned(),
            name: name.to_owned(),
            cluster: "shapes".to_owned(),
            product: None,
            version: "6.8.23".to_owned(),
            roles: None,
            http_port: None,
            transport_port: None,
        },
        uuid: ClusterUuid::reported(uuid).map_or(ReportedUuid::NotYet, ReportedUuid::Known),
        master: joined.then(|| "id".to_owned()),
    }
}

fn good() -> Event {
    Event::Probed(Ok(report("n1", "ours", true)))
}

fn masterless() -> Event {
    Event::Probed(Ok(report("n1", "ours", false)))
}

fn other_node() -> Event {
    Event::Probed(Ok(report("n2", "ours", true)))
}

fn failed(failure: ProbeFailure) -> Event {
    Event::Probed(Err(failure))
}

fn record(uuid: &str) -> Event {
    Event::RecordChanged(Record::Says {
        cluster: "shapes".to_owned(),
        uuid: ClusterUuid::reported(uuid),
    })
}

fn launcher(phase: Phase, pid: Option<u32>) -> Event {
    Event::LauncherSaid(Some(Launched {
        name: "n1".to_owned(),
        cluster: "shapes".to_owned(),
        phase,
        process: pid.map(|pid| ProcessId { pid, start_time: 1 }),
        server: pid.map(|pid| ProcessId { pid, start_time: 1 }),
        reason: None,
        disk: None,
    }))
}

fn died(pid: u32) -> Event {
    Event::ProcessDied {
        process: ProcessId { pid, start_time: 1 },
        why: "dead".to_owned(),
    }
}

/// A machine with its clock; every `Probed` is preceded by the probe being asked for.
struct Bench {
    machine: Machine,
    now: Instant,
    effects: Vec<Effect>,
}

impl Bench {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            machine: machine(now),
            now,
            effects: Vec::new(),
        }
    }

    fn heard() -> Self {
        Self::new().then(record("ours"))
    }

    fn then(mut self, event: Event) -> Self {
        if matches!(event, Event::Probed(_)) && self.machine.probing.is_none() {
            self.now = self.now.max(self.machine.due);
            let _ = self.machine.step(self.now, Event::Woke);
            assert!(self.machine.probing.is_some(), "a probe is asked for when it is due");
        }
        self.effects = self.machine.step(self.now, event);
        self
    }

    fn times(self, n: usize, event: &Event) -> Self {
        (0..n).fold(self, |bench, _| bench.then(event.clone()))
    }

    fn verdict(&self) -> Verdict {
        self.machine.conclusion().verdict
    }
}

fn denied(status: u16) -> ProbeFailure {
    ProbeFailure::Unauthorized {
        status,
        who: Who::Anybody,
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row per transition")]
fn every_transition_of_the_drawing() {
    use Verdict::{Down, Impostor, Leaving, Ready, Starting, Unready};
    let start = Bench::heard;
    let ready = || start().then(good());
    let unready = || ready().times(3, &failed(TIMED_OUT));
    let down = || ready().then(failed(ProbeFailure::Refused));
    let impostor = || ready().then(other_node());
    let leaving = || ready().then(launcher(Phase::Leaving, Some(1)));
    let garbage = || failed(ProbeFailure::Garbage("html".to_owned()));
    let rows = vec![
        (start(), good(), Ready),
        (start(), masterless(), Starting),
        (start(), failed(TIMED_OUT), Starting),
        (start(), failed(ProbeFailure::Refused), Down),
        (start(), failed(denied(401)), Unready),
        (start(), failed(ProbeFailure::Status(302)), Impostor),
        (start(), garbage(), Impostor),
        (start(), other_node(), Impostor),
        (start(), Event::Stopped, Leaving),
        (ready(), good(), Ready),
        (ready(), masterless(), Ready),
        (ready().times(2, &masterless()), masterless(), Unready),
        (ready().times(2, &failed(TIMED_OUT)), failed(TIMED_OUT), Unready),
        (
            ready()
                .times(2, &failed(TIMED_OUT))
                .then(good())
                .times(2, &masterless()),
            good(),
            Ready,
        ),
        (ready().times(2, &garbage()), garbage(), Impostor),
        (ready(), failed(ProbeFailure::Refused), Down),
        (ready(), other_node(), Impostor),
        (ready(), record("theirs"), Impostor),
        (ready(), launcher(Phase::Leaving, None), Leaving),
        (ready(), Event::ConnectionEnded, Ready),
        (ready().then(launcher(Phase::Running, Some(1))), died(1), Down),
        (ready().then(launcher(Phase::Running, Some(2))), died(1), Ready),
        (ready(), died(1), Ready),
        (ready(), Event::Stopped, Leaving),
        (unready(), good(), Unready),
        (unready().then(good()), good(), Ready),
        (unready().then(good()), masterless(), Unready),
        (unready(), failed(ProbeFailure::Refused), Down),
        (unready(), other_node(), Impostor),
        (unready().then(launcher(Phase::Running, Some(1))), died(1), Down),
        (down(), good(), Ready),
        (down(), masterless(), Starting),
        (down(), failed(ProbeFailure::Refused), Down),
        (down(), other_node(), Impostor),
        (impostor(), good(), Ready),
        (impostor(), other_node(), Impostor),
        (impostor(), failed(TIMED_OUT), Unready),
        (impostor(), failed(ProbeFailure::Refused), Down),
        (leaving(), good(), Leaving),
        (leaving(), other_node(), Leaving),
        (leaving(), failed(ProbeFailure::Refused), Leaving),
        (leaving(), launcher(Phase::Running, Some(1)), Starting),
        (leaving(), Event::LauncherSaid(None), Starting),
        (leaving(), died(1), Leaving),
        (leaving(), Event::Stopped, Leaving),
    ];
    for (row, (bench, event, verdict)) in rows.into_iter().enumerate() {
        let from = format!("row {row}: {:?} + {event:?}", bench.machine.state);
        assert_eq!(bench.then(event).verdict(), verdict, "{from}");
    }
}

#[test]
fn a_closed_port_is_a_start_while_the_launcher_says_so() {
    let refused = || failed(ProbeFailure::Refused);
    let verdict = |bench: Bench| bench.then(refused()).verdict();
    assert_eq!(
        verdict(Bench::heard().then(launcher(Phase::Starting, None))),
        Verdict::Starting
    );
    assert_eq!(
        verdict(Bench::heard().then(launcher(Phase::Running, Some(1)))),
        Verdict::Starting
    );
    assert_eq!(
        verdict(Bench::heard().then(launcher(Phase::Running, None))),
        Verdict::Down
    );
    // The process that was there when the node died says nothing; the next one is a new start.
    let dead = || {
        Bench::heard()
            .then(launcher(Phase::Running, Some(1)))
            .then(good())
            .then(refused())
    };
    assert_eq!(dead().verdict(), Verdict::Down);
    assert_eq!(verdict(dead()), Verdict::Down);
    assert_eq!(verdict(dead().then(launcher(Phase::Running, None))), Verdict::Down);
    assert_eq!(
        verdict(dead().then(launcher(Phase::Running, Some(2)))),
        Verdict::Starting
    );
    assert_eq!(verdict(dead().then(launcher(Phase::Starting, None))), Verdict::Starting);
}

#[test]
fn the_first_probe_decides_about_a_key_that_was_taken_over() {
    let bench = Bench::heard().then(Event::Woke);
    assert_eq!(bench.machine.wish, Wish::Keep);
    for (event, wish) in [
        (good(), Wish::Present),
        (masterless(), Wish::Absent),
        (failed(TIMED_OUT), Wish::Absent),
        (failed(ProbeFailure::Refused), Wish::Absent),
        (other_node(), Wish::Absent),
    ] {
        assert!(Bench::heard().then(event).effects.contains(&Effect::Want(wish)));
    }
}

/// Between the last look of the program before and the first one of this, the launcher's file went away: that is no news to this one.
#[test]
fn a_node_whose_launcher_goes_on_during_a_reload_does_not_leave_for_ever() {
    let before = Bench::heard().then(good()).then(launcher(Phase::Leaving, Some(1)));
    let (state, decided) = before.machine.state();
    let since = std::time::SystemTime::UNIX_EPOCH;
    let resumed = Resumed::new(state, decided, before.machine.conclusion(), since, before.now);
    let expected = before.machine.expected.clone();
    let mut after = before;
    after.machine = Machine::resumed(expected, RHYTHM, after.now, &resumed);
    assert_eq!(after.verdict(), Verdict::Leaving);
    let after = after.then(record("ours")).then(good());
    assert_eq!((after.verdict(), after.machine.wish), (Verdict::Ready, Wish::Present));
}

#[test]
fn nothing_is_registered_before_the_record_was_heard_of() {
    let bench = Bench::new().then(good());
    assert_eq!((bench.verdict(), bench.machine.wish), (Verdict::Ready, Wish::Keep));
    let bench = bench.then(record("ours"));
    assert_eq!(bench.machine.wish, Wish::Present);
    let stranger = Bench::new().then(good()).then(record("theirs"));
    assert_eq!(
        (stranger.verdict(), stranger.machine.wish),
        (Verdict::Impostor, Wish::Absent)
    );
}

#[test]
fn the_value_is_put_again_when_the_member_changed_and_only_then() {
    let again = Bench::heard().then(good()).then(good());
    assert!(!again.effects.iter().any(|effect| matches!(effect, Effect::Want(_))));
    let mut upgraded = report("n1", "ours", true);
    upgraded.identity.version = "6.8.24".to_owned();
    let changed = again.then(Event::Probed(Ok(upgraded)));
    assert!(changed.effects.contains(&Effect::Want(Wish::Present)));
    let mut elected = report("n1", "ours", true);
    elected.master = Some("somebody else".to_owned());
    let same = Bench::heard().then(good()).then(Event::Probed(Ok(elected)));
    assert!(!same.effects.iter().any(|effect| matches!(effect, Effect::Want(_))));
}

#[test]
fn a_bad_report_does_not_change_the_value_of_a_member_that_is_still_there() {
    let bench = Bench::heard().then(good());
    let value = bench.machine.good_report().cloned();
    let mut restarted = report("n1", "_na_", false);
    restarted.identity.version = "6.8.24".to_owned();
    let bench = bench.then(Event::Probed(Ok(restarted)));
    assert_eq!((bench.verdict(), bench.machine.wish), (Verdict::Ready, Wish::Present));
    assert!(!bench.effects.iter().any(|effect| matches!(effect, Effect::Want(_))));
    assert_eq!(bench.machine.good_report().cloned(), value);
}

#[test]
fn a_starting_node_is_probed_often_and_a_well_one_at_the_interval() {
    let wait = |bench: &Bench| match bench.effects.as_slice() {
        [.., Effect::WakeAt(at)] => *at - bench.now,
        [.., Effect::Probe] => Duration::ZERO,
        other => panic!("{other:?}"),
    };
    assert_eq!(wait(&Bench::heard().then(masterless())), START_INTERVAL);
    assert_eq!(
        wait(&Bench::heard().then(failed(ProbeFailure::Refused))),
        START_INTERVAL
    );
    assert_eq!(wait(&Bench::heard().then(good())), RHYTHM.interval);
    // An answer that is quick and bad waits for the rest of its time.
    assert_eq!(wait(&Bench::heard().then(good()).then(masterless())), RHYTHM.timeout);
    assert_eq!(wait(&Bench::heard().then(failed(denied(401)))), RHYTHM.timeout);
}

#[test]
fn the_drawing_has_the_names_of_the_states() {
    fn name(state: State) -> &'static str {
        match state {
            State::Starting => "Starting",
            State::Ready { .. } => "Ready",
            State::Unready { .. } => "Unready",
            State::Down { .. } => "Down",
            State::Impostor => "Impostor",
            State::Leaving => "Leaving",
            State::Stopped => "Stopped",
        }
    }
    let all = [
        State::Starting,
        State::Ready { misses: 0 },
        State::Unready { hits: 0 },
        State::Down { of: None },
        State::Impostor,
        State::Leaving,
        State::Stopped,
    ];
    let drawing = include_str!("../../../docs/design/sidecar-fsm.dot");
    let drawn: std::collections::BTreeSet<&str> = drawing
        .lines()
        .map(str::trim)
        .filter(|line| !line.contains("->") && line.starts_with(|c: char| c.is_ascii_uppercase()))
        .filter_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric()).next())
        .collect();
    assert_eq!(drawn, all.into_iter().map(name).collect());
}

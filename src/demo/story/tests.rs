//! The story told from made-up events: its order, its ends, its words.

mod killed;
mod told;

use proptest::prelude::*;
use told::{Told, UUID, file, report, view};
pub(in crate::demo) use told::{cast, cast_of};

use super::*;
use crate::{
    demo::screen,
    launcher::product::Product,
    nodefile::Phase,
    probe::{ProbeFailure, ReportedUuid},
    view::ClusterView,
};

#[tokio::test(start_paused = true)]
async fn the_script_goes_from_nothing_to_nothing() {
    let mut told = Told::begin(Mode::Script, 3);
    told.form(3)
        .then(
            50,
            Event::Signalled {
                node: 1,
                pid: Some(4711),
            },
        )
        .then(25, Event::Closed { node: 1 })
        .then(
            2,
            Event::Viewed({
                let mut view = view(3, 3);
                view.members.remove(&"127.0.0.2".parse().expect("id"));
                view
            }),
        )
        .then(
            100,
            Event::Ended {
                who: Who::Launcher(1),
                how: How::Code(137),
            },
        )
        .then(
            50,
            Event::Answered {
                node: 1,
                answer: Err(ProbeFailure::Refused),
            },
        )
        .then(
            7000,
            Event::Answered {
                node: 1,
                answer: Ok(report(1)),
            },
        )
        .then(100, Event::Viewed(view(3, 3)))
        .then(
            10,
            Event::Ended {
                who: Who::Launcher(2),
                how: How::Signal(9),
            },
        )
        .then(200, Event::Viewed(adopted(2)))
        .then(1000, Event::Viewed(ClusterView::default()))
        .end_all();
    assert_eq!(told.story.problems(), Vec::<String>::new());
    insta::assert_snapshot!(told.said());
}

/// All are members, and the seed of one is that of another run of its launcher.
fn adopted(node: usize) -> ClusterView {
    let mut view = view(3, 3);
    let seed = view.seeds.values_mut().nth(node).expect("a seed");
    seed.value.incarnation = "next".parse().expect("an incarnation");
    view
}

#[tokio::test(start_paused = true)]
async fn a_node_that_notices_the_death_of_its_launcher_is_a_failure() {
    let mut told = Told::begin(Mode::Script, 1);
    told.form(1).then(
        10,
        Event::Signalled {
            node: 0,
            pid: Some(4711),
        },
    );
    told.then(10, Event::Closed { node: 0 })
        .then(10, Event::Viewed(view(1, 0)))
        .then(
            10,
            Event::Ended {
                who: Who::Launcher(0),
                how: How::Code(137),
            },
        )
        .then(10, Event::Viewed(view(1, 1)))
        .then(
            10,
            Event::Answered {
                node: 0,
                answer: Ok(report(0)),
            },
        );
    assert_eq!(told.story.stage, Stage::Orphaning { node: 0 });
    told.then(10, Event::Viewed(view(1, 0)));
    assert_eq!(
        told.story.problems(),
        ["the key of node-1 went, though only its launcher was killed"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_launcher_that_ends_early_ends_the_story_with_its_log() {
    let mut told = Told::begin(Mode::Script, 3);
    told.open().effects();
    told.then(
        100,
        Event::Ended {
            who: Who::Launcher(2),
            how: How::Code(78),
        },
    );
    insta::assert_snapshot!(told.said(), @r"
      <ShowLog(Launcher(2))>
    failed: the launcher of node-3 has ended with exit code 78
    everything stops: the launchers with their nodes, the sidecars, etcd
      <Terminate(Launcher(0))>
      <Terminate(Launcher(1))>
    ");
    told.end_all();
    assert_eq!(
        told.story.problems(),
        ["the launcher of node-3 has ended with exit code 78"]
    );
    assert_eq!(told.effects().last(), Some(&Effect::Finish));
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_something_behind_has_not_ended_well() {
    let mut told = Told::begin(Mode::Play, 3);
    told.form(3).then(10, Event::Stop);
    for n in 0..3 {
        told.then(
            10,
            Event::Ended {
                who: Who::Launcher(n),
                how: How::Code(i32::from(n == 1)),
            },
        );
    }
    told.then(10, Event::KeysLeft(vec!["the key /x is left".to_owned()]));
    for who in [Who::Sidecar(0), Who::Sidecar(1), Who::Sidecar(2), Who::Etcd] {
        told.then(
            10,
            Event::Ended {
                who,
                how: How::Signal(15),
            },
        );
    }
    told.then(10, Event::ProcessesLeft(vec!["process 7 was left".to_owned()]));
    let expected = [
        "the launcher of node-2 has ended with exit code 1",
        "the key /x is left",
        "the sidecar of node-1 was ended by signal 15",
        "the sidecar of node-2 was ended by signal 15",
        "the sidecar of node-3 was ended by signal 15",
        "process 7 was left",
    ];
    assert_eq!(told.story.problems(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_person_plays_until_ctrl_c_and_what_was_killed_comes_back() {
    let mut told = Told::begin(Mode::Play, 3);
    told.form(3);
    assert_eq!(told.story.stage, Stage::Playing);
    assert_eq!(told.story.wake(), None);
    told.effects();
    let mut without = view(3, 3);
    without.members.remove(&"127.0.0.1".parse().expect("id"));
    told.then(9000, Event::Closed { node: 0 })
        .then(3, Event::Viewed(without))
        .then(
            90,
            Event::Ended {
                who: Who::Launcher(0),
                how: How::Code(137),
            },
        );
    let back = told.now + PAUSE;
    assert_eq!(told.story.wake(), Some(back));
    told.then(5000, Event::Woke)
        .then(5000, Event::Viewed(view(3, 3)))
        .then(10, Event::Away);
    told.then(10, Event::Stop).then(10, Event::Stop);
    insta::assert_snapshot!(told.said(), @r"
    the socket of node-1 has closed
    the key of node-1 was gone 3.0 ms after its socket closed
    the launcher of node-1 has ended with exit code 137; it is started again in 5 s, as systemd would
      <Start(Launcher(0))>
    the launcher of node-1 runs again, process 100
    node-1 is ready: its member key is there
    etcd is away: the nodes stay as they are
    everything stops: the launchers with their nodes, the sidecars, etcd
      <Terminate(Launcher(0))>
      <Terminate(Launcher(1))>
      <Terminate(Launcher(2))>
      <KillAll>
    ");
    told.end_all();
    assert_eq!(told.story.problems(), ["killed before it could stop in order"]);
}

#[tokio::test(start_paused = true)]
async fn a_story_that_stands_still_says_so() {
    let mut told = Told::begin(Mode::Script, 3);
    told.open().effects();
    let due = told.now + REMIND;
    assert_eq!(told.story.wake(), Some(due));
    told.then(30_000, Event::Woke).then(1, Event::Woke);
    assert_eq!(
        told.said(),
        "0 of 3 nodes are ready; the search engine itself takes its time to start"
    );
}

#[tokio::test(start_paused = true)]
async fn a_node_that_nobody_can_see_cannot_be_killed() {
    let mut told = Told::begin(Mode::Script, 1);
    told.form(1).then(10, Event::Signalled { node: 0, pid: None });
    assert!(told.story.stage.is_ending());
    assert_eq!(
        told.story.problems(),
        ["no process can be seen that listens on the HTTP port of node-1"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_cluster_is_noticed_even_when_it_has_gone() {
    let mut told = Told::begin(Mode::Play, 3);
    let mut stray = report(0);
    stray.uuid = ReportedUuid::Known("another".parse().expect("uuid"));
    told.open().then(
        10,
        Event::Answered {
            node: 0,
            answer: Ok(stray),
        },
    );
    told.form(3).then(10, Event::Stop).end_all();
    assert_eq!(
        told.story.problems(),
        [format!("more than one cluster UUID was seen: another, {UUID}")]
    );
}

#[tokio::test(start_paused = true)]
async fn the_screen_shows_where_everybody_stands() {
    let mut told = Told::begin(Mode::Play, 3);
    told.open().then(10, Event::Viewed(view(3, 1)));
    told.then(
        10,
        Event::Filed {
            node: 0,
            file: Some(file(Phase::Running, None)),
            search: Some(801),
        },
    );
    told.then(
        10,
        Event::Answered {
            node: 0,
            answer: Ok(report(0)),
        },
    );
    told.then(
        10,
        Event::Filed {
            node: 1,
            file: Some(file(Phase::Starting, Some("seeds 2 of 3"))),
            search: None,
        },
    );
    told.then(
        10,
        Event::Ended {
            who: Who::Launcher(2),
            how: How::Code(1),
        },
    );
    let said: Vec<String> = told.said().lines().map(str::to_owned).collect();
    let cast = cast(3, Product::Elasticsearch, "6.8.23");
    let view = screen::View {
        program: "target/release/quorate".to_owned(),
        since: Duration::from_millis(12_340),
        rows: 30,
    };
    insta::assert_snapshot!(screen::screen(&cast, &told.story.scene, &said, &view));
}

fn event() -> impl Strategy<Value = Event> {
    let who = prop_oneof![
        Just(Who::Etcd),
        (0_usize..3).prop_map(Who::Launcher),
        (0_usize..3).prop_map(Who::Sidecar)
    ];
    let how = prop_oneof![(0..3).prop_map(How::Code), Just(How::Signal(9))];
    prop_oneof![
        (who, how).prop_map(|(who, how)| Event::Ended { who, how }),
        (0_usize..4, 0_usize..4).prop_map(|(seeds, members)| Event::Viewed(view(seeds, members))),
        Just(Event::Away),
        (0_usize..3).prop_map(|node| Event::Answered {
            node,
            answer: Ok(report(node))
        }),
        (0_usize..3).prop_map(|node| Event::Closed { node }),
        (0_usize..3, proptest::option::of(1_u32..9)).prop_map(|(node, pid)| Event::Signalled { node, pid }),
        Just(Event::KeysLeft(vec![])),
        Just(Event::ProcessesLeft(vec![])),
        Just(Event::Failed("x".to_owned())),
        Just(Event::Stop),
        Just(Event::Woke),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_the_story_ends_in_time_and_tells_everybody_to_stop(
        script in any::<bool>(),
        events in proptest::collection::vec((0_u64..20_000, event()), 0..40),
    ) {
        let mode = if script { Mode::Script } else { Mode::Play };
        let mut told = Told::begin(mode, 3);
        told.then(1, Event::Started { who: Who::Etcd, pid: 99 });
        for (pause, event) in events {
            if told.story.stage == Stage::Over {
                break;
            }
            told.then(pause, event);
        }
        told.then(1, Event::Stop);
        let last = told.now + Duration::from_mins(3);
        while let Some(at) = told.story.wake() {
            told.now = told.now.max(at);
            told.then(0, Event::Woke);
            prop_assert!(told.now <= last, "{:?}", told.story.stage);
        }
        prop_assert_eq!(told.story.stage, Stage::Over);
        let effects = told.effects();
        prop_assert_eq!(effects.iter().filter(|effect| **effect == Effect::Finish).count(), 1);
        let killed = effects.contains(&Effect::KillAll);
        for who in told.story.scene.running() {
            prop_assert!(killed || effects.contains(&Effect::Terminate(who)), "{who:?} was forgotten");
        }
    }
}

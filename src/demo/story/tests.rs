//! The story told from made-up events: its order, its ends, its words.

use std::{net::Ipv4Addr, path::PathBuf};

use proptest::prelude::*;

use super::*;
use crate::{
    demo::{
        cast::{EtcdPorts, Programs},
        options::Options,
        screen,
    },
    launcher::{
        distribution::Distribution,
        product::{Line, Product},
    },
    model::ClusterUuid,
    nodefile::{NodeFile, Phase},
    probe::{Identity, ProbeFailure, Report, ReportedUuid},
    registry::{Entry, Reading},
    view::ClusterView,
};

const UUID: &str = "kXq3-0aZRfm5cEw1pQz7Lg";

pub(in crate::demo) fn options(nodes: u8) -> Options {
    Options {
        home: PathBuf::from("/opt/elasticsearch-6.8.23"),
        java_home: Some(PathBuf::from("/opt/jdk")),
        etcd: None,
        addresses: (1..=nodes).map(|n| Ipv4Addr::new(127, 0, 0, n)).collect(),
        http_port: 9200,
        transport_port: 9300,
        heap: "256m".to_owned(),
        user: Some("nobody".to_owned()),
        dir: PathBuf::from("/tmp/quorate-demo"),
        script: true,
    }
}

pub(in crate::demo) fn cast(nodes: u8, product: Product, version: &str) -> Cast {
    let version = version.parse().expect("a version");
    let distribution = Distribution {
        home: PathBuf::from("/opt/elasticsearch-6.8.23"),
        version,
        line: Line::of(product, version).expect("a line"),
        has_security: false,
    };
    let programs = Programs {
        own: PathBuf::from("/usr/bin/quorate"),
        etcd: PathBuf::from("/usr/bin/etcd"),
        ports: EtcdPorts {
            client: 2379,
            peer: 2380,
        },
    };
    Cast::new(
        &options(nodes),
        &distribution,
        &programs,
        &"elasticsearch".parse().expect("a name"),
    )
}

/// A story with a clock.
struct Told {
    story: Story,
    now: Instant,
    effects: Vec<Effect>,
}

impl Told {
    fn begin(mode: Mode, nodes: u8) -> Self {
        let now = Instant::now();
        let (story, effects) = Story::begin(now, mode, cast(nodes, Product::Elasticsearch, "6.8.23"));
        Self { story, now, effects }
    }

    /// Lets `millis` pass, then this happens; what was started is running at once.
    fn then(&mut self, millis: u64, event: Event) -> &mut Self {
        self.now += Duration::from_millis(millis);
        let mut effects = self.story.step(self.now, event);
        let mut started = Vec::new();
        for effect in &effects {
            if let Effect::Start(who) = effect {
                started.push(*who);
            }
        }
        for who in started {
            effects.extend(self.story.step(self.now, Event::Started { who, pid: 100 }));
        }
        self.effects.extend(effects);
        self
    }

    fn open(&mut self) -> &mut Self {
        self.then(
            10,
            Event::Started {
                who: Who::Etcd,
                pid: 99,
            },
        )
        .then(400, Event::Viewed(view(0, 0)))
    }

    fn form(&mut self, nodes: usize) -> &mut Self {
        self.open().then(200, Event::Viewed(view(nodes, 0)));
        for node in 0..nodes {
            self.then(
                5000,
                Event::Answered {
                    node,
                    answer: Ok(report(node)),
                },
            );
        }
        self.then(100, Event::Viewed(view(nodes, nodes)))
    }

    fn end_all(&mut self) -> &mut Self {
        let all = |role: fn(usize) -> Who| (0..3).map(role);
        for who in all(Who::Launcher).chain(all(Who::Sidecar)).chain([Who::Etcd]) {
            if matches!(who, Who::Sidecar(0)) {
                self.then(10, Event::KeysLeft(vec![]));
            }
            self.then(10, Event::Ended { who, how: How::Code(0) });
        }
        self.then(10, Event::ProcessesLeft(vec![]))
    }

    /// Effects since the last call.
    fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    fn said(&mut self) -> String {
        let said = self.effects().into_iter().map(|effect| {
            if let Effect::Say(text) = effect {
                text
            } else {
                format!("  <{effect:?}>")
            }
        });
        said.collect::<Vec<_>>().join("\n")
    }
}

/// `seeds` nodes have seeds and `members` of them are members.
fn view(seeds: usize, members: usize) -> ClusterView {
    let keys = cast(3, Product::Elasticsearch, "6.8.23").keys;
    let entry = |key: String, value: String| Entry {
        key,
        value: value.into_bytes(),
        create_revision: 1,
        mod_revision: 1,
        lease: None,
    };
    let mut entries = Vec::new();
    for n in 1..=seeds {
        let seed = format!(
            r#"{{"format":1,"transport_port":9300,"name":"node-{n}","master_eligible":true,"incarnation":"i","disk":"d","data":"empty"}}"#
        );
        entries.push(entry(format!("/quorate/elasticsearch/seeds/127.0.0.{n}"), seed));
    }
    for n in 1..=members {
        let member = r#"{"http_port":9200,"transport_port":9300,"incarnation":"i"}"#.to_owned();
        entries.push(entry(format!("/services/elasticsearch/127.0.0.{n}"), member));
    }
    if members > 0 {
        let record = format!(
            r#"{{"format":1,"state":"formed","claim":"c","claimant":"127.0.0.2","disk":"d","cluster":"demo","cluster_uuid":"{UUID}"}}"#
        );
        entries.push(entry(keys.record(), record));
    }
    ClusterView::of(&keys, &Reading { revision: 1, entries })
}

fn report(node: usize) -> Report {
    Report {
        identity: Identity {
            node_id: format!("id-{node}"),
            name: format!("node-{}", node + 1),
            cluster: "demo".to_owned(),
            product: None,
            version: "6.8.23".to_owned(),
            roles: None,
            http_port: None,
            transport_port: None,
        },
        uuid: ClusterUuid::reported(UUID).map_or(ReportedUuid::NotYet, ReportedUuid::Known),
        master: Some("id-0".to_owned()),
    }
}

fn file(phase: Phase, reason: Option<&str>) -> NodeFile {
    NodeFile {
        format: 1,
        engine: "process".to_owned(),
        process: None,
        name: "node-1".to_owned(),
        cluster: "demo".to_owned(),
        phase,
        data: "/data".to_owned(),
        claim: None,
        with_setting: false,
        boot: "b".to_owned(),
        reason: reason.map(str::to_owned),
    }
}

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
        .then(1000, Event::Viewed(ClusterView::default()))
        .end_all();
    assert_eq!(told.story.problems(), Vec::<String>::new());
    insta::assert_snapshot!(told.said());
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
async fn a_killed_node_whose_socket_never_closes_is_a_failure() {
    let mut told = Told::begin(Mode::Script, 1);
    told.form(1)
        .then(10, Event::Signalled { node: 0, pid: Some(7) })
        .effects();
    assert_eq!(told.story.wake(), Some(told.now + KILLING - Duration::from_millis(10)));
    told.then(60_001, Event::Woke);
    assert_eq!(
        told.story.problems(),
        ["the key of node-1 is still there, long after the node was killed"]
    );
    let effects = told.effects();
    assert!(
        effects.contains(&Effect::ShowLog(Who::Sidecar(0))) && effects.contains(&Effect::Terminate(Who::Launcher(0)))
    );
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

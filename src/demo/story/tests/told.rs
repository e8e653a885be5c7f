//! A made-up cast, and a story with a clock that made-up events are told to.

use std::{net::Ipv4Addr, path::PathBuf};

use super::super::*;
use crate::{
    demo::{
        cast::{EtcdPorts, Made, Programs},
        options::{Options, Stock},
    },
    launcher::product::{Line, Product},
    model::ClusterUuid,
    nodefile::{NodeFile, Phase},
    probe::{Identity, Report, ReportedUuid},
    registry::{Entry, Reading},
    view::ClusterView,
};

pub(super) const UUID: &str = "kXq3-0aZRfm5cEw1pQz7Lg";

fn options(stock: Stock, nodes: u8) -> Options {
    Options {
        stock,
        etcd: None,
        addresses: (1..=nodes).map(|n| Ipv4Addr::new(127, 0, 0, n)).collect(),
        http_port: 9200,
        transport_port: 9300,
        heap: "256m".to_owned(),
        dir: PathBuf::from("/tmp/quorate-demo"),
        script: true,
    }
}

pub(in crate::demo) fn cast(nodes: u8, product: Product, version: &str) -> Cast {
    let stock = Stock::Home {
        home: PathBuf::from("/opt/elasticsearch-6.8.23"),
        java_home: Some(PathBuf::from("/opt/jdk")),
        user: Some("nobody".to_owned()),
    };
    cast_of(stock, nodes, product, version)
}

pub(in crate::demo) fn cast_of(stock: Stock, nodes: u8, product: Product, version: &str) -> Cast {
    let version = version.parse().expect("a version");
    let made = Made {
        version,
        line: Line::of(product, version).expect("a line"),
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
        &options(stock, nodes),
        made,
        &programs,
        &"elasticsearch".parse().expect("a name"),
    )
}

/// A story with a clock.
pub(super) struct Told {
    pub(super) story: Story,
    pub(super) now: Instant,
    effects: Vec<Effect>,
}

impl Told {
    pub(super) fn begin(mode: Mode, nodes: u8) -> Self {
        let now = Instant::now();
        let (story, effects) = Story::begin(now, mode, cast(nodes, Product::Elasticsearch, "6.8.23"));
        Self { story, now, effects }
    }

    /// Lets `millis` pass, then this happens; what was started is running at once.
    pub(super) fn then(&mut self, millis: u64, event: Event) -> &mut Self {
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

    pub(super) fn open(&mut self) -> &mut Self {
        self.then(
            10,
            Event::Started {
                who: Who::Etcd,
                pid: 99,
            },
        )
        .then(400, Event::Viewed(view(0, 0)))
    }

    pub(super) fn form(&mut self, nodes: usize) -> &mut Self {
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

    pub(super) fn end_all(&mut self) -> &mut Self {
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
    pub(super) fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub(super) fn said(&mut self) -> String {
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
pub(super) fn view(seeds: usize, members: usize) -> ClusterView {
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

pub(super) fn report(node: usize) -> Report {
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

pub(super) fn file(phase: Phase, reason: Option<&str>) -> NodeFile {
    NodeFile {
        format: 1,
        engine: "process".to_owned(),
        container: None,
        process: None,
        server: None,
        name: "node-1".to_owned(),
        cluster: "demo".to_owned(),
        phase,
        data: "/data".to_owned(),
        claim: None,
        with_setting: false,
        boot: "b".to_owned(),
        reason: reason.map(str::to_owned),
        skipped_checks: Vec::new(),
        disk: None,
    }
}

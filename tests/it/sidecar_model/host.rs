//! A host: its state directory, its way to etcd, and the run of the sidecar on it.

use std::collections::VecDeque;

use quorate::{
    config::ReadyWhen,
    registration::{Run, Spec, Value, machine as keeper},
    sidecar::{
        judge::{Expected, Launched},
        machine::{Machine, Rhythm},
        resumed::Resumed,
    },
};
use tokio::time::Instant;

use super::{
    action::{Fate, Recorded},
    node::NAME,
    world::{Happening, Settings},
};

/// The key that all of this is about.
pub(super) const KEY: &str = "/services/elasticsearch/10.0.0.1";

/// What passes between a host and etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Fine,
    Cut,
    Deaf,
}

#[derive(Debug)]
pub(super) struct Host {
    pub(super) boots: u32,
    pub(super) booted: Instant,
    /// The state file.
    pub(super) file: Vec<Run>,
    pub(super) disk_full: bool,
    pub(super) link: Link,
    /// Of the next calls.
    pub(super) fates: VecDeque<Fate>,
    pub(super) sidecar: Option<Sidecar>,
    /// Every run there was.
    pub(super) runs: Vec<u64>,
    /// When something last stood in the way of a sidecar that wants to keep its key true.
    pub(super) disturbed: Instant,
    /// When the key last was as it should be.
    pub(super) true_at: Instant,
    /// When a sidecar was told to stop, if nothing stood in its way then and none came after it.
    pub(super) left: Option<Instant>,
    /// When etcd last did something for this host that makes a lease live on.
    pub(super) renewed: Instant,
}

impl Host {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            boots: 0,
            booted: now,
            file: Vec::new(),
            disk_full: false,
            link: Link::Fine,
            fates: VecDeque::new(),
            sidecar: None,
            runs: Vec::new(),
            true_at: now,
            left: None,
            disturbed: now,
            renewed: now,
        }
    }

    /// The run that is there, unless it is frozen.
    pub(super) fn awake(&self) -> Option<&Sidecar> {
        self.sidecar.as_ref().filter(|sidecar| sidecar.frozen.is_none())
    }
}

/// A call or a write of the state file that is under way.
#[derive(Debug, Clone)]
pub(super) struct Doing {
    pub(super) call: u64,
    pub(super) op: keeper::Op,
}

/// One run of the sidecar: what its shell knows beside the two machines.
#[derive(Debug)]
pub(super) struct Sidecar {
    pub(super) id: u64,
    pub(super) spec: Spec,
    pub(super) judge: Machine,
    pub(super) keeper: keeper::Machine,
    pub(super) wake: Option<Instant>,
    pub(super) keeper_wake: Option<Instant>,
    /// The probe that is under way: its number, and the process that it asks.
    pub(super) probe: Option<(u64, u32)>,
    /// Whether it holds a connection to the node.
    pub(super) connected: bool,
    pub(super) doing: Option<Doing>,
    pub(super) launched: Option<Launched>,
    /// The value under which the key is wanted, while it is.
    pub(super) wanted: Option<Vec<u8>>,
    /// The record, as it was last heard of.
    pub(super) heard: Option<Recorded>,
    /// What it has not heard because it is frozen.
    pub(super) frozen: Option<Vec<Happening>>,
    /// Since when it is told to stop.
    pub(super) leaving: Option<Instant>,
    /// Since when it turns.
    pub(super) awake_since: Instant,
    /// Since when the node is as it should be; none: it is not.
    pub(super) good_since: Option<Instant>,
    pub(super) bad_since: Option<Instant>,
    /// Since when nothing listens.
    pub(super) off_since: Option<Instant>,
    /// When it was told of the death of the process, which was not followed by another one.
    pub(super) dead_since: Option<Instant>,
}

impl Sidecar {
    /// A run of `host`, which is number `index`; `id` is a number of its own.
    pub(super) fn new(
        settings: &Settings,
        (index, host): (usize, &Host),
        id: u64,
        resumed: Option<&Resumed>,
        now: Instant,
    ) -> Self {
        let spec = Spec {
            key: KEY.to_owned(),
            state_file: "state.json".into(),
            lock_file: "state.lock".into(),
            ttl: settings.ttl,
            incarnation: format!("run{id}").parse().expect("id"),
            boot_id: format!("boot{index}.{}", host.boots),
            take_over: false,
        };
        let expected = Expected {
            name: Some(NAME.to_owned()),
            cluster: None,
            transport_port: 9300,
            ready_when: ReadyWhen::Joined,
            disk_patience: None,
        };
        let rhythm = Rhythm {
            interval: settings.interval,
            timeout: settings.timeout,
            rise: settings.rise,
            fall: settings.fall,
        };
        let judge = match resumed {
            Some(resumed) => Machine::resumed(expected, rhythm, now, resumed),
            None => Machine::new(expected, rhythm, now),
        };
        Self {
            id,
            keeper: keeper::Machine::new(spec.clone(), settings.endpoints, host.file.clone(), now),
            spec,
            judge,
            wake: None,
            keeper_wake: None,
            probe: None,
            connected: false,
            doing: None,
            launched: None,
            wanted: None,
            heard: None,
            frozen: None,
            leaving: None,
            awake_since: now,
            good_since: None,
            bad_since: None,
            off_since: None,
            dead_since: None,
        }
    }

    /// The member's value, as it should be by the last good report.
    pub(super) fn value(&self) -> Option<Value> {
        let report = self.judge.good_report()?;
        let fields = serde_json::json!({
            "http_port": 9200,
            "transport_port": 9300,
            "name": report.identity.name,
            "cluster_uuid": report.uuid.known(),
            "boot": self.spec.boot_id,
        });
        Value::parse(fields.to_string().as_bytes())
    }
}

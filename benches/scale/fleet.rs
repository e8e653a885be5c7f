//! Simulated hosts, many in one process: each does with etcd what a sidecar does, by the code that does it. Its registration with
//! machine, task and state file, its client, and its watch on the record and its own key are those of the product; only the probe is
//! left out, and the wish is given: the key shall be there.
//!
//! Used by the benchmark and by a test.

use std::{collections::BTreeMap, net::Ipv4Addr, path::PathBuf, time::Duration};

use quorate::{
    model::{Incarnation, Member, NodeId},
    registration::{Registration, Spec, Standing, Value, Want},
    registry::{Keys, Pace, Range, Registry, RegistrySettings},
};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinHandle, time::Instant};

/// The service that they all belong to.
pub(crate) const SERVICE: &str = "scale";

/// Which hosts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Where etcd is.
    pub(crate) endpoint: String,
    /// The number of the first one; each number is an address.
    pub(crate) first: u32,
    /// How many.
    pub(crate) count: u32,
    /// How many share a connection to etcd; a real one has its own.
    pub(crate) per_connection: u32,
    /// For their state files.
    pub(crate) dir: PathBuf,
    /// How long their keys outlive them.
    pub(crate) ttl: Duration,
}

/// The hosts of one process.
#[derive(Debug)]
pub(crate) struct Fleet {
    hosts: Vec<Host>,
    ttl: Duration,
    /// From when on times are counted.
    epoch: Instant,
}

#[derive(Debug)]
struct Host {
    standing: watch::Receiver<Standing>,
    /// Its registration, which hears what its watch says.
    work: JoinHandle<()>,
    /// How long after the epoch its key was sure again.
    back: Option<Duration>,
    before: Standing,
}

/// How the hosts stand, counted from the epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Hosts whose key is not sure again yet.
    pub(crate) missing: usize,
    /// How long it took for each of the others, in ms.
    pub(crate) back: Vec<f64>,
    /// Keys written.
    pub(crate) puts: u64,
    /// Leases that ended under their host.
    pub(crate) lease_losses: u64,
    /// Failed calls by kind; every one was made again.
    pub(crate) errors: BTreeMap<String, u64>,
}

impl Fleet {
    /// Starts them all at once. Needs a runtime.
    pub(crate) fn start(plan: &Plan) -> Self {
        let epoch = Instant::now();
        let mut registry = connect(plan);
        let hosts = (0..plan.count).map(|number| {
            if number > 0 && number % plan.per_connection == 0 {
                registry = connect(plan);
            }
            Host::start(plan, plan.first + number, &registry)
        });
        Self {
            hosts: hosts.collect(),
            ttl: plan.ttl,
            epoch,
        }
    }

    /// Counts from `epoch` on.
    pub(crate) fn begin(&mut self, epoch: Instant) {
        self.epoch = epoch;
        for host in &mut self.hosts {
            host.back = None;
            host.before = host.standing.borrow().clone();
        }
    }

    /// How they stand; to be asked more often than they renew their leases, or times are missed.
    pub(crate) fn tally(&mut self) -> Tally {
        let mut tally = Tally::default();
        for host in &mut self.hosts {
            host.look(self.epoch, self.ttl);
            host.add_to(&mut tally);
        }
        tally
    }
}

/// A connection to etcd that none of the others uses.
fn connect(plan: &Plan) -> Registry {
    let settings = RegistrySettings {
        endpoints: vec![plan.endpoint.clone()],
        ..RegistrySettings::default()
    };
    Registry::new(settings).expect("settings")
}

/// The keys of the service.
pub(crate) fn keys() -> Keys {
    Keys::new("/services", "/quorate", &SERVICE.parse().expect("a name"))
}

/// The id of the host with this number.
pub(crate) fn id(number: u32) -> NodeId {
    let [_, b, c, d] = number.to_be_bytes();
    NodeId::new(Ipv4Addr::new(10, b, c, d).into(), 9300)
}

/// What a sidecar writes, field by field.
pub(crate) fn member(number: u32) -> Member {
    Member {
        name: Some(format!("node-{number}")),
        cluster: Some(SERVICE.to_owned()),
        cluster_uuid: "BenchBenchBenchBenchBe".parse().ok(),
        product: Some("elasticsearch".to_owned()),
        version: Some("9.5.3".to_owned()),
        roles: Some(["data", "ingest", "master"].map(str::to_owned).to_vec()),
        machine: Some("0123456789abcdef0123456789abcdef".to_owned()),
        boot: Some("0f0e0d0c-0b0a-0908-0706-050403020100".to_owned()),
        since: Some("2026-01-01T00:00:00Z".to_owned()),
        ..Member::new(9200, 9300)
    }
}

impl Host {
    fn start(plan: &Plan, number: u32, registry: &Registry) -> Self {
        let (keys, id) = (keys(), id(number));
        let state_file = plan.dir.join(format!("{id}.json"));
        let spec = Spec {
            key: keys.member(&id),
            lock_file: state_file.with_extension("lock"),
            state_file,
            ttl: plan.ttl,
            incarnation: Incarnation::random().expect("random"),
            boot_id: "simulated".to_owned(),
            take_over: false,
        };
        let registration = Registration::start(registry.clone(), spec, None).expect("started");
        registration.want(Want::Present(Value::from(&member(number))));
        let ranges = vec![Range::Key(keys.record()), Range::Key(keys.member(&id))];
        let mut watcher = registry.watch_at(ranges, Pace::calm());
        let standing = registration.subscribe();
        let work = tokio::spawn(async move {
            while let Some(event) = watcher.next().await {
                registration.hear(&event);
            }
        });
        Self {
            standing,
            work,
            back: None,
            before: Standing::default(),
        }
    }

    /// Its key is sure again once it was seen after the epoch, under a lease that was granted or renewed after it.
    fn look(&mut self, epoch: Instant, ttl: Duration) {
        let standing = self.standing.borrow();
        let renewed = standing.lease_deadline.is_some_and(|deadline| deadline >= epoch + ttl);
        if let (None, true, true, Some(verified)) = (self.back, standing.registered, renewed, standing.verified_at)
            && verified >= epoch
        {
            self.back = Some(verified - epoch);
        }
    }

    fn add_to(&self, tally: &mut Tally) {
        let (now, before) = (&self.standing.borrow().counters, &self.before.counters);
        tally.missing += usize::from(self.back.is_none());
        tally.back.extend(self.back.map(|back| back.as_secs_f64() * 1000.0));
        tally.puts += now.puts - before.puts;
        tally.lease_losses += now.lease_losses - before.lease_losses;
        for (kind, count) in &now.errors {
            let before = before.errors.get(kind).copied().unwrap_or_default();
            *tally.errors.entry((*kind).to_owned()).or_default() += count - before;
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.work.abort();
    }
}

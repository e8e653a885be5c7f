//! A cluster of real hosts on one etcd: on each a launcher with its real node, and a sidecar beside it. Whatever befalls them, the whole
//! cluster is asked afterwards: record, keys, verdicts, and every node itself.

mod machine;

use std::{collections::BTreeMap, time::Duration};

use quorate::{
    model::{ClusterRecord, ClusterUuid, DiskUse, Incarnation, NodeId},
    registry::{Keys, Registry},
    view::ClusterView,
};
use serde_json::{Value, json};
use tokio::time::Instant;

pub(crate) use self::machine::{End, Machine};
use super::{
    LONG,
    address::Address,
    etcd::{Etcd, registry},
    eventually, http,
    launcher::Host,
    node::Line,
};

/// Nodes that start together have joined after this long, on a busy machine too.
pub(crate) const STARTED: Duration = Duration::from_mins(6);
/// The index of the documents.
const INDEX: &str = "docs";

/// All hosts of one service.
pub(crate) struct Cluster {
    pub(crate) machines: Vec<Machine>,
    pub(crate) keys: Keys,
    registry: Registry,
    /// How many documents are there.
    documents: usize,
}

impl Cluster {
    /// So many hosts of a service whose launchers get `more` flags. Nothing is started.
    pub(crate) fn new(line: Line, hosts: usize, service: &str, etcd: &Etcd, more: &[&str]) -> Self {
        let shared = ["--service", service, "--ttl", "10s"];
        let machine = |_| {
            let address = Address::take();
            let options = format!("{}=-XX:TieredStopAtLevel=1", line.java_options());
            let lean = ["--ttl", "10s", "--env", &options];
            let quiet = ["--set", "cluster.routing.allocation.disk.threshold_enabled=false"];
            let mut host = Host::new(line, &address.to_string(), etcd, &[&lean[..], &quiet, more].concat());
            host.serve(service);
            host.make_data();
            Machine {
                host,
                id: address.to_string().parse().expect("an id"),
                address,
                endpoint: etcd.endpoint(),
                sidecar: None,
                more: shared.map(str::to_owned).to_vec(),
                read: 0,
            }
        };
        Self {
            machines: (0..hosts).map(machine).collect(),
            keys: Keys::new("/services", "/quorate", &service.parse().expect("a name")),
            registry: etcd.registry(),
            documents: 0,
        }
    }

    /// Everybody knows all of these members of etcd, from the next start on.
    pub(crate) fn know(&mut self, members: &[Etcd]) {
        let endpoints: Vec<String> = members.iter().map(Etcd::endpoint).collect();
        for machine in &mut self.machines {
            machine.endpoint = endpoints.join(",");
            machine.host.know(&machine.endpoint);
        }
        self.registry = registry(endpoints);
    }

    /// Whether etcd answers.
    pub(crate) async fn has_etcd(&self) -> bool {
        self.registry.read(&self.keys.all()).await.is_ok()
    }

    /// One of the hosts, in the order in which they were made.
    pub(crate) fn machine(&self, at: usize) -> &Machine {
        self.machines.get(at).expect("a host")
    }

    /// The same, to do something with it.
    pub(crate) fn at(&mut self, at: usize) -> &mut Machine {
        self.machines.get_mut(at).expect("a host")
    }

    /// What etcd shows.
    pub(crate) async fn view(&self) -> ClusterView {
        let reading = self.registry.read(&self.keys.all()).await.expect("etcd answers");
        ClusterView::of(&self.keys, &reading)
    }

    pub(crate) async fn record(&self) -> Option<ClusterRecord> {
        self.view().await.record.map(|stored| stored.value)
    }

    /// The host with this id.
    pub(crate) fn index(&self, id: &NodeId) -> usize {
        let at = self.machines.iter().position(|machine| machine.id == *id);
        at.expect("a host of this cluster")
    }

    /// Everybody's incarnations as etcd shows them: who wrote the keys.
    pub(crate) async fn writers(&self) -> BTreeMap<String, Incarnation> {
        let view = self.view().await;
        let seeds = view.seeds.into_iter();
        let seeds = seeds.map(|(id, seed)| (format!("seed {id}"), seed.value.incarnation));
        let members = view.members.into_iter();
        let members = members.filter_map(|(id, member)| Some((format!("member {id}"), member.value.incarnation?)));
        seeds.chain(members).collect()
    }

    /// Waits until the hosts `up` are one cluster again, for everybody who could be asked; its UUID.
    pub(crate) async fn whole(&mut self, up: &[usize]) -> ClusterUuid {
        let start = Instant::now();
        loop {
            let missing = match self.missing(up).await {
                Ok(uuid) => return uuid,
                Err(missing) => missing,
            };
            let dead = up.iter().copied().find(|&at| !self.at(at).host.lives());
            if dead.is_some() || start.elapsed() > STARTED {
                let said: Vec<String> = up.iter().map(|&at| self.machine(at).said()).collect();
                panic!("{missing} after {:?}\n{}", start.elapsed(), said.join("\n-----\n"));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What is missing until the hosts `up` are one cluster; else its UUID.
    pub(crate) async fn missing(&self, up: &[usize]) -> Result<ClusterUuid, String> {
        let uuid = self.joined(up).await?;
        let view = self.view().await;
        let record = view.record.as_ref().map(|stored| &stored.value);
        if record.and_then(|record| record.cluster_uuid.as_ref()) != Some(&uuid) {
            return Err(format!("the record knows UUID {uuid}: {record:?}"));
        }
        if (view.seeds.len(), view.members.len()) != (up.len(), up.len()) {
            return Err(format!(
                "as many keys as nodes: {:?}, {:?}",
                view.seeds.keys(),
                view.members.keys()
            ));
        }
        for &at in up {
            let machine = self.machine(at);
            let id = &machine.id;
            let seed = view.seeds.get(id).map(|stored| &stored.value);
            if seed.is_none_or(|seed| seed.data != DiskUse::Used || seed.cluster_uuid.as_ref() != Some(&uuid)) {
                return Err(format!("the seed of {id} knows UUID {uuid}: {seed:?}"));
            }
            if machine.marker().and_then(|marker| marker.cluster_uuid).as_ref() != Some(&uuid) {
                return Err(format!("the disk of {id} knows UUID {uuid}: {:?}", machine.marker()));
            }
            let status = machine.sidecar().status().unwrap_or_default();
            let registered = says(&status, "/registry/as_wanted", &json!(true));
            if !says(&status, "/verdict", &json!("ready")) || !registered {
                return Err(format!("{id} is ready and registered: {status}"));
            }
            let member = view
                .members
                .get(id)
                .and_then(|stored| stored.value.incarnation.as_ref());
            if member.map(Incarnation::as_str) != status.pointer("/sidecar/incarnation").and_then(Value::as_str) {
                return Err(format!("the key of {id} is its sidecar's: {member:?}, {status}"));
            }
        }
        Ok(uuid)
    }

    /// What the nodes alone are missing until they are one cluster with one master; else its UUID. Asks no etcd.
    pub(crate) async fn joined(&self, up: &[usize]) -> Result<ClusterUuid, String> {
        let mut all = Vec::new();
        for &at in up {
            let machine = self.machine(at);
            let report = machine.report().await;
            let report = report.ok_or_else(|| format!("{} answers", machine.id))?;
            match (report.uuid.known(), report.master) {
                (Some(uuid), Some(master)) => all.push((uuid.clone(), master)),
                other => return Err(format!("{} has joined: {other:?}", machine.id)),
            }
        }
        all.dedup();
        match &all[..] {
            [(uuid, _)] => Ok(uuid.clone()),
            other => Err(format!("all nodes are in one cluster: {other:?}")),
        }
    }

    /// Nobody found anything that a person would have to see to since the last start.
    pub(crate) fn needed_no_hand(&self) {
        for machine in &self.machines {
            let said = machine.said();
            for sign in [" ERROR ", "somebody has to act", "started all the same"] {
                let line = said.lines().find(|line| line.contains(sign));
                assert_eq!(line, None, "{} needs a hand", machine.id);
            }
        }
    }

    /// Makes an index with so many copies of each document.
    pub(crate) async fn make_index(&self, replicas: usize) {
        let settings = json!({"settings": {"index": {
            "number_of_shards": 1,
            "number_of_replicas": replicas,
            // Copies are made as soon as somebody can hold them.
            "unassigned.node_left.delayed_timeout": "0",
        }}});
        let answer = self.ask(0, &format!("PUT /{INDEX}"), &settings.to_string()).await;
        assert!(says(&answer, "/acknowledged", &json!(true)), "{answer}");
    }

    /// Writes documents, which are on every disk that holds a copy when this returns.
    pub(crate) async fn write(&mut self, at: usize, documents: usize) {
        for _ in 0..documents {
            let number = self.documents;
            let put = format!("PUT /{INDEX}/_doc/{number}?refresh=true");
            let answer = self.ask(at, &put, &json!({"number": number}).to_string()).await;
            assert!(says(&answer, "/result", &json!("created")), "{answer}");
            self.documents += 1;
        }
    }

    /// Waits until every copy of every document is where it should be, and counts them at every node.
    pub(crate) async fn holds_everything(&self, up: &[usize]) {
        let health = format!("GET /_cluster/health/{INDEX}?wait_for_status=green&timeout=30s");
        let first = up.first().copied().expect("a host");
        eventually("every copy is there", STARTED, || async {
            let answer = self.ask(first, &health, "").await;
            says(&answer, "/status", &json!("green")).then_some(())
        })
        .await;
        for &at in up {
            let answer = self.ask(at, &format!("GET /{INDEX}/_count"), "").await;
            assert!(self.is_all(&answer), "{} documents: {answer}", self.documents);
        }
    }

    fn is_all(&self, answer: &Value) -> bool {
        says(answer, "/count", &json!(self.documents)) && says(answer, "/_shards/failed", &json!(0))
    }

    /// Whether this node holds a copy of all documents itself.
    pub(crate) async fn has_a_copy(&self, at: usize) -> bool {
        let count = format!("GET /{INDEX}/_count?preference=_only_local");
        self.is_all(&self.ask(at, &count, "").await)
    }

    /// The node's answer; nothing where there is none.
    async fn ask(&self, at: usize, question: &str, body: &str) -> Value {
        let (method, path) = question.split_once(' ').expect("METHOD PATH");
        let answer = http::ask(self.machine(at).address.ip(), method, path, body, LONG).await;
        let answer = answer.and_then(|answer| serde_json::from_str(&answer.body).ok());
        answer.unwrap_or_default()
    }
}

/// Whether a JSON answer has this value there.
fn says(answer: &Value, pointer: &str, value: &Value) -> bool {
    answer.pointer(pointer) == Some(value)
}

impl Drop for Cluster {
    #[expect(clippy::print_stderr, reason = "what they said explains the failure")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            for machine in &self.machines {
                eprintln!("===== {} said:\n{}", machine.id, machine.said());
            }
        }
    }
}

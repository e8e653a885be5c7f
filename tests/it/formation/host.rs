//! Hosts whose launchers form a cluster on a real etcd. Everything is real but the nodes: a node founds a cluster when it has the
//! setting and sees more than half of the named nodes, and joins one that somebody has founded.

use std::{
    collections::BTreeMap,
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use quorate::{
    exit::Failure,
    launcher::{
        decide::{Candidate, Disk, Line, Rule},
        formation::{self, Formation, Formed, Recorder, StartOrder},
        layout::Layout,
        marker_file,
    },
    model::{ClusterUuid, Incarnation, Marker, NodeId, ServiceName},
    registration::{Registration, Spec, StartError, Want},
    registry::{Keys, Registry},
    view::ClusterView,
};
use tempfile::TempDir;
use tokio::sync::watch;

/// The service of one test and what its nodes do.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) registry: Registry,
    pub(crate) keys: Keys,
    name: ServiceName,
    pub(crate) rule: Rule,
    nodes: Arc<Mutex<Nodes>>,
    news: watch::Sender<()>,
}

/// The engines.
#[derive(Debug, Default)]
struct Nodes {
    /// Who runs, and with which setting.
    running: BTreeMap<String, Option<Vec<String>>>,
    founded: Vec<ClusterUuid>,
    /// Every start with the setting.
    bootstraps: Vec<String>,
}

impl Service {
    pub(crate) fn new(registry: Registry, name: &str, rule: Rule) -> Self {
        let name: ServiceName = name.parse().expect("name");
        Self {
            registry,
            keys: Keys::new("/services", "/quorate", &name),
            name,
            rule,
            nodes: Arc::default(),
            news: watch::Sender::new(()),
        }
    }

    pub(crate) async fn view(&self) -> ClusterView {
        let reading = self.registry.read(&self.keys.all()).await.expect("etcd answers");
        ClusterView::of(&self.keys, &reading)
    }

    pub(crate) fn founded(&self) -> Vec<ClusterUuid> {
        self.nodes.lock().expect("nodes").founded.clone()
    }

    pub(crate) fn bootstraps(&self) -> Vec<String> {
        self.nodes.lock().expect("nodes").bootstraps.clone()
    }

    fn start_node(&self, name: &str, order: &StartOrder) {
        let mut nodes = self.nodes.lock().expect("nodes");
        if order.with_setting.is_some() {
            nodes.bootstraps.push(name.to_owned());
        }
        nodes.running.insert(name.to_owned(), order.with_setting.clone());
        drop(nodes);
        self.discover();
    }

    fn discover(&self) {
        let mut nodes = self.nodes.lock().expect("nodes");
        let seen = |names: &Vec<String>| names.iter().filter(|name| nodes.running.contains_key(*name)).count();
        let bootstrap = |names: &Vec<String>| seen(names) * 2 > names.len();
        let able = match self.rule.line() {
            Line::Coordinated => nodes.running.values().flatten().any(bootstrap),
            Line::Zen { minimum_master_nodes } => nodes.running.len() >= minimum_master_nodes,
        };
        if able && nodes.founded.is_empty() {
            let uuid = format!("U{}", nodes.bootstraps.len());
            nodes.founded.push(ClusterUuid::reported(&uuid).expect("uuid"));
        }
        drop(nodes);
        self.news.send_replace(());
    }

    /// Until the node has a cluster.
    async fn cluster_of(&self) -> ClusterUuid {
        let mut news = self.news.subscribe();
        loop {
            if let Some(uuid) = self.founded().first() {
                return uuid.clone();
            }
            news.changed().await.expect("the service lives");
        }
    }
}

/// One host: what survives a launcher.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) service: Service,
    pub(crate) candidate: Candidate,
    pub(crate) layout: Layout,
    pub(crate) wait_for: Option<Duration>,
    dir: TempDir,
}

impl Host {
    pub(crate) fn new(service: &Service, number: usize) -> Self {
        let dir = tempfile::tempdir().expect("directory");
        let id: NodeId = format!("127.0.13.{number}").parse().expect("id");
        let layout = Layout::new(dir.path(), &service.name, &id, &dir.path().join("data"));
        Self {
            candidate: Candidate {
                id,
                name: format!("n{number}"),
                service: service.name.clone(),
                cluster: "logs".to_owned(),
                master_eligible: true,
                votes_only: false,
                rule: service.rule,
                skipped_checks: Vec::new(),
            },
            layout,
            service: service.clone(),
            wait_for: None,
            dir,
        }
    }

    pub(crate) fn three(service: &Service) -> Vec<Self> {
        (1..=3).map(|number| Self::new(service, number)).collect()
    }

    /// The marker, made when there is none.
    pub(crate) fn marker(&self) -> Marker {
        let Candidate {
            service, cluster, name, ..
        } = &self.candidate;
        let fresh = |disk| Marker::new(disk, service, cluster, name);
        match marker_file::open(&self.layout, fresh).expect("a data directory") {
            Disk::Marked { marker, .. } => marker,
            Disk::Unmarked => panic!("files without a marker"),
        }
    }

    pub(crate) fn write_marker(&self, change: impl FnOnce(&mut Marker)) {
        let mut marker = self.marker();
        change(&mut marker);
        if marker.claim.is_some() {
            self.started();
        }
        marker_file::write(&self.layout.marker, &marker).expect("written");
    }

    /// A node leaves its files.
    fn started(&self) {
        std::fs::create_dir_all(self.layout.data.join("nodes")).expect("files of a node");
    }

    pub(crate) fn wipe(&self) {
        std::fs::remove_dir_all(&self.layout.data).expect("emptied");
    }

    /// A launcher's first steps.
    pub(crate) fn register(&self) -> (Registration, Incarnation) {
        self.try_register().expect("the lock is free")
    }

    fn try_register(&self) -> Result<(Registration, Incarnation), StartError> {
        let incarnation = Incarnation::random().expect("random");
        let spec = Spec {
            key: self.service.keys.seed(&self.candidate.id),
            state_file: self.dir.path().join("seed.json"),
            lock_file: self.dir.path().join("seed.lock"),
            ttl: Duration::from_secs(10),
            incarnation: incarnation.clone(),
            boot_id: quorate::host::boot_id().expect("boot"),
            take_over: false,
        };
        Registration::start(self.service.registry.clone(), spec, None).map(|registration| (registration, incarnation))
    }

    /// As soon as a killed launcher has let go of its lock, which its task does when the runtime comes to it.
    async fn register_after_a_kill(&self) -> (Registration, Incarnation) {
        loop {
            match self.try_register() {
                Ok(registered) => return registered,
                Err(StartError::Lock { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The formation alone; `tell` hears the reasons.
    pub(crate) async fn form(
        &self,
        registration: &Registration,
        incarnation: Incarnation,
        stop: impl Future<Output = ()>,
        tell: impl FnMut(&str),
    ) -> Result<Formed, Failure> {
        self.marker();
        let mut watcher = self.service.registry.watch(self.service.keys.all());
        let formation = Formation {
            registry: &self.service.registry,
            registration,
            watcher: &mut watcher,
            keys: &self.service.keys,
            candidate: self.candidate.clone(),
            layout: &self.layout,
            http_port: 9200,
            incarnation,
            wait_for: self.wait_for,
        };
        formation.run(stop, tell).await
    }

    /// A launcher with its node, until the cluster is recorded and the seed says so; the handle keeps the seed.
    pub(crate) async fn launch(&self) -> Registration {
        let (registration, incarnation) = self.register_after_a_kill().await;
        let formed = self
            .form(&registration, incarnation.clone(), std::future::pending(), |_| {})
            .await;
        let Ok(Formed::Start(order)) = formed else {
            panic!("{}: {formed:?}", self.candidate.id);
        };
        self.started();
        self.service.start_node(&self.candidate.name, &order);
        let uuid = self.service.cluster_of().await;
        let mut recorder = self.recorder();
        recorder.reported(&uuid).expect("marker written");
        assert_eq!(recorder.next().await.as_ref(), Ok(&(&uuid).into()));
        let seed = formation::seed(&self.candidate, 9200, incarnation, &self.marker());
        registration.want(Want::Present((&seed).into()));
        registration
    }

    pub(crate) fn recorder(&self) -> Recorder {
        let Service { registry, keys, .. } = &self.service;
        Recorder::new(registry.clone(), keys.clone(), self.layout.clone(), self.marker().disk)
    }
}

/// Runs `work` until it has been woken so many times, then drops it, wherever it is: a crash between two of its steps.
pub(crate) async fn killed_after<T>(wakes: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = wakes;
    std::future::poll_fn(move |context: &mut Context<'_>| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        Pin::as_mut(&mut work).poll(context).map(Some)
    })
    .await
}

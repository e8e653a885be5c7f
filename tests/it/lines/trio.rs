//! Three hosts of one service: launchers, their nodes and sidecars, and what can be seen of them from outside.
//!
//! Invariant: whoever looks at a node looks at its UUID too, and a second one ends the test on the spot.

use std::{collections::BTreeSet, sync::Mutex, time::Duration};

use quorate::{
    model::{ClusterRecord, ClusterUuid, Member, RecordState},
    probe::{Access, Prober, Report},
    registry::{Keys, Range},
};
use rustix::process::Signal;

use super::distribution::Distribution;
use crate::support::{
    LONG, SETTLED,
    address::Address,
    documents::Documents,
    etcd::{Etcd, Version},
    eventually,
    launcher::Host,
    sidecar::Sidecar,
};

/// A node that takes longer to answer hangs.
const PATIENCE: Duration = Duration::from_secs(2);

/// Places at the table.
pub(super) const ALL: [usize; 3] = [0, 1, 2];

/// One host.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) host: Host,
    pub(super) address: Address,
    sidecar: Option<Sidecar>,
}

/// The three, and their etcd.
#[derive(Debug)]
pub(crate) struct Trio {
    pub(super) etcd: Etcd,
    pub(super) seats: [Seat; 3],
    /// Where nobody is any more, and shall be: held, so that no other test comes there.
    left: Vec<Address>,
    /// The only UUID that any node has ever named.
    uuid: Mutex<Option<ClusterUuid>>,
    documents: Documents,
}

impl Trio {
    pub(super) async fn new(distribution: Distribution, etcd: Version) -> Self {
        let etcd = Etcd::start(etcd).await;
        let addresses = ALL.map(|_| Address::take());
        // Nobody else's: where nobody is any more, somebody may come.
        let cluster = format!("--cluster=story-{}-{}", std::process::id(), addresses[0].ip().to_bits());
        // Three on one machine, and each shall have a copy: Elasticsearch 1 takes their addresses for one host.
        let copies = "--set=cluster.routing.allocation.same_shard.host=false";
        let flags: &[&str] = if distribution.is_zen() {
            // A node that stands still is missed after seconds, not after a minute and a half, and no news waits long for it.
            &[
                &cluster,
                copies,
                "--expected-masters=3",
                "--set=discovery.zen.fd.ping_interval=1s",
                "--set=discovery.zen.fd.ping_timeout=2s",
                "--set=discovery.zen.fd.ping_retries=2",
                "--set=discovery.zen.publish_timeout=3s",
            ]
        } else {
            &[&cluster, copies, "--bootstrap-expect=3"]
        };
        let seats = addresses.map(|address| Seat {
            host: Host::new(distribution.stock(), &address.to_string(), &etcd, flags),
            address,
            sidecar: None,
        });
        Self {
            etcd,
            seats,
            left: Vec::new(),
            uuid: Mutex::default(),
            documents: Documents::new(distribution.document_type()),
        }
    }

    fn keys() -> Keys {
        Keys::new("/services", "/quorate", &"elasticsearch".parse().expect("a name"))
    }

    /// Starts launchers, all at once, and sidecars where there are none; until their nodes' processes run.
    pub(super) async fn start(&mut self, who: &[usize]) {
        let endpoint = self.etcd.endpoint();
        for &one in who {
            let Seat { host, address, sidecar } = &mut self.seats[one];
            host.start();
            let run_dir = host.path("run").display().to_string();
            sidecar.get_or_insert_with(|| Sidecar::start(&endpoint, address, &["--run-dir", &run_dir]));
        }
        for &one in who {
            self.seats[one].host.process().await;
        }
    }

    /// SIGTERM to launchers, all at once; until they have ended in order.
    pub(super) async fn stop(&mut self, who: &[usize]) {
        for &one in who {
            self.seats[one].host.signal(Signal::TERM);
        }
        for &one in who {
            let host = &mut self.seats[one].host;
            assert_eq!(host.code().await, Some(0), "{}", host.log());
        }
    }

    /// SIGKILL to launchers and nodes, all at once; until they are gone.
    pub(super) async fn kill(&mut self, who: &[usize]) {
        let mut processes = Vec::new();
        for &one in who {
            let host = &mut self.seats[one].host;
            host.kill();
            processes.push(host.signal_node(Signal::KILL));
        }
        eventually("the killed are gone", LONG, || async {
            processes.iter().all(|process| !process.is_alive()).then_some(())
        })
        .await;
    }

    /// The disks of those who are down are in machines with other addresses now.
    pub(super) fn move_away(&mut self, who: &[usize]) {
        for &one in who {
            let Seat { host, address, sidecar } = &mut self.seats[one];
            self.left.push(std::mem::replace(address, Address::take()));
            *sidecar = None;
            host.moves_to(&address.to_string());
        }
    }

    /// What a node says; none when it does not answer.
    pub(super) async fn look(&self, one: usize) -> Option<Report> {
        let ip = self.seats[one].address.ip().to_string();
        let mut prober = Prober::new(ip, 9200, PATIENCE, Access::default());
        let report = Box::pin(prober.probe()).await;
        let report = report.result.ok()?;
        if let Some(uuid) = report.uuid.known() {
            let mut known = self.uuid.lock().expect("no panic");
            assert_eq!(
                known.get_or_insert_with(|| uuid.clone()),
                uuid,
                "a second cluster, at {one}"
            );
        }
        Some(report)
    }

    /// The version that the nodes give.
    pub(super) async fn version(&self) -> String {
        self.look(0).await.expect("it answers").identity.version
    }

    /// What all of them say, asked at the same time.
    pub(super) async fn look_at_all(&self) -> [Option<Report>; 3] {
        let (a, b, c) = tokio::join!(self.look(0), self.look(1), self.look(2));
        [a, b, c]
    }

    /// Who is the master in the eyes of those who answer, when they agree.
    pub(super) async fn master(&self, who: &[usize]) -> Option<usize> {
        let reports = self.look_at_all().await;
        let named = |one: &usize| reports[*one].as_ref().and_then(|report| report.master.as_ref());
        let first = who.first().and_then(named)?;
        let agree = who.iter().all(|one| named(one) == Some(first));
        let is_master = |report: &Option<Report>| report.as_ref().is_some_and(Report::is_master);
        ALL.into_iter().find(|one| is_master(&reports[*one])).filter(|_| agree)
    }

    /// The ids that have a member key, and their values.
    pub(super) async fn members(&self) -> Option<Vec<(String, Member)>> {
        let keys = Self::keys();
        let reading = self.etcd.registry().read(&[keys.members()]).await.ok()?;
        let member = |entry: &quorate::registry::Entry| {
            let id = entry.key.rsplit('/').next().expect("a key").to_owned();
            (id, Member::parse(&entry.value).expect("readable"))
        };
        Some(reading.entries.iter().map(member).collect())
    }

    /// Whether there are keys of these and of nobody else.
    pub(super) async fn are_the_members(&self, who: &[usize]) -> Option<()> {
        let members = self.members().await?;
        let ids: BTreeSet<String> = members.into_iter().map(|(id, _)| id).collect();
        let wanted = who.iter().map(|one| self.seats[*one].address.to_string()).collect();
        (ids == wanted).then_some(())
    }

    /// Waits until these, and nobody else, are registered and name one master; who that is.
    pub(super) async fn together(&self, who: &[usize]) -> usize {
        let what = format!("{who:?} are members, with one master");
        eventually(&what, SETTLED, || async {
            self.are_the_members(who).await?;
            self.master(who).await
        })
        .await
    }

    async fn record(&self) -> Option<ClusterRecord> {
        let key = Self::keys().record();
        let reading = self.etcd.registry().read(&[Range::Key(key.clone())]).await.ok()?;
        Some(ClusterRecord::parse(&reading.get(&key)?.value).expect("readable"))
    }

    /// The record, the keys and the nodes name the same cluster.
    pub(super) async fn is_one_cluster(&self) {
        let uuid = self.uuid.lock().expect("no panic").clone();
        // A member may be there a moment before its launcher has recorded the cluster.
        let record = eventually("the record names the cluster", LONG, || async {
            let record = self.record().await?;
            (record.state == RecordState::Formed && record.cluster_uuid == uuid).then_some(record)
        });
        let record = record.await;
        for (id, member) in self.members().await.expect("etcd answers") {
            assert_eq!(
                (member.cluster_uuid, member.cluster.as_ref()),
                (uuid.clone(), Some(&record.cluster)),
                "{id}"
            );
        }
        for report in self.look_at_all().await.into_iter().flatten() {
            assert_eq!(report.identity.cluster, record.cluster);
        }
    }

    /// Makes the index of the documents.
    pub(super) async fn makes_an_index(&self) {
        self.documents.make_index(self.seats[0].address.ip()).await;
    }

    /// Writes a document through a node; whether the node said that it is written.
    pub(super) async fn write(&self, via: usize, name: &str) -> bool {
        self.documents.write(self.seats[via].address.ip(), name).await
    }

    /// Writes some documents through a node.
    pub(super) async fn write_some(&self, via: usize, chapter: &str) {
        self.documents.write_some(self.seats[via].address.ip(), chapter).await;
    }

    /// Waits until all are the cluster, whole, with every acknowledged document.
    pub(super) async fn has_every_document(&self) {
        let nodes: Vec<_> = self.seats.iter().map(|seat| seat.address.ip()).collect();
        self.documents.is_whole(&nodes).await;
    }
}

/// The last lines of a text.
fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

impl Drop for Trio {
    #[expect(clippy::print_stderr, reason = "what they said explains the failure")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            for seat in &self.seats {
                eprintln!(
                    "--- the launcher at {} and its node:\n{}",
                    seat.address,
                    tail(&seat.host.log(), 60)
                );
            }
        }
    }
}

//! A line that knows neither a seed file nor a cluster UUID, with real nodes: Elasticsearch 1.7.

use std::time::Duration;

use quorate::{
    model::{ClusterRecord, Marker, RecordState},
    registry::{Keys, Range},
};
use rustix::process::Signal;

use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    launcher::Host,
    node::Line,
    program::quorate,
};

/// From the first launcher's start to a cluster that all of them know, on a busy machine too.
const FORMED: Duration = Duration::from_mins(3);
const ADDRESSES: [&str; 3] = ["127.0.51.21", "127.0.51.22", "127.0.51.23"];

async fn record(etcd: &Etcd) -> Option<ClusterRecord> {
    let keys = Keys::new("/services", "/quorate", &"elasticsearch".parse().expect("a name"));
    let reading = etcd.registry().read(&[Range::Key(keys.record())]).await.ok()?;
    let entry = reading.get(&keys.record())?;
    Some(ClusterRecord::parse(&entry.value).expect("readable"))
}

/// Waits until the disk knows that its node has joined.
async fn joined(host: &Host) {
    let look = eventually("the disk knows its cluster", FORMED + LONG, || async {
        let marker = std::fs::read(host.data().join(".quorate.json")).ok()?;
        let marker = Marker::parse(&marker).expect("readable");
        (marker.joined && marker.cluster_uuid.is_none()).then_some(())
    });
    let found = tokio::time::timeout(FORMED, look).await;
    found.unwrap_or_else(|_| panic!("not joined within {FORMED:?}: {}", host.log()));
}

/// The addresses in the fixed list of the node's settings.
fn listed(host: &Host, address: &str) -> Vec<String> {
    let path = host.path(&format!("state/elasticsearch/{address}/config/elasticsearch.yml"));
    let text = std::fs::read_to_string(path).expect("settings");
    let key = "discovery.zen.ping.unicast.hosts: ";
    let list = text.lines().find_map(|line| line.strip_prefix(key)).expect("a list");
    serde_json::from_str(list).expect("addresses")
}

/// Asks the nodes themselves.
fn verified(etcd: &Etcd) {
    let run = quorate(&["status", "--verify", "--endpoints", &etcd.endpoint()]);
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
}

#[tokio::test]
async fn three_at_once_form_one_cluster_without_a_uuid_and_one_comes_back_without_etcd() {
    let mut etcd = Etcd::start(Version::V35).await;
    let mut hosts = ADDRESSES.map(|address| Host::new(Line::Es1, address, &etcd, &["--expected-masters", "3"]));
    for host in &mut hosts {
        host.start();
    }
    for host in &hosts {
        joined(host).await;
    }
    let formed = eventually("the cluster is recorded", LONG, || async {
        record(&etcd).await.filter(|record| record.state == RecordState::Formed)
    });
    let formed = formed.await;
    assert_eq!(
        (formed.cluster.as_str(), &formed.cluster_uuid),
        ("elasticsearch", &None)
    );
    verified(&etcd);

    // One is told to stop. What it knows of the others is on its own disk.
    hosts[2].signal(Signal::TERM);
    assert_eq!(hosts[2].code().await, Some(0), "{}", hosts[2].log());
    etcd.kill();
    hosts[2].start();
    let process = hosts[2].process().await;
    assert_eq!(
        listed(&hosts[2], ADDRESSES[2]),
        ["127.0.51.21:9300", "127.0.51.22:9300"]
    );
    eventually("it joins", FORMED, || async {
        (hosts[2].log().matches("the node reports its cluster").count() == 2).then_some(())
    })
    .await;
    etcd.restart().await;
    eventually("all are there", LONG, || async {
        (hosts[0].seeds().len() == 2 && hosts[2].seeds().len() == 2).then_some(())
    })
    .await;
    assert_eq!(record(&etcd).await, Some(formed), "nothing was written anew");
    verified(&etcd);
    assert!(process.is_alive());
    for host in &mut hosts {
        host.signal(Signal::TERM);
    }
    for host in &mut hosts {
        assert_eq!(host.code().await, Some(0), "{}", host.log());
    }
}

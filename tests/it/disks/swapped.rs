//! Two clusters on one etcd whose data directories were exchanged.

use super::documented;
use crate::support::{
    cluster::{Cluster, End},
    etcd::{Etcd, Version},
    node::Line,
    turn::turn,
};

#[tokio::test]
async fn a_disk_of_another_service_is_refused_and_nothing_is_lost() {
    let _turn = turn(2).await;
    let etcd = Etcd::start(Version::V35).await;
    let services = ["logs", "metrics"];
    let mut clusters = services.map(|service| Cluster::new(Line::Es6, 1, service, &etcd, &["--expected-masters", "1"]));
    for cluster in &mut clusters {
        cluster.at(0).start();
    }
    let mut uuids = Vec::new();
    for cluster in &mut clusters {
        uuids.push(cluster.whole(&[0]).await);
        cluster.make_index(0).await;
        cluster.write(0, 3).await;
        cluster.at(0).stop(End::Told).await;
    }
    assert_ne!(uuids.first(), uuids.last());

    swap(&clusters);
    for (cluster, [own, of]) in clusters.iter().zip([services, [services[1], services[0]]]) {
        let said = cluster.machine(0).refused(&format!(
            "{} `{of}`",
            documented("the data directory belongs to service")
        ));
        assert!(said.contains(&format!("this launcher serves `{own}`")), "{said}");
        assert!(cluster.view().await.seeds.is_empty(), "nothing is left of the attempt");
    }

    swap(&clusters);
    for cluster in &mut clusters {
        cluster.at(0).start();
    }
    for (cluster, uuid) in clusters.iter_mut().zip(uuids) {
        assert_eq!(cluster.whole(&[0]).await, uuid);
        cluster.holds_everything(&[0]).await;
    }
}

fn swap(clusters: &[Cluster; 2]) {
    let [one, other] = clusters.each_ref().map(|cluster| cluster.machine(0).host.data());
    let aside = clusters[0].machine(0).host.path("aside");
    for (from, to) in [(&one, &aside), (&other, &one), (&aside, &other)] {
        std::fs::rename(from, to).expect("moved");
    }
}

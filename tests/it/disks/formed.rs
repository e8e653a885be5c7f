//! One cluster that is recorded, and everything that can happen to its disks and its record, one thing after the other.

use quorate::model::ClusterUuid;

use super::{ZEN, documented};
use crate::support::{
    LONG,
    cluster::{Cluster, End},
    etcd::{Etcd, Version},
    eventually,
    node::Line,
    turn::turn,
};

/// A formed cluster of the hosts 0 to 2; host 3 is a spare one.
struct Story {
    etcd: Etcd,
    cluster: Cluster,
    uuid: ClusterUuid,
    /// The host that founded it.
    claimant: usize,
}

#[tokio::test]
async fn a_recorded_cluster_stays_one_whatever_befalls_its_disks_and_its_record() {
    let _turn = turn(3).await;
    let etcd = Etcd::start(Version::V35).await;
    let mut cluster = Cluster::new(Line::Es6, 4, "elasticsearch", &etcd, &ZEN);
    let up = [0, 1, 2];
    for at in up {
        cluster.at(at).start();
    }
    let uuid = cluster.whole(&up).await;
    cluster.make_index(2).await;
    cluster.write(0, 10).await;
    cluster.holds_everything(&up).await;
    let record = cluster.record().await.expect("a record");
    let claimant = cluster.index(&record.claimant.expect("a claimant"));
    let mut story = Story {
        etcd,
        cluster,
        uuid,
        claimant,
    };
    story.the_record_is_deleted_beside_living_nodes().await;
    story.a_marker_is_deleted_under_a_living_node().await;
    story.the_disk_of_the_claimant_is_wiped().await;
    story.the_marker_of_another_is_deleted_then_its_disk_wiped().await;
    story.a_disk_is_moved_to_another_host().await;
    story.the_record_is_deleted_while_all_are_down().await;
}

impl Story {
    /// The living nodes are one cluster, the same one, with all copies of all documents.
    async fn goes_on(&mut self, up: &[usize]) {
        self.is_one(up).await;
        self.cluster.holds_everything(up).await;
    }

    /// The living nodes are one cluster, the same one.
    async fn is_one(&mut self, up: &[usize]) {
        assert_eq!(self.cluster.whole(up).await, self.uuid);
        // Every node itself, with the program's own question.
        let asked = self.cluster.machine(up.first().copied().expect("one"));
        let verified = asked.host.verified();
        assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
        let count = format!("verified: {} answered, and name one cluster", up.len());
        assert!(verified.out.contains(&count), "{}", verified.out);
    }

    fn delete_the_record(&self) {
        let deleted = self.etcd.etcdctl(&["del", &self.cluster.keys.record()]);
        assert_eq!(deleted.trim(), "1");
    }

    async fn the_record_is_deleted_beside_living_nodes(&mut self) {
        let (before, writers) = (self.cluster.record().await, self.cluster.writers().await);
        let nodes = self.cluster.machines.iter().map(|machine| machine.host.file_but_disk());
        let nodes: Vec<_> = nodes.collect();
        self.delete_the_record();
        let restored = eventually("the record is back", LONG, || self.cluster.record()).await;
        assert_eq!(restored.cluster_uuid.as_ref(), Some(&self.uuid));
        assert_eq!(
            Some(restored.claim),
            before.map(|record| record.claim),
            "the claim is the old one"
        );
        self.goes_on(&[0, 1, 2]).await;
        let now = self.cluster.machines.iter().map(|machine| machine.host.file_but_disk());
        assert!(now.eq(nodes), "the processes are the same");
        assert_eq!(self.cluster.writers().await, writers, "the keys never went");
    }

    /// The node needs no marker; its next launcher does.
    async fn a_marker_is_deleted_under_a_living_node(&mut self) {
        let machine = self.cluster.at(1);
        machine.host.kill();
        let process = machine.host.file().and_then(|file| file.process).expect("a process");
        let marker = machine.host.data().join(".quorate.json");
        let aside = machine.host.path("marker");
        std::fs::rename(&marker, &aside).expect("moved");
        let said = machine.refused("the marker");
        assert!(said.contains(documented("emptied under a node that runs")), "{said}");
        assert!(process.is_alive(), "the node was left alone");
        std::fs::rename(&aside, &marker).expect("moved back");
        machine.start_launcher(&[]);
        assert_eq!(machine.host.process().await, process, "adopted");
        self.goes_on(&[0, 1, 2]).await;
    }

    async fn the_disk_of_the_claimant_is_wiped(&mut self) {
        let at = self.claimant;
        self.cluster.at(at).stop(End::Failed).await;
        let machine = self.cluster.at(at);
        let lost = machine.marker().expect("a marker");
        machine.wipe();
        machine.start();
        self.joins_empty(at, &lost).await;
    }

    /// It is a new disk, and gets its data from the others.
    async fn joins_empty(&mut self, at: usize, lost: &quorate::model::Marker) {
        self.goes_on(&[0, 1, 2]).await;
        let machine = self.cluster.machine(at);
        let marker = machine.marker().expect("a marker");
        assert_ne!(marker.disk, lost.disk);
        assert_eq!(
            (marker.claim.as_ref(), marker.cluster_uuid.as_ref()),
            (lost.claim.as_ref(), Some(&self.uuid))
        );
        assert!(self.cluster.has_a_copy(at).await, "the others gave it their data");
    }

    async fn the_marker_of_another_is_deleted_then_its_disk_wiped(&mut self) {
        let at = (self.claimant + 1) % 3;
        self.cluster.at(at).stop(End::Told).await;
        let machine = self.cluster.at(at);
        let lost = machine.marker().expect("a marker");
        let path = machine.host.data().join(".quorate.json");
        let aside = machine.host.path("marker");
        std::fs::rename(&path, &aside).expect("moved");
        machine.refused(documented("the data directory holds files of a node but no marker"));
        // A disk that gives errors where the marker should be is no empty disk.
        std::fs::create_dir(&path).expect("a directory");
        machine.refused("Is a directory");
        std::fs::remove_dir(&path).expect("removed");
        // Emptied by hand, which leaves hidden files.
        std::fs::rename(&aside, &path).expect("moved back");
        std::fs::remove_dir_all(machine.host.data().join("nodes")).expect("emptied");
        machine.start();
        self.joins_empty(at, &lost).await;
        let said = self.cluster.machine(at).said();
        assert!(said.contains(documented("was emptied around its marker")), "{said}");
    }

    async fn a_disk_is_moved_to_another_host(&mut self) {
        let (from, to) = (2, 3);
        let before = self.cluster.machine(from).report().await.expect("it answers");
        self.cluster.at(from).stop(End::Told).await;
        let [old, new] = [from, to].map(|at| self.cluster.machine(at).host.data());
        std::fs::remove_dir(&new).expect("removed");
        std::fs::rename(&old, &new).expect("moved");
        self.cluster.at(to).start();
        self.goes_on(&[0, 1, to]).await;
        let after = self.cluster.machine(to).report().await.expect("it answers");
        assert_eq!(
            after.identity.node_id, before.identity.node_id,
            "the node is the disk's"
        );
        assert!(self.cluster.has_a_copy(to).await);
    }

    /// A host whose disk is wiped as well founds nothing; the others, whose disks were exchanged, bring the record back.
    async fn the_record_is_deleted_while_all_are_down(&mut self) {
        let [wiped, first, second] = [0, 1, 3];
        let record = self.cluster.record().await.expect("a record");
        for at in [wiped, first, second] {
            self.cluster.at(at).end(End::Told);
        }
        for at in [wiped, first, second] {
            self.cluster.at(at).ended(End::Told).await;
        }
        self.delete_the_record();
        self.cluster.machine(wiped).wipe();
        let said = self
            .cluster
            .machine(wiped)
            .refused(documented("this host knew a cluster"));
        assert!(said.contains(self.uuid.as_str()), "{said}");
        let [one, other] = [first, second].map(|at| self.cluster.machine(at).host.data());
        let aside = self.cluster.machine(first).host.path("aside");
        for (from, to) in [(&one, &aside), (&other, &one), (&aside, &other)] {
            std::fs::rename(from, to).expect("moved");
        }
        for at in [first, second] {
            self.cluster.at(at).start();
        }
        self.is_one(&[first, second]).await;
        self.cluster.needed_no_hand();
        assert_eq!(
            self.cluster.record().await.map(|record| record.claim),
            Some(record.claim)
        );
        self.cluster.at(wiped).start();
        self.goes_on(&[wiped, first, second]).await;
        assert!(self.cluster.has_a_copy(wiped).await);
    }
}

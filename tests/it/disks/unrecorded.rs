//! Disks that are wiped or moved when the right to found the cluster is given away, and before its UUID is recorded.

use std::path::PathBuf;

use quorate::model::{ClusterRecord, RecordState};
use rustix::process::Signal;

use super::{ZEN, documented};
use crate::support::{
    LONG,
    cluster::{Cluster, End, Machine},
    etcd::{Etcd, Version},
    eventually,
    node::Line,
    turn::turn,
};

const ALL: [usize; 3] = [0, 1, 2];

/// Everybody has started a node under an armed claim, and everything dies before there is a cluster.
async fn armed(cluster: &mut Cluster) -> ClusterRecord {
    for at in ALL {
        cluster.at(at).start_launcher(&[]);
    }
    for at in ALL {
        cluster.at(at).host.process().await;
    }
    for at in ALL {
        cluster.at(at).end(End::Failed);
    }
    for at in ALL {
        cluster.at(at).ended(End::Failed).await;
    }
    let record = cluster.record().await.expect("a record");
    assert_eq!(record.state, RecordState::Armed, "no node was there yet: {record:?}");
    record
}

/// Takes the data directory away; an empty one is there instead.
fn take_away(machine: &Machine) -> PathBuf {
    let disk = machine.marker().expect("a marker").disk;
    let aside = machine.host.path(&format!("disk-{disk}"));
    std::fs::rename(machine.host.data(), &aside).expect("moved");
    machine.host.make_data();
    aside
}

/// Brings a data directory, instead of whatever is there.
fn bring(machine: &Machine, from: PathBuf) {
    std::fs::remove_dir_all(machine.host.data()).expect("removed");
    std::fs::rename(from, machine.host.data()).expect("moved");
}

async fn told_to_stop(machine: &mut Machine) {
    machine.host.signal(Signal::TERM);
    assert_eq!(machine.host.code().await, Some(0), "{}", machine.said());
}

#[tokio::test]
async fn before_elasticsearch_7_a_named_disk_that_is_wiped_waits_for_the_cluster_of_the_others() {
    let _turn = turn(3).await;
    let etcd = Etcd::start(Version::V35).await;
    let mut cluster = Cluster::new(Line::Es6, ALL.len(), "elasticsearch", &etcd, &ZEN);
    let record = armed(&mut cluster).await;
    let claimant = cluster.index(&record.claimant.clone().expect("a claimant"));
    let other = (claimant + 1) % 3;

    // The claimant is no more than anybody else here.
    let machine = cluster.at(claimant);
    let disk = take_away(machine);
    machine.start_launcher(&[]);
    let reason = machine
        .waits(documented("waiting until the others have formed the cluster"))
        .await;
    assert!(
        reason.contains(&format!("claim {} names this node", record.claim)),
        "{reason}"
    );
    told_to_stop(machine).await;
    bring(machine, disk);

    let machine = cluster.at(other);
    machine.wipe();
    machine.start();
    machine
        .waits(documented("waiting until the others have formed the cluster"))
        .await;
    for at in ALL.into_iter().filter(|at| *at != other) {
        cluster.at(at).start();
    }
    let uuid = cluster.whole(&ALL).await;
    assert_eq!(cluster.record().await.map(|now| now.claim), Some(record.claim));
    cluster.make_index(2).await;
    cluster.write(other, 1).await;
    cluster.holds_everything(&ALL).await;
    assert_eq!(cluster.joined(&ALL).await, Ok(uuid));
}

async fn with_a_bootstrap_setting(line: Line) {
    let _turn = turn(3).await;
    let etcd = Etcd::start(Version::V35).await;
    let mut cluster = Cluster::new(line, ALL.len(), "elasticsearch", &etcd, &["--bootstrap-expect", "3"]);
    the_claim_is_taken_back(&etcd, &mut cluster).await;

    let record = armed(&mut cluster).await;
    let claimant = cluster.index(&record.claimant.clone().expect("a claimant"));
    let [other, wiped] = [1, 2].map(|more| (claimant + more) % 3);
    // Its disk at another node founds nothing.
    let [disk, own] = [claimant, other].map(|at| take_away(cluster.machine(at)));
    let machine = cluster.at(other);
    bring(machine, disk);
    machine.start_launcher(&[]);
    machine.host.process().await;
    let said = machine.said();
    let moved = format!(
        "is here, but {} {}",
        record.claimant.expect("a claimant"),
        documented("made the claim: move it back there")
    );
    assert!(said.contains("started all the same") && said.contains(&moved), "{said}");
    assert_eq!(machine.host.file().map(|file| file.with_setting), Some(false));
    machine.end(End::Failed);
    machine.ended(End::Failed).await;
    let disk = take_away(machine);
    bring(machine, own);
    bring(cluster.machine(claimant), disk);
    // A named disk that is wiped before the first election is one of the same name, and the cluster is founded all the same.
    cluster.machine(wiped).wipe();
    for at in ALL {
        cluster.at(at).start();
    }
    let uuid = cluster.whole(&ALL).await;
    let setting = |cluster: &Cluster, at| cluster.machine(at).host.file().map(|file| file.with_setting);
    let settings = |cluster: &Cluster| ALL.map(|at| setting(cluster, at));
    assert_eq!(
        settings(&cluster),
        ALL.map(|at| Some(at == claimant)),
        "the claimant alone has the setting"
    );
    assert_eq!(cluster.record().await.map(|now| now.claim), Some(record.claim));

    // Once the UUID is recorded, a wiped disk of the claimant is any empty disk.
    cluster.make_index(2).await;
    cluster.write(wiped, 5).await;
    cluster.holds_everything(&ALL).await;
    cluster.at(claimant).stop(End::Failed).await;
    cluster.machine(claimant).wipe();
    cluster.at(claimant).start();
    assert_eq!(cluster.whole(&ALL).await, uuid);
    assert_eq!(setting(&cluster, claimant), Some(false));
    cluster.holds_everything(&ALL).await;
    assert!(cluster.has_a_copy(claimant).await);
}

/// The disk of the claim is lost: only a person can say that it will not come back, and takes the claim back then.
async fn the_claim_is_taken_back(etcd: &Etcd, cluster: &mut Cluster) {
    let record = armed(cluster).await;
    let claimant = cluster.index(&record.claimant.clone().expect("a claimant"));
    let machine = cluster.at(claimant);
    machine.wipe();
    machine.start_launcher(&[]);
    let reason = machine.waits(documented("the disk of claim")).await;
    for part in [
        record.claim.as_str(),
        "bring it back",
        "`quorate cluster reset --service elasticsearch`",
    ] {
        assert!(reason.contains(part), "no {part} in {reason}");
    }
    let somebody_has_to_act = "it says so loudly";
    eventually(somebody_has_to_act, LONG, || async {
        machine.said().contains("somebody has to act").then_some(())
    })
    .await;
    told_to_stop(machine).await;
    eventually("the seeds of the dead are gone", LONG, || async {
        cluster.view().await.seeds.is_empty().then_some(())
    })
    .await;
    let reset = crate::support::program::quorate(&["cluster", "reset", "--yes", "--endpoints", &etcd.endpoint()]);
    assert_eq!(reset.code, Some(0), "{}", reset.err);
    let other = cluster.machine((claimant + 1) % 3);
    other.refused(&format!(
        "the data directory belongs to claim {}, {}",
        record.claim,
        documented("which was reset")
    ));
    for at in ALL.into_iter().filter(|at| *at != claimant) {
        cluster.machine(at).wipe();
    }
    // This host alone has seen the claim in the record, and finds it void.
    cluster.machine(claimant).wipe();
}

#[tokio::test]
async fn with_a_bootstrap_setting_only_the_disk_of_the_claim_founds_the_cluster() {
    with_a_bootstrap_setting(Line::Os3).await;
}

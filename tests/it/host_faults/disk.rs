//! Disks that fill up or become read-only under living daemons: no file is ever empty or half, nothing stops, and all is written when
//! there is room again.

use std::{path::Path, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use crate::support::{
    LONG,
    address::Address,
    etcd::{Etcd, Version},
    eventually,
    launcher::{Host, hollow_home},
    node::Line,
    program::Running,
    sidecar::Sidecar,
    small_disk::SmallDisk,
    standin::StandIn,
};

crate::support::at_the_same_time! {
    disks_of_living_daemons:
    seed_file_and_memory_of_a_launcher_wait_for_room
    what_a_launcher_tells_waits_for_room
    a_marker_that_finds_no_room_is_written_later_and_the_cluster_recorded_then
    a_sidecar_puts_no_key_that_the_next_run_would_not_know
    a_file_of_seeds_stays_whole_until_there_is_room
}

const BY_HAND: &str = r#"{"http_port":9200,"transport_port":9300}"#;
/// How a disk takes nothing: what is done to it, what undoes that, and what the host says then.
type Trouble = (fn(&SmallDisk, u32), fn(&SmallDisk, u32), &'static str);
const TROUBLES: [Trouble; 2] = [
    (SmallDisk::fill, SmallDisk::make_room, "No space left on device"),
    (SmallDisk::write_protect, SmallDisk::unprotect, "Read-only file system"),
];

/// Somebody comes.
fn register(etcd: &Etcd, newcomer: &str) {
    etcd.etcdctl(&["put", &format!("/services/elasticsearch/{newcomer}"), BY_HAND]);
}

/// A launcher whose node does nothing, with one of its directories on a small disk.
async fn launcher(etcd: &Etcd, address: &Address, dir: &str) -> (Host, SmallDisk) {
    let mut host = Host::new(Line::Es6, &address.to_string(), etcd, &[]);
    let home = hollow_home(&host.path(""), "elasticsearch-6.8.23.jar", "exec sleep 1000");
    host.use_home(&home);
    let java = format!("JAVA_HOME={}/jdk", home.display());
    if dir != "data" {
        host.make_data();
    }
    let disk = host.put_on_a_small_disk(dir);
    host.start_with(&[
        "--expected-masters",
        "1",
        "--cluster",
        "shapes",
        "--name",
        "n1",
        "--env",
        &java,
    ]);
    host.process().await;
    (host, disk)
}

async fn says(host: &mut Host, words: &str) {
    let start = Instant::now();
    while !host.log().contains(words) {
        let patient = host.lives() && start.elapsed() < LONG;
        assert!(patient, "it does not say `{words}`: {}", host.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn seed_file_and_memory_of_a_launcher_wait_for_room() {
    let (etcd, address) = (Etcd::start(Version::V35).await, Address::take());
    let (mut host, disk) = launcher(&etcd, &address, "state").await;
    let (pid, process) = (host.pid(), host.process().await);
    register(&etcd, "10.0.0.1");
    let mut seeds = vec!["10.0.0.1:9300".to_owned()];
    let own = format!("elasticsearch/{address}");
    let memory = |host: &Host| {
        let bytes = std::fs::read(disk.seen_by(host.pid(), Path::new(&format!("{own}/cache.json")))).expect("memory");
        let memory: Value = serde_json::from_slice(&bytes).expect("whole");
        memory["seeds"].clone()
    };
    let both = |host: &Host, seeds: &[String]| host.seeds() == seeds && memory(host) == serde_json::json!(seeds);
    eventually("the list is in both files", LONG, || async {
        both(&host, &seeds).then_some(())
    })
    .await;
    for (number, (take, give, words)) in TROUBLES.into_iter().enumerate() {
        take(&disk, pid);
        register(&etcd, &format!("10.0.0.{}", number + 2));
        says(&mut host, words).await;
        assert!(
            both(&host, &seeds),
            "both are what they were: {:?} {}",
            host.seeds(),
            memory(&host)
        );
        give(&disk, pid);
        seeds.push(format!("10.0.0.{}:9300", number + 2));
        eventually("the list is in both files", LONG, || async {
            both(&host, &seeds).then_some(())
        })
        .await;
    }
    assert_eq!(
        disk.names(pid, &format!("{own}/seeds")),
        ["unicast_hosts.txt"],
        "nothing is left beside it"
    );
    assert!(
        host.log().matches("file not written, trying again").count() <= 4,
        "said once each: {}",
        host.log()
    );
    assert_eq!(host.process().await, process);
}

async fn what_a_launcher_tells_waits_for_room() {
    let (etcd, address) = (Etcd::start(Version::V35).await, Address::take());
    let (mut host, disk) = launcher(&etcd, &address, "run").await;
    let pid = host.pid();
    let path = format!("elasticsearch/{address}.seeds.json");
    let told = |seeds: &[String]| {
        let bytes = std::fs::read(disk.seen_by(pid, Path::new(&path))).expect("told");
        let told: Value = serde_json::from_slice(&bytes).expect("whole");
        let hosts = told["seeds"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|seed| seed["host"].clone());
        hosts.collect::<Vec<_>>() == *seeds
    };
    let mut seeds = Vec::new();
    for (number, (take, give, words)) in TROUBLES.into_iter().enumerate() {
        let before = host.file_but_disk();
        take(&disk, pid);
        register(&etcd, &format!("10.0.0.{number}"));
        says(&mut host, words).await;
        assert!(told(&seeds));
        assert_eq!(host.file_but_disk(), before, "what the sidecar reads is whole");
        give(&disk, pid);
        seeds.push(format!("10.0.0.{number}:9300"));
        eventually("the list is told", LONG, || async { told(&seeds).then_some(()) }).await;
        // The seed file is elsewhere.
        assert_eq!(host.seeds(), seeds);
    }
}

async fn a_marker_that_finds_no_room_is_written_later_and_the_cluster_recorded_then() {
    let (etcd, address) = (Etcd::start(Version::V35).await, Address::take());
    let (mut host, disk) = launcher(&etcd, &address, "data").await;
    let pid = host.pid();
    for (take, _, _) in TROUBLES {
        take(&disk, pid);
    }
    let _node = StandIn::start("elasticsearch-6.8.23", &format!("{address}:9200"));
    says(&mut host, "Read-only file system").await;
    disk.unprotect(pid);
    says(&mut host, "No space left on device").await;
    let record = || etcd.etcdctl(&["get", "--print-value-only", "/quorate/elasticsearch/cluster"]);
    assert!(record().contains("armed"), "{}", record());
    let marker = std::fs::read(disk.seen_by(pid, Path::new(".quorate.json"))).expect("a marker");
    let marker: Value = serde_json::from_slice(&marker).expect("whole");
    assert!(marker.get("cluster_uuid").is_none_or(Value::is_null), "{marker}");
    disk.make_room(pid);
    eventually("the cluster is recorded", LONG, || async {
        record().contains("formed").then_some(())
    })
    .await;
    assert!(host.lives());
}

async fn a_sidecar_puts_no_key_that_the_next_run_would_not_know() {
    let (mut etcd, node) = (
        Etcd::start(Version::V35).await,
        StandIn::at_home("elasticsearch-6.8.23"),
    );
    let mut sidecar = Sidecar::start(&etcd.endpoint(), node.home(), &["--ttl", "9s"]);
    let disk = sidecar.move_its_state_to_a_small_disk();
    sidecar.registered().await;
    let pid = sidecar.pid();
    for (take, give, words) in TROUBLES {
        take(&disk, pid);
        etcd.restart_empty().await;
        let obstacle = sidecar.until("it says why there is no key", |status| {
            let what = status.pointer("/registry/obstacle/what").and_then(Value::as_str);
            what.is_some_and(|what| what.contains(words))
        });
        assert_eq!(obstacle.await["verdict"], "ready");
        assert_eq!(
            etcd.etcdctl(&["get", "--keys-only", "--prefix", "/services/"]).trim(),
            ""
        );
        give(&disk, pid);
        sidecar.registered().await;
    }
    assert_eq!(sidecar.pid(), pid);
}

async fn a_file_of_seeds_stays_whole_until_there_is_room() {
    let etcd = Etcd::start(Version::V35).await;
    let dir = tempfile::tempdir().expect("a directory");
    let disk = SmallDisk::at(dir.path().join("disk"));
    let (path, endpoint) = (dir.path().join("disk/hosts").display().to_string(), etcd.endpoint());
    register(&etcd, "10.0.0.1");
    let mut keeper = Running::start_on(&disk, &["seeds", "--output", &path, "--endpoints", &endpoint]);
    let pid = keeper.pid();
    let holds =
        |text: &str| std::fs::read_to_string(disk.seen_by(pid, Path::new("hosts"))).is_ok_and(|file| file == text);
    let mut seeds = "10.0.0.1:9300\n".to_owned();
    eventually("the first list", LONG, || async { holds(&seeds).then_some(()) }).await;
    for (number, (take, give, words)) in TROUBLES.into_iter().enumerate() {
        take(&disk, pid);
        register(&etcd, &format!("10.0.0.{}", number + 2));
        let complaint = keeper.complaint().await;
        assert!(complaint.contains(words), "said once: {complaint}");
        assert!(holds(&seeds), "the file is what it was");
        give(&disk, pid);
        seeds = format!("{seeds}10.0.0.{}:9300\n", number + 2);
        eventually("the next list", LONG, || async { holds(&seeds).then_some(()) }).await;
    }
    assert_eq!(disk.names(pid, ""), ["hosts"], "nothing is left beside it");
}

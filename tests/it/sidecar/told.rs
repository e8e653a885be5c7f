//! What the launcher's file says is heard.

use std::path::Path;

use serde_json::json;
use tokio::time::Instant;

use super::{FAST, SLACK};
use crate::support::{
    etcd::{Etcd, Version},
    key_seen::KeySeen,
    sidecar::Sidecar,
    standin::StandIn,
};

fn node_file(data: &Path, phase: &str) -> Vec<u8> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot id");
    let file = json!({
        "format": 1, "engine": "process", "name": "n1", "cluster": "shapes", "phase": phase,
        "data": data.display().to_string(), "boot": boot.trim(),
    });
    file.to_string().into_bytes()
}

#[tokio::test]
async fn the_launchers_word_that_the_node_is_leaving_takes_the_key_away() {
    let etcd = Etcd::start(Version::V35).await;
    let node = StandIn::at_home("elasticsearch-9.5.3");
    let mut key = KeySeen::of(&etcd, node.home());
    let sidecar = Sidecar::start(&etcd.endpoint(), node.home(), &FAST);
    let say = |phase| {
        let file = sidecar.launcher_file();
        std::fs::create_dir_all(file.parent().expect("a directory")).expect("made");
        let new = file.with_extension("new");
        std::fs::write(&new, node_file(Path::new("/nowhere"), phase)).expect("written");
        std::fs::rename(new, file).expect("renamed");
    };
    say("running");
    key.there().await;
    say("leaving");
    key.gone().await;
    assert_eq!(sidecar.verdict("leaving").await["probe"]["outcome"], "ok");
    say("running");
    key.there().await;
}

#[tokio::test]
async fn the_launchers_word_is_heard_without_a_probe() {
    let etcd = Etcd::start(Version::V35).await;
    let mut node = StandIn::at_home("elasticsearch-9.5.3");
    let mut key = KeySeen::of(&etcd, node.home());
    node.die();
    let seldom = ["--interval", "10m", "--timeout", "2s"];
    let sidecar = Sidecar::start(&etcd.endpoint(), node.home(), &seldom);
    sidecar.verdict("down").await;
    let file = sidecar.launcher_file();
    std::fs::create_dir_all(file.parent().expect("a directory")).expect("made");
    // Probed often while it is down, and then not for ten minutes.
    node.listen();
    key.there().await;
    for _ in 0..3 {
        let write = |phase| quorate::host::write_atomic(&file, &node_file(Path::new("/nowhere"), phase), 0o644);
        let begun = Instant::now();
        write("leaving").expect("written");
        key.gone().await;
        assert!(begun.elapsed() < SLACK, "{:?}", begun.elapsed());
        write("running").expect("written");
        key.there().await;
    }
}

#[tokio::test]
async fn the_cluster_uuid_is_recorded_by_a_sidecar_whose_disk_has_the_claim() {
    let etcd = Etcd::start(Version::V35).await;
    let armed = json!({"format": 1, "state": "armed", "claim": "ours", "masters": [], "cluster": "shapes", "later": 7});
    etcd.etcdctl(&["put", "/quorate/elasticsearch/cluster", &armed.to_string()]);
    let node = StandIn::at_home("elasticsearch-6.8.23");
    let sidecar = Sidecar::start(&etcd.endpoint(), node.home(), &FAST);
    let uuid = sidecar.verdict("ready").await["node"]["cluster_uuid"].clone();
    let mut record = KeySeen::at(&etcd, "/quorate/elasticsearch/cluster".to_owned());
    record.there().await;
    assert_eq!(record.value, Some(armed.clone()));

    let data = sidecar.dir().join("data");
    let marker = json!({"format": 1, "disk": "d", "claim": "ours", "service": "elasticsearch", "cluster": "shapes", "name": "n1"});
    std::fs::create_dir_all(&data).expect("made");
    std::fs::write(data.join(".quorate.json"), marker.to_string()).expect("written");
    std::fs::create_dir_all(sidecar.launcher_file().parent().expect("a directory")).expect("made");
    std::fs::write(sidecar.launcher_file(), node_file(&data, "running")).expect("written");
    record
        .until("formed", |value| value.is_some_and(|value| value["state"] == "formed"))
        .await;
    let formed = record.value.expect("a record");
    assert_eq!((&formed["cluster_uuid"], &formed["later"]), (&uuid, &json!(7)));
}

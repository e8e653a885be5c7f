//! `quorate launch` with a real search node in a container.

use std::process::Command;

use quorate::{
    model::ClusterRecord,
    nodefile::NodeFile,
    registry::{Keys, Range},
};
use rustix::process::{Signal, kill_process};

use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    launcher::{Host, pid},
    node::Line,
    part,
    turn::turn,
};

const ETCD_PASSWORD: &str = "etcd-pw-5d20";
const NODE_PASSWORD: &str = "node-pw-91be";

/// What Docker itself says.
#[expect(clippy::disallowed_methods, reason = "a look past the program")]
fn docker(args: &[&str]) -> String {
    let mut command = Command::new("docker");
    command.args(args).env("DOCKER_HOST", part("QUORATE_TEST_DOCKER_HOST"));
    String::from_utf8(command.output().expect("docker").stdout).expect("text")
}

/// Whether the cluster's UUID is recorded.
async fn recorded(etcd: &Etcd) -> Option<()> {
    let keys = Keys::new("/services", "/quorate", &"elasticsearch".parse().expect("a name"));
    let reading = etcd.registry().read(&[Range::Key(keys.record())]).await.ok()?;
    let record = ClusterRecord::parse(&reading.get(&keys.record())?.value).expect("readable");
    record.cluster_uuid.map(drop)
}

/// Waits until launchers have adopted the node so many times.
async fn adopted(host: &Host, times: usize) {
    let seen = || async { (host.log().matches("adopted=true").count() == times).then_some(()) };
    eventually("the node is adopted", LONG, seen).await;
}

#[tokio::test]
async fn a_container_outlives_its_launcher_is_adopted_and_leaves_nothing_behind() {
    let _turn = turn(1).await;
    let etcd = Etcd::start(Version::V35).await;
    let secrets = tempfile::tempdir().expect("a directory");
    let secret = |name: &str, text: &str| {
        let path = secrets.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let (etcd_password, node_password) = (secret("etcd", ETCD_PASSWORD), secret("node", NODE_PASSWORD));
    let flags = [
        ["--expected-masters", "1"],
        ["--etcd-user", "quorate"],
        ["--etcd-password-file", &etcd_password],
        ["--node-user", "quorate"],
        ["--node-password-file", &node_password],
    ];
    let mut host = Host::new(Line::Es6, "127.0.30.41", &etcd, &flags.concat());
    host.use_docker();
    host.start();
    let process = host.process().await;
    let NodeFile { engine, container, .. } = host.file().expect("the launcher's file");
    let name = container.expect("a container").name;
    assert_eq!(
        (engine.as_str(), name.as_str()),
        ("docker", "quorate-elasticsearch-127.0.30.41")
    );
    eventually("the cluster is recorded", 3 * LONG, || recorded(&etcd)).await;
    let server = eventually("its server is found", LONG, || async { host.file()?.server }).await;
    assert!(server.is_alive());
    assert!(
        host.log().contains("publish_address {127.0.30.41:9200}"),
        "its output arrives"
    );

    for looked in [
        docker(&["inspect", &name]),
        docker(&["top", &name]),
        docker(&["exec", &name, "env"]),
    ] {
        assert!(!looked.is_empty());
        for secret in [ETCD_PASSWORD, NODE_PASSWORD] {
            assert!(!looked.contains(secret), "{secret} in {looked}");
        }
    }

    host.kill();
    assert!(process.is_alive(), "the node lives on");
    // One that does not answer, so that nobody finds its server a second time.
    kill_process(pid(server.pid), Signal::STOP).expect("frozen");
    host.start();
    adopted(&host, 1).await;
    let kept = host.file().and_then(|file| file.server);
    assert_eq!(kept, Some(server), "what was known of it is not forgotten");
    kill_process(pid(server.pid), Signal::CONT).expect("thawed");

    host.kill();
    std::fs::remove_file(host.path("run/elasticsearch/127.0.30.41.json")).expect("the file is lost");
    host.start();
    assert_eq!(host.process().await, process, "it is found by its labels");
    adopted(&host, 2).await;

    host.signal(Signal::TERM);
    assert_eq!(host.code().await, Some(0), "{}", host.log());
    assert!(!process.is_alive());
    assert_eq!(host.file(), None);
}

#[tokio::test]
async fn a_dry_run_shows_what_the_engine_would_be_told() {
    let etcd = Etcd::start(Version::V35).await;
    let mut host = Host::new(Line::Es6, "127.0.30.42", &etcd, &["--expected-masters", "1"]);
    host.use_docker();
    let more = [
        "--env",
        "PASSWORD=hunter2",
        "--network",
        "bridge",
        "--ulimit",
        "nofile=20000",
    ];
    let shown = host.run("launch", &[&more[..], &["--dry-run"]].concat());
    let text = String::from_utf8_lossy(&shown.stdout).replace(&host.path("").display().to_string(), "[dir]/");
    insta::assert_snapshot!(text);
}

//! The host as `launch` and `check` meet it: addresses, ports, the distribution, the directories, the marker.

use std::{fs::Permissions, net::TcpListener, os::unix::fs::PermissionsExt, path::Path};

use quorate::{
    host::FileLock,
    model::{DiskId, Marker},
};
use rustix::process::geteuid;

use super::page::{LOG, Page};
use crate::support::{
    etcd::{Etcd, Version},
    launcher::{Host, hollow_home},
    node::Line,
};

/// Two tests that run side by side, one of which takes ports: each has an address of its own.
const ADDRESS: &str = "127.0.35.21";
const OTHER_ADDRESS: &str = "127.0.35.23";

/// A start that must fail: everything else is as it should be.
struct Stage {
    page: Page,
    host: Host,
    home: String,
}

impl Stage {
    fn new(etcd: &Etcd, address: &str) -> Self {
        let host = Host::new(Line::Es6, address, etcd, &["--expected-masters", "1"]);
        let home = hollow_home(&host.path(""), "elasticsearch-6.8.23.jar", "exit 1")
            .display()
            .to_string();
        let mut page = Page::default();
        page.call(host.path("").display().to_string().trim_end_matches('/'), "DIR");
        page.call(etcd.address().to_string(), "ETCD");
        page.call(std::process::id().to_string(), "PID");
        // The name of this program changes with what it is built from.
        let own = std::fs::read_to_string("/proc/self/comm").expect("a name");
        page.call(own.trim(), "TESTS");
        Self { page, host, home }
    }

    fn launch(&mut self, title: &str, code: i32, more: &[&str]) {
        let home = ["--home", self.home.as_str()];
        let home: &[&str] = if more.contains(&"--home") { &[] } else { &home };
        // What this machine grants is no part of the page.
        let limits = "vm.max_map_count,open-files,threads,address-space,file-size";
        let run = self
            .host
            .says("launch", &[home, &["--skip-check", limits], more].concat());
        assert_eq!(run.code, Some(code), "{title}: {}", run.err);
        self.page
            .note(title, &format!("quorate launch … {}", more.join(" ")), &run);
    }

    fn data(&self, name: &str) -> std::path::PathBuf {
        self.host.path("data").join(name)
    }
}

fn closed(path: &Path) {
    std::fs::create_dir_all(path).expect("a directory");
    std::fs::set_permissions(path, Permissions::from_mode(0o700)).expect("closed");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn a_host_on_which_a_node_cannot_start() {
    assert!(
        geteuid().is_root(),
        "this test gives files to other users: run it as root"
    );
    let etcd = Etcd::start(Version::V35).await;
    let mut stage = Stage::new(&etcd, ADDRESS);
    let path = |stage: &Stage, name: &str| stage.host.path(name).display().to_string();

    stage.launch("an address of another host", 78, &["--address", "192.0.2.77"]);
    let taken = TcpListener::bind((ADDRESS, 9200)).expect("a port");
    stage.launch("a port that is taken", 78, &[]);
    let everywhere = TcpListener::bind("0.0.0.0:9378").expect("a port");
    stage.launch("two ports that are taken", 78, &["--transport-port", "9378"]);
    drop((taken, everywhere));

    stage.launch("no distribution", 78, &["--home", "/etc"]);
    stage.launch("a home that is not there", 78, &["--home", "/nonexistent"]);
    let old = stage.host.path("old");
    let old = hollow_home(&old, "elasticsearch-0.90.13.jar", "").display().to_string();
    stage.launch("a version that is not known", 78, &["--home", &old]);
    stage.launch("another version than was said", 78, &["--version", "9.5.3"]);
    stage.launch("a user that is not there", 78, &["--user", "nemo:x"]);
    stage.launch("a Java that is not there", 78, &["--env", "JAVA_HOME=/nonexistent"]);

    stage.launch(
        "a state directory that cannot be made",
        1,
        &["--state-dir", "/proc/quorate"],
    );
    stage.launch(
        "a run directory that cannot be made",
        1,
        &["--run-dir", "/proc/quorate"],
    );
    let file = path(&stage, "file");
    std::fs::write(&file, "x").expect("written");
    stage.launch("data that is a file", 78, &["--data", &file]);
    stage.launch("data below a file", 78, &["--data", &format!("{file}/data")]);
    let own = path(&stage, "root");
    closed(Path::new(&own));
    stage.launch("data of somebody else", 78, &["--data", &own]);

    std::fs::create_dir_all(stage.data("")).expect("data");
    stage.host.give_away_data();
    let lock = FileLock::take(&stage.data(".quorate.lock")).expect("a lock");
    stage.launch("data that is in use", 78, &[]);
    drop(lock);
    closed(&stage.data("nodes"));
    stage.launch("data of which a part is somebody else's", 78, &[]);
    stage.host.give_away_data();
    stage.launch("data of a node that nobody knows", 78, &[]);
    let marker = stage.data(".quorate.json");
    for (title, bytes) in [
        ("a marker that is no JSON", &b"{\"disk\":"[..]),
        ("a marker that is not UTF-8", b"\xff\xfe"),
        (
            "a marker of a newer version",
            br#"{"format":99,"disk":"d","service":"elasticsearch","cluster":"c","name":"n"}"#,
        ),
        ("an empty marker", b""),
    ] {
        std::fs::write(&marker, bytes).expect("written");
        stage.launch(title, 78, &[]);
        assert_eq!(
            std::fs::read(&marker).expect("read"),
            bytes,
            "{title}: it was not touched"
        );
    }
    let mut other = Marker::new(
        "d1".parse::<DiskId>().expect("a disk"),
        &"logs".parse().expect("a name"),
        "logs",
        "n",
    );
    other.claim = Some("c1".parse().expect("a claim"));
    std::fs::write(&marker, other.to_value()).expect("written");
    stage.launch("data of another service", 78, &[]);
    let written = etcd.etcdctl(&["get", "--prefix", "/", "--keys-only"]);
    assert_eq!(written.trim(), "", "nothing was written");
    insta::with_settings!({filters => vec![LOG]}, {
        insta::assert_snapshot!(stage.page.text());
    });
}

#[tokio::test]
async fn files_of_the_launcher_that_cannot_be_read() {
    let etcd = Etcd::start(Version::V35).await;
    let mut stage = Stage::new(&etcd, OTHER_ADDRESS);
    let run_file = stage.host.path(&format!("run/elasticsearch/{OTHER_ADDRESS}.json"));
    std::fs::create_dir_all(run_file.parent().expect("a directory")).expect("made");
    for (title, bytes) in [
        ("a launcher's file that is no JSON", &b"garbage"[..]),
        ("an empty launcher's file", b""),
        ("a launcher's file of other types", br#"{"format":1,"engine":7}"#),
    ] {
        std::fs::write(&run_file, bytes).expect("written");
        stage.launch(title, 78, &[]);
    }
    std::fs::remove_file(&run_file).expect("removed");
    let cache = stage
        .host
        .path(&format!("state/elasticsearch/{OTHER_ADDRESS}/cache.json"));
    std::fs::create_dir_all(cache.parent().expect("a directory")).expect("made");
    std::fs::write(&cache, "{").expect("written");
    stage.launch("a host cache that cannot be read", 1, &[]);
    assert_eq!(std::fs::read(&cache).expect("read"), b"{", "it was not touched");
    insta::with_settings!({filters => vec![LOG]}, {
        insta::assert_snapshot!(stage.page.text());
    });
}

#[tokio::test]
async fn a_check_that_is_skipped_stops_nothing_and_is_not_forgotten() {
    let etcd = Etcd::start(Version::V35).await;
    let mut host = Host::new(Line::Es6, "127.0.35.22", &etcd, &["--expected-masters", "3"]);
    let home = hollow_home(&host.path(""), "elasticsearch-6.8.23.jar", "exit 1");
    host.use_home(&home);
    // Strict on loopback too, with a heap that the node refuses.
    let strict = [
        "--env",
        "ES_JAVA_OPTS=-Des.enforce.bootstrap.checks=true -Xms200m",
        "--heap",
        "256m",
    ];
    let refused = host.says("launch", &strict);
    assert_eq!(refused.code, Some(78), "{}", refused.err);
    assert!(
        refused
            .err
            .contains("the heap begins with 200 MiB and may grow to 256 MiB"),
        "{}",
        refused.err
    );
    assert!(refused.err.contains("(check `heap`)"), "{}", refused.err);
    let skipped = "heap,vm.max_map_count,open-files,threads,address-space,file-size";
    let check = host.says("check", &[&strict[..], &["--skip-check", skipped]].concat());
    assert_eq!(check.code, Some(0), "{}", check.out);
    let heap = check
        .out
        .lines()
        .find(|line| line.starts_with("heap "))
        .expect("the heap");
    assert!(heap.contains("skipped") && heap.contains("200 MiB"), "{heap}");

    let check = host.says("check", &[&strict[..], &["--output", "json"]].concat());
    let checks: serde_json::Value = serde_json::from_str(&check.out).expect("json");
    for check in checks.as_array().expect("checks") {
        let name = check["name"].as_str().expect("a name");
        assert!(quorate::launcher::preflight::exists(name), "`{name}` cannot be skipped");
    }

    host.start_with(&[&strict[..], &["--skip-check", skipped]].concat());
    let told = crate::support::eventually("it waits for other masters", crate::support::LONG, || async {
        host.file().filter(|file| file.reason.is_some())
    })
    .await;
    assert!(told.skipped_checks.contains(&"heap".to_owned()), "{told:?}");
    assert!(host.log().contains("failed, and skipped by hand"), "{}", host.log());
    let status = crate::support::program::quorate(&["status", "--endpoints", &etcd.endpoint()]);
    let warning = "warning: 127.0.35.22 was started although checks of its host failed: heap";
    assert!(status.out.contains(warning), "{}", status.out);
}

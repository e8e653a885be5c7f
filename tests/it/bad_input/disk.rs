//! Disks that are full. Each is a small one of its own, in a mount namespace of the program that is run on it: nothing outside sees it.

use std::process::Command;

use rustix::process::geteuid;

use super::page::{LOG, Page};
use crate::support::{
    etcd::{Etcd, Version},
    launcher::{Host, hollow_home},
    node::Line,
    program::Run,
};

/// Runs `command` where `disk` is a file system with these mount options, filled when `full`.
#[expect(clippy::disallowed_methods, reason = "the program is a process")]
fn on_a_small_disk(command: &Command, disk: &str, options: &str, full: bool) -> Run {
    let fill = if full {
        "dd if=/dev/zero of=\"$0/.quorate.fill\" bs=4k status=none 2>/dev/null;"
    } else {
        ""
    };
    let script = format!("mount -t tmpfs -o {options},mode=1777 none \"$0\" && {{ {fill} exec \"$@\"; }}");
    let mut unshare = Command::new("unshare");
    unshare.arg("--mount");
    if !geteuid().is_root() {
        unshare.arg("--map-root-user");
    }
    unshare
        .args(["sh", "-c", &script, disk])
        .arg(command.get_program())
        .args(command.get_args());
    let output = unshare.output().expect("unshare runs");
    Run {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[tokio::test]
async fn a_disk_that_is_full() {
    let etcd = Etcd::start(Version::V35).await;
    let host = Host::new(
        Line::Es6,
        "127.0.35.31",
        &etcd,
        &["--expected-masters", "1", "--wait-for", "2s"],
    );
    let home = hollow_home(&host.path(""), "elasticsearch-6.8.23.jar", "exit 1")
        .display()
        .to_string();
    // What the start has to copy does not fit on a small disk.
    std::fs::write(std::path::Path::new(&home).join("config/big"), vec![b'x'; 100_000]).expect("written");
    let mut page = Page::default();
    page.call(host.path("").display().to_string().trim_end_matches('/'), "DIR");
    page.call(etcd.address().to_string(), "ETCD");
    for dir in ["data", "state", "run", "out"] {
        std::fs::create_dir(host.path(dir)).expect("a directory");
    }
    host.give_away_data();
    let disk = |name: &str| host.path(name).display().to_string();
    let launch = host.command("launch", &["--home", &home]);
    for (title, dir, options, full) in [
        ("data that cannot be written", "data", "ro", false),
        ("no room for the data", "data", "size=64k", true),
        ("no room for the launcher's file", "run", "size=64k", true),
        ("no room for the node's directories", "state", "size=64k", true),
        (
            "no room for a copy of the node's configuration",
            "state",
            "size=64k",
            false,
        ),
    ] {
        let run = on_a_small_disk(&launch, &disk(dir), options, full);
        page.note(title, "quorate launch …", &run);
        assert!(
            run.code.is_some_and(|code| code == 78 || code == 1),
            "{title}: {}",
            run.err
        );
        let left = etcd.etcdctl(&["get", "--prefix", "/quorate/elasticsearch/seeds/", "--keys-only"]);
        assert_eq!(left.trim(), "", "{title}: no seed is left");
        etcd.etcdctl(&["del", "--prefix", "/quorate/"]);
        // The next one is another host.
        std::fs::remove_dir_all(host.data()).expect("removed");
        std::fs::create_dir(host.data()).expect("a directory");
        host.give_away_data();
    }
    insta::with_settings!({filters => vec![LOG]}, {
        insta::assert_snapshot!(page.text());
    });
}

#[tokio::test]
async fn a_seed_file_on_a_full_disk_stays_as_it_is() {
    let etcd = Etcd::start(Version::V35).await;
    etcd.etcdctl(&[
        "put",
        "/services/elasticsearch/10.0.0.9",
        r#"{"http_port":9200,"transport_port":9300}"#,
    ]);
    let dir = tempfile::tempdir().expect("a directory");
    let disk = dir.path().display().to_string();
    #[expect(clippy::disallowed_methods, reason = "the program is a process")]
    let mut command = Command::new("sh");
    let script = format!(
        "echo old >{disk}/hosts; dd if=/dev/zero of={disk}/fill bs=4k status=none 2>/dev/null; \
         timeout 20 {} seeds --output {disk}/hosts --endpoints {}; code=$?; cat {disk}/hosts; ls -A {disk}; exit $code",
        env!("CARGO_BIN_EXE_quorate"),
        etcd.endpoint()
    );
    command.args(["-c", &script]);
    let run = on_a_small_disk(&command, &disk, "size=64k", false);
    assert_eq!(
        (run.code, run.out.as_str()),
        (Some(1), "old\nfill\nhosts\n"),
        "{}",
        run.err
    );
    assert!(run.err.contains("No space left on device"), "{}", run.err);
}

//! A host whose disk is ill, under a real launcher and a real sidecar. The node is a script with a stand-in for its HTTP port: what it does
//! with its disk does not matter here.

use std::path::Path;

use quorate::{
    launcher::disk::room::Watermark,
    nodefile::{DiskState, DiskTold},
};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    launcher::{Host, hollow_home},
    mount::Mount,
    node::Line,
    program::quorate,
    sidecar::Sidecar,
    standin::{Mood, StandIn},
};

/// Shows by its code that nobody has killed it.
const NODE: &str = "trap 'exit 101' TERM\nwhile :; do sleep 0.1; done";

/// A launcher that tries its disk every second.
async fn launched(address: &str, mount: impl FnOnce(&Path) -> Mount) -> (Etcd, Host, Mount) {
    let etcd = Etcd::start(Version::V35).await;
    let more = ["--expected-masters", "1", "--disk-interval", "1s", "--log", "debug"];
    let mut host = Host::new(Line::Es6, address, &etcd, &more);
    let home = hollow_home(&host.path(""), "elasticsearch-6.8.23.jar", NODE);
    host.use_home(&home);
    std::fs::create_dir(host.path("disk")).expect("a directory");
    let mount = mount(&host.path("disk"));
    host.start_with(&["--data", &data(&host)]);
    host.process().await;
    told(&host, "well", |told| told.state == DiskState::Ok).await;
    (etcd, host, mount)
}

fn data(host: &Host) -> String {
    host.path("disk/data").display().to_string()
}

/// Waits for what the launcher's file says of the disk.
async fn told(host: &Host, what: &str, look: impl Fn(&DiskTold) -> bool) -> DiskTold {
    let what = format!("the disk is {what}");
    eventually(&what, LONG, || async { host.file()?.disk.filter(&look) }).await
}

/// The processes that try this host's disk.
fn helpers(host: &Host) -> Vec<u32> {
    let data = data(host);
    let numbers = std::fs::read_dir("/proc").expect("/proc").flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let tries = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<_> = line.split(|byte| *byte == 0).collect();
        words.get(1) == Some(&&b"disk-helper"[..]) && words.get(2) == Some(&data.as_bytes())
    };
    numbers.filter(tries).collect()
}

/// A sidecar of that host, which sees the launcher's file; the stand-in answers for its node.
fn watched(etcd: &Etcd, host: &Host, address: &str) -> (StandIn, Sidecar) {
    let node = StandIn::start("elasticsearch-6.8.23", &format!("{address}:9200"));
    node.replace(r#""name":"n1""#, &format!(r#""name":"node-{address}""#));
    let run = host.path("run").display().to_string();
    let flags = [
        "--run-dir",
        run.as_str(),
        "--interval",
        "600ms",
        "--timeout",
        "500ms",
        "--disk-patience",
        "1s",
    ];
    let ip = address.parse().expect("an address");
    let sidecar = Sidecar::start_at(&etcd.endpoint(), ip, &flags, &[]);
    (node, sidecar)
}

fn member(etcd: &Etcd, address: &str) -> String {
    etcd.etcdctl(&[
        "get",
        "--print-value-only",
        &format!("/services/elasticsearch/{address}"),
    ])
}

#[tokio::test]
async fn a_node_on_a_disk_that_hangs_leaves_and_comes_back_and_nobody_hangs_with_it() {
    let address = "127.65.2.1";
    let (etcd, mut host, mut disk) = launched(address, Mount::real).await;
    let (node, sidecar) = watched(&etcd, &host, address);
    sidecar.verdict("ready").await;
    sidecar.registered().await;
    // The last that the launcher itself writes on that disk.
    eventually("the marker knows the cluster", LONG, || async {
        host.log().contains("the node reports its cluster").then_some(())
    })
    .await;
    let helper = helpers(&host);
    assert_eq!(helper.len(), 1);

    disk.hang();
    let status = sidecar.verdict("unready").await;
    assert_eq!(
        (&status["illness"], &status["disk"]["state"]),
        (&"disk_stalled".into(), &"stalled".into()),
        "{status}"
    );
    eventually("its key is gone", LONG, || async {
        member(&etcd, address).trim().is_empty().then_some(())
    })
    .await;
    let (_, metrics) = sidecar.ask("GET", "/metrics").expect("an answer");
    for line in [
        "quorate_disk{state=\"stalled\"} 1.0",
        "quorate_illness{class=\"disk_stalled\"} 1.0",
    ] {
        assert!(metrics.contains(line), "no {line} in\n{metrics}");
    }
    let shown = quorate(&[
        "status",
        "--endpoints",
        &etcd.endpoint(),
        "--run-dir",
        &host.path("run").display().to_string(),
    ]);
    assert!(
        shown.out.contains(&format!("the disk of {address} on this host hangs")),
        "{}",
        shown.out
    );

    disk.go_on();
    told(&host, "well again", |told| told.state == DiskState::Ok).await;
    assert_eq!(helpers(&host), helper, "one is enough");
    sidecar.verdict("ready").await;
    sidecar.registered().await;
    assert!(!member(&etcd, address).trim().is_empty());

    host.kill();
    eventually("the helper ends with its launcher", LONG, || async {
        helpers(&host).is_empty().then_some(())
    })
    .await;
    node.is(Mood::Hang);
    let status = sidecar.verdict("unready").await;
    assert_eq!(status["illness"], "hung", "{status}");
}

#[tokio::test]
async fn a_disk_that_is_full_warns_and_one_that_is_read_only_takes_the_node_out() {
    let address = "127.65.2.2";
    let (etcd, host, _disk) = launched(address, Mount::small).await;
    let (_node, sidecar) = watched(&etcd, &host, address);
    sidecar.registered().await;

    std::fs::write(host.path("disk/fill"), vec![b'x'; 1 << 20]).expect_err("no room for all of it");
    let full = told(&host, "full", |told| told.watermark.is_some()).await;
    assert_eq!(
        (full.state, full.watermark),
        (DiskState::Ok, Some(Watermark::Full)),
        "{full:?}"
    );
    let status = sidecar
        .until("it says so", |status| status["disk"]["watermark"] == "full")
        .await;
    assert_eq!(
        (&status["verdict"], &status["illness"]),
        (&"ready".into(), &Value::Null),
        "{status}"
    );
    std::fs::remove_file(host.path("disk/fill")).expect("removed");
    told(&host, "roomy again", |told| told.watermark.is_none()).await;

    let cover = Mount::read_only(Path::new(&data(&host)));
    let status = sidecar.verdict("unready").await;
    assert_eq!(status["illness"], "disk_read_only", "{status}");
    let why = status["why"].as_str().expect("a reason");
    assert!(why.contains("Read-only file system"), "{why}");
    drop(cover);
    sidecar.verdict("ready").await;

    // A launcher that stands still knows nothing: what it said last costs no key.
    let _cover = Mount::read_only(Path::new(&data(&host)));
    sidecar.verdict("unready").await;
    host.signal(Signal::STOP);
    let status = sidecar.verdict("ready").await;
    assert_eq!(status["disk"], Value::Null, "{status}");
    host.signal(Signal::CONT);
    sidecar.verdict("unready").await;
}

#[tokio::test]
async fn a_helper_that_is_killed_or_stopped_is_replaced() {
    let address = "127.65.2.3";
    let (_etcd, host, _disk) = launched(address, Mount::small).await;
    let another = |before: Vec<u32>| {
        let host = &host;
        async move {
            eventually("another helper tries the disk", LONG, || async {
                let now = helpers(host);
                (now.len() == 1 && now != before).then_some(())
            })
            .await;
            told(host, "well", |told| told.state == DiskState::Ok).await;
            helpers(host)
        }
    };
    let first = helpers(&host);
    send(&first, Signal::KILL);
    let second = another(first).await;
    send(&second, Signal::STOP);
    let third = another(second).await;
    assert_eq!(third.len(), 1);
}

fn send(helpers: &[u32], signal: Signal) {
    for helper in helpers {
        rustix::process::kill_process(crate::support::launcher::pid(*helper), signal).expect("a signal");
    }
}

//! Reload and upgrade of the sidecar: the real program replaced under itself while others watch its key and ask it.

use std::time::Duration;

use quorate::registry::Range;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    reload::{Deletions, FAST, Place, Readers, Stored, incarnation, revoked, stored},
    sidecar::own_program,
    standin::Mood,
};

#[tokio::test]
async fn nobody_sees_an_upgrade_but_by_the_incarnation() {
    let place = Place::ready(FAST).await;
    let registry = place.etcd.registry();
    let deletions = Deletions::count(&registry, &place.key).await;
    let readers = Readers::start(place.node.home().ip(), 4);
    let (pid, since) = (place.sidecar.pid(), place.stored().await.field("since"));
    let mut before = place.stored().await;
    for number in 0..8 {
        place.upgrade(number);
        let run = before.field("incarnation");
        let status = place.becomes_next(&run).await;
        assert_eq!(status["sidecar"]["pid"], pid);
        assert_eq!(status["verdict"], "ready");
        let after = stored(&registry, &place.key, |stored| stored.field("incarnation") != run).await;
        assert_eq!(after.field("incarnation"), incarnation(&status));
        assert_ne!(after.lease, before.lease);
        assert_eq!(
            after.field("since"),
            since,
            "for its readers the node was ready all the time"
        );
        revoked(&registry, before.lease).await;
        before = after;
    }
    let answers = readers.end();
    assert!(answers > 50, "{answers} answers");
    assert_eq!(deletions.seen(), 0);
}

#[tokio::test]
async fn an_upgrade_while_etcd_is_away_costs_no_key() {
    let place = Place::ready(FAST).await;
    let registry = place.etcd.registry();
    let deletions = Deletions::count(&registry, &place.key).await;
    let readers = Readers::start(place.node.home().ip(), 2);
    let before = place.incarnation().await;
    place.etcd.freeze();
    place.upgrade(1);
    let status = place.becomes_next(&before).await;
    assert_eq!(status["verdict"], "ready");
    let away = |status: &Value| status["registry"]["away"]["cause"].is_string();
    place.sidecar.until("the next program finds etcd away", away).await;
    place.etcd.thaw();
    let moved = |stored: &Stored| stored.field("incarnation") == incarnation(&status);
    stored(&registry, &place.key, moved).await;
    readers.end();
    assert_eq!(deletions.seen(), 0);
}

#[tokio::test]
async fn failed_probes_count_across_an_upgrade_and_a_good_one_forgives_them() {
    let place = Place::ready("interval = \"1s\"\ntimeout = \"900ms\"\nfall = 8\n").await;
    let registry = place.etcd.registry();
    let deletions = Deletions::count(&registry, &place.key).await;
    place.node.is(Mood::Hang);
    let failing = |status: &Value| status["why"].as_str().is_some_and(|why| why.contains("(2 of 8)"));
    place.sidecar.until("two probes have failed", failing).await;
    let before = place.incarnation().await;
    place.upgrade(1);
    let status = place.becomes_next(&before).await;
    assert_eq!(status["verdict"], "ready", "{status}");
    assert!(
        status["why"].as_str().is_some_and(|why| why.contains(" of 8)")),
        "{status}"
    );
    let moved = |stored: &Stored| stored.field("incarnation") == incarnation(&status);
    stored(&registry, &place.key, moved).await;
    place.node.is(Mood::Line("joined"));
    let well = |status: &Value| status["why"] == "joined, and the node that is expected";
    place.sidecar.until("it is well again", well).await;
    assert_eq!(deletions.seen(), 0);
    place.node.die();
    eventually("its death is seen as ever", LONG, || async {
        (deletions.seen() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_broken_executable_changes_nothing() {
    let place = Place::ready(FAST).await;
    let deletions = Deletions::count(&place.etcd.registry(), &place.key).await;
    let readers = Readers::start(place.node.home().ip(), 2);
    for (bytes, mode, words) in [
        (own_program().as_slice(), 0o644, "cannot be started: Permission denied"),
        (
            b"\x7fELF and then nothing of use".as_slice(),
            0o755,
            "cannot be started: ",
        ),
        (b"#!/bin/sh\nexit 0\n".as_slice(), 0o755, "does not say its version"),
        (
            b"#!/bin/sh\necho quorate 9.9.9\nexit 3\n".as_slice(),
            0o755,
            "does not say its version",
        ),
        (
            b"#!/bin/sh\n[ $1 = --version ] && echo quorate 9.9.9 && exit\necho error: no such thing >&2\nexit 2\n"
                .as_slice(),
            0o755,
            "no such thing",
        ),
    ] {
        place.sidecar.replace_program(bytes, mode);
        place.refuses(words).await;
    }
    place.upgrade(1);
    let before = place.incarnation().await;
    let status = place.becomes_next(&before).await;
    assert_eq!(status["settings"]["refused"], Value::Null);
    readers.end();
    assert_eq!(deletions.seen(), 0);
}

#[tokio::test]
async fn wrong_settings_change_nothing_and_say_what_is_wrong() {
    let place = Place::ready(FAST).await;
    let endpoint = place.etcd.endpoint();
    for (more, words) in [
        ("interval = \"soon\"\n", "`--interval` is `soon`"),
        ("intervall = \"1s\"\n", "unknown key `intervall`"),
        ("interval = \n", "is no TOML"),
        ("listen = \"192.0.2.1:9190\"\n", "cannot listen on 192.0.2.1:9190"),
        ("cacert = \"/nowhere/ca.pem\"\n", "/nowhere/ca.pem"),
    ] {
        place.sidecar.says(&endpoint, more);
        place.refuses(words).await;
    }
    let status = place.sidecar.until("it still answers", |_| true).await;
    assert_eq!(status["verdict"], "ready");
    assert!(
        place
            .sidecar
            .logged()
            .contains("settings not reloaded, everything goes on as before")
    );
    // The executable is gone as well: what runs goes on being it.
    std::fs::remove_file(place.sidecar.program()).expect("removed");
    place
        .sidecar
        .says(&endpoint, "interval = \"400ms\"\ntimeout = \"250ms\"\n");
    let before = place.incarnation().await;
    let status = place.becomes_next(&before).await;
    assert_eq!(status["settings"]["refused"], Value::Null);
}

#[tokio::test]
async fn what_changed_acts_or_is_named_as_waiting() {
    let place = Place::ready(FAST).await;
    let registry = place.etcd.registry();
    let deletions = Deletions::count(&registry, &place.key).await;
    let endpoint = place.etcd.endpoint();
    let before = place.incarnation().await;

    // Nothing new: nothing is become.
    place.sidecar.signal(Signal::HUP);
    let logged = || async { place.sidecar.logged().contains("none of them acts now").then_some(()) };
    eventually("it says so", LONG, logged).await;
    assert_eq!(place.incarnation().await, before);

    // Another identity waits, what can act acts: the key stays where it is, its lease is a shorter one.
    let waiting = "service = \"other\"\nname = \"another\"\ntransport-port = \"9301\"\nhttp-port = \"9201\"\n";
    place
        .sidecar
        .says(&endpoint, &format!("{waiting}ttl = \"11s\"\nfall = 7\n"));
    let status = place.becomes_next(&before).await;
    let names = serde_json::json!(["service", "http-port", "transport-port", "name"]);
    assert_eq!(status["settings"]["restart_needed"], names);
    assert_eq!(
        (&status["service"], &status["verdict"]),
        (&Value::from("elasticsearch"), &Value::from("ready"))
    );
    let next = incarnation(&status);
    let moved = stored(&registry, &place.key, |stored| stored.field("incarnation") == next).await;
    let ttl = registry
        .time_to_live(moved.lease)
        .await
        .expect("etcd answers")
        .expect("a lease");
    assert_eq!(ttl.granted, Duration::from_secs(11));

    // Said back: nothing waits any more, and nothing has to be become for that.
    place.sidecar.says(&endpoint, "ttl = \"11s\"\nfall = 7\n");
    place.sidecar.signal(Signal::HUP);
    let none = |status: &Value| status["settings"]["restart_needed"] == serde_json::json!([]);
    assert_eq!(incarnation(&place.sidecar.until("nothing waits", none).await), next);

    // Another place for answers, then none.
    place
        .sidecar
        .says(&endpoint, &format!("listen = \"{}:9191\"\n", place.node.home()));
    place.sidecar.signal(Signal::HUP);
    let other = (place.node.home().ip(), 9191);
    eventually("it answers there", LONG, || async {
        std::net::TcpStream::connect(other).ok()
    })
    .await;
    let changed = stored(&registry, &place.key, |stored| stored.field("incarnation") != next).await;
    place.sidecar.says(&endpoint, "listen = \"off\"\n");
    place.sidecar.signal(Signal::HUP);
    stored(&registry, &place.key, |stored| {
        stored.field("incarnation") != changed.field("incarnation")
    })
    .await;
    let refused = || async { std::net::TcpStream::connect(other).is_err().then_some(()) };
    eventually("it answers nowhere", LONG, refused).await;
    assert_eq!(deletions.seen(), 0);

    // Another etcd: the key is there, and in the old one it ends with its lease.
    let second = Etcd::start(Version::V34).await;
    place.sidecar.says(&second.endpoint(), "");
    place.sidecar.signal(Signal::HUP);
    stored(&second.registry(), &place.key, |_| true).await;
}

#[tokio::test]
async fn the_service_manager_hears_of_a_reload_and_its_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let socket = std::os::unix::net::UnixDatagram::bind(dir.path().join("notify")).expect("a socket");
    socket.set_read_timeout(Some(LONG)).expect("set");
    let notify = dir.path().join("notify").display().to_string();
    let heard = |wanted: &str| loop {
        let mut bytes = [0_u8; 4096];
        let length = socket.recv(&mut bytes).unwrap_or_else(|_| panic!("no {wanted}"));
        let text = String::from_utf8_lossy(bytes.get(..length).expect("read")).into_owned();
        if text.starts_with(wanted) {
            return text;
        }
    };
    let place = Place::ready_with(FAST, &[("NOTIFY_SOCKET", &notify)]).await;
    heard("READY=1");
    place.upgrade(1);
    place.sidecar.signal(Signal::HUP);
    assert!(heard("RELOADING=1").contains("\nMONOTONIC_USEC="));
    heard("READY=1");
    place.sidecar.says(&place.etcd.endpoint(), "fall = 0\n");
    place.sidecar.signal(Signal::HUP);
    heard("RELOADING=1");
    heard("READY=1");
    assert!(heard("STATUS=ready: ").contains("; settings not reloaded: `--fall` is `0`"));
}

#[tokio::test]
async fn a_stop_at_any_moment_of_an_upgrade_is_a_stop_in_order() {
    let mut place = Place::ready(FAST).await;
    for wait in [0, 20, 40, 60, 80, 100, 130, 160, 200] {
        place.stored().await;
        let before = place.incarnation().await;
        place.upgrade(wait);
        place.sidecar.signal(Signal::HUP);
        // Wherever this falls: that is the point.
        tokio::time::sleep(Duration::from_millis(wait.into())).await;
        place.sidecar.signal(Signal::HUP);
        place.sidecar.signal(Signal::TERM);
        let status = place.sidecar.ends().await;
        assert_eq!(status.code(), Some(0), "after {wait} ms: {status}, run {before}");
        let left = place
            .etcd
            .registry()
            .read(&[Range::Key(place.key.clone())])
            .await
            .expect("read");
        assert_eq!(left.entries, [], "after {wait} ms");
        place.sidecar.start_again();
    }
}

//! Reload and upgrade of the launcher: its node, a script here, runs on, and nobody sees its seed go.

use std::time::Duration;

use quorate::{
    nodefile::ProcessId,
    registry::{Range, Registry},
};
use rustix::process::{Signal, kill_process};

use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    launcher::{Host, hollow_home, pid},
    node::Line,
    reload::{Deletions, Stored, revoked, stored},
    sidecar::own_program,
};

/// A node that ends with a code that only its parent learns.
const NODE: &str = "trap 'exit 101' TERM\nwhile :; do sleep 0.05; done";

/// A launcher whose node runs.
struct Place {
    etcd: Etcd,
    host: Host,
    node: ProcessId,
    key: String,
}

impl Place {
    async fn with(last: u8, settings: &str) -> Self {
        let etcd = Etcd::start(Version::V35).await;
        let address = format!("127.0.34.{last}");
        let mut host = Host::new(Line::Es6, &address, &etcd, &["--expected-masters", "1"]);
        let home = hollow_home(&host.path(""), "elasticsearch-6.8.23.jar", NODE);
        host.use_home(&home);
        host.replace_program(&own_program(), 0o755);
        let mut place = Self {
            etcd,
            node: ProcessId { pid: 0, start_time: 0 },
            key: format!("/quorate/elasticsearch/seeds/{address}"),
            host,
        };
        place.says(settings);
        place.start().await;
        place
    }

    async fn start(&mut self) {
        let config = self.config();
        self.host.start_with(&["--config", &config]);
        self.node = self.host.process().await;
        self.seed(|_| true).await;
    }

    fn config(&self) -> String {
        self.host.path("quorate.toml").display().to_string()
    }

    /// Writes the file of its settings anew.
    fn says(&self, settings: &str) {
        std::fs::write(self.config(), settings).expect("written");
    }

    async fn seed(&self, look: impl Fn(&Stored) -> bool) -> Stored {
        stored(&self.etcd.registry(), &self.key, look).await
    }

    /// Another file in place of the executable that does the same.
    fn upgrade(&mut self, number: u8) {
        let mut program = own_program();
        program.extend([b'\n', number]);
        self.host.replace_program(&program, 0o755);
    }

    /// SIGHUP, and the seed of the next program.
    async fn becomes_next(&self, before: &Stored) -> Stored {
        let run = before.field("incarnation");
        self.host.signal(Signal::HUP);
        self.seed(|stored| stored.field("incarnation") != run).await
    }

    /// SIGHUP, and what is logged then.
    async fn logs(&self, words: &str) {
        let count = |log: String| log.matches(words).count();
        let before = count(self.host.log());
        self.host.signal(Signal::HUP);
        let more = || async { (count(self.host.log()) > before).then_some(()) };
        eventually(words, LONG, more).await;
    }
}

async fn is_gone(registry: &Registry, key: &str) -> bool {
    let reading = registry
        .read(&[Range::Key(key.to_owned())])
        .await
        .expect("etcd answers");
    reading.entries.is_empty()
}

#[tokio::test]
async fn an_upgraded_launcher_keeps_its_node_and_its_seed_and_learns_how_the_node_ends() {
    let mut place = Place::with(1, "").await;
    let deletions = Deletions::count(&place.etcd.registry(), &place.key).await;
    let launcher = place.host.launcher();
    let mut before = place.seed(|_| true).await;
    for number in 0..4 {
        place.upgrade(number);
        let after = place.becomes_next(&before).await;
        revoked(&place.etcd.registry(), before.lease).await;
        before = after;
    }
    assert_eq!(place.host.launcher(), launcher);
    assert_eq!(place.host.process().await, place.node);
    assert!(place.node.is_alive());
    assert_eq!(deletions.seen(), 0);

    // Nobody comes second while the locks are passed on.
    let second = place.host.run("launch", &["--config", &place.config()]);
    assert_eq!(
        second.status.code(),
        Some(78),
        "{}",
        String::from_utf8_lossy(&second.stderr)
    );

    place.host.signal(Signal::TERM);
    assert_eq!(
        place.host.code().await,
        Some(101),
        "the node is still a child: {}",
        place.host.log()
    );
    assert!(is_gone(&place.etcd.registry(), &place.key).await);
    assert_eq!(deletions.seen(), 1);
}

#[tokio::test]
async fn what_the_node_was_started_with_waits_and_the_rest_acts() {
    let mut place = Place::with(2, "grace = \"60s\"\nttl = \"20s\"\n").await;
    let deletions = Deletions::count(&place.etcd.registry(), &place.key).await;
    let before = place.seed(|_| true).await;
    let waiting = "data = \"/elsewhere\"\n[attr]\nrack = \"r2\"\n";
    place.logs("none of them acts now").await;
    place.says(&format!("grace = \"50s\"\nttl = \"11s\"\n{waiting}"));
    let after = place.becomes_next(&before).await;
    let ttl = place
        .etcd
        .registry()
        .time_to_live(after.lease)
        .await
        .expect("etcd answers");
    assert_eq!(ttl.expect("a lease").granted, Duration::from_secs(11));
    let named = || async {
        let named = place
            .host
            .log()
            .contains("changed settings wait for a restart settings=[\"attr\"]");
        named.then_some(())
    };
    eventually("what waits is named", LONG, named).await;
    assert_eq!(place.host.process().await, place.node);

    // Wrong ones, and a next start that could not be: nothing changes.
    place.says("grace = \"soon\"\n");
    place
        .logs("settings not reloaded, everything goes on as before cause=\"`--grace` is `soon`")
        .await;
    place.says("roles = [\"no such role\"]\nttl = \"12s\"\n");
    place.logs("settings not reloaded, everything goes on as before").await;
    place.host.replace_program(b"#!/bin/sh\nexit 0\n", 0o755);
    place.says("");
    place.logs("does not say its version").await;
    assert_eq!(place.seed(|_| true).await, after);
    assert_eq!((place.host.process().await, deletions.seen()), (place.node, 0));
    place.host.signal(Signal::TERM);
    assert_eq!(place.host.code().await, Some(101), "{}", place.host.log());
}

#[tokio::test]
async fn an_upgrade_of_the_launcher_while_etcd_is_away_costs_no_seed() {
    let mut place = Place::with(3, "").await;
    let deletions = Deletions::count(&place.etcd.registry(), &place.key).await;
    let before = place.seed(|_| true).await;
    place.etcd.freeze();
    place.upgrade(1);
    place.logs("adopted=true").await;
    place.etcd.thaw();
    place
        .seed(|stored| stored.field("incarnation") != before.field("incarnation"))
        .await;
    assert_eq!((place.host.process().await, deletions.seen()), (place.node, 0));
}

#[tokio::test]
async fn a_stop_or_a_death_at_any_moment_of_an_upgrade_is_what_it_always_is() {
    let mut place = Place::with(4, "").await;
    for wait in [0, 30, 60, 80, 100, 120, 150, 200] {
        place.upgrade(wait);
        place.host.signal(Signal::HUP);
        // Wherever this falls: that is the point.
        tokio::time::sleep(Duration::from_millis(wait.into())).await;
        let expected = if wait % 20 == 0 {
            kill_process(pid(place.node.pid), Signal::KILL).expect("killed");
            137
        } else {
            place.host.signal(Signal::TERM);
            101
        };
        assert_eq!(
            place.host.code().await,
            Some(expected),
            "after {wait} ms: {}",
            place.host.log()
        );
        assert!(!place.node.is_alive());
        assert!(is_gone(&place.etcd.registry(), &place.key).await, "after {wait} ms");
        place.start().await;
    }
}

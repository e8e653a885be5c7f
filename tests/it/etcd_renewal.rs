//! Certificates, passwords and tokens that change while a sidecar runs, on real etcds: its key never goes, and nothing is restarted.

use quorate::registry::{Pace, Range, Registry, Revision, WatchEvent, Watcher};
use rustix::process::Signal;
use serde_json::Value;
use tokio::time::Instant;

use crate::support::{
    LONG,
    certificates::Authority,
    etcd::Version,
    eventually,
    secured::{Known, Secured},
    sidecar::Sidecar,
    standin::StandIn,
};

crate::support::on_both_versions! {
    a_renewed_certificate_is_used_by_the_next_connection_and_half_a_renewal_is_not
    a_password_is_changed_in_either_order_and_no_key_is_lost
    authentication_is_enabled_under_running_daemons_and_tokens_come_and_go
}

crate::support::on_newer_versions! {
    a_renewed_certificate_is_used_by_the_next_connection_and_half_a_renewal_is_not
    a_password_is_changed_in_either_order_and_no_key_is_lost
    authentication_is_enabled_under_running_daemons_and_tokens_come_and_go
}

/// A sidecar with a short lease beside a node that is ready, and somebody who follows its key.
struct Witness {
    sidecar: Sidecar,
    node: StandIn,
    reader: Registry,
    watcher: Watcher,
    /// The revision that made the key: another one if it went and came back.
    made: Revision,
}

fn members() -> Range {
    Range::Prefix("/services/elasticsearch/".to_owned())
}

async fn made(reader: &Registry) -> Revision {
    let members = reader.read(&[members()]).await.expect("etcd answers").entries;
    members.first().expect("the key is there").create_revision
}

impl Witness {
    async fn of(secured: &Secured) -> Self {
        let node = StandIn::at_home("elasticsearch-6.8.23");
        let mut flags = secured.flags("sidecar");
        flags.extend(["--ttl", "9s"].map(str::to_owned));
        let more: Vec<&str> = flags.iter().map(String::as_str).collect();
        let sidecar = Sidecar::start(&secured.etcd.endpoint(), node.home(), &more);
        sidecar.registered().await;
        let reader = secured.client("reader");
        Self {
            made: made(&reader).await,
            watcher: reader.watch_at(vec![members()], Pace::default()),
            sidecar,
            node,
            reader,
        }
    }

    /// Waits until the key was seen in etcd twice from now on, under the same lease all the time.
    async fn holds_on(&mut self) {
        let lease = self
            .sidecar
            .status()
            .expect("a status")
            .pointer("/registry/lease")
            .cloned();
        for _ in 0..2 {
            let start = Instant::now();
            self.sidecar
                .until("the key is verified again", |status| {
                    let age = status.pointer("/registry/verified_age_seconds").and_then(Value::as_f64);
                    age.is_some_and(|age| age < start.elapsed().as_secs_f64())
                })
                .await;
        }
        let status = self.sidecar.registered().await;
        assert_eq!(
            status.pointer("/registry/lease").cloned(),
            lease,
            "{}",
            self.sidecar.logged()
        );
    }

    /// The key is the one of the beginning; it goes when the sidecar ends, and whoever watches hears of it.
    async fn never_lost_its_key(mut self) {
        assert_eq!(made(&self.reader).await, self.made, "{}", self.sidecar.logged());
        self.sidecar.signal(Signal::TERM);
        assert!(self.sidecar.ends().await.success());
        let mut there = false;
        let ends = async {
            loop {
                match self.watcher.next().await.expect("the watch lives") {
                    // A watch that had to begin again lists what is there by then.
                    WatchEvent::Listed { entries, .. } if there && entries.is_empty() => return,
                    WatchEvent::Listed { entries, .. } => there |= !entries.is_empty(),
                    WatchEvent::Deleted { .. } => return,
                    WatchEvent::Put(_) | WatchEvent::Alive { .. } | WatchEvent::Away { .. } => {}
                }
            }
        };
        tokio::time::timeout(LONG, ends).await.expect("the key goes at the end");
        let logged = self.sidecar.logged();
        assert_eq!(logged.matches("the lease was lost").count(), 0, "{logged}");
        drop(self.node);
    }
}

async fn says(sidecar: &Sidecar, what: &str) {
    let look = || async { sidecar.logged().contains(what).then_some(()) };
    eventually(&format!("the log says `{what}`"), LONG, look).await;
}

async fn a_renewed_certificate_is_used_by_the_next_connection_and_half_a_renewal_is_not(version: Version) {
    let mut secured = Secured::start(version, Known::Certificate, &[]).await;
    let mut witness = Witness::of(&secured).await;

    // Everything is signed anew by another authority; the sidecar's new key is not there yet.
    let ip = *secured.etcd.address().ip();
    let fresh = tempfile::tempdir().expect("a directory");
    let authority = Authority::new(fresh.path());
    for name in ["server", "sidecar", "reader", "root"] {
        authority.sign(name, ip.into());
    }
    let old_key = std::fs::read(secured.file("sidecar", "key")).expect("read");
    std::fs::copy(authority.file("sidecar", "pem"), secured.file("sidecar", "pem")).expect("copied");
    secured.etcd.restart().await;
    says(&witness.sidecar, "it is not the key of the certificate").await;
    witness.holds_on().await;

    // Both authorities for a while, as the page says; then only the new one, in etcd too.
    let both = [secured.file("ca", "pem"), authority.file("ca", "pem")].map(|path| std::fs::read(path).expect("read"));
    std::fs::write(secured.file("ca", "pem"), both.concat()).expect("written");
    for (name, kind) in [
        ("sidecar", "key"),
        ("reader", "pem"),
        ("reader", "key"),
        ("root", "pem"),
        ("root", "key"),
        ("server", "pem"),
        ("server", "key"),
    ] {
        std::fs::copy(authority.file(name, kind), secured.file(name, kind)).expect("copied");
    }
    secured.etcd.restart().await;
    witness.holds_on().await;
    std::fs::copy(authority.file("ca", "pem"), secured.file("ca", "pem")).expect("copied");
    secured.etcd.restart().await;
    witness.holds_on().await;
    assert_ne!(old_key, std::fs::read(secured.file("sidecar", "key")).expect("read"));
    witness.never_lost_its_key().await;
}

async fn a_password_is_changed_in_either_order_and_no_key_is_lost(version: Version) {
    let mut secured = Secured::start(version, Known::Password, &[]).await;
    let mut witness = Witness::of(&secured).await;

    // As on the page: the file first, then etcd.
    secured.run("Renewal");
    witness.holds_on().await;

    // etcd first: the old password is refused until the file has the new one.
    secured.sh("head -c 18 /dev/urandom | base64 >next; etcdctl user passwd sidecar --interactive=false <next");
    says(&witness.sidecar, "authentication failed").await;
    std::fs::rename(secured.etcd.dir().join("next"), secured.file("sidecar", "password")).expect("renamed");
    witness.holds_on().await;

    // The file alone: whatever comes, the password that etcd knows goes on.
    let known = secured.password("sidecar");
    std::fs::write(secured.file("sidecar", "password"), "not yet\n").expect("written");
    secured.etcd.restart().await;
    witness.holds_on().await;
    std::fs::write(secured.file("sidecar", "password"), "").expect("written");
    secured.etcd.restart().await;
    says(&witness.sidecar, "holds no secret: it is empty").await;
    witness.holds_on().await;
    std::fs::write(secured.file("sidecar", "password"), &known).expect("written");
    for password in [known, "not yet".to_owned()] {
        assert!(!witness.sidecar.logged().contains(&password), "no password in the log");
    }
    witness.never_lost_its_key().await;
}

async fn authentication_is_enabled_under_running_daemons_and_tokens_come_and_go(version: Version) {
    for token in ["simple", "jwt"] {
        let keys = tempfile::tempdir().expect("a directory");
        let flags = token_flags(token, keys.path());
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let mut secured = Secured::prepare(version, Known::Password, &flags).await;
        let mut witness = Witness::of(&secured).await;
        says(&witness.sidecar, "authentication is not enabled there").await;
        secured.run("Switch it on");
        witness.holds_on().await;
        // A change of any role makes all tokens of the signed kind old.
        secured.sh("etcdctl role add another");
        witness.holds_on().await;
        // The other kind is forgotten.
        secured.etcd.restart().await;
        witness.holds_on().await;
        witness.never_lost_its_key().await;
    }
}

/// Tokens that end after two seconds, where they do.
fn token_flags(token: &str, dir: &std::path::Path) -> Vec<String> {
    if token == "simple" {
        return ["--auth-token-ttl", "2"].map(str::to_owned).to_vec();
    }
    let key = rcgen::KeyPair::generate().expect("a key");
    let file = |name: &str, text: String| {
        let path = dir.join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let public = file("public.pem", key.public_key_pem());
    let private = file("private.pem", key.serialize_pem());
    vec![
        "--auth-token".to_owned(),
        format!("jwt,pub-key={public},priv-key={private},sign-method=ES256,ttl=2s"),
    ]
}

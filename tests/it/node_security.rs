//! Real nodes whose security is on: believed, convinced, formed to a cluster by launchers, and kept while everything is renewed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use quorate::{
    config::{Secret, SecretSource},
    probe::{Access, Login, Prober, Report, Terms, TlsTerms, Trust},
    registry::{Keys, Registry, WatchEvent},
};
use rustix::process::Signal;
use serde_json::Value;
use tokio::{task::JoinSet, time::Instant};

use crate::support::{
    LONG,
    address::Address,
    etcd::Version,
    eventually,
    launcher::Host,
    node::Line,
    program::quorate,
    secure::{PASSWORD, RENEWED, Secure},
    secured::{Known, Secured},
    sidecar::Sidecar,
};

/// Two nodes of the newest line with TLS on two busy cores.
const FORMED: Duration = Duration::from_mins(4);

/// Keys are looked at every third of it, which the test waits for.
const TTL: &str = "15s";

/// A host with its launcher and its sidecar.
struct Member {
    address: Address,
    host: Host,
    sidecar: Sidecar,
}

impl Member {
    fn start(secure: &Secure, secured: &Secured) -> Self {
        let address = Address::take();
        let certificates = secure.renew(&address).display().to_string();
        let access = secure.flags();
        let flags = |user: &str| [secured.flags(user), access.clone()].concat();
        let own = [
            "--bootstrap-expect",
            "2",
            "--ttl",
            TTL,
            "--certificates",
            &certificates,
            "--set",
            "xpack.security.http.ssl.client_authentication=required",
            "--set",
            "resource.reload.interval.high=1s",
        ];
        // It names the endpoint itself.
        let launcher = flags("launcher");
        let launcher: Vec<&str> = launcher.iter().skip(2).map(String::as_str).collect();
        let all = [&own[..], &launcher].concat();
        let mut host = Host::new(Line::Es9, &address.to_string(), &secured.etcd, &all);
        host.use_home(&secure.home());
        host.start();
        let run = host.path("run").display().to_string();
        let sidecar = flags("sidecar");
        let sidecar: Vec<&str> = sidecar.iter().map(String::as_str).collect();
        let own = ["--run-dir", &run, "--ttl", TTL, "--interval", "5s", "--timeout", "4s"];
        let all = [&own[..], &sidecar].concat();
        let sidecar = Sidecar::start(&secured.etcd.endpoint(), &address, &all);
        Self { address, host, sidecar }
    }

    fn prober(&self, access: Access) -> Prober {
        Prober::new(self.address.to_string(), 9200, LONG, access)
    }

    async fn ask(&self, terms: Terms) -> Result<Report, String> {
        let access = Access::new(terms).expect("terms");
        self.prober(access)
            .probe()
            .await
            .result
            .map_err(|failure| failure.to_string())
    }
}

#[tokio::test]
async fn a_secured_cluster_is_formed_by_launchers_and_kept_while_everything_is_renewed() {
    let mut secured = Secured::start(Version::V35, Known::Both, &[]).await;
    let secure = Secure::new(Line::Es9);
    let mut members = [(); 2].map(|()| Member::start(&secure, &secured));
    let mut there = Watched::start(&secured.client("reader"));
    eventually("both nodes are members", FORMED, || async {
        (there.members() == 2).then_some(())
    })
    .await;
    everybody_is_convinced_or_says_why(&secure, &members[0]).await;
    let load = Load::start(&secure, &members);
    load.goes_on().await;
    renew_certificates(&secure, &members).await;
    renew_etcd(&mut secured, &members).await;
    load.goes_on().await;
    assert_eq!(load.end().await, Vec::<String>::new(), "nobody was turned away");
    renew_the_password(&secure, &members).await;
    assert_eq!(there.deleted(), 0, "no member key went");
    verified(&secure, &secured);
    for member in &mut members {
        let logged = member.sidecar.logged();
        let last = logged.rsplit_once("verdict changed").expect("a verdict").1;
        let ready = last.trim_start().starts_with("from=\"starting\" to=\"ready\"");
        assert!(ready, "ready once and for all: {logged}");
        assert!(
            logged.contains("certificates and secrets for the node were read again"),
            "{logged}"
        );
        for (text, _) in [PASSWORD, RENEWED] {
            assert!(
                !logged.contains(text) && !member.host.log().contains(text),
                "a secret was logged"
            );
        }
        member.host.signal(Signal::TERM);
    }
    for member in &mut members {
        assert_eq!(member.host.code().await, Some(0), "{}", member.host.log());
    }
    there.end();
}

/// New certificates for nodes and for those who ask them, while they are in use.
async fn renew_certificates(secure: &Secure, members: &[Member; 2]) {
    for member in members {
        let old = secure.fingerprint(&member.address);
        member
            .prober(secure.pinned(old))
            .probe()
            .await
            .result
            .expect("the old certificate");
        secure.renew(&member.address);
        let new = secure.pinned(secure.fingerprint(&member.address));
        eventually("the node shows its new certificate", LONG, || async {
            member.prober(new.clone()).probe().await.result.ok()
        })
        .await;
        let failure = member
            .prober(secure.pinned(old))
            .probe()
            .await
            .result
            .expect_err("the old one");
        assert_eq!(failure.kind(), "certificate", "{failure}");
    }
    secure.renew_ours();
}

/// New certificates for etcd and for its clients, which all have to connect anew.
async fn renew_etcd(secured: &mut Secured, members: &[Member; 2]) {
    for name in ["server", "guest"] {
        secured.authority.sign(name, (*secured.etcd.address().ip()).into());
    }
    secured.etcd.restart().await;
    let back = Instant::now();
    for member in members {
        let verified = |status: &Value| {
            let age = status.pointer("/registry/verified_age_seconds").and_then(Value::as_f64);
            age.is_some_and(|age| age < back.elapsed().as_secs_f64())
        };
        member.sidecar.until("the key was seen in etcd again", verified).await;
    }
}

/// For connections that are there a new password costs not one probe; new ones wait for whichever place is later.
async fn renew_the_password(secure: &Secure, members: &[Member; 2]) {
    // First where it is said, then where it is wanted.
    secure.we_say(RENEWED.0);
    secure.nodes_want(RENEWED.1);
    for member in members {
        let stale = Terms {
            login: Some(user("quorate", PASSWORD.0)),
            ..secure.terms()
        };
        eventually("the node wants the new password", LONG, || async {
            member.ask(stale.clone()).await.err()
        })
        .await;
        let read_again = "the sidecar has convinced the node anew";
        eventually(read_again, LONG, || async {
            let logged = member.sidecar.logged();
            logged
                .contains("certificates and secrets for the node were read again")
                .then_some(())
        })
        .await;
        let status = member.sidecar.verdict("ready").await;
        let outcome = status.pointer("/probe/outcome").and_then(Value::as_str);
        assert_eq!(outcome, Some("ok"), "{status}");
    }
}

/// Every way in, and what is said to those who are not let in.
async fn everybody_is_convinced_or_says_why(secure: &Secure, member: &Member) {
    let report = member.ask(secure.terms()).await.expect("let in");
    assert!(report.joined() && report.uuid.known().is_some());
    let pinned = secure.pinned(secure.fingerprint(&member.address));
    assert_eq!(
        member.prober(pinned).probe().await.result.expect("let in").identity,
        report.identity
    );
    let login = |login: Option<Login>| Terms {
        login,
        ..secure.terms()
    };
    let other = secure.other_authority();
    other.sign_as("quorate", |_| {});
    let tls = |change: &dyn Fn(&mut TlsTerms)| {
        let mut terms = secure.terms();
        change(terms.tls.as_mut().expect("TLS"));
        terms
    };
    let others = (other.file("quorate", "pem"), other.file("quorate", "key"));
    let mut page = Vec::new();
    for (what, terms) in [
        ("nobody", login(None)),
        ("a user that is not there", login(Some(user("nobody", PASSWORD.0)))),
        ("another password", login(Some(user("quorate", "guess")))),
        ("a user without the privilege", login(Some(user("nothing", PASSWORD.0)))),
        ("an unknown API key", login(Some(Login::ApiKey(said("id:key"))))),
        ("no certificate", tls(&|tls| tls.identity = None)),
        (
            "a certificate of another authority",
            tls(&|tls| tls.identity = Some(others.clone())),
        ),
        (
            "another authority believed",
            tls(&|tls| {
                tls.trust = Trust::Authority {
                    file: other.file("ca", "pem"),
                    name: quorate::probe::Name::Asked,
                }
            }),
        ),
        ("plain HTTP", Terms::default()),
    ] {
        let failure = member.ask(terms).await.expect_err(what);
        page.push(format!("{what}: {failure}"));
    }
    insta::assert_snapshot!(page.join("\n"));
}

fn said(secret: &str) -> SecretSource {
    SecretSource::said(Secret::new(secret))
}

fn user(name: &str, password: &str) -> Login {
    Login::User {
        name: name.to_owned(),
        password: said(password),
    }
}

/// The nodes themselves are asked by a command of its own.
fn verified(secure: &Secure, secured: &Secured) {
    let flags = [secured.flags("reader"), secure.flags()].concat();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let run = quorate(&[&["status", "--verify"][..], &flags].concat());
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{}", run.out);
    assert!(
        run.out.contains("one cluster") || run.out.contains("1 cluster"),
        "{}",
        run.out
    );
}

/// Counts what happens to the member keys.
struct Watched {
    members: Arc<AtomicUsize>,
    deleted: Arc<AtomicUsize>,
    tasks: JoinSet<()>,
}

impl Watched {
    fn start(registry: &Registry) -> Self {
        let keys = Keys::new("/services", "/quorate", &"elasticsearch".parse().expect("a name"));
        let mut watcher = registry.watch(vec![keys.members()]);
        let (members, deleted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        let (count, gone) = (Arc::clone(&members), Arc::clone(&deleted));
        tasks.spawn(async move {
            let mut seen = std::collections::BTreeSet::new();
            while let Some(event) = watcher.next().await {
                match event {
                    WatchEvent::Listed { entries, .. } => {
                        let now: std::collections::BTreeSet<_> = entries.into_iter().map(|entry| entry.key).collect();
                        gone.fetch_add(seen.difference(&now).count(), Ordering::SeqCst);
                        seen = now;
                    }
                    WatchEvent::Put(entry) => drop(seen.insert(entry.key)),
                    WatchEvent::Deleted { .. } => drop(gone.fetch_add(1, Ordering::SeqCst)),
                    WatchEvent::Alive { .. } | WatchEvent::Away { .. } => {}
                }
                count.store(seen.len(), Ordering::SeqCst);
            }
        });
        Self {
            members,
            deleted,
            tasks,
        }
    }

    fn members(&self) -> usize {
        self.members.load(Ordering::SeqCst)
    }

    fn deleted(&self) -> usize {
        self.deleted.load(Ordering::SeqCst)
    }

    fn end(&mut self) {
        self.tasks.abort_all();
    }
}

/// Asks every node again and again, each time over a new connection, with whatever the files say.
struct Load {
    asked: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    tasks: JoinSet<Vec<String>>,
}

impl Load {
    fn start(secure: &Secure, members: &[Member; 2]) -> Self {
        let (asked, over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let access = Access::new(secure.terms()).expect("terms");
        let mut tasks = JoinSet::new();
        for address in members.each_ref().map(|member| member.address.to_string()) {
            let (asked, over, access) = (Arc::clone(&asked), Arc::clone(&over), access.clone());
            tasks.spawn(async move {
                let mut failed = Vec::new();
                while !over.load(Ordering::SeqCst) {
                    let mut prober = Prober::new(address.clone(), 9200, LONG, access.clone());
                    if let Err(failure) = prober.probe().await.result {
                        failed.push(failure.to_string());
                    }
                    asked.fetch_add(1, Ordering::SeqCst);
                }
                failed
            });
        }
        Self { asked, over, tasks }
    }

    /// Waits for fifty more questions.
    async fn goes_on(&self) {
        let before = self.asked.load(Ordering::SeqCst);
        eventually("nodes are asked", LONG, || async {
            (self.asked.load(Ordering::SeqCst) >= before + 50).then_some(())
        })
        .await;
    }

    /// What went wrong.
    async fn end(self) -> Vec<String> {
        self.over.store(true, Ordering::SeqCst);
        self.tasks.join_all().await.concat()
    }
}

//! The users and roles of `docs/usage/security.md` on a real etcd: everybody can do their work, nobody more, and what is refused is
//! said in words that lead on.

use std::{fmt::Write as _, path::PathBuf, time::Duration};

use quorate::registry::{Op, Range, Registry, RegistryError, Txn};
use rcgen::{SanType, date_time_ymd};
use rustix::process::Signal;

use crate::support::{
    LONG,
    certificates::Authority,
    etcd::{Etcd, Version},
    eventually,
    launcher::{Host, hollow_home},
    node::Line,
    program::{Run, quorate},
    secured::{Known, Secured, USERS},
    sidecar::Sidecar,
    standin::StandIn,
};

crate::support::on_both_versions! {
    everybody_may_do_their_work_and_nothing_else
    passwords_alone_and_with_certificates_open_etcd_for_both_daemons
    every_way_not_to_get_in_has_its_message_and_exit_code
    daemons_without_a_permission_wait_and_say_which
}

crate::support::on_newer_versions! {
    everybody_may_do_their_work_and_nothing_else
    every_way_not_to_get_in_has_its_message_and_exit_code
}

/// What users may do, by name; each line is checked in both directions.
const ALLOWED: &str = "\
sidecar: read members, write member, read record
launcher: read members, read record, read control, write seed, write record
reader: read members, read record, read control
operator: read members, write member, read record, read control, write seed, write record, write void
";

async fn may(registry: &Registry, action: &str) -> bool {
    let answer = match action {
        "read members" => read(registry, Range::Prefix("/services/elasticsearch/".to_owned())).await,
        "read record" => read(registry, Range::Key("/quorate/elasticsearch/cluster".to_owned())).await,
        "read control" => read(registry, Range::Prefix("/quorate/elasticsearch/".to_owned())).await,
        "read everything" => read(registry, Range::Prefix("/".to_owned())).await,
        "write member" => write(registry, "/services/elasticsearch/10.0.0.1").await,
        "write seed" => write(registry, "/quorate/elasticsearch/seeds/10.0.0.1").await,
        "write record" => write(registry, "/quorate/elasticsearch/cluster").await,
        "write void" => write(registry, "/quorate/elasticsearch/void/1").await,
        "write another service" => write(registry, "/services/elasticsearch-test/10.0.0.1").await,
        other => panic!("{other}"),
    };
    match answer {
        Ok(()) => true,
        Err(RegistryError::Denied { .. }) => false,
        Err(error) => panic!("{action}: {error}"),
    }
}

async fn read(registry: &Registry, range: Range) -> Result<(), RegistryError> {
    registry.read(&[range]).await.map(drop)
}

async fn write(registry: &Registry, key: &str) -> Result<(), RegistryError> {
    let change = |op| Txn {
        when: Vec::new(),
        then: vec![op],
    };
    let key = key.to_owned();
    let put = Op::Put {
        key: key.clone(),
        value: b"x".to_vec(),
        lease: None,
    };
    registry.commit(&change(put)).await?;
    registry.commit(&change(Op::Delete { key })).await.map(drop)
}

async fn everybody_may_do_their_work_and_nothing_else(version: Version) {
    let secured = Secured::start(version, Known::Certificate, &[]).await;
    let mut found = String::new();
    for user in USERS {
        let registry = secured.client(user);
        let mut allowed = Vec::new();
        for action in [
            "read members",
            "write member",
            "read record",
            "read control",
            "write seed",
            "write record",
            "write void",
            "write another service",
            "read everything",
        ] {
            if may(&registry, action).await {
                allowed.push(action);
            }
        }
        let _ = writeln!(found, "{user}: {}", allowed.join(", "));
        let lease = registry.grant(Duration::from_mins(1)).await.expect("a lease");
        registry.keep_alive(lease).await.expect("renewed");
        registry.revoke(lease.id).await.expect("ended");
    }
    assert_eq!(found, ALLOWED);
    daemons_work(&secured).await;

    // The keys of both are there, and commands that read see them.
    let run = as_user(&secured, "reader", &["seeds"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    for command in [&["status"][..], &["cluster", "show"]] {
        let run = as_user(&secured, "reader", command);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{command:?} {}", run.out);
    }
    let run = as_user(&secured, "reader", &["wait", "--for", "members=1", "--timeout", "1s"]);
    assert_eq!(run.code, Some(4), "{}", run.err);
}

/// A sidecar and a launcher do all their work as their users: one member key and one formed cluster.
async fn daemons_work(secured: &Secured) {
    let node = StandIn::at_home("elasticsearch-6.8.23");
    let flags = secured.flags("sidecar");
    let more: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut sidecar = Sidecar::start(&secured.etcd.endpoint(), node.home(), &more);
    sidecar.registered().await;
    sidecar.signal(Signal::TERM);
    assert!(sidecar.ends().await.success(), "it leaves");
    assert!(!sidecar.logged().contains("WARN"), "{}", sidecar.logged());
    let members = [Range::Prefix("/services/elasticsearch/".to_owned())];
    let reading = secured.client("reader").read(&members).await.expect("read");
    assert_eq!(reading.entries, [], "its key is gone, so the cluster may be formed");

    let mut host = launcher(secured, "launcher");
    host.process().await;
    let record = secured.client("reader");
    eventually("the right to form the cluster is claimed and used", LONG, || async {
        let range = [Range::Key("/quorate/elasticsearch/cluster".to_owned())];
        let reading = record.read(&range).await.expect("read");
        let text = String::from_utf8_lossy(&reading.entries.first()?.value).into_owned();
        text.contains("\"armed\"").then_some(())
    })
    .await;
    let lines = host.log();
    host.signal(Signal::TERM);
    host.signal(Signal::TERM);
    assert_eq!(host.code().await, Some(0), "{}", host.log());
    assert!(!lines.contains("does not let"), "{lines}");
}

/// A launcher that runs as this user; its node does nothing.
fn launcher(secured: &Secured, user: &str) -> Host {
    let flags = secured.flags(user);
    let more: Vec<&str> = flags.iter().map(String::as_str).skip(2).collect();
    let address = format!("127.0.33.{}", secured.etcd.address().ip().octets()[3]);
    let mut host = Host::new(Line::Es6, &address, &secured.etcd, &more);
    let home = hollow_home(&host.path(""), "elasticsearch-6.8.23.jar", "exec sleep 60");
    host.use_home(&home);
    let java = format!("JAVA_HOME={}/jdk", home.display());
    host.start_with(&["--expected-masters", "1", "--env", &java]);
    host
}

/// A launcher and a sidecar whose users lack something wait and say what, in words that lead on.
async fn daemons_without_a_permission_wait_and_say_which(version: Version) {
    let secured = Secured::start(version, Known::Certificate, &[]).await;
    let mut host = launcher(&secured, "sidecar");
    let wanted = "does not let the user that our certificate names read `/quorate/elasticsearch/`";
    let said = || async { host.log().contains(wanted).then_some(()) };
    eventually("the launcher says what it may not read", LONG, said).await;
    let command = "`etcdctl role grant-permission --prefix ROLE read /quorate/elasticsearch/`";
    let said = || async { host.log().contains(command).then_some(()) };
    eventually("the launcher says what would help", LONG, said).await;

    let node = StandIn::at_home("elasticsearch-6.8.23");
    let flags = secured.flags("reader");
    let more: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut sidecar = Sidecar::start(&secured.etcd.endpoint(), node.home(), &more);
    let status = sidecar
        .until("it says what it may not write", |status| {
            status
                .pointer("/registry/obstacle/kind")
                .is_some_and(|kind| kind == "refused")
        })
        .await;
    let key = format!("/services/elasticsearch/{}", node.home());
    let obstacle = status.pointer("/registry/obstacle").expect("an obstacle").to_string();
    assert!(obstacle.contains(&format!("write `{key}`")), "{obstacle}");
    assert!(
        obstacle.contains(&format!("etcdctl role grant-permission ROLE readwrite {key}")),
        "{obstacle}"
    );

    // The operator follows the advice; nothing is restarted.
    secured.sh(&format!("etcdctl role grant-permission reader readwrite {key}"));
    sidecar.registered().await;
    sidecar.signal(Signal::TERM);
    assert!(sidecar.ends().await.success());
    secured.sh("etcdctl user grant-role sidecar launcher");
    host.process().await;
    host.signal(Signal::TERM);
    host.signal(Signal::TERM);
    assert_eq!(host.code().await, Some(0), "{}", host.log());
}

fn as_user(secured: &Secured, user: &str, command: &[&str]) -> Run {
    let flags = secured.flags(user);
    let args: Vec<&str> = command
        .iter()
        .copied()
        .chain(flags.iter().map(String::as_str))
        .collect();
    quorate(&args)
}

async fn passwords_alone_and_with_certificates_open_etcd_for_both_daemons(version: Version) {
    for known in [Known::Password, Known::Both] {
        let secured = Secured::start(version, known, &[]).await;
        daemons_work(&secured).await;
    }
}

/// One way not to get in: where, and as whom.
struct Door {
    name: &'static str,
    endpoint: String,
    flags: Vec<String>,
}

/// All of them. `stranger` is an authority that nobody knows.
fn doors(secured: &Secured, plain: &Etcd, stranger: &Authority) -> Vec<Door> {
    let shown = |path: PathBuf| path.display().to_string();
    let ours = |name, kind| shown(secured.file(name, kind));
    let theirs = |name, kind| shown(stranger.file(name, kind));
    let trusted = |certificate: String, key: String| {
        let flags = ["--cacert", &ours("ca", "pem"), "--cert", &certificate, "--key", &key];
        flags.map(str::to_owned).to_vec()
    };
    let guest = || trusted(ours("guest", "pem"), ours("guest", "key"));
    let login = |file: String| {
        let more = ["--etcd-user", "sidecar", "--etcd-password-file", &file].map(str::to_owned);
        [guest(), more.to_vec()].concat()
    };
    let only_ca = |file: String| vec!["--cacert".to_owned(), file];
    let (url, address) = (secured.etcd.endpoint(), secured.etcd.address());
    let door = |name, flags| Door {
        name,
        endpoint: url.clone(),
        flags,
    };
    vec![
        door("no permission", login(ours("sidecar", "password"))),
        door("no user", guest()),
        door("a wrong password", login(theirs("wrong", "password"))),
        door("another authority", only_ca(theirs("ca", "pem"))),
        door("no certificate", only_ca(ours("ca", "pem"))),
        door(
            "a certificate that has ended",
            trusted(ours("ended", "pem"), ours("ended", "key")),
        ),
        door(
            "a certificate of another authority",
            trusted(theirs("sidecar", "pem"), theirs("sidecar", "key")),
        ),
        door(
            "the key of another certificate",
            trusted(ours("guest", "pem"), theirs("sidecar", "key")),
        ),
        Door {
            endpoint: format!("https://{}", plain.address()),
            ..door("https to an etcd without", guest())
        },
        Door {
            endpoint: format!("http://{address}"),
            ..door("http to an etcd with https", Vec::new())
        },
    ]
}

async fn every_way_not_to_get_in_has_its_message_and_exit_code(version: Version) {
    let secured = Secured::start(version, Known::Both, &[]).await;
    let plain = Etcd::start(version).await;
    let ip = *secured.etcd.address().ip();
    let dir = tempfile::tempdir().expect("a directory");
    let stranger = Authority::new(dir.path());
    secured.authority.sign_as("ended", |params| {
        params.subject_alt_names = vec![SanType::IpAddress(ip.into())];
        params.not_after = date_time_ymd(2001, 1, 1);
    });
    stranger.sign("sidecar", ip.into());
    std::fs::write(stranger.file("wrong", "password"), "guess").expect("written");
    let mut page = String::new();
    for door in doors(&secured, &plain, &stranger) {
        let flags = door.flags.iter().map(String::as_str);
        let args: Vec<&str> = ["seeds", "--endpoints", &door.endpoint]
            .into_iter()
            .chain(flags)
            .collect();
        let run = quorate(&args);
        let said = run
            .err
            .replace(&secured.etcd.dir().display().to_string(), "ETCD")
            .replace(&dir.path().display().to_string(), "DIR")
            .replace(&secured.etcd.address().to_string(), "HOST:PORT")
            .replace(&plain.address().to_string(), "HOST:PORT");
        let _ = writeln!(
            page,
            "{}: exit {}\n{}",
            door.name,
            run.code.unwrap_or(-1),
            without_alert(&said)
        );
    }
    insta::assert_snapshot!("every_way_not_to_get_in", page);
}

/// Which alert it is depends on the Go that etcd was built with.
fn without_alert(said: &str) -> String {
    const ALERT: &str = "received fatal alert: ";
    match said.split_once(ALERT) {
        Some((before, after)) => {
            let (_, after) = after.split_once('\n').expect("a hint");
            format!("{before}{ALERT}ALERT\n{after}")
        }
        None => said.to_owned(),
    }
}

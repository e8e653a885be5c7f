//! Getting into a real etcd: users with passwords, client certificates, and what is refused.

use quorate::{
    config::{Secret, SecretSource},
    registration::Want,
    registry::{Credentials, Registry, RegistryError, RegistrySettings, Tls, TlsTrouble, Txn, WatchEvent},
};

use crate::{
    registry::{prefix, put},
    support::{
        LONG,
        certificates::Authority,
        etcd::{Etcd, Version},
        registration::{Host, member, text},
    },
};

crate::support::on_both_versions! {
    a_user_with_a_password_gets_in_and_stays_in_when_etcd_forgets_its_tokens
    a_wrong_password_and_a_forbidden_key_are_refused_and_said
    a_client_certificate_is_all_that_a_user_needs
}

/// What an operator does once: a user `node` who may do everything below `/services/es/`. Then nobody else gets in.
fn protect(etcdctl: impl Fn(&[&str]), new_user: impl Fn(&str) -> Vec<String>) {
    for user in ["root", "node"] {
        let words = new_user(user);
        etcdctl(&words.iter().map(String::as_str).collect::<Vec<_>>());
    }
    etcdctl(&["user", "grant-role", "root", "root"]);
    etcdctl(&["role", "add", "node"]);
    etcdctl(&[
        "role",
        "grant-permission",
        "node",
        "readwrite",
        "/services/es/",
        "--prefix=true",
    ]);
    etcdctl(&["user", "grant-role", "node", "node"]);
    etcdctl(&["auth", "enable"]);
}

fn protect_by_password(etcd: &Etcd) {
    protect(
        |args| drop(etcd.etcdctl(args)),
        |user| vec!["user".to_owned(), "add".to_owned(), format!("{user}:secret")],
    );
}

fn client(etcd: &Etcd, tls: Option<Tls>, password: Option<&str>) -> Registry {
    let credentials = password.map(|password| Credentials {
        user: "node".to_owned(),
        password: SecretSource::said(Secret::new(password)),
    });
    Registry::new(RegistrySettings {
        endpoints: vec![etcd.endpoint()],
        tls,
        credentials,
    })
    .expect("a registry")
}

async fn a_user_with_a_password_gets_in_and_stays_in_when_etcd_forgets_its_tokens(version: Version) {
    let mut etcd = Etcd::start(version).await;
    protect_by_password(&etcd);
    let registry = client(&etcd, None, Some("secret"));
    let mut run = Host::new().start(&registry);
    run.register(9200).await;
    let mut watcher = registry.watch(vec![prefix("/services/es/")]);
    assert!(matches!(watcher.next().await, Some(WatchEvent::Listed { .. })));
    etcd.restart().await;
    run.verified(2).await;
    run.register(9201).await;
    let written = |value: &[u8]| String::from_utf8_lossy(value).contains("9201");
    let learns = async {
        loop {
            match watcher.next().await.expect("the watch lives") {
                WatchEvent::Put(entry) if written(&entry.value) => return,
                WatchEvent::Listed { entries, .. } if entries.iter().any(|entry| written(&entry.value)) => return,
                WatchEvent::Put(_)
                | WatchEvent::Listed { .. }
                | WatchEvent::Deleted { .. }
                | WatchEvent::Alive { .. }
                | WatchEvent::Away { .. } => {}
            }
        }
    };
    tokio::time::timeout(LONG, learns)
        .await
        .expect("the watcher learns of it");
}

async fn a_wrong_password_and_a_forbidden_key_are_refused_and_said(version: Version) {
    let etcd = Etcd::start(version).await;
    protect_by_password(&etcd);
    let stranger = client(&etcd, None, Some("guess"));
    let error = stranger
        .read(&[prefix("/services/es/")])
        .await
        .expect_err("wrong password");
    assert!(matches!(error, RegistryError::Refused { .. }), "{error}");
    let mut run = Host::new().start(&stranger);
    run.registration.want(Want::Present(member(9200)));
    let obstacle = run.obstacle("refused").await;
    assert!(obstacle.to_string().contains("authentication failed"), "{obstacle}");

    let node = client(&etcd, None, Some("secret"));
    let forbidden = Txn {
        when: Vec::new(),
        then: vec![put("/other/key", "x", None)],
    };
    let error = node.commit(&forbidden).await.expect_err("not its key");
    assert_eq!(
        error.to_string(),
        format!(
            "etcd at {} does not let user `node` write `/other/key`",
            etcd.endpoint()
        )
    );
    let error = node.read(&[prefix("/")]).await.expect_err("wider than granted");
    assert!(
        error
            .hint()
            .contains("`etcdctl role grant-permission --prefix ROLE read /`"),
        "{}",
        error.hint()
    );
    node.read(&[prefix("/services/es/")])
        .await
        .expect("what is granted still works");
}

async fn a_client_certificate_is_all_that_a_user_needs(version: Version) {
    let mut authority = None;
    let etcd = Etcd::start_with(version, "https", |etcd| {
        let made = authority.insert(Authority::new(etcd.dir()));
        for name in ["server", "root", "node"] {
            made.sign(name, (*etcd.address().ip()).into());
        }
        let file = |name, kind| made.file(name, kind).display().to_string();
        [
            ["--cert-file".to_owned(), file("server", "pem")],
            ["--key-file".to_owned(), file("server", "key")],
            ["--trusted-ca-file".to_owned(), file("ca", "pem")],
        ]
        .concat()
        .into_iter()
        .chain(["--client-cert-auth".to_owned()])
        .collect()
    })
    .await;
    let authority = authority.expect("made");
    let file = |name, kind| authority.file(name, kind).display().to_string();
    let (ca, cert, key) = (file("ca", "pem"), file("root", "pem"), file("root", "key"));
    protect(
        |args| {
            let access = ["--cacert", &ca, "--cert", &cert, "--key", &key];
            etcd.etcdctl(&[access.as_slice(), args].concat());
        },
        |user| ["user", "add", user, "--no-password"].map(str::to_owned).to_vec(),
    );
    let registry = client(&etcd, Some(authority.tls(Some("node"))), None);
    let mut run = Host::new().start(&registry);
    run.register(9200).await;
    run.verified(2).await;
    assert!(text(&registry).await.is_some_and(|value| value.contains("9200")));
    let error = registry.read(&[prefix("/")]).await.expect_err("wider than granted");
    assert!(matches!(error, RegistryError::Denied { .. }), "{error}");

    let unknown = client(&etcd, Some(authority.tls(None)), None);
    let error = unknown
        .read(&[prefix("/services/es/")])
        .await
        .expect_err("no certificate");
    // What the server thinks of it may arrive after the end of the connection, so the words differ.
    assert!(error.is_of_the_endpoint(), "{error}");
    let elsewhere = Host::new();
    let distrustful = client(&etcd, Some(Authority::new(elsewhere.dir()).tls(None)), None);
    let error = distrustful
        .read(&[prefix("/services/es/")])
        .await
        .expect_err("unknown issuer");
    assert!(
        matches!(
            error,
            RegistryError::Tls {
                trouble: TlsTrouble::Authority,
                ..
            }
        ),
        "{error}"
    );
}

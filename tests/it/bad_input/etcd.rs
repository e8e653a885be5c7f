//! An etcd that is not there, speaks another scheme, shows another certificate, or does not let us.

use super::page::Page;
use crate::support::{
    certificates::Authority,
    etcd::{Etcd, Version},
};

const NOBODY: &str = "127.0.35.200:2379";

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn an_etcd_that_does_not_answer_or_does_not_let_us() {
    let dir = tempfile::tempdir().expect("a directory");
    let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
    for path in [&ours, &theirs] {
        std::fs::create_dir(path).expect("a directory");
    }
    let (ours, theirs) = (Authority::new(&ours), Authority::new(&theirs));
    let plain = Etcd::start(Version::V35).await;
    let secure = Etcd::start_with(Version::V35, "https", |etcd| {
        ours.sign("server", (*etcd.address().ip()).into());
        vec![
            "--cert-file".to_owned(),
            ours.file("server", "pem").display().to_string(),
            "--key-file".to_owned(),
            ours.file("server", "key").display().to_string(),
        ]
    })
    .await;
    let locked = Etcd::start(Version::V35).await;
    for args in [
        &["user", "add", "root:secret"][..],
        &["user", "add", "node:secret"],
        &["user", "grant-role", "root", "root"],
        &["role", "add", "reader"],
        &[
            "role",
            "grant-permission",
            "reader",
            "read",
            "/services/",
            "--prefix=true",
        ],
        &[
            "role",
            "grant-permission",
            "reader",
            "read",
            "/quorate/",
            "--prefix=true",
        ],
        &["user", "add", "reader:secret"],
        &["user", "grant-role", "reader", "reader"],
        &["auth", "enable"],
    ] {
        locked.etcdctl(args);
    }
    let mut page = Page::default();
    for (etcd, name) in [(&plain, "PLAIN"), (&secure, "SECURE"), (&locked, "LOCKED")] {
        page.call(etcd.address().to_string(), name);
    }
    page.call(dir.path().display().to_string(), "DIR");
    let file = |authority: &Authority| authority.file("ca", "pem").display().to_string();
    let (ca, other_ca) = (file(&ours), file(&theirs));
    let text = dir.path().join("text").display().to_string();
    std::fs::write(&text, "no certificate\n").expect("written");
    let secret: &[(&str, &str)] = &[("QUORATE_ETCD_PASSWORD", "secret")];
    let (open, closed, guarded) = (
        plain.address().to_string(),
        secure.address().to_string(),
        locked.address().to_string(),
    );
    for (title, args, environment) in [
        ("nobody listens", &["status", "--endpoints", NOBODY][..], &[][..]),
        ("plain, where TLS is spoken", &["status", "--endpoints", &closed], &[]),
        (
            "TLS, where nobody speaks it",
            &["status", "--endpoints", &format!("https://{open}"), "--cacert", &ca],
            &[],
        ),
        (
            "a certificate of another authority",
            &[
                "status",
                "--endpoints",
                &format!("https://{closed}"),
                "--cacert",
                &other_ca,
            ],
            &[],
        ),
        (
            "an authority that is no certificate",
            &["status", "--endpoints", &format!("https://{closed}"), "--cacert", &text],
            &[],
        ),
        (
            "an authority that is not there",
            &[
                "status",
                "--endpoints",
                &format!("https://{closed}"),
                "--cacert",
                "/nonexistent/ca.pem",
            ],
            &[],
        ),
        (
            "nobody in particular, where users are wanted",
            &["status", "--endpoints", &guarded],
            &[],
        ),
        (
            "a wrong password",
            &["status", "--endpoints", &guarded, "--etcd-user", "node"],
            &[("QUORATE_ETCD_PASSWORD", "guess")],
        ),
        (
            "a user without any role",
            &["status", "--endpoints", &guarded, "--etcd-user", "node"],
            secret,
        ),
        (
            "a user without a password",
            &["status", "--endpoints", &guarded, "--etcd-user", "node"],
            &[],
        ),
    ] {
        page.run(title, args, environment);
    }
    // Every command that needs etcd ends the same way.
    for command in [
        &["seeds"][..],
        &["cluster", "show"],
        &["cluster", "adopt", "--yes", "--from", "127.0.35.201"],
    ] {
        page.run("the same", &[command, &["--endpoints", NOBODY]].concat(), &[]);
    }
    insta::assert_snapshot!(page.text());
}

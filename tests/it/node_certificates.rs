//! What `quorate check` says about the certificates that a node is to be started with.

use std::{fs::Permissions, net::IpAddr, os::unix::fs::PermissionsExt, path::Path};

use rcgen::{CertificateParams, SanType, date_time_ymd};
use rustix::process::geteuid;
use serde_json::Value;

use crate::support::{
    certificates::Authority,
    etcd::{Etcd, Version},
    launcher::{Host, hollow_home},
    node::Line,
};

const ADDRESS: &str = "127.0.32.21";

fn here(params: &mut CertificateParams) {
    let ip: IpAddr = ADDRESS.parse().expect("an address");
    params.subject_alt_names = vec![SanType::IpAddress(ip)];
}

/// The answers about certificates and access, one a line, in words that are the same on every machine.
fn said(host: &Host, dir: &Path, more: &[&str]) -> String {
    let run = host.run("check", &[&["--output", "json"][..], more].concat());
    let checks: Value =
        serde_json::from_slice(&run.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&run.stderr)));
    let about = |check: &&Value| ["certificates", "node-access"].contains(&check["name"].as_str().expect("a name"));
    let checks = checks.as_array().expect("checks").iter().filter(about);
    let line = |check: &Value| {
        let text = |field: &str| check[field].as_str().unwrap_or("-").to_owned();
        format!(
            "{} {}: {}\n    {}",
            text("result"),
            text("name"),
            text("what"),
            text("hint")
        )
    };
    let text = checks.map(line).collect::<Vec<_>>().join("\n");
    text.replace(&dir.display().to_string(), "DIR")
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one page, fault after fault")]
async fn certificates_that_would_not_do_are_found_before_a_start() {
    let etcd = Etcd::start(Version::V35).await;
    let host = Host::new(Line::Es9, ADDRESS, &etcd, &[]);
    let home = hollow_home(&host.path(""), "elasticsearch-9.5.3.jar", "exit 1");
    std::fs::create_dir_all(home.join("modules/x-pack-security")).expect("a directory");
    let java = format!("ES_JAVA_HOME={}/jdk", home.display());
    let home = home.display().to_string();
    let dir = host.path("certificates");
    std::fs::create_dir(&dir).expect("a directory");
    let other = dir.join("other");
    std::fs::create_dir(&other).expect("a directory");
    let (authority, other) = (Authority::new(&dir), Authority::new(&other));
    let place = dir.display().to_string();
    let believed = authority.file("ca", "pem").display().to_string();
    let secured = ["--home", &home, "--env", &java, "--certificates", &place];
    let common = [&secured[..], &["--node-cacert", &believed]].concat();
    let mut page = Vec::new();
    let mut note = |what: &str, more: &[&str]| {
        page.push(format!(
            "{what}\n{}\n",
            said(&host, &dir, &[&common[..], more].concat())
        ));
    };
    note("nothing there", &[]);
    authority.sign_as("node", |params| {
        here(params);
        params.not_after = date_time_ymd(4000, 1, 1);
    });
    note("as it should be", &[]);
    note("no TLS over HTTP", &["--set", "xpack.security.http.ssl.enabled=false"]);
    authority.sign_as("node", |params| {
        here(params);
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    note("expired", &[]);
    authority.sign_as("node", |params| {
        params.subject_alt_names = vec![SanType::DnsName("node-1.example".try_into().expect("a name"))];
        params.not_after = date_time_ymd(4000, 1, 1);
    });
    note("for another name", &[]);
    let lenient = ["--set", "xpack.security.transport.ssl.verification_mode=certificate"];
    note("for another name, and nobody looks", &lenient);
    other.sign_as("node", here);
    for kind in ["pem", "key"] {
        std::fs::copy(other.file("node", kind), authority.file("node", kind)).expect("copied");
    }
    note("of another authority", &[]);
    authority.sign_as("node", here);
    std::fs::copy(other.file("node", "key"), authority.file("node", "key")).expect("copied");
    note("with another key", &[]);
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    std::fs::write(authority.file("node", "key"), encrypted).expect("written");
    note("with a key that has a password", &[]);
    if geteuid().is_root() {
        std::fs::set_permissions(authority.file("node", "key"), Permissions::from_mode(0o600)).expect("a mode");
        note("with a key that the node may not read", &[]);
    }
    insta::assert_snapshot!(page.join("\n"));
    let run = host.run("check", &[&secured[..], &["--output", "json"]].concat());
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(text.contains("nothing says how it is believed"), "{text}");
    assert_eq!(run.status.code(), Some(1));
}

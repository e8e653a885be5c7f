//! What becomes of a host that installs, upgrades and removes the packages.

use super::{
    made::{first, said, second, text},
    root::{Root, SERVICES},
};

const SETTINGS: &str = "/etc/quorate/quorate.toml";
const DATA: &str = "/var/lib/quorate/elasticsearch/10.0.0.21/data/nodes/0/x";
const ENABLED: &str = "/etc/systemd/system/multi-user.target.wants/elasticsearch@1.service";
const FOREIGN: &str = "/etc/systemd/system/multi-user.target.wants/elasticsearch@9.service";
const OTHERS: &str = "/etc/quorate/1.toml";

/// What an operator and a node make of a host on which the package is.
fn lived_in(root: &Root) {
    let edited = root
        .read(SETTINGS)
        .replace("#endpoints = [\"127.0.0.1:2379\"]", "endpoints = [\"10.0.0.11:2379\"]")
        .replace("#image = \"IMAGE\"", "image = \"registry/elasticsearch:9.5.3\"");
    root.write(SETTINGS, &edited);
    root.write(OTHERS, "heap = \"4g\"\n");
    root.write(DATA, "a document");
    root.link(ENABLED, "/lib/systemd/system/elasticsearch@.service");
    root.link(FOREIGN, "/etc/systemd/system/elasticsearch@.service");
    let shown = root.done(&["quorate", "config", "show"]);
    for value in ["10.0.0.11:2379", "registry/elasticsearch:9.5.3"] {
        assert!(shown.contains(value), "two lines are enough: {shown}");
    }
}

/// The running services of ours are told to reload, and nothing else is told to anybody.
fn reloaded_and_nothing_else(root: &Root, said: &str) {
    let told = [
        "daemon-reload",
        "reload elasticsearch@1.service",
        "reload elasticsearch-discovery@1.service",
    ];
    assert_eq!(root.told(), told, "{said}");
    for line in [
        "quorate: elasticsearch@1.service is reloaded",
        "quorate: elasticsearch-discovery@1.service is reloaded",
        "quorate: seed-list.service runs the old program until it is restarted",
    ] {
        assert!(said.contains(line), "{said}");
    }
}

/// All that could run ours is stopped, before its program goes.
fn stopped(root: &Root, said: &str) {
    let all = "elasticsearch@1.service elasticsearch-discovery@1.service elasticsearch@2.service seed-list.service";
    assert_eq!(
        root.told(),
        [format!("stop {all}"), "daemon-reload".to_owned()],
        "{said}"
    );
    assert!(said.contains(&format!("quorate: stopping {all}")), "{said}");
    assert!(
        said.contains("quorate: removed; data of nodes (/var/lib/quorate, "),
        "{said}"
    );
    assert!(!root.has("/usr/bin/quorate") && root.has(DATA));
}

#[test]
fn apt_installs_upgrades_and_removes_and_data_stays_through_all_of_it() {
    let root = Root::new(&SERVICES[..1]);
    let said = root.apt_install(&first().deb);
    assert_eq!(root.told(), ["daemon-reload"], "{said}");
    assert_eq!(root.done(&["quorate", "--version"]), "quorate 0.1.0\n");
    assert_eq!(root.done(&["dpkg", "--verify", "quorate"]), "");
    assert_eq!(root.done(&["dpkg", "--audit"]), "");

    lived_in(&root);
    let root = root.with(&SERVICES);
    let said = root.apt_install(&second().deb);
    reloaded_and_nothing_else(&root, &said);
    let version = root.done(&["dpkg-query", "--show", "quorate"]);
    assert_eq!(version, "quorate\t0.1.1\n");
    assert!(root.read(SETTINGS).contains("endpoints = [\"10.0.0.11:2379\"]"));

    let said = root.done(&["apt-get", "remove", "-y", "quorate"]);
    stopped(&root, &said);
    assert!(root.has(SETTINGS) && root.has(OTHERS) && root.has(ENABLED));

    let said = root.done(&["apt-get", "purge", "-y", "quorate"]);
    assert!(!root.has(SETTINGS) && !root.has(ENABLED), "{said}");
    for kept in [DATA, OTHERS, FOREIGN] {
        assert!(root.has(kept), "{kept}: {said}");
    }
}

#[test]
fn a_purge_of_a_host_that_nobody_changed_leaves_no_file_of_the_package() {
    let root = Root::new(&[]);
    let files = "find / -xdev \\( -path /dev -o -path /proc -o -path /var/log -o -path /var/cache -o -path /var/lib/dpkg -o -path /var/lib/apt \\) \
                 -prune -o -name '*quorate*' -print";
    root.apt_install(&first().deb);
    assert_ne!(root.done(&["sh", "-c", files]), "/quorate.deb\n");
    root.done(&["apt-get", "purge", "-y", "quorate"]);
    assert_eq!(root.done(&["sh", "-c", files]), "/quorate.deb\n");
}

#[test]
fn a_service_that_cannot_be_reloaded_fails_no_upgrade_and_is_named() {
    let root = Root::new(&SERVICES);
    root.apt_install(&first().deb);
    root.write(
        "usr/bin/systemctl",
        "#!/bin/sh\n[ \"$1\" != show ] || exec cat /services\nexit 1\n",
    );
    let said = root.apt_install(&second().deb);
    let line = "quorate: elasticsearch@1.service could not be reloaded, it runs on as it was: systemctl status elasticsearch@1.service";
    assert!(said.contains(line), "{said}");
}

#[test]
fn where_no_systemd_runs_nothing_is_told_to_anybody() {
    let root = Root::new(&SERVICES);
    std::fs::remove_dir_all(root.path("run/systemd")).expect("removed");
    root.apt_install(&first().deb);
    root.apt_install(&second().deb);
    root.done(&["apt-get", "purge", "-y", "quorate"]);
    assert!(root.told().is_empty());
}

#[test]
fn rpm_installs_upgrades_and_removes_and_data_stays_through_all_of_it() {
    let root = Root::new(&SERVICES[..1]);
    let place = text(&root.path("")).to_owned();
    // It knows the packages of another manager as nobody's.
    let rpm = |arguments: &[&str]| {
        let all = [&["--root", place.as_str(), "--nodeps"], arguments].concat();
        said("sh", &[&["-c", "rpm \"$@\" 2>&1", "sh"], all.as_slice()].concat())
    };
    rpm(&["-i", text(&first().rpm)]);
    assert_eq!(root.told(), ["daemon-reload"]);
    assert_eq!(root.done(&["quorate", "--version"]), "quorate 0.1.0\n");

    lived_in(&root);
    let root = root.with(&SERVICES);
    let said = rpm(&["-U", text(&second().rpm)]);
    reloaded_and_nothing_else(&root, &said);
    assert!(root.read(SETTINGS).contains("endpoints = [\"10.0.0.11:2379\"]"));

    let said = rpm(&["-e", "quorate"]);
    stopped(&root, &said);
    assert!(
        root.has(OTHERS) && root.has("/etc/quorate/quorate.toml.rpmsave"),
        "{said}"
    );
}

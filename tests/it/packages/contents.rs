//! What the packages say of themselves and what is in them.

use std::{collections::BTreeMap, fs};

use quorate::{config::OPTIONS, launcher::product::LINES};

use super::made::{first, make, of_project, said, text, unpacked};
use crate::support::program::quorate;

/// Each path of the .deb with its kind, mode and owner.
fn in_deb() -> BTreeMap<String, String> {
    let lines = said("dpkg-deb", &["-c", text(&first().deb)]);
    let entry = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [mode, owner, .., path] = words.as_slice() else {
            panic!("{line}")
        };
        let path = path.trim_start_matches('.').trim_end_matches('/');
        (path.to_owned(), format!("{mode} {owner}"))
    };
    lines.lines().map(entry).collect()
}

/// The same of the .rpm.
fn in_rpm() -> BTreeMap<String, String> {
    let form = "[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILENAMES}\n]";
    let lines = said("rpm", &["-qp", "--qf", form, text(&first().rpm)]);
    let entry = |line: &str| {
        line.rsplit_once(' ')
            .map(|(about, path)| (path.to_owned(), about.to_owned()))
    };
    lines.lines().filter_map(entry).collect()
}

#[test]
fn a_package_says_what_it_is_and_needs_nothing() {
    let form = "${Package} ${Version} ${Section} ${Priority} needs:${Depends}${Pre-Depends} ${Description}\n";
    let deb = said("dpkg-deb", &["--show", "--showformat", form, text(&first().deb)]);
    let about = "Forms and keeps Elasticsearch and OpenSearch clusters, through etcd";
    let start = format!("quorate 0.1.0 admin optional needs: {about}\n A launcher ");
    assert!(deb.starts_with(&start), "{deb}");
    assert!(about.len() < 80 && !about.ends_with('.'));
    let form = "%{NAME} %{VERSION} %{RELEASE} %{LICENSE} %{BUILDHOST} %{SUMMARY}";
    let rpm = said("rpm", &["-qp", "--qf", form, text(&first().rpm)]);
    assert_eq!(rpm, format!("quorate 0.1.0 1 Apache-2.0 OR MIT localhost {about}"));
    for need in said("rpm", &["-qp", "--requires", text(&first().rpm)]).lines() {
        assert!(need == "/bin/sh" || need.starts_with("rpmlib("), "{need}");
    }
    let machine = said("uname", &["-m"]);
    let debian = said("dpkg", &["--print-architecture"]);
    let named = |path: &std::path::Path| path.file_name().expect("a name").to_str().expect("text").to_owned();
    assert_eq!(named(&first().deb), format!("quorate_0.1.0_{}.deb", debian.trim()));
    assert_eq!(named(&first().rpm), format!("quorate-0.1.0-1.{}.rpm", machine.trim()));
    assert_eq!(
        named(&first().archive),
        format!("quorate-0.1.0-linux-{}.tar.gz", debian.trim())
    );
}

#[test]
fn its_files_belong_to_root_and_nobody_else_may_write_them() {
    for (format, all) in [("deb", in_deb()), ("rpm", in_rpm())] {
        assert!(all.len() > 50, "{format}: {all:?}");
        for (path, about) in &all {
            let expected = match (path.as_str(), about.starts_with('d')) {
                (_, true) => "drwxr-xr-x root/root",
                ("/usr/bin/quorate", _) => "-rwxr-xr-x root/root",
                _ => "-rw-r--r-- root/root",
            };
            assert_eq!(about, expected, "{format}: {path}");
        }
    }
}

#[test]
fn both_bring_the_same_files_to_the_usual_places() {
    let (deb, rpm) = (in_deb(), in_rpm());
    for path in [
        "/usr/bin/quorate",
        "/usr/lib/systemd/system/elasticsearch@.service",
        "/usr/lib/systemd/system/elasticsearch-discovery@.service",
        "/usr/lib/sysctl.d/60-quorate.conf",
        "/usr/share/man/man1/quorate.1.gz",
        "/usr/share/man/man1/quorate-cluster-adopt.1.gz",
        "/usr/share/bash-completion/completions/quorate",
        "/usr/share/fish/vendor_completions.d/quorate.fish",
        "/usr/share/doc/quorate/CHANGELOG.md",
        "/usr/share/doc/quorate/THIRD-PARTY.gz",
        "/usr/share/doc/quorate/LICENSE-MIT",
        "/usr/share/doc/quorate/LICENSE-APACHE",
        "/usr/share/doc/quorate/README.md",
        "/usr/share/doc/quorate/docs/usage/install.md",
        "/usr/share/doc/quorate/monitoring/alerts.yml",
        "/etc/quorate/quorate.toml",
    ] {
        assert!(deb.contains_key(path) && rpm.contains_key(path), "{path}");
    }
    let own = [
        "/usr/share/zsh/vendor-completions/_quorate",
        "/usr/share/doc/quorate/changelog.gz",
        "/usr/share/doc/quorate/copyright",
    ];
    let only: Vec<&String> = deb
        .iter()
        .filter(|(path, about)| about.starts_with('-') && !rpm.contains_key(*path))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(only.len(), own.len(), "{only:?}");
    assert!(own.iter().all(|path| deb.contains_key(*path)), "{only:?}");
    assert!(rpm.contains_key("/usr/share/zsh/site-functions/_quorate"));
    for list in said("tar", &["-tzf", text(&first().archive)]).lines() {
        assert!(list.starts_with("quorate-0.1.0-linux-"), "{list}");
    }
}

#[test]
fn the_settings_are_the_one_file_that_is_kept_as_people_left_it() {
    let control = unpacked().with_extension("control");
    said("dpkg-deb", &["-e", text(&first().deb), text(&control)]);
    let kept = fs::read_to_string(control.join("conffiles")).expect("conffiles");
    assert_eq!(kept.trim(), "/etc/quorate/quorate.toml");
    let form = "[%{FILENAMES} %{FILEFLAGS:fflags}\n]";
    let flags = said("rpm", &["-qp", "--qf", form, text(&first().rpm)]);
    let kept: Vec<&str> = flags.lines().filter(|line| !line.ends_with(' ')).collect();
    assert_eq!(kept, ["/etc/quorate/quorate.toml cn"]);
}

#[test]
fn the_settings_as_they_are_shipped_are_taken_and_so_is_every_default_in_them() {
    let file = unpacked().join("etc/quorate/quorate.toml");
    let run = quorate(&["config", "show", "--config", text(&file)]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let sample = fs::read_to_string(&file).expect("settings");
    let with_default = |line: &str| {
        let key = line
            .strip_prefix('#')
            .and_then(|line| line.split_once(" = "))
            .map(|(key, _)| key);
        OPTIONS.iter().any(|opt| key == Some(opt.key) && opt.default.is_some())
    };
    let said: String = sample
        .lines()
        .map(|line| if with_default(line) { &line[1..] } else { line })
        .flat_map(|line| [line, "\n"])
        .collect();
    let file = unpacked().with_extension("toml");
    fs::write(&file, said).expect("written");
    let run = quorate(&["config", "show", "--config", text(&file), "--output", "json"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let shown: serde_json::Value = serde_json::from_str(&run.out).expect("json");
    for opt in OPTIONS.iter().filter(|opt| opt.default.is_some()) {
        assert_eq!(shown[opt.key]["source"], text(&file), "{}", opt.key);
    }
}

#[test]
fn the_units_are_those_that_the_program_prints_and_systemd_finds_no_fault_with_them() {
    let dir = unpacked().join("usr/lib/systemd/system");
    for name in ["elasticsearch@.service", "elasticsearch-discovery@.service"] {
        let unit = fs::read_to_string(dir.join(name)).expect(name);
        let printed = quorate(&["units", "print", "--program", "/usr/bin/quorate", name]);
        assert_eq!(unit, printed.out, "{name}");
        assert!(unit.contains("\nExecStart=/usr/bin/quorate "), "{unit}");
    }
    let found = said(text(&of_project("scripts/check")), &["units", text(&dir)]);
    assert!(found.starts_with("2 units are in order"), "{found}");
}

#[test]
fn the_number_of_maps_is_what_the_most_demanding_line_asks_for() {
    let file = fs::read_to_string(unpacked().join("usr/lib/sysctl.d/60-quorate.conf")).expect("a file");
    let most = LINES.iter().map(|line| line.map_count).max().expect("lines");
    assert!(file.ends_with(&format!("\nvm.max_map_count = {most}\n")), "{file}");
}

#[test]
fn every_manual_page_renders_without_a_warning() {
    let pages = "cd \"$1\" && for page in *.1.gz; do gzip -dc \"$page\" | groff -man -Tutf8 -ww 2>&1 >/dev/null | sed \"s/^/$page: /\"; done";
    let dir = unpacked().join("usr/share/man/man1");
    assert_eq!(said("sh", &["-c", pages, "sh", text(&dir)]), "");
    let page = "gzip -dc \"$1/quorate-launch.1.gz\" | groff -man -Tascii -P-cbou";
    let launch = said("sh", &["-c", page, "sh", text(&dir)]);
    assert!(
        launch.contains("--bootstrap-expect") && launch.contains("SYNOPSIS"),
        "{launch}"
    );
}

#[test]
fn bash_completes_commands_and_options_from_the_file() {
    let file = unpacked().join("usr/share/bash-completion/completions/quorate");
    let ask = ". \"$1\"; COMP_WORDS=(quorate \"${@:2}\"); COMP_CWORD=$(($# - 1)); \
               _quorate quorate \"${@: -1}\" \"${@: -2:1}\"; echo \"${COMPREPLY[@]}\"";
    let completed = |words: &[&str]| said("bash", &[&["-c", ask, "bash", text(&file)], words].concat());
    assert_eq!(completed(&["lau"]).trim(), "launch");
    assert_eq!(completed(&["launch", "--bootstrap-e"]).trim(), "--bootstrap-expect");
    assert_eq!(completed(&["cluster", "ado"]).trim(), "adopt");
}

#[test]
fn the_same_files_give_the_same_packages() {
    let again = make(
        "0.1.0",
        "again",
        "077",
        &[
            ("TZ", "Pacific/Auckland"),
            ("LC_ALL", "C.UTF-8"),
            ("HOSTNAME", "elsewhere"),
        ],
    );
    for (one, other) in [
        (&first().deb, &again.deb),
        (&first().rpm, &again.rpm),
        (&first().archive, &again.archive),
    ] {
        assert_eq!(one.file_name(), other.file_name());
        assert!(
            fs::read(one).expect("one") == fs::read(other).expect("other"),
            "{} and {} differ",
            one.display(),
            other.display()
        );
    }
}

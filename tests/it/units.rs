//! The unit templates: what fleet would only warn of and systemd does not look at. `systemd-analyze verify` sees to the rest
//! (`make test`), of those in `units/` and of those that `quorate units` writes.

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt, path::Path, process::Command};

use crate::support::{
    mount::Mount,
    program::{Run, quorate},
};

/// The text of a unit as it stands in `units/`.
fn in_units(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("units").join(name);
    fs::read_to_string(path).expect(name)
}

/// Section, key and value of every assignment.
fn assignments(unit: &str) -> Vec<(String, String, String)> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in in_units(unit)
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else {
            let (key, value) = line
                .split_once('=')
                .unwrap_or_else(|| panic!("{unit}: `{line}` is no assignment"));
            found.push((section.clone(), key.to_owned(), value.to_owned()));
        }
    }
    found
}

fn values(unit: &str, section: &str, key: &str) -> Vec<String> {
    let own = assignments(unit)
        .into_iter()
        .filter(|(s, k, _)| s == section && k == key);
    own.map(|(_, _, value)| value).collect()
}

const MAIN: &str = "elasticsearch@.service";
const SIDECAR: &str = "elasticsearch-discovery@.service";

#[test]
fn fleet_knows_every_key_and_specifier_of_its_section() {
    let keys = [
        "MachineID",
        "MachineOf",
        "MachineMetadata",
        "Conflicts",
        "Global",
        "Replaces",
    ];
    for unit in [MAIN, SIDECAR] {
        for (_, key, value) in assignments(unit)
            .into_iter()
            .filter(|(section, ..)| section == "X-Fleet")
        {
            assert!(keys.contains(&key.as_str()), "{unit}: fleet has no `{key}`");
            let specifiers = value.split('%').skip(1).filter_map(|rest| rest.chars().next());
            for specifier in specifiers {
                assert!("nNpi".contains(specifier), "{unit}: fleet does not expand %{specifier}");
            }
        }
    }
}

#[test]
fn fleet_could_place_both_units_on_one_machine() {
    // A MachineOf target that the unit's own Conflicts glob matches is refused by fleet as unresolvable.
    let of = values(SIDECAR, "X-Fleet", "MachineOf");
    assert_eq!(of, ["elasticsearch@%i.service"]);
    assert!(values(SIDECAR, "X-Fleet", "Conflicts").is_empty());
    // `elasticsearch@*.service` does not match `elasticsearch-discovery@1.service`.
    assert_eq!(values(MAIN, "X-Fleet", "Conflicts"), ["%p@*.service"]);
}

#[test]
fn only_sections_that_systemd_knows_or_ignores() {
    for unit in [MAIN, SIDECAR] {
        for (section, ..) in assignments(unit) {
            assert!(
                ["Unit", "Service", "Install", "X-Fleet"].contains(&section.as_str()),
                "{unit}: [{section}]"
            );
        }
    }
}

#[test]
fn neither_a_crash_nor_a_restart_of_one_takes_the_other_along() {
    assert!(values(MAIN, "Unit", "Wants").contains(&"elasticsearch-discovery@%i.service".to_owned()));
    for key in ["BindsTo", "PartOf", "Requires", "Requisite", "StopPropagatedFrom"] {
        assert!(values(SIDECAR, "Unit", key).is_empty(), "{key}");
        assert!(
            values(MAIN, "Unit", key)
                .iter()
                .all(|value| !value.contains("discovery")),
            "{key}"
        );
    }
}

#[test]
fn a_sidecar_does_not_wait_for_a_node_that_waits_and_outlives_no_etcd_of_its_host() {
    for unit in [MAIN, SIDECAR] {
        let after = values(unit, "Unit", "After").join(" ");
        assert!(!after.contains("elasticsearch"), "{unit}: {after}");
        for first in ["network-online.target", "etcd.service"] {
            assert!(after.split(' ').any(|one| one == first), "{unit}: {after}");
        }
    }
}

#[test]
fn what_does_not_heal_by_trying_again_is_not_tried_again() {
    let codes: BTreeMap<&str, Vec<String>> = [MAIN, SIDECAR]
        .into_iter()
        .map(|unit| (unit, values(unit, "Service", "RestartPreventExitStatus")))
        .collect();
    for (unit, found) in codes {
        assert_eq!(found, ["2 3 78"], "{unit}");
    }
}

#[test]
fn the_daemons_never_share_a_directory_that_systemd_removes() {
    assert_eq!(values(MAIN, "Service", "RuntimeDirectory"), ["quorate"]);
    assert!(values(SIDECAR, "Service", "RuntimeDirectory").is_empty());
    assert_eq!(values(MAIN, "Service", "StateDirectory"), ["quorate"]);
    assert_eq!(values(SIDECAR, "Service", "StateDirectory"), ["quorate-sidecar"]);
}

#[test]
fn the_environment_of_the_host_is_read_before_that_of_the_instance() {
    for unit in [MAIN, SIDECAR] {
        assert_eq!(
            values(unit, "Service", "EnvironmentFile"),
            ["-/etc/environment", "-/etc/quorate/%i.env"]
        );
    }
}

/// A directory for units, and what `quorate units` does with it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn units(&self, command: &str, more: &[&str]) -> Run {
        let dir = self.0.path().display().to_string();
        let own = ["units", command, "--directory", &dir];
        // Where the program of the tests lies is not where a unit could start it.
        let program: &[&str] = if more.contains(&"--program") {
            &[]
        } else {
            &["--program", "/usr/local/bin/quorate"]
        };
        quorate(&[&own, program, more].concat())
    }

    /// Installed, whatever is there allows it.
    fn installed() -> Self {
        let place = Self::new();
        let run = place.units("install", &[]);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        place
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).expect(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).expect(name);
    }

    /// Each file with what would change if it were written, or touched.
    fn everything(&self) -> BTreeMap<String, (u64, i64, i64, String)> {
        let files = fs::read_dir(self.0.path()).expect("a directory");
        let about = |file: fs::DirEntry| {
            let name = file.file_name().into_string().expect("a name");
            let meta = file.metadata().expect("there");
            let text = self.read(&name);
            (name, (meta.ino(), meta.mtime(), meta.mtime_nsec(), text))
        };
        files.map(|file| about(file.expect("a file"))).collect()
    }

    /// The output without the name of the directory.
    fn plain(&self, text: &str) -> String {
        text.replace(&self.0.path().display().to_string(), "DIR")
    }
}

#[test]
fn what_is_written_is_what_stands_in_units_with_a_seal() {
    let place = Place::installed();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("units");
    let names = fs::read_dir(dir)
        .expect("units")
        .map(|file| file.expect("a file").file_name().into_string().expect("a name"));
    let names: Vec<String> = names.collect();
    assert_eq!(names.len(), place.everything().len());
    for name in names {
        let written = place.read(&name);
        let (text, seal) = written.trim_end().rsplit_once('\n').expect("lines");
        assert_eq!(format!("{text}\n"), in_units(&name), "{name}");
        assert!(seal.starts_with("# Written by quorate units, sha256 "), "{seal}");
        let mode = fs::metadata(place.0.path().join(&name)).expect("there").mode();
        assert_eq!(mode & 0o777, 0o644, "{name}");
        let printed = quorate(&["units", "print", "--program", "/usr/local/bin/quorate", &name]);
        assert_eq!(printed.out, written, "{name}");
    }
}

#[test]
fn several_units_are_printed_under_their_names() {
    let run = quorate(&["units", "print", "--program", "/usr/local/bin/quorate"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let place = Place::installed();
    let expected = format!("# {MAIN}\n{}\n# {SIDECAR}\n{}", place.read(MAIN), place.read(SIDECAR));
    assert_eq!(run.out, expected);
}

#[test]
fn the_program_is_started_from_where_it_lies() {
    let run = quorate(&["units", "print", MAIN]);
    let program = fs::canonicalize(env!("CARGO_BIN_EXE_quorate")).expect("there");
    let line = format!("\nExecStart={} launch --instance %i\n", program.display());
    assert!(run.code == Some(0) && run.out.contains(&line), "{}", run.out);
    let run = quorate(&["units", "print", "--program", "/home/ann/quorate"]);
    assert_eq!(run.code, Some(0));
    assert!(
        run.err
            .starts_with("warning: the sidecar's unit cannot run `/home/ann/quorate`"),
        "{}",
        run.err
    );
}

#[test]
fn installing_again_leaves_the_same_files_alone() {
    let place = Place::new();
    let run = place.units("install", &[]);
    let next = "next: `systemctl daemon-reload`, then `systemctl enable --now elasticsearch@1`";
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let said = format!("DIR/{MAIN}: written\nDIR/{SIDECAR}: written\n{next}\n");
    assert_eq!(place.plain(&run.out), said);
    let before = place.everything();
    let run = place.units("install", &["--force"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let said = format!("DIR/{MAIN}: the same, left alone\nDIR/{SIDECAR}: the same, left alone\n");
    assert_eq!(place.plain(&run.out), said);
    assert_eq!(place.everything(), before);
}

#[test]
fn a_local_change_is_refused_and_then_nothing_is_written() {
    let place = Place::new();
    assert_eq!(place.units("install", &[SIDECAR]).code, Some(0));
    let changed = place.read(SIDECAR).replace("RestartSec=2", "RestartSec=9");
    place.write(SIDECAR, &changed);
    let before = place.everything();
    let run = place.units("install", &[]);
    assert_eq!((run.code, run.out.as_str()), (Some(3), ""));
    let said = place.plain(&run.err);
    assert!(
        said.starts_with(&format!(
            "error: `DIR/{SIDECAR}` was changed since `quorate units` wrote it\n hint: "
        )),
        "{said}"
    );
    for way in ["quorate units diff", "systemctl edit", "--force"] {
        assert!(said.contains(way), "{said}");
    }
    assert_eq!(place.everything(), before);
    // Each file has its own message.
    place.write(MAIN, "[Service]\nExecStart=/bin/true\n");
    let run = place.units("install", &[]);
    let said = place.plain(&run.err);
    assert_eq!((run.code, said.matches("error: ").count()), (Some(3), 2), "{said}");
    assert!(
        said.contains(&format!("`DIR/{MAIN}` was not written by `quorate units`")),
        "{said}"
    );
}

#[test]
fn what_is_replaced_by_force_is_kept_and_what_was_kept_is_not_replaced() {
    let place = Place::new();
    place.write(MAIN, "# one\n");
    let run = place.units("install", &["--force"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let kept = format!("{MAIN}.before");
    let line = format!("DIR/{MAIN}: replaced; what was there is kept as DIR/{kept}\n");
    assert!(place.plain(&run.out).starts_with(&line), "{}", run.out);
    assert_eq!(place.read(&kept), "# one\n");
    assert_eq!(place.units("diff", &[]).code, Some(0));
    // The same once more has been kept already.
    place.write(MAIN, "# one\n");
    assert_eq!(place.units("install", &["--force"]).code, Some(0));
    // Another one has not, and there is no room for it.
    place.write(MAIN, "# two\n");
    let before = place.everything();
    let run = place.units("install", &["--force"]);
    assert_eq!((run.code, run.out.as_str()), (Some(3), ""));
    assert!(
        place
            .plain(&run.err)
            .starts_with(&format!("error: `DIR/{MAIN}` cannot be kept as `DIR/{kept}`")),
        "{}",
        run.err
    );
    assert_eq!(place.everything(), before);
}

#[test]
fn another_version_replaces_a_file_that_nobody_has_changed() {
    let place = Place::installed();
    let options = ["--engine", "process", "--program", "/opt/quorate-2/quorate"];
    let diff = place.units("diff", &options);
    assert_eq!((diff.code, diff.err.as_str()), (Some(1), ""));
    let run = place.units("install", &options);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let said = place.plain(&run.out);
    assert_eq!(said.matches(": replaced; nobody had changed it\n").count(), 2, "{said}");
    assert!(place.read(MAIN).contains("\nAfter=etcd.service etcd-member.service\n"));
    assert!(
        place
            .read(SIDECAR)
            .contains("\nExecStart=/opt/quorate-2/quorate sidecar --instance %i\n")
    );
    assert_eq!(
        place.everything().len(),
        2,
        "nothing is kept of what nobody has changed"
    );
    assert_eq!(place.units("diff", &options).code, Some(0));
}

#[test]
fn a_masked_unit_stays_masked() {
    let place = Place::new();
    let path = place.0.path().join(MAIN);
    std::os::unix::fs::symlink("/dev/null", &path).expect("a link");
    let run = place.units("install", &[]);
    assert_eq!((run.code, run.out.as_str()), (Some(3), ""));
    let said = place.plain(&run.err);
    assert!(
        said.starts_with(&format!("error: `DIR/{MAIN}` is a link to `/dev/null`\n")),
        "{said}"
    );
    assert_eq!(fs::read_link(&path).expect("a link"), Path::new("/dev/null"));
    assert!(!place.0.path().join(SIDECAR).exists());
}

#[test]
fn diff_says_of_each_file_how_it_stands() {
    let place = Place::new();
    let run = place.units("diff", &[]);
    assert_eq!((run.code, run.err.as_str()), (Some(1), ""));
    let said = format!("DIR/{MAIN}: missing\nDIR/{SIDECAR}: missing\n");
    assert_eq!(place.plain(&run.out), said);
    assert!(place.everything().is_empty());
    let place = Place::installed();
    let run = place.units("diff", &[]);
    let said = format!("DIR/{MAIN}: the same\nDIR/{SIDECAR}: the same\n");
    assert_eq!((run.code, place.plain(&run.out)), (Some(0), said));
    place.write(
        SIDECAR,
        &place.read(SIDECAR).replace("RestartSec=2\n", "RestartSec=9\n"),
    );
    let run = place.units("diff", &[]);
    assert_eq!(run.code, Some(1));
    let said = place.plain(&run.out);
    let (main, sidecar) = said.split_once('\n').expect("lines");
    assert_eq!(main, format!("DIR/{MAIN}: the same"));
    let (head, hunk) = sidecar.split_once("@@ -").expect("a hunk");
    let expected = format!(
        "DIR/{SIDECAR}: different: somebody has changed it since it was written\n--- DIR/{SIDECAR}\n+++ what would be written\n"
    );
    assert_eq!(head, expected);
    let changes: Vec<_> = hunk.lines().filter(|line| line.starts_with(['-', '+'])).collect();
    assert_eq!(changes, ["-RestartSec=9", "+RestartSec=2"]);
}

#[test]
fn a_directory_that_is_not_there_is_not_made() {
    let place = Place::new();
    let missing = place.0.path().join("missing");
    place.write("file", "");
    for (dir, code) in [(missing.clone(), 2), (place.0.path().join("file"), 2)] {
        for command in ["diff", "install"] {
            let run = quorate(&[
                "units",
                command,
                "--program",
                "/q",
                "--directory",
                &dir.display().to_string(),
            ]);
            assert_eq!((run.code, run.out.as_str()), (Some(code), ""), "{command}");
            let said = format!("error: `{}` is no directory\n hint: name the one", dir.display());
            assert!(run.err.starts_with(&said), "{}", run.err);
        }
    }
    assert!(!missing.exists());
}

#[test]
fn a_directory_that_takes_no_file_is_named_with_the_cause() {
    let place = Place::new();
    let cover = Mount::read_only(place.0.path());
    let run = place.units("install", &[]);
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
    assert_eq!(
        place.plain(&run.err),
        "error: cannot write into `DIR`: Read-only file system (os error 30)\n \
         hint: mount that file system writable, or choose another directory\n"
    );
    drop(cover);
    let _cover = Mount::small(place.0.path());
    let fill = place.0.path().join("fill");
    fs::write(&fill, vec![0; 2 << 20]).expect_err("it is full then");
    let run = place.units("install", &[]);
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
    let said = format!("error: cannot write `DIR/{MAIN}`: No space left on device (os error 28)\n hint: make room");
    assert!(place.plain(&run.err).starts_with(&said), "{}", run.err);
    fs::remove_file(fill).expect("removed");
    assert!(place.everything().is_empty(), "a part of a file is left");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the project's own check is a process")]
fn systemd_finds_no_fault_with_the_units_of_any_engine() {
    for engine in ["docker", "podman", "process"] {
        let place = Place::new();
        let options = ["--engine", engine, "--program", "/opt/quorate/bin/quorate"];
        assert_eq!(place.units("install", &options).code, Some(0));
        let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/check");
        let output = Command::new(check).arg("units").arg(place.0.path()).output();
        let output = output.expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.starts_with("2 units are in order"),
            "{engine}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(
            place.read(MAIN).contains("docker.service"),
            engine == "docker",
            "{engine}"
        );
    }
}

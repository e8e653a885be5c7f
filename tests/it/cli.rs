//! The command line as people meet it: help texts, errors, exit codes.

use crate::support::program::{Run, quorate, quorate_with};

const COMMANDS: &[&[&str]] = &[
    &[],
    &["sidecar"],
    &["launch"],
    &["seeds"],
    &["status"],
    &["wait"],
    &["check"],
    &["config"],
    &["config", "show"],
    &["config", "sample"],
    &["cluster"],
    &["cluster", "show"],
    &["cluster", "adopt"],
    &["cluster", "reset"],
    &["units"],
    &["units", "print"],
    &["units", "diff"],
    &["units", "install"],
    &["demo"],
    &["completions"],
    &["man"],
];

#[test]
fn every_command_explains_itself() {
    for command in COMMANDS {
        let args = [command, &["--help"][..]].concat();
        let run = quorate(&args);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{args:?}");
        let name = [&["help"][..], command].concat().join("-");
        insta::assert_snapshot!(name, run.out);
    }
}

#[test]
fn every_command_that_does_something_has_an_example() {
    for command in COMMANDS
        .iter()
        .filter(|command| !matches!(command, [] | ["config" | "cluster" | "units"]))
    {
        let run = quorate(&[command, &["-h"][..]].concat());
        assert!(run.out.contains("Example:"), "{command:?}");
    }
}

#[test]
fn mistakes_on_the_command_line_end_with_2_and_a_way_on() {
    let mut page = Vec::new();
    for args in [
        &["staus"][..],
        &["status", "--verfy"],
        &["status", "--output", "xml"],
        &["seeds", "--format", "yaml"],
        &["seeds", "--exec-result", "/tmp/x"],
        &["wait"],
        &["wait", "--for", "green"],
        &["wait", "--for", "members=none"],
        &["wait", "--for", "ready", "--timeout", "5"],
        &["cluster", "adopt", "--from", "http://10.0.0.1:9200"],
        &["completions", "tcsh"],
        &["units", "print", "elasticsearch.service"],
        &["units", "print", "--program", "bin/quorate"],
        &["units", "install", "--program", "/q", "--directory", "/nonexistent"],
        &["demo", "--home", "/x", "--nodes", "0"],
        &["demo", "--home", "/x", "--address", "localhost"],
        &["demo"],
        &["status", "extra"],
        &["--log", "loud", "status"],
    ] {
        let run = quorate(args);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{args:?}");
        page.push(format!("$ quorate {}\n{}", args.join(" "), run.err));
    }
    insta::assert_snapshot!(page.join("\n"));
}

#[test]
fn wrong_settings_end_with_78_all_at_once() {
    let run = quorate(&["status", "--endpoints", "etcd-1", "--service", "a/b"]);
    assert_eq!(run.code, Some(78));
    insta::assert_snapshot!(run.err, @r"
    error: `--service` is `a/b` (from flag)
     hint: expected letters, digits, `-`, `_` and `.`, at most 128
    error: `--endpoints` is `etcd-1` (from flag)
     hint: expected `host:port`, `http://host:port` or `https://host:port`, separated by commas
    ");
    let run = quorate_with(&["status"], &[("QUORATE_LOG", "loud")]);
    assert_eq!(run.code, Some(78));
    assert!(run.err.contains("QUORATE_LOG is `loud`"), "{}", run.err);
}

#[test]
fn an_etcd_that_is_not_there_ends_with_75() {
    for command in [&["status"][..], &["seeds"], &["cluster", "show"]] {
        let run = quorate(&[command, &["--endpoints", "127.0.15.200:1"]].concat());
        assert_eq!((run.code, run.out.as_str()), (Some(75), ""), "{command:?}");
        assert!(
            run.err
                .starts_with("error: no answer from etcd at http://127.0.15.200:1: "),
            "{}",
            run.err
        );
        assert!(run.err.contains("\n hint: is etcd running there?"), "{}", run.err);
    }
}

#[test]
fn a_named_file_that_is_missing_is_an_error_and_the_usual_one_is_not() {
    let run = quorate(&["config", "show", "--config", "/nonexistent/quorate.toml"]);
    assert_eq!(run.code, Some(78));
    assert!(run.err.contains("/nonexistent/quorate.toml"), "{}", run.err);
    assert_eq!(quorate(&["config", "show"]).code, Some(0));
    let run = quorate(&["config", "show", "--instance", "../x"]);
    assert_eq!(run.code, Some(2));
}

#[test]
fn config_show_says_where_every_value_comes_from() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("quorate.toml");
    std::fs::write(&file, "service = \"logs\"\nset = { \"a.b\" = 1 }\n").expect("written");
    let path = file.display().to_string();
    let args = ["config", "show", "--config", &path, "--heap", "1g"];
    let environment = [
        ("ETCDCTL_USER", "root:secret"),
        ("QUORATE_ETCD_PASSWORD", "secret"),
        ("QUORATE_HOME", "/opt/es"),
    ];
    let run = quorate_with(&args, &environment);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert!(!run.out.contains("secret"), "{}", run.out);
    insta::with_settings!({filters => vec![(path.as_str(), "FILE")]}, {
        insta::assert_snapshot!(run.out);
    });
    let run = quorate_with(&[&args[..], &["--output", "json"]].concat(), &environment);
    let json: serde_json::Value = serde_json::from_str(&run.out).expect("json");
    assert_eq!(json["service"], serde_json::json!({ "value": "logs", "source": path }));
    assert_eq!(json["heap"], serde_json::json!({ "value": "1g", "source": "flag" }));
}

#[test]
fn completions_and_manual_pages_come_out() {
    for shell in ["bash", "zsh", "fish"] {
        let Run { code, out, .. } = quorate(&["completions", shell]);
        assert!(code == Some(0) && out.contains("bootstrap-expect"), "{shell}");
    }
    let run = quorate(&["man"]);
    assert!(run.code == Some(0) && run.out.contains(".TH quorate 1"), "{}", run.out);
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().display().to_string();
    assert_eq!(quorate(&["man", &path]).code, Some(0));
    for page in ["quorate.1", "quorate-launch.1", "quorate-cluster-adopt.1"] {
        assert!(dir.path().join(page).is_file(), "{page}");
    }
    let run = quorate(&["man", "/nonexistent/man"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.err.starts_with("error: `/nonexistent/man` is no directory"),
        "{}",
        run.err
    );
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    #[expect(clippy::disallowed_methods, reason = "the program is a process")]
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_quorate"));
    let output = command
        .args(["completions", "bash"])
        .stdout(writer)
        .output()
        .expect("it runs");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn the_sample_is_a_configuration_file_that_says_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("quorate.toml").display().to_string();
    std::fs::write(&path, quorate(&["config", "sample"]).out).expect("written");
    let run = quorate(&["config", "show", "--config", &path]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert!(!run.out.contains("quorate.toml"), "{}", run.out);
}

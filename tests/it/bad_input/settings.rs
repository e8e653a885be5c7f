//! Configuration files and flags.

use super::page::Page;
use crate::support::program::{quorate, quorate_with};

#[test]
fn a_configuration_file_that_cannot_be_used() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut page = Page::default();
    page.call(dir.path().display().to_string(), "DIR");
    let deep = format!("x = {}", "[".repeat(60));
    for (title, bytes) in [
        ("an unknown key", &b"endpoits = [\"a:1\"]\ncolour = 1\n"[..]),
        ("a wrong type", b"ttl = 30\nendpoints = [1.5]\nset = { a = [1] }\n"),
        ("a key twice", b"http-port = 9200\nhttp-port = 9201\n"),
        ("no TOML", b"[a\n"),
        ("a NUL", b"a\0b"),
        ("nested without end", deep.as_bytes()),
        ("not UTF-8", b"name = \"\xff\xfe\"\n"),
        ("UTF-16", b"\xff\xfen\0a\0m\0e\0"),
        ("a check that is none", b"skip-check = [\"open-file\"]\n"),
    ] {
        let file = dir.path().join("quorate.toml");
        std::fs::write(&file, bytes).expect("written");
        let path = file.display().to_string();
        let launch = [
            "launch",
            "--address",
            "10.0.0.1",
            "--home",
            "/x",
            "--name",
            "n",
            "--config",
            &path,
        ];
        page.run(title, &launch, &[]);
        std::fs::remove_file(&file).expect("removed");
    }
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::os::unix::fs::symlink("/nonexistent", dir.path().join("link")).expect("a link");
    for (title, file) in [
        ("a directory", path("")),
        ("a file that is not there", path("none")),
        ("a link to nothing", path("link")),
        // Root may read all files, but for those that cannot be read at all.
        ("a file that cannot be read", "/proc/self/mem".to_owned()),
    ] {
        page.run(title, &["status", "--config", &file], &[]);
    }
    insta::assert_snapshot!(page.text());
}

#[test]
fn a_mark_at_the_start_of_a_file_and_an_empty_file_are_no_mistakes() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("quorate.toml");
    for (bytes, service) in [
        (&b"\xef\xbb\xbfservice = \"logs\"\n"[..], "logs"),
        (b"", "elasticsearch"),
    ] {
        std::fs::write(&file, bytes).expect("written");
        let run = quorate(&[
            "config",
            "show",
            "--output",
            "json",
            "--config",
            &file.display().to_string(),
        ]);
        let json: serde_json::Value = serde_json::from_str(&run.out).expect("json");
        assert_eq!((run.code, json["service"]["value"].as_str()), (Some(0), Some(service)));
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn flags_that_make_no_sense() {
    let mut page = Page::default();
    let long = "a".repeat(3000);
    let sidecar = ["sidecar", "--address", "10.0.0.1"];
    let launch = ["launch", "--address", "10.0.0.1", "--home", "/x", "--name", "n"];
    let status = ["status"];
    for (title, command, more) in [
        ("an unknown command", &["lunch"][..], &[][..]),
        ("an unknown flag", &status, &["--endpoint", "a:1"]),
        ("a flag twice", &status, &["--service", "a", "--service", "b"]),
        ("no address", &["sidecar"], &["--endpoints", "127.0.0.1:1"]),
        ("a name for an address", &["sidecar"], &["--address", "search-1"]),
        ("an address with a zone", &["sidecar"], &["--address", "fe80::1%eth0"]),
        (
            "a number too high in an address",
            &["sidecar"],
            &["--address", "256.1.1.1"],
        ),
        ("a time without unit", &sidecar, &["--ttl", "30"]),
        ("a unit that is none", &sidecar, &["--ttl", "5parsecs"]),
        ("a time below nothing", &sidecar, &["--ttl=-5s"]),
        ("an endless time", &sidecar, &["--ttl", "500000000000y"]),
        (
            "a time longer than a clock",
            &launch,
            &["--grace", "9000000000000000000s"],
        ),
        ("an interval too long", &sidecar, &["--interval", "99999999999h"]),
        ("a port below zero", &sidecar, &["--http-port=-1"]),
        ("a port too high", &sidecar, &["--http-port", "99999999999999999999"]),
        ("one port for both", &sidecar, &["--http-port", "9300"]),
        ("a huge number", &sidecar, &["--rise", "4294967296"]),
        ("no place to listen", &sidecar, &["--listen", "127.0.0.1:99999"]),
        ("a name on two lines", &sidecar, &["--name", "a\nb"]),
        ("a name that talks to the terminal", &sidecar, &["--name", "\x1b[2Ja"]),
        ("an empty value", &status, &["--service", ""]),
        ("a service that is a path", &status, &["--service", "../x"]),
        ("a very long service", &status, &["--service", &long]),
        ("no endpoints", &status, &["--endpoints", ",,,"]),
        ("an open bracket", &status, &["--endpoints", "http://[::1"]),
        ("IPv6 without brackets", &status, &["--endpoints", "::1:2379"]),
        (
            "a path in an endpoint",
            &status,
            &["--endpoints", "http://a:2379/path?x=y"],
        ),
        ("a letter that no host has", &status, &["--endpoints", "é:2379"]),
        (
            "a host that is too long",
            &status,
            &["--endpoints", &format!("{long}:2379")],
        ),
        (
            "a scheme of something else",
            &status,
            &["--endpoints", "http://a:2379,ftp://b:1"],
        ),
        ("a heap without unit", &launch, &["--heap", "4"]),
        ("a huge heap", &launch, &["--heap", "99999999999999g"]),
        ("too many masters", &launch, &["--bootstrap-expect", "1000000"]),
        ("a setting without value", &launch, &["--set", "a.b"]),
        ("a check that is none", &launch, &["--skip-check", "open-file,colour"]),
        ("an empty file name", &["seeds"], &["--output", ""]),
        (
            "a wait without end",
            &["wait", "--for", "ready"],
            &["--timeout", "9000000000000000000s"],
        ),
        ("fewer members than none", &["wait"], &["--for", "members=-1"]),
        ("no node to adopt from", &["cluster", "adopt"], &["--from", ""]),
        (
            "a scheme where host and port go",
            &["cluster", "adopt"],
            &["--from", "http://a:9200"],
        ),
    ] {
        page.run(title, &[command, more].concat(), &[]);
    }
    page.run("a misspelt variable", &status, &[("QUORATE_ENDPIONTS", "a:1")]);
    page.run(
        "a wrong variable",
        &sidecar,
        &[("QUORATE_TTL", "soon"), ("QUORATE_RISE", "")],
    );
    insta::assert_snapshot!(page.text());
}

#[test]
fn a_variable_that_is_not_utf_8_is_none_of_ours() {
    let run = quorate_with(&["config", "show"], &[("LANG", "C")]);
    assert_eq!(run.code, Some(0), "{}", run.err);
}

//! Precedence, and every message about a wrong setting: people meet these texts, so a change of one is seen in review.

use std::fmt::Write as _;

use super::*;
use crate::exit::Failure;

/// Enough to be valid for both daemons.
const VALID: &[(&str, &str)] = &[
    ("QUORATE_ADDRESS", "10.0.0.1"),
    ("QUORATE_HOME", "/opt/es"),
    ("QUORATE_NAME", "n1"),
];

fn sources(flags: &[(&'static str, &str)], environment: &[(&str, &str)], file: &str) -> Sources {
    Sources::from_parts(flags, environment, file).expect("sources")
}

fn read<T>(sources: &Sources, read: impl FnOnce(&mut Resolver<'_>) -> Option<T>) -> Result<T, Failure> {
    let mut resolver = Resolver::new(sources);
    let settings = read(&mut resolver);
    resolver.finish()?;
    Ok(settings.expect("no problem, so settings"))
}

fn value(sources: &Sources, key: &str) -> (Option<String>, String) {
    let mut resolver = Resolver::new(sources);
    let all = resolver.show_all();
    let (_, value, source) = all.into_iter().find(|(opt, ..)| opt.key == key).expect(key);
    (value, source.to_string())
}

#[test]
fn a_flag_beats_the_environment_beats_etcdctl_beats_the_file_beats_the_default() {
    let flag: &[(&'static str, &str)] = &[("endpoints", "flag:1")];
    let own = ("QUORATE_ENDPOINTS", "own:2");
    let etcdctl = ("ETCDCTL_ENDPOINTS", "ctl:3");
    let file = "endpoints = [\"file:4\", \"file:5\"]";
    for (sources, expected, from) in [
        (sources(flag, &[own, etcdctl], file), "flag:1", "flag"),
        (sources(&[], &[own, etcdctl], file), "own:2", "QUORATE_ENDPOINTS"),
        (sources(&[], &[etcdctl], file), "ctl:3", "ETCDCTL_ENDPOINTS"),
        (sources(&[], &[], file), "file:4,file:5", "quorate.toml"),
        (sources(&[], &[], ""), "127.0.0.1:2379", "default"),
        // A unit that hands on a variable which is not set says nothing.
        (
            sources(&[], &[("QUORATE_ENDPOINTS", "")], file),
            "file:4,file:5",
            "quorate.toml",
        ),
    ] {
        assert_eq!(
            value(&sources, "endpoints"),
            (Some(expected.to_owned()), from.to_owned())
        );
    }
}

#[test]
fn what_the_host_thinks_of_its_address_comes_after_what_people_wrote() {
    let host = [
        ("COREOS_PRIVATE_IPV4", "10.0.0.2"),
        ("FLATCAR_PRIVATE_IPV4", "10.0.0.3"),
    ];
    let address = |sources: &Sources| {
        let settings = read(sources, sidecar).expect("valid").node;
        (settings.address.to_string(), settings.address_given)
    };
    assert_eq!(
        address(&sources(&[], &host, "address = \"10.0.0.1\"")),
        ("10.0.0.1".to_owned(), true)
    );
    assert_eq!(address(&sources(&[], &host, "")), ("10.0.0.2".to_owned(), false));
    assert_eq!(address(&sources(&[], &host[1..], "")), ("10.0.0.3".to_owned(), false));
    assert_eq!(
        address(&sources(&[("address", "127.0.0.1")], &host, "")),
        ("127.0.0.1".to_owned(), true),
        "by hand even loopback"
    );
}

#[test]
fn endpoints_become_urls_and_certificates_make_them_https() {
    let endpoints = |text: &str| {
        let sources = sources(&[("endpoints", text)], &[], "");
        read(&sources, common).map(|common| common.registry.endpoints)
    };
    assert_eq!(
        endpoints("etcd-1:2379, http://10.0.0.2:2379/,[fd00::1]:2379"),
        Ok(vec![
            "http://etcd-1:2379".to_owned(),
            "http://10.0.0.2:2379".to_owned(),
            "http://[fd00::1]:2379".to_owned()
        ])
    );
    let dir = tempfile::tempdir().expect("directory");
    let ca = dir.path().join("ca.pem");
    let made = rcgen::generate_simple_self_signed(Vec::new()).expect("made");
    std::fs::write(&ca, made.cert.pem()).expect("written");
    let text = ca.display().to_string();
    let sources = sources(&[("cacert", &text), ("endpoints", "a:1,https://b:2")], &[], "");
    let registry = read(&sources, common).expect("valid").registry;
    assert_eq!(registry.endpoints, ["https://a:1", "https://b:2"]);
    assert_eq!(registry.tls.and_then(|tls| tls.ca), Some(ca));
}

#[test]
fn etcdctls_user_may_carry_its_password_and_it_is_never_shown() {
    let both = sources(&[], &[("ETCDCTL_USER", "root:a:b")], "");
    let credentials = read(&both, common)
        .expect("valid")
        .registry
        .credentials
        .expect("credentials");
    assert_eq!(
        (credentials.user.as_str(), credentials.password.first().expose()),
        ("root", "a:b")
    );
    assert_eq!(value(&both, "etcd-user").0.as_deref(), Some("root:(hidden)"));
    assert!(!format!("{credentials:?}").contains("a:b"));

    let apart = sources(&[], &[("ETCDCTL_USER", "root"), ("ETCDCTL_PASSWORD", "secret")], "");
    let credentials = read(&apart, common)
        .expect("valid")
        .registry
        .credentials
        .expect("credentials");
    assert_eq!(credentials.password.first().expose(), "secret");
    assert_eq!(value(&apart, "etcd-password").0.as_deref(), Some("(set)"));
}

#[test]
fn pairs_whose_names_look_like_secrets_are_not_shown() {
    let pairs = sources(
        &[("env", "ELASTIC_PASSWORD=s3cret")],
        &[("QUORATE_SET", "a.b=1\nx.secret_key=s3cret")],
        "",
    );
    assert_eq!(value(&pairs, "env").0.as_deref(), Some("ELASTIC_PASSWORD=(hidden)"));
    assert_eq!(value(&pairs, "set").0.as_deref(), Some("a.b=1,x.secret_key=(hidden)"));
}

#[test]
fn lists_and_pairs_read_the_same_from_everywhere() {
    let launch_of = |flags: &[(&'static str, &str)], environment: &[(&str, &str)], file: &str| {
        let environment: Vec<_> = VALID.iter().chain(environment).copied().collect();
        read(&sources(flags, &environment, file), launch).expect("valid")
    };
    let from_file = launch_of(
        &[],
        &[],
        "roles = [\"master\", \"data\"]\nset = { \"a.b\" = \"[1, 2]\", c = 3 }\nbootstrap-expect = 3\ntake-over = true",
    );
    let from_environment = launch_of(
        &[],
        &[
            ("QUORATE_ROLES", "master, data"),
            ("QUORATE_SET", "a.b=[1, 2]\nc=3"),
            ("QUORATE_BOOTSTRAP_EXPECT", "3"),
            ("QUORATE_TAKE_OVER", "true"),
        ],
        "",
    );
    for settings in [from_file, from_environment] {
        assert_eq!(settings.roles, Some(vec!["master".to_owned(), "data".to_owned()]));
        let set: Vec<_> = settings.set.into_iter().collect();
        assert_eq!(
            set,
            [
                ("a.b".to_owned(), "[1, 2]".to_owned()),
                ("c".to_owned(), "3".to_owned())
            ]
        );
        assert_eq!((settings.bootstrap_expect, settings.node.take_over), (Some(3), true));
    }
    assert_eq!(launch_of(&[], &[], "").roles, None, "the product's own");
    assert_eq!(
        launch_of(&[], &[("QUORATE_ROLES", "")], "").roles,
        None,
        "an empty variable says nothing"
    );
    assert_eq!(
        launch_of(&[], &[], "").bootstrap_expect,
        None,
        "a default is not a demand"
    );
}

#[test]
fn the_launcher_and_the_sidecar_keep_their_state_apart() {
    let sources = sources(&[], VALID, "transport-port = 9301");
    let (launch, sidecar) = (
        read(&sources, launch).expect("valid"),
        read(&sources, sidecar).expect("valid"),
    );
    assert_eq!(
        launch.data.display().to_string(),
        "/var/lib/quorate/elasticsearch/10.0.0.1-9301/data"
    );
    let state = |node: &NodeSettings| node.state_file(&launch.common.service).display().to_string();
    assert_eq!(state(&launch.node), "/var/lib/quorate/elasticsearch/10.0.0.1:9301.json");
    assert_eq!(
        state(&sidecar.node),
        "/var/lib/quorate-sidecar/elasticsearch/10.0.0.1:9301.json"
    );
    assert_eq!(
        sidecar.node.run_file(&launch.common.service).display().to_string(),
        "/run/quorate/elasticsearch/10.0.0.1:9301.json"
    );
}

/// What a person reads for each of many wrong settings.
#[test]
fn every_mistake_has_its_message() {
    let mut page = String::new();
    let mut note = |said: &str, failure: Option<Failure>| {
        let text = failure.map_or_else(|| "(accepted)".to_owned(), |failure| failure.to_string());
        let _ = writeln!(page, "{said}\n{text}\n");
    };
    for (key, text) in WRONG_FLAGS {
        let sources = sources(&[(key, text)], VALID, "");
        let both = read(&sources, |r| {
            let problems = (sidecar(r).map(drop), launch(r).map(drop));
            problems.0.and(problems.1)
        });
        note(&format!("--{key} '{text}'"), both.err());
    }
    for file in WRONG_FILES {
        let result = Sources::from_parts(&[], VALID, file).and_then(|sources| read(&sources, launch).map(drop));
        note(file, result.err());
    }
    for environment in WRONG_ENVIRONMENTS {
        let result = Sources::from_parts(&[], environment, "").and_then(|sources| read(&sources, sidecar).map(drop));
        note(&format!("{environment:?}"), result.err());
    }
    insta::assert_snapshot!(page);
}

const WRONG_FLAGS: &[(&str, &str)] = &[
    ("address", ""),
    ("roles", ""),
    ("address", "search-1"),
    ("address", "0.0.0.0"),
    ("address", "10.0.0.1:9300"),
    ("endpoints", ""),
    ("endpoints", "etcd-1"),
    ("endpoints", "etcd-1:0"),
    ("endpoints", "https://etcd-1:2379"),
    ("endpoints", "ftp://etcd-1:2379"),
    ("endpoints", "http://user@etcd-1:2379"),
    ("cacert", "/nonexistent/ca.pem"),
    ("cacert", "/dev/null"),
    ("cert", "/proc/self/status"),
    ("etcd-user", "root"),
    ("etcd-user", "root:secret"),
    ("etcd-password-file", "/proc/self/environ.none"),
    ("etcd-password-file", "/dev/null"),
    ("service", "a/b"),
    ("prefix", "services"),
    ("prefix", "/quorate"),
    ("control-prefix", "/x/"),
    ("http-port", "0"),
    ("http-port", "70000"),
    ("http-port", "9300"),
    ("transport-port", "http"),
    ("ttl", "30"),
    ("ttl", "5s"),
    ("ttl", "10500ms"),
    ("run-dir", "run"),
    ("interval", "0s"),
    ("interval", "1s"),
    ("timeout", "fast"),
    ("rise", "0"),
    ("fall", "x"),
    ("ready-when", "green"),
    ("listen", "9190"),
    ("engine", "docker"),
    ("home", "es"),
    ("home", ""),
    ("name", ""),
    ("bootstrap-expect", "0"),
    ("expected-masters", "many"),
    ("heap", "4"),
    ("heap", "0g"),
    ("set", "a.b"),
    ("attr", "=x"),
    ("drain-wait", "5"),
    ("wait-for", "0s"),
];

const WRONG_FILES: &[&str] = &[
    "endpoint = [\"a:1\"]",
    "colour = \"blue\"",
    "[launch]\nheap = \"4g\"",
    "endpoints = 5",
    "set = \"a=b\"",
    "http-port = [9200]",
    "heap = 4g",
];

const WRONG_ENVIRONMENTS: &[&[(&str, &str)]] = &[
    &[("QUORATE_ADRESS", "10.0.0.1")],
    &[("QUORATE_ADDRESS", "10.0.0.1"), ("QUORATE_TAKE_OVER", "yes")],
    &[("COREOS_PRIVATE_IPV4", "127.0.0.1")],
    &[("QUORATE_ADDRESS", "10.0.0.1"), ("ETCDCTL_PASSWORD", "secret")],
    &[],
    &[("QUORATE_LISTENN", "off"), ("QUORATE_WINDOW", "x")],
    &[
        ("QUORATE_ADDRESS", "x"),
        ("QUORATE_HTTP_PORT", "y"),
        ("QUORATE_TTL", "z"),
    ],
];

proptest::proptest! {
    /// A file that cannot be used is named; none makes the reader panic.
    #[test]
    fn no_file_makes_the_reader_panic(text: String, key in "[a-z-]{1,12}", value in "[0-9a-z\\[\\]{}\"., ]{0,20}") {
        for file in [text, format!("{key} = {value}\nttl = {value}\nendpoints = {value}\n")] {
            if let Ok(sources) = Sources::from_parts(&[], VALID, &file) {
                let mut resolver = Resolver::new(&sources);
                let _ = (sidecar(&mut resolver), launch(&mut resolver));
                let _ = resolver.show_all();
            }
        }
    }
}

#[test]
fn a_damaged_file_gives_settings_or_an_error_that_says_where() {
    crate::fuzz::fuzz("config", |bytes| {
        let file = String::from_utf8_lossy(bytes);
        let sources = match Sources::from_parts(&[], VALID, &file) {
            Ok(sources) => sources,
            Err(failure) => {
                assert!(failure.to_string().contains("quorate.toml"), "{failure}");
                return;
            }
        };
        for failure in [read(&sources, sidecar).err(), read(&sources, launch).err()]
            .into_iter()
            .flatten()
        {
            assert!(!failure.problems.is_empty());
        }
        let _ = Resolver::new(&sources).show_all();
    });
}

/// The line of a setting in the sample, with the comment mark taken away.
fn sampled(opt: &Opt) -> String {
    let begin = format!("#{} = ", opt.key);
    let all = sample();
    let lines: Vec<_> = all.lines().filter(|line| line.starts_with(&begin)).collect();
    assert_eq!(lines.len(), 1, "{}: {lines:?}", opt.key);
    lines[0][1..].to_owned()
}

#[test]
fn the_sample_says_nothing_and_has_every_setting_once() {
    let said = sources(&[], &[], &sample());
    let sources_of_all = Resolver::new(&said).show_all();
    assert!(
        sources_of_all.iter().all(|(.., source)| *source == Source::Default),
        "{sources_of_all:?}"
    );
    for opt in OPTIONS {
        sampled(opt);
    }
}

#[test]
fn a_line_of_the_sample_without_its_mark_says_the_default() {
    for opt in OPTIONS {
        let line = sampled(opt);
        let said = sources(&[], &[], &line);
        let (shown, from) = value(&said, opt.key);
        assert_eq!(from, "quorate.toml", "{line}");
        if opt.default.is_some() {
            assert_eq!(shown.as_deref(), opt.default, "{line}");
        }
    }
}

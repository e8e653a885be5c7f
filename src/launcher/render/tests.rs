use proptest::prelude::*;

use super::{super::product::Product, *};

pub(super) fn setup(product: Product, version: &str) -> NodeSetup {
    let version = version.parse().expect("version");
    let line = Line::of(product, version).expect("line");
    NodeSetup {
        line,
        version,
        cluster: "logs".to_owned(),
        name: "node \"a\"".to_owned(),
        address: "10.0.0.1".parse().expect("address"),
        reach: Reach::OnHost,
        http_port: 9200,
        transport_port: 9300,
        data: "/srv/data".into(),
        logs: "/srv/logs".into(),
        roles: Some(vec!["master".to_owned(), "data".to_owned()]),
        attributes: [("rack".to_owned(), "r1: true".to_owned())].into(),
        minimum_masters: matches!(line.formation, Formation::Quorum { .. }).then_some(2),
        has_security: true,
        certificates: None,
        set: [
            ("node.attr.rack".to_owned(), "r2".to_owned()),
            ("discovery.initial_state_timeout".to_owned(), "1s".to_owned()),
            ("indices.lists".to_owned(), "[a, 'b']".to_owned()),
            ("indices.count".to_owned(), "7".to_owned()),
        ]
        .into(),
    }
}

/// Versions of every line, and on both sides of what changes within one.
const VERSIONS: [(Product, &str); 13] = [
    (Product::Elasticsearch, "1.7.6"),
    (Product::Elasticsearch, "2.4.6"),
    (Product::Elasticsearch, "5.6.16"),
    (Product::Elasticsearch, "6.2.4"),
    (Product::Elasticsearch, "6.5.4"),
    (Product::Elasticsearch, "6.8.23"),
    (Product::Elasticsearch, "7.8.1"),
    (Product::Elasticsearch, "7.17.29"),
    (Product::Elasticsearch, "8.19.21"),
    (Product::Elasticsearch, "9.5.3"),
    (Product::OpenSearch, "1.3.20"),
    (Product::OpenSearch, "2.19.6"),
    (Product::OpenSearch, "3.6.0"),
];

#[test]
fn every_line_gets_its_settings() {
    let masters = ["node \"a\"".to_owned(), "b".to_owned()];
    for (product, version) in VERSIONS {
        let name = format!("{}-{version}", product.name());
        insta::assert_snapshot!(
            name,
            setup(product, version).render(Some(&masters), &["10.0.0.2:9300".to_owned()])
        );
    }
}

/// A second node of a host, hot or the nearest to it, published at an IPv6 address, with its memory locked and TLS where PEM files
/// are taken.
#[test]
fn every_line_gets_all_that_can_be_said() {
    for (product, version) in VERSIONS {
        let mut rich = setup(product, version);
        rich.address = "fd00::21".parse().expect("address");
        rich.reach = Reach::Published;
        (rich.http_port, rich.transport_port) = (9201, 9301);
        rich.attributes = [("zone".to_owned(), "a".to_owned())].into();
        rich.set = [(rich.line.memory_lock.to_owned(), "true".to_owned())].into();
        rich.certificates = rich.line.security.takes_pem.then(|| "/etc/certs".into());
        rich.roles = Some(["master", "data_hot", "data_content"].map(str::to_owned).to_vec());
        if !rich.problems().is_empty() {
            rich.roles = Some(["master", "data"].map(str::to_owned).to_vec());
            rich.attributes.insert("box_type".to_owned(), "hot".to_owned());
        }
        assert_eq!(rich.problems(), [], "{version}");
        let name = format!("rich-{}-{version}", product.name());
        insta::assert_snapshot!(name, rich.render(None, &["[fd00::22]:9301".to_owned()]));
    }
}

#[test]
fn certificates_switch_tls_on_in_every_layer_that_was_not_told_otherwise() {
    for (product, version, form, off) in [
        (
            Product::Elasticsearch,
            "9.5.3",
            "xpack.security.transport.ssl.keystore.path",
            "xpack.security.http.ssl.enabled",
        ),
        (
            Product::OpenSearch,
            "3.6.0",
            "plugins.security.ssl.transport.keystore_filepath",
            "plugins.security.ssl.http.enabled",
        ),
    ] {
        let mut setup = setup(product, version);
        setup.certificates = Some("/etc/certs".into());
        assert!(setup.speaks_tls() && !setup.unprotected());
        let namespace = setup.line.security.namespace;
        let secure = |setup: &NodeSetup| -> String {
            let text = setup.render(None, &[]);
            let lines = text.lines().filter(|line| line.starts_with(namespace));
            lines.collect::<Vec<_>>().join(
                "
",
            )
        };
        let whole = secure(&setup);
        setup.set.insert(form.to_owned(), "certs/node.p12".to_owned());
        setup.set.insert(off.to_owned(), "false".to_owned());
        assert!(!setup.speaks_tls());
        let name = format!("secure-{}-{version}", product.name());
        insta::assert_snapshot!(
            name,
            format!(
                "{whole}\n\n# with another form and no TLS over HTTP\n{}",
                secure(&setup)
            )
        );
        setup.has_security = false;
        let problems = setup.problems();
        assert!(
            problems
                .iter()
                .any(|problem| problem.what.contains("`--certificates` is /etc/certs")),
            "{problems:?}"
        );
    }
}

#[test]
fn an_opensearch_that_does_not_know_how_to_look_for_new_certificates_is_not_told_to() {
    for version in ["1.3.20", "2.19.6"] {
        let mut setup = setup(Product::OpenSearch, version);
        setup.certificates = Some("/etc/certs".into());
        let text = setup.render(None, &[]);
        assert!(
            text.contains("plugins.security.ssl.http.enabled: true") && !text.contains("reload"),
            "{text}"
        );
    }
}

#[test]
fn a_line_that_takes_no_pem_files_is_given_none() {
    let mut setup = setup(Product::Elasticsearch, "2.4.6");
    setup.certificates = Some("/etc/certs".into());
    let problems = setup.problems();
    assert!(
        problems
            .iter()
            .any(|problem| problem.what.contains("takes no files of the PEM form")),
        "{problems:?}"
    );
}

#[test]
fn the_bootstrap_setting_is_there_only_when_ordered() {
    for version in ["6.8.23", "9.5.3"] {
        let text = setup(Product::Elasticsearch, version).render(None, &[]);
        assert!(!text.contains("initial_master_nodes"), "{text}");
    }
}

#[test]
fn security_is_left_alone_by_whoever_sets_any_of_it() {
    let mut setup = setup(Product::Elasticsearch, "9.5.3");
    assert!(setup.unprotected());
    setup
        .set
        .insert("xpack.security.http.ssl.enabled".to_owned(), "true".to_owned());
    assert!(!setup.unprotected());
    assert!(!setup.render(None, &[]).contains("xpack.security.enabled"));
    setup.has_security = false;
    setup.set.clear();
    assert!(!setup.render(None, &[]).contains("xpack.security"));
}

#[test]
fn what_decides_the_cluster_cannot_be_set_by_hand() {
    for (key, hint) in [
        ("cluster.initial_master_nodes", "--bootstrap-expect"),
        ("cluster.initial_master_nodes.0", "--bootstrap-expect"),
        ("cluster.initial_cluster_manager_nodes", "--bootstrap-expect"),
        ("discovery.type", "seeds"),
        ("discovery.seed_hosts", "seeds"),
        ("discovery.unconfigured_bootstrap_timeout", "seeds"),
        ("discovery.zen.minimum_master_nodes", "--expected-masters"),
        ("path.data", "--data"),
        ("cluster.name", "--cluster"),
        ("http.port", "--http-port"),
        ("transport.tcp.port", "--transport-port"),
        ("network.host", "--address"),
        ("node.roles", "--roles"),
    ] {
        let problem = set_problem(key, "x").expect(key);
        assert!(problem.hint.expect(key).contains(hint), "{key}");
    }
    for key in [
        "discovery.initial_state_timeout",
        "cluster.names",
        "http.ports",
        "network.bind_host",
        "x-y.z_1",
    ] {
        assert_eq!(set_problem(key, "1s"), None, "{key}");
    }
}

#[test]
fn a_value_that_is_not_one_value_is_refused() {
    for value in ["{a: b}", "[[a]]", "[a", "a\nb: c", "\"a", "'a", "\"a\"b\"", "[{a: b}]"] {
        assert!(set_problem("a.b", value).is_some(), "{value}");
    }
    for (value, yaml) in [
        ("5", "5"),
        ("true", "true"),
        ("a: b # c", "\"a: b # c\""),
        ("", "\"\""),
        ("'x y'", "\"x y\""),
        ("[]", "[]"),
        ("[ 1, b ]", "[1,\"b\"]"),
        ("[\"a,\", \"b\"]", "[\"a,\",\"b\"]"),
        ("50%", "\"50%\""),
    ] {
        assert_eq!(said(value).as_deref(), Some(yaml), "{value}");
    }
}

#[test]
fn attributes_that_a_node_would_refuse_are_refused_before_it() {
    let line = setup(Product::Elasticsearch, "9.5.3").line;
    for (name, value, fits) in [
        ("zone", "a", true),
        ("rack.row-1_b", "ü 1", true),
        ("a b", "x", false),
        ("a*", "x", false),
        ("a..b", "x", false),
        (".a", "x", false),
        ("zone", "", false),
        ("zone", " a", false),
        ("zone", "a\n", false),
        ("name", "x", true),
    ] {
        assert_eq!(attribute_problem(line, name, value).is_none(), fits, "{name}={value}");
    }
    // Where attributes have no place of their own.
    let old = setup(Product::Elasticsearch, "2.4.6").line;
    for (name, fits) in [("name", false), ("mode", false), ("master", false), ("zone", true)] {
        assert_eq!(attribute_problem(old, name, "x").is_none(), fits, "{name}");
    }
}

#[test]
fn java_options_name_no_file_in_the_home() {
    let text = "8:-Xloggc:logs/gc.log\n9-:-Xlog:gc*:file=logs/gc.log:utctime\n# =logs/x\n-XX:HeapDumpPath=data\n\
                -XX:ErrorFile=logs/hs_err_pid%p.log\n-Xms1g\n";
    let expected = "8:-Xloggc:/l/gc.log\n9-:-Xlog:gc*:file=/l/gc.log:utctime\n# =logs/x\n-XX:HeapDumpPath=/d\n\
                    -XX:ErrorFile=/l/hs_err_pid%p.log\n-Xms1g\n";
    assert_eq!(java_options(text, Some(17), Path::new("/l"), Path::new("/d")), expected);
}

#[test]
fn only_a_java_that_does_not_know_an_option_goes_without_it() {
    let text = "-XX:+UseConcMarkSweepGC\n8-13:-XX:+UseConcMarkSweepGC\n-XX:+UseParNewGC\n-server\n";
    let of = |java| java_options(text, java, Path::new("/l"), Path::new("/d"));
    for java in [None, Some(8)] {
        assert_eq!(of(java), text, "{java:?}");
    }
    assert_eq!(
        of(Some(11)),
        "-XX:+UseConcMarkSweepGC\n8-13:-XX:+UseConcMarkSweepGC\n-server\n"
    );
    assert_eq!(of(Some(17)), "8-13:-XX:+UseConcMarkSweepGC\n-server\n");
}

proptest! {
    #[test]
    fn whatever_is_set_takes_one_line_and_hides_nothing(value in any::<String>()) {
        if set_problem("a.b", &value).is_none() {
            let mut setup = setup(Product::Elasticsearch, "9.5.3");
            let lines = setup.render(None, &[]).lines().count();
            setup.set.insert("a.b".to_owned(), value);
            prop_assert_eq!(setup.render(None, &[]).lines().count(), lines + 1);
        }
    }
}

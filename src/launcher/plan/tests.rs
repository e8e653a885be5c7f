use std::path::Path;

use super::*;
use crate::{
    config::{Resolver, Sources, launch},
    launcher::{
        container::{Image, Knowledge},
        process::Program,
        product::Product,
    },
};

fn home(dir: &Path, jar: &str) -> String {
    for part in ["config", "lib", "jdk/bin"] {
        std::fs::create_dir_all(dir.join(part)).expect("a directory");
    }
    std::fs::write(dir.join("lib").join(jar), "").expect("a jar");
    std::fs::write(dir.join("jdk/bin/java"), "").expect("a java");
    dir.display().to_string()
}

fn plan(jar: &str, file: &str) -> Result<Plan, Failure> {
    let dir = tempfile::tempdir().expect("a directory");
    let home = home(dir.path(), jar);
    let flags = [
        ("home", home.as_str()),
        ("address", "10.0.0.1"),
        ("name", "a"),
        ("user", "12:34"),
    ];
    // Only root may name another user.
    let flags = &flags[..if crate::launcher::user::is_root() { 4 } else { 3 }];
    let java = format!("{home}/jdk");
    let environment = [
        ("PATH", "/bin"),
        ("JAVA_HOME", java.as_str()),
        ("ETCDCTL_USER", "root"),
        ("JAVA_TOOL_OPTIONS", "-x"),
        ("ETCDCTL_PASSWORD", "secret"),
    ];
    let sources = Sources::from_parts(flags, &environment, file).expect("sources");
    let mut resolver = Resolver::new(&sources);
    let settings = launch(&mut resolver);
    resolver.finish()?;
    let settings = settings.expect("settings");
    let Engine::Process { home } = settings.engine.clone() else {
        panic!("a home was given");
    };
    Plan::of_home(settings, &home)
}

fn program(plan: &Plan) -> Program {
    match &plan.node {
        Node::Process(unpacked) => plan.program(unpacked),
        Node::Container(_) => panic!("no process"),
    }
}

#[test]
fn the_node_gets_a_clean_environment_and_what_was_said() {
    let file = "heap = \"1g\"\n[env]\nES_JAVA_OPTS = \"-Da=b\"\nX = \"y\"\n";
    let environment = plan("elasticsearch-9.5.3.jar", file)
        .map(|plan| program(&plan).environment)
        .expect("a plan");
    let get = |name: &str| environment.get(name).map(String::as_str);
    assert_eq!(get("ES_JAVA_OPTS"), Some("-Xms1g -Xmx1g -Da=b"));
    assert_eq!(
        (get("PATH"), get("LANG"), get("X")),
        (Some("/bin"), Some("C.UTF-8"), Some("y"))
    );
    assert_eq!((get("JAVA_TOOL_OPTIONS"), get("ETCDCTL_PASSWORD")), (None, None));
    let heap = plan("opensearch-3.6.0.jar", "heap = \"512m\"")
        .map(|plan| program(&plan).environment)
        .expect("a plan");
    assert_eq!(
        heap.get("OPENSEARCH_JAVA_OPTS").map(String::as_str),
        Some("-Xms512m -Xmx512m")
    );
}

/// What becomes of a home whose Java is this, as the process engine starts it.
fn old(jar: &str, java: u32) -> Program {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir_all(dir.path().join("bin")).expect("bin");
    std::fs::write(dir.path().join("bin/java"), "").expect("java");
    let release = format!("JAVA_VERSION=\"{java}.0.1\"\n");
    std::fs::write(dir.path().join("release"), release).expect("release");
    let file = format!(
        "heap = \"1g\"\nexpected-masters = 1\n[env]\nES_JAVA_OPTS = \"-Da=b\"\nJAVA_HOME = \"{}\"\n",
        dir.path().display()
    );
    program(&plan(jar, &file).expect("a plan"))
}

#[test]
fn old_lines_are_told_by_arguments_and_variables_of_their_time() {
    let config = "/var/lib/quorate/elasticsearch/10.0.0.1/config";
    let tmp = "-Djava.io.tmpdir=/var/lib/quorate/elasticsearch/10.0.0.1/tmp";
    let heap = "-Xms1g -Xmx1g -Da=b";
    for (jar, argument, own, options) in [
        (
            "elasticsearch-1.7.6.jar",
            Some("-Des.path.conf="),
            ("ES_HEAP_SIZE", "1g".to_owned()),
            format!("{tmp} -Da=b"),
        ),
        (
            "elasticsearch-2.4.6.jar",
            Some("-Des.path.conf="),
            ("ES_GC_OPTS", "-XX:+UseG1GC".to_owned()),
            format!("{tmp} -Da=b"),
        ),
        (
            "elasticsearch-5.6.16.jar",
            Some("-Epath.conf="),
            ("ES_JVM_OPTIONS", format!("{config}/jvm.options")),
            format!("{tmp} {heap}"),
        ),
        (
            "elasticsearch-6.2.4.jar",
            None,
            ("ES_PATH_CONF", config.to_owned()),
            format!("{tmp} {heap}"),
        ),
        (
            "elasticsearch-6.5.4.jar",
            None,
            ("ES_PATH_CONF", config.to_owned()),
            heap.to_owned(),
        ),
    ] {
        let program = old(jar, 17);
        let arguments: Vec<String> = argument.map(|start| format!("{start}{config}")).into_iter().collect();
        assert_eq!(program.arguments, arguments, "{jar}");
        let get = |name: &str| program.environment.get(name).map(String::as_str);
        let (name, value) = own;
        assert_eq!(get(name), Some(value.as_str()), "{jar}");
        assert_eq!(get("ES_JAVA_OPTS"), Some(options.as_str()), "{jar}");
        assert_eq!(get("ES_PATH_CONF").is_some(), argument.is_none(), "{jar}");
    }
    assert_eq!(
        old("elasticsearch-2.4.6.jar", 9).environment.get("ES_GC_OPTS"),
        None,
        "what the script says is fine there"
    );
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let file = "[env]\nES_PATH_CONF = \"/x\"\nJAVA_HOME = \"/nonexistent\"\n[set]\n\"cluster.name\" = \"x\"\n";
    let failure = plan("elasticsearch-6.8.23.jar", file).expect_err("wrong");
    let all: Vec<&str> = failure.problems.iter().map(|problem| problem.what.as_str()).collect();
    for part in [
        "/nonexistent",
        "--expected-masters",
        "--set cluster.name",
        "--env ES_PATH_CONF",
    ] {
        assert!(all.iter().any(|what| what.contains(part)), "{part} in {all:?}");
    }
    assert_eq!((failure.exit, all.len()), (Exit::Config, 4));
}

#[test]
fn the_quorum_is_set_on_the_lines_that_want_one() {
    let six = plan("elasticsearch-6.8.23.jar", "expected-masters = 3").expect("a plan");
    assert_eq!(six.setup.minimum_masters, Some(2));
    assert_eq!(
        plan("elasticsearch-9.5.3.jar", "")
            .expect("a plan")
            .setup
            .minimum_masters,
        None
    );
}

fn of_image(product: Product, version: &str, file: &str) -> Result<Plan, Failure> {
    let flags = [("image", "reg:5000/search:1"), ("address", "127.0.0.1"), ("name", "a")];
    let variables = [
        ("ETCDCTL_PASSWORD", "secret"),
        ("PATH", "/bin"),
        ("ETCDCTL_USER", "root"),
    ];
    let sources = Sources::from_parts(&flags, &variables, file).expect("sources");
    let mut resolver = Resolver::new(&sources);
    let settings = launch(&mut resolver);
    resolver.finish()?;
    let settings = settings.expect("settings");
    let Engine::Container(container) = settings.engine.clone() else {
        panic!("an image was given");
    };
    let version = version.parse().expect("a version");
    let image = Image {
        reference: container.image.clone(),
        from: Knowledge::Name,
        version,
        line: Line::of(product, version).expect("a line"),
        has_security: true,
    };
    Plan::of_image(settings, container, image)
}

fn blueprint(plan: &Plan) -> container::arguments::Blueprint {
    match &plan.node {
        Node::Container(packed) => plan.blueprint(packed),
        Node::Process(_) => panic!("no container"),
    }
}

#[test]
fn a_container_is_told_what_its_line_wants() {
    let file = "heap = \"1g\"\nnetwork = \"bridge\"\n[ulimit]\nnofile = 1000\n[env]\nX = \"y\"\nOPENSEARCH_JAVA_OPTS = \"-Da=b\"\n\
        [set]\n\"bootstrap.memory_lock\" = true\n";
    let plan = of_image(Product::OpenSearch, "3.6.0", file).expect("a plan");
    let made = blueprint(&plan);
    let variables: Vec<String> = made
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        variables,
        [
            "DISABLE_INSTALL_DEMO_CONFIG=true",
            "DISABLE_PERFORMANCE_ANALYZER_AGENT_CLI=true",
            "DISABLE_SECURITY_PLUGIN=true",
            "OPENSEARCH_JAVA_OPTS=-Xms1g -Xmx1g -Da=b",
            "X=y"
        ]
    );
    assert_eq!(
        (made.user, made.name.as_str()),
        ((1000, 1000), "quorate-elasticsearch-127.0.0.1")
    );
    let limits: Vec<(&str, &str)> = made
        .limits
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(limits, [("memlock", "-1"), ("nofile", "1000")]);
    let targets: Vec<&str> = made.mounts.iter().map(|mount| mount.target.as_str()).collect();
    assert_eq!(targets, ["/usr/share/opensearch/data", "/quorate"]);
    assert_eq!(
        made.seed_link,
        Some(("unicast_hosts.txt".to_owned(), "/quorate/unicast_hosts.txt".to_owned()))
    );
    let settings = plan.setup.render(None, &[]);
    for line in [
        "network.bind_host: \"0.0.0.0\"",
        "network.publish_host: \"127.0.0.1\"",
        "path.data: \"/usr/share/opensearch/data\"",
        "plugins.security.disabled: true",
    ] {
        assert!(settings.lines().any(|found| found == line), "{line} in {settings}");
    }
}

#[test]
fn the_programs_of_an_engine_get_nothing_that_is_secret() {
    let plan = of_image(Product::Elasticsearch, "9.5.3", "").expect("a plan");
    let Node::Container(packed) = &plan.node else {
        panic!("no container");
    };
    let environment: Vec<&str> = packed.container.environment.keys().map(String::as_str).collect();
    assert_eq!(environment, ["PATH"]);
    assert_eq!(packed.user, (1000, 0));
}

#[test]
fn what_an_image_would_take_past_the_launcher_is_refused() {
    let file =
        "user = \"elasticsearch\"\n[env]\n\"cluster.name\" = \"x\"\nES_SETTING_NODE_NAME = \"x\"\nTEXT = \"a\\nb\"\n";
    let failure = of_image(Product::Elasticsearch, "9.5.3", file).expect_err("wrong");
    let all: Vec<&str> = failure.problems.iter().map(|problem| problem.what.as_str()).collect();
    for part in [
        "--env cluster.name",
        "--env ES_SETTING_NODE_NAME",
        "--env TEXT",
        "`--user` is `elasticsearch`",
    ] {
        assert!(all.iter().any(|what| what.contains(part)), "{part} in {all:?}");
    }
    assert_eq!(all.len(), 4);
}

//! No secret is anywhere: one whole cycle with every kind of secret at the most talkative log, then everything that others can read
//! is searched for them.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use quorate::registry::Range;
use rustix::process::Signal;

use crate::support::{
    LONG,
    etcd::Version,
    eventually,
    launcher::{Host, hollow_home},
    node::Line,
    program::{Run, quorate_with},
    secured::{Known, Secured},
    sidecar::Sidecar,
    standin::StandIn,
};

/// What was searched, and the names of the secrets that were found there.
struct Search {
    secrets: Vec<(&'static str, String)>,
    found: Vec<String>,
    places: usize,
}

impl Search {
    fn look(&mut self, place: &str, text: &str) {
        self.places += 1;
        for (name, secret) in &self.secrets {
            if text.contains(secret.as_str()) {
                self.found.push(format!("{name} in {place}"));
            }
        }
    }

    fn look_at_run(&mut self, place: &str, run: &Run) {
        self.look(place, &run.out);
        self.look(place, &run.err);
    }

    /// All files below `dir`; those that only the node's user may read are no place for others.
    fn look_below(&mut self, dir: &Path) {
        for entry in fs::read_dir(dir)
            .expect("a directory")
            .map(|entry| entry.expect("an entry"))
        {
            let (path, kind) = (entry.path(), entry.file_type().expect("a kind"));
            if kind.is_dir() {
                // What stands behind a closed door is not looked at.
                if entry.metadata().expect("there").permissions().mode() & 0o007 != 0 {
                    self.look_below(&path);
                }
            } else if kind.is_file() {
                let text = String::from_utf8_lossy(&fs::read(&path).expect("readable")).into_owned();
                self.look(&path.display().to_string(), &text);
            }
        }
    }

    /// The command lines of every process but `except`.
    fn look_at_processes(&mut self, except: u32) {
        for entry in fs::read_dir("/proc").expect("proc").flatten() {
            let pid = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
            // A process may end while it is looked at.
            if let (Some(pid), Ok(line)) = (pid, fs::read(entry.path().join("cmdline")))
                && pid != except
            {
                let line = String::from_utf8_lossy(&line).into_owned();
                self.look(&format!("the command line of {pid}: {line}"), &line);
            }
        }
    }
}

#[tokio::test]
async fn no_secret_is_in_a_command_line_a_log_a_key_a_file_or_an_answer() {
    let secured = Secured::start(Version::V35, Known::ByBoth, &[]).await;
    let dir = tempfile::tempdir().expect("a directory");
    let node_password = dir.path().join("node.password");
    fs::write(&node_password, "node-pw-77c1\n").expect("written");
    let node_password = node_password.display().to_string();
    let mut search = Search {
        secrets: vec![
            ("the sidecar's password", secured.password("sidecar")),
            ("the launcher's password", secured.password("launcher")),
            ("the node's password", "node-pw-77c1".to_owned()),
            // `quorate:node-pw-77c1` as it goes over the wire.
            (
                "the node's password, encoded",
                "cXVvcmF0ZTpub2RlLXB3LTc3YzE=".to_owned(),
            ),
            ("a variable of the node", "env-pw-31d9".to_owned()),
            ("a setting of the node", "set-pw-52e0".to_owned()),
            ("a wrong password", "wrong-pw-88aa".to_owned()),
            ("an API key", "api-key-19f3".to_owned()),
        ],
        found: Vec::new(),
        places: 0,
    };

    let mut host = Host::new(
        Line::Es6,
        &format!("127.0.33.{}", secured.etcd.address().ip().octets()[3]),
        &secured.etcd,
        &[],
    );
    let home = hollow_home(&host.path(""), "elasticsearch-6.8.23.jar", "exec sleep 60");
    host.use_home(&home);
    let java = format!("JAVA_HOME={}/jdk", home.display());
    let flags = secured.flags("launcher");
    let mut launch: Vec<&str> = flags.iter().map(String::as_str).collect();
    launch.extend([
        "--expected-masters",
        "1",
        "--cluster",
        "shapes",
        "--log",
        "trace",
        "--env",
        &java,
    ]);
    launch.extend([
        "--env",
        "ELASTIC_PASSWORD=env-pw-31d9",
        "--set",
        "a.secure_password=set-pw-52e0",
    ]);
    host.start_with(&launch);
    let launcher = host.process().await;

    let node = StandIn::at_home("elasticsearch-6.8.23");
    node.wants("Basic cXVvcmF0ZTpub2RlLXB3LTc3YzE=");
    let flags = secured.flags("sidecar");
    let mut more: Vec<&str> = flags.iter().map(String::as_str).collect();
    more.extend([
        "--log",
        "trace",
        "--node-user",
        "quorate",
        "--node-password-file",
        &node_password,
    ]);
    let mut sidecar = Sidecar::start(&secured.etcd.endpoint(), node.home(), &more);
    sidecar
        .until("it is registered", |status| status["registry"]["as_wanted"] == true)
        .await;

    search.look_at_processes(host.pid());
    let node_line = fs::read(format!("/proc/{}/cmdline", launcher.pid)).expect("the node runs");
    assert!(!node_line.is_empty());
    for path in ["/status", "/metrics", "/readyz", "/livez"] {
        let (_, body) = sidecar.ask("GET", path).expect("an answer");
        search.look(path, &body);
    }
    let everything = secured
        .client("root")
        .read(&[Range::Prefix("/".to_owned())])
        .await
        .expect("read");
    assert!(
        everything.entries.len() >= 3,
        "a seed, a record and a member: {everything:?}"
    );
    for entry in &everything.entries {
        search.look(&entry.key, &String::from_utf8_lossy(&entry.value));
    }
    look_at_commands(&mut search, &secured, &host, &java, &node_password);

    sidecar.signal(Signal::TERM);
    assert!(sidecar.ends().await.success());
    // A password that etcd does not take is told to nobody else.
    fs::write(secured.file("sidecar", "password"), "wrong-pw-88aa").expect("written");
    sidecar.start_again();
    let refused = || async { sidecar.logged().contains("authentication failed").then_some(()) };
    eventually("it says that it is refused", LONG, refused).await;
    search.look("/status", &sidecar.ask("GET", "/status").expect("an answer").1);
    sidecar.kill();
    host.signal(Signal::TERM);
    host.signal(Signal::TERM);
    assert_eq!(host.code().await, Some(0), "{}", host.log());
    search.look("the launcher's log", &host.log());
    search.look_below(sidecar.dir());
    search.look_below(&host.path(""));
    assert!(
        host.log().contains("--env ELASTIC_PASSWORD, --set a.secure_password"),
        "{}",
        host.log()
    );

    assert_eq!(search.found, Vec::<String>::new());
    assert!(search.places > 40, "{} places", search.places);
}

/// What every command says, when all is well and when a password is wrong.
fn look_at_commands(search: &mut Search, secured: &Secured, host: &Host, java: &str, node_password: &str) {
    let environment = [
        ("QUORATE_ETCD_PASSWORD", "wrong-pw-88aa"),
        ("QUORATE_ETCD_USER", "sidecar"),
        ("QUORATE_NODE_API_KEY", "api-key-19f3"),
        ("QUORATE_ENV", "ELASTIC_PASSWORD=env-pw-31d9"),
        ("QUORATE_SET", "a.secure_password=set-pw-52e0"),
    ];
    let login = secured.password("launcher");
    let combined = format!("launcher:{login}");
    let good = [
        ("ETCDCTL_USER", combined.as_str()),
        ("QUORATE_NODE_PASSWORD_FILE", node_password),
        ("QUORATE_NODE_USER", "quorate"),
    ];
    let mut flags = secured.flags("sidecar");
    let end = flags.iter().position(|flag| flag == "--etcd-user").expect("a user");
    flags.truncate(end);
    for variables in [&environment[..], &good] {
        for command in [
            &["config", "show"][..],
            &["config", "show", "--output", "json"],
            &["status"],
            &["status", "--output", "json", "--verify"],
            &["seeds", "--log", "trace"],
            &["cluster", "show"],
            &["wait", "--for", "members=9", "--timeout", "100ms"],
        ] {
            let args: Vec<&str> = command
                .iter()
                .copied()
                .chain(flags.iter().map(String::as_str))
                .collect();
            let run = quorate_with(&args, variables);
            assert_ne!(run.code, Some(2), "{command:?}: {}", run.err);
            search.look_at_run(&format!("{command:?}"), &run);
        }
    }
    for command in ["launch", "check"] {
        let pairs = [
            "--env",
            java,
            "--env",
            "ELASTIC_PASSWORD=env-pw-31d9",
            "--set",
            "a.secure_password=set-pw-52e0",
        ];
        let dry = if command == "launch" { &["--dry-run"][..] } else { &[] };
        let output = host.run(
            command,
            &[&pairs[..], dry, &["--log", "trace", "--expected-masters", "1"]].concat(),
        );
        search.look(command, &String::from_utf8_lossy(&output.stdout));
        search.look(command, &String::from_utf8_lossy(&output.stderr));
    }
}

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

/// The secrets of this cycle, each unlike anything else.
fn secrets(secured: &Secured) -> Vec<(&'static str, String)> {
    let said = [
        ("the node's password", NODE_PASSWORD),
        // `quorate:<password>` as it goes over the wire.
        ("the node's password, encoded", NODE_LOGIN),
        ("a variable of the node", "env-pw-31d9"),
        ("a setting of the node", "set-pw-52e0"),
        ("a wrong password", "wrong-pw-88aa"),
        ("an API key", "api-key-19f3"),
    ];
    let etcd = [
        ("the sidecar's password", secured.password("sidecar")),
        ("the launcher's password", secured.password("launcher")),
    ];
    let said = said.map(|(name, secret)| (name, secret.to_owned()));
    said.into_iter().chain(etcd).collect()
}

const NODE_PASSWORD: &str = "node-pw-77c1";
const NODE_LOGIN: &str = "cXVvcmF0ZTpub2RlLXB3LTc3YzE=";

/// A launcher with a secret variable and a secret setting; its node does nothing.
fn launcher(secured: &Secured) -> (Host, String) {
    let address = format!("127.0.33.{}", secured.etcd.address().ip().octets()[3]);
    let mut host = Host::new(Line::Es6, &address, &secured.etcd, &[]);
    let home = hollow_home(&host.path(""), "elasticsearch-6.8.23.jar", "exec sleep 60");
    host.use_home(&home);
    let java = format!("JAVA_HOME={}/jdk", home.display());
    let flags = secured.flags("launcher");
    let mut more: Vec<&str> = flags.iter().map(String::as_str).collect();
    more.extend(["--expected-masters", "1", "--cluster", "shapes", "--log", "trace"]);
    more.extend(["--env", &java, "--env", "ELASTIC_PASSWORD=env-pw-31d9"]);
    more.extend(["--set", "a.secure_password=set-pw-52e0"]);
    host.start_with(&more);
    (host, java)
}

#[tokio::test]
async fn no_secret_is_in_a_command_line_a_log_a_key_a_file_or_an_answer() {
    let secured = Secured::start(Version::V35, Known::Both, &[]).await;
    let mut search = Search {
        secrets: secrets(&secured),
        found: Vec::new(),
        places: 0,
    };
    let (mut host, java) = launcher(&secured);
    let running = host.process().await;

    let node = StandIn::at_home("elasticsearch-6.8.23");
    node.wants(&format!("Basic {NODE_LOGIN}"));
    let node_password = secured.file("node", "password");
    fs::write(&node_password, NODE_PASSWORD).expect("written");
    let node_password = node_password.display().to_string();
    let flags = secured.flags("sidecar");
    let mut more: Vec<&str> = flags.iter().map(String::as_str).collect();
    more.extend(["--log", "trace", "--node-user", "quorate"]);
    more.extend(["--node-password-file", &node_password]);
    let mut sidecar = Sidecar::start(&secured.etcd.endpoint(), node.home(), &more);
    sidecar.registered().await;

    search.look_at_processes(host.pid());
    assert!(running.is_alive(), "its command line was among them");
    look_at_answers(&mut search, &sidecar);
    look_at_keys(&mut search, &secured).await;
    look_at_commands(&mut search, &secured, &host, &java, &node_password);

    // A password that etcd does not take is told to nobody else.
    sidecar.signal(Signal::TERM);
    assert!(sidecar.ends().await.success());
    fs::write(secured.file("sidecar", "password"), "wrong-pw-88aa").expect("written");
    sidecar.start_again();
    let refused = || async { sidecar.logged().contains("authentication failed").then_some(()) };
    eventually("it says that it is refused", LONG, refused).await;
    look_at_answers(&mut search, &sidecar);
    sidecar.kill();
    host.signal(Signal::TERM);
    host.signal(Signal::TERM);
    assert_eq!(host.code().await, Some(0), "{}", host.log());

    search.look_below(sidecar.dir());
    search.look_below(&host.path(""));
    let warned = "--env ELASTIC_PASSWORD, --set a.secure_password";
    assert!(host.log().contains(warned), "{}", host.log());
    assert_eq!(search.found, Vec::<String>::new());
    assert!(search.places > 40, "{} places", search.places);
}

fn look_at_answers(search: &mut Search, sidecar: &Sidecar) {
    for path in ["/status", "/metrics", "/readyz", "/livez"] {
        let (_, body) = sidecar.ask("GET", path).expect("an answer");
        search.look(path, &body);
    }
}

async fn look_at_keys(search: &mut Search, secured: &Secured) {
    let everything = [Range::Prefix("/".to_owned())];
    let reading = secured.client("root").read(&everything).await.expect("read");
    assert!(reading.entries.len() >= 3, "seed, record and member: {reading:?}");
    for entry in &reading.entries {
        search.look(&entry.key, &String::from_utf8_lossy(&entry.value));
    }
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

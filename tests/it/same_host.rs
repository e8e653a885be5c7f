//! Several nodes on one host, told apart by their instances' files; several services on one etcd; an IPv6 address.

use std::{
    fs::{File, Permissions},
    net::IpAddr,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use quorate::nodefile::NodeFile;
use rustix::process::{Signal, geteuid, kill_process_group};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    launcher::pid,
    node::Line,
    program::{Run, quorate},
    turn::turn,
};

/// Three nodes of Elasticsearch 6.8 that start at once on two busy cores.
const FORMED: Duration = Duration::from_mins(4);

/// One directory of settings, as `/etc/quorate` would be, and what was started from it.
struct Machine {
    dir: TempDir,
    children: Vec<Child>,
}

impl Machine {
    /// With what all instances share.
    fn new(etcd: &Etcd, more: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        // The nodes' user has to get through.
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("open to all");
        let machine = Self {
            dir,
            children: Vec::new(),
        };
        let user = if geteuid().is_root() { "user = \"nobody\"\n" } else { "" };
        let shared = format!(
            "endpoints = [\"{}\"]\nhome = \"{}\"\nenv = {{ JAVA_HOME = \"{}\" }}\nheap = \"256m\"\ndrain-wait = \"0s\"\n\
             run-dir = \"{}\"\n{user}set = {{ \"discovery.initial_state_timeout\" = \"1s\", \"cluster.routing.allocation.disk.threshold_enabled\" = \"false\" }}\n{more}",
            etcd.endpoint(),
            Line::Es6.home().display(),
            Line::Es6.java(),
            machine.path("run").display(),
        );
        machine.write("quorate", &shared);
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, instance: &str, text: &str) {
        std::fs::write(self.path(&format!("{instance}.toml")), text).expect("written");
    }

    /// `command` for an instance; launchers and sidecars keep their state apart.
    fn arguments(&self, command: &str, instance: &str) -> Vec<String> {
        let config = self.path("quorate.toml").display().to_string();
        let mut arguments = [command, "--config", &config, "--instance", instance]
            .map(str::to_owned)
            .to_vec();
        let state = match command {
            "launch" => "nodes",
            "sidecar" => "sidecars",
            _ => return arguments,
        };
        arguments.extend(["--state-dir".to_owned(), self.path(state).display().to_string()]);
        arguments
    }

    fn says(&self, command: &str, instance: &str) -> Run {
        let arguments = self.arguments(command, instance);
        quorate(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[expect(clippy::disallowed_methods, reason = "launchers and sidecars are processes")]
    fn start(&mut self, command: &str, instance: &str) {
        let path = self.path(&format!("{command}-{instance}.log"));
        let log = File::create(path).expect("a log");
        let child = Command::new(env!("CARGO_BIN_EXE_quorate"))
            .args(self.arguments(command, instance))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn();
        self.children.push(child.expect("it starts"));
    }

    fn logs(&self) -> String {
        let entries = std::fs::read_dir(self.dir.path()).expect("a directory").flatten();
        let logs = entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "log"));
        logs.map(|log| std::fs::read_to_string(log.path()).unwrap_or_default())
            .collect()
    }

    /// The seed file of a node, by the name of its directory.
    fn seeds(&self, node: &str) -> String {
        let path = self.path(&format!("nodes/elasticsearch/{node}/seeds/unicast_hosts.txt"));
        std::fs::read_to_string(path).unwrap_or_default()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        let files = std::fs::read_dir(self.path("run/elasticsearch"))
            .into_iter()
            .flatten()
            .flatten();
        for file in files.filter_map(|entry| NodeFile::read(&entry.path()).ok().flatten()) {
            if let Some(process) = file.process.filter(|process| process.is_alive()) {
                let _ = kill_process_group(pid(process.pid), Signal::KILL);
            }
        }
    }
}

/// The body of an answer, once the node gives a good one.
async fn ask(address: (&str, u16), method: &str, path: &str, body: &str) -> String {
    let once = || async {
        let address: (IpAddr, u16) = (address.0.parse().expect("an address"), address.1);
        let mut stream = TcpStream::connect(address).await.ok()?;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.contains(" 200 ").then(|| body.to_owned())
    };
    eventually(path, LONG, once).await
}

fn members(etcd: &Etcd) -> Vec<String> {
    let keys = etcd.etcdctl(&["get", "--prefix", "/services/elasticsearch/", "--keys-only"]);
    keys.lines()
        .filter_map(|key| key.strip_prefix("/services/elasticsearch/"))
        .map(str::to_owned)
        .collect()
}

async fn all_are_members(etcd: &Etcd, machine: &Machine, ids: &[&str]) {
    let look = eventually("all are members", 2 * FORMED, || async {
        (members(etcd) == ids).then_some(())
    });
    let done = tokio::time::timeout(FORMED, look).await;
    assert!(done.is_ok(), "members {:?}: {}", members(etcd), machine.logs());
}

#[tokio::test]
async fn two_nodes_of_one_host_and_a_third_elsewhere_are_one_cluster() {
    let _turn = turn(3).await;
    let etcd = Etcd::start(Version::V35).await;
    let mut machine = Machine::new(&etcd, "expected-masters = 3\n");
    let second = "http-port = 9201\ntransport-port = 9301\n";
    machine.write(
        "1",
        "address = \"127.0.56.1\"\nlisten = \"127.0.56.1:9190\"\nname = \"a\"",
    );
    machine.write(
        "2",
        &format!("address = \"127.0.56.1\"\n{second}listen = \"127.0.56.1:9191\"\nattr = {{ box = \"b\" }}"),
    );
    machine.write(
        "3",
        "address = \"127.0.56.2\"\nlisten = \"127.0.56.2:9190\"\nname = \"c\"",
    );
    for instance in ["1", "2", "3"] {
        machine.start("launch", instance);
        machine.start("sidecar", instance);
    }
    all_are_members(&etcd, &machine, &["127.0.56.1", "127.0.56.1:9301", "127.0.56.2"]).await;
    assert_eq!(machine.seeds("127.0.56.1"), "127.0.56.1:9301\n127.0.56.2:9300\n");
    assert_eq!(machine.seeds("127.0.56.1-9301"), "127.0.56.1:9300\n127.0.56.2:9300\n");
    assert_eq!(machine.seeds("127.0.56.2"), "127.0.56.1:9300\n127.0.56.1:9301\n");
    let status = machine.says("status", "1");
    assert_eq!(status.code, Some(0), "{}{}", status.out, status.err);
    assert!(
        status.out.contains("-9301 "),
        "the name of the second has its port: {}",
        status.out
    );

    no_two_copies_share_a_host().await;
    whoever_clashes_is_told(&machine);
}

/// One shard and one copy: with three nodes on two hosts one of both is always on the second host.
async fn no_two_copies_share_a_host() {
    let node = ("127.0.56.1", 9201);
    let settings = r#"{"settings":{"number_of_shards":4,"number_of_replicas":1}}"#;
    ask(node, "PUT", "/shards?wait_for_active_shards=all", settings).await;
    let shards = ask(node, "GET", "/_cat/shards/shards?h=shard,ip", "").await;
    let of_second = shards.lines().filter(|line| line.contains("127.0.56.2")).count();
    assert_eq!((shards.lines().count(), of_second), (8, 4), "{shards}");
}

/// What the second of two says that want the same.
fn whoever_clashes_is_told(machine: &Machine) {
    let other = "address = \"127.0.56.3\"\nlisten = \"off\"\n";
    let data = machine.path("nodes/elasticsearch/127.0.56.1/data");
    for (settings, part) in [
        (
            "address = \"127.0.56.1\"\nname = \"x\"",
            "another launcher runs for 127.0.56.1 on this host",
        ),
        (
            &format!("{other}name = \"a\""),
            "the node 127.0.56.1 of this host is called `a` too",
        ),
        (
            &format!("{other}name = \"x\"\ndata = \"{}\"", data.display()),
            "is in use by another launcher or node",
        ),
        (
            "address = \"127.0.56.1\"\nname = \"x\"\ntransport-port = 9302\n",
            "port 9200 on 127.0.56.1 is taken by process",
        ),
    ] {
        machine.write("4", settings);
        let run = machine.says("launch", "4");
        assert_eq!(run.code, Some(78), "{settings}: {}", run.err);
        assert!(run.err.contains(part), "{part} in {}", run.err);
    }
    machine.write("4", "address = \"127.0.56.3\"\nlisten = \"127.0.56.1:9191\"");
    let run = machine.says("sidecar", "4");
    let part = "cannot listen on 127.0.56.1:9191: Address already in use";
    assert!(
        run.err.contains(part) && run.err.contains("several nodes on a host need a port each"),
        "{}",
        run.err
    );
}

#[tokio::test]
async fn a_node_on_an_ipv6_address_is_a_member_under_it() {
    let _turn = turn(1).await;
    let etcd = Etcd::start(Version::V35).await;
    let mut machine = Machine::new(&etcd, "expected-masters = 1\n");
    machine.write(
        "1",
        "address = \"::1\"\nhttp-port = 9256\ntransport-port = 9356\nlisten = \"[::1]:9156\"\nname = \"six\"",
    );
    machine.start("launch", "1");
    machine.start("sidecar", "1");
    all_are_members(&etcd, &machine, &["[::1]:9356"]).await;
    let run = machine.says("seeds", "1");
    assert_eq!(run.out, "[::1]:9356\n", "{}", run.err);
    let run = machine.says("status", "1");
    assert!(run.out.contains("[::1]:9256"), "{}", run.out);
    ask(("::1", 9156), "GET", "/readyz", "").await;
}

#[tokio::test]
async fn services_whose_names_begin_alike_see_nothing_of_each_other() {
    let etcd = Etcd::start(Version::V35).await;
    let services = ["es", "es2", "es-a", "es.b", "ES"];
    for (last, service) in services.iter().enumerate() {
        let member = r#"{"http_port":9200,"transport_port":9300}"#;
        etcd.etcdctl(&["put", &format!("/services/{service}/10.0.0.{last}"), member]);
        let seed = format!(
            r#"{{"format":1,"transport_port":9301,"name":"n","master_eligible":true,"incarnation":"i","disk":"d{last}","data":"empty"}}"#
        );
        etcd.etcdctl(&["put", &format!("/quorate/{service}/seeds/10.0.0.{last}:9301"), &seed]);
    }
    for (last, service) in services.iter().enumerate() {
        let run = quorate(&["seeds", "--endpoints", &etcd.endpoint(), "--service", service]);
        assert_eq!(
            run.out,
            format!("10.0.0.{last}:9300\n10.0.0.{last}:9301\n"),
            "{service}: {}",
            run.err
        );
    }
    for service in ["es/x", "", "..", "es x"] {
        let run = quorate(&["seeds", "--endpoints", &etcd.endpoint(), "--service", service]);
        assert_eq!(run.code, Some(78), "{service}: {}", run.err);
    }
}

//! The rig: its hosts, put up and taken down by `scripts/rig`, and what everybody knows about them.

use std::{net::Ipv4Addr, path::Path, process::Stdio, sync::Mutex};

use quorate::{
    model::ClusterUuid,
    registry::{Registry, RegistrySettings},
};
use tokio::{process::Command, time::Instant};

use super::{
    book::Book,
    host::{Host, MAIN, SIDECAR},
    keys::Followed,
    scenarios::Scenario,
    settings::Equipment,
};
use crate::support::{LONG, documents::Documents};

/// Hosts that run, with quorate on them or without.
#[derive(Debug)]
pub(crate) struct Rig {
    name: String,
    pub(super) hosts: Vec<Host>,
    pub(super) registry: Registry,
    pub(super) followed: Followed,
    pub(super) equipment: Equipment,
    pub(crate) book: Book,
    /// The only UUID that any node has named since the hosts were clean.
    pub(super) uuid: Mutex<Option<ClusterUuid>>,
    pub(super) documents: Documents,
}

#[expect(clippy::disallowed_methods, reason = "the hosts are put up by a script")]
fn script(rig: &str, args: &[&str]) -> std::process::Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/rig");
    let mut command = std::process::Command::new(script);
    command.args(args).env("QUORATE_RIG", rig).stdin(Stdio::null());
    command
}

async fn run(rig: &str, args: &[&str]) -> String {
    let output = Command::from(script(rig, args)).kill_on_drop(true).output();
    let output = tokio::time::timeout(8 * LONG, output).await;
    let output = output.unwrap_or_else(|_| panic!("scripts/rig {args:?} does not end"));
    let output = output.expect("scripts/rig runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "scripts/rig {args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Rig {
    /// Three hosts with an etcd member each and the node's image in their engines, and nothing of quorate yet.
    pub(crate) async fn up() -> Self {
        let name = format!("quorate-rig-{}", std::process::id());
        let equipment = Equipment::new().await;
        let mut book = Book::default();
        book.begins("rig");
        let start = Instant::now();
        let down = Down(name.clone());
        run(&name, &["up", "3"]).await;
        book.took("nothing, three hosts with systemd, Docker and a healthy etcd", start);
        let start = Instant::now();
        run(&name, &["load", &equipment.image]).await;
        book.took("the node's image in three engines", start);
        let mut hosts = Vec::new();
        for number in 1..=3 {
            hosts.push(host(&name, number).await);
        }
        let endpoints = endpoints(&hosts);
        let registry = Registry::new(RegistrySettings {
            endpoints: endpoints.iter().map(|one| format!("http://{one}")).collect(),
            ..RegistrySettings::default()
        });
        let registry = registry.expect("a registry");
        std::mem::forget(down);
        let rig = Self {
            followed: Followed::of(&registry),
            name,
            hosts,
            registry,
            equipment,
            book,
            uuid: Mutex::default(),
            documents: Documents::new("_doc"),
        };
        for one in &rig.hosts {
            rig.hand_over(one).await;
        }
        rig
    }

    /// Plays a scenario.
    #[expect(clippy::print_stdout, reason = "it tells how far it is")]
    pub(crate) async fn play(&mut self, scenario: &Scenario) {
        println!("--- {}: {}", scenario.name, scenario.what);
        self.book.begins(scenario.name);
        let start = Instant::now();
        (scenario.play)(self).await;
        println!("{:>8.2} s  {}: passed", start.elapsed().as_secs_f64(), scenario.name);
    }

    async fn hand_over(&self, host: &Host) {
        for (file, path) in self.equipment.files() {
            let file = file.display().to_string();
            self.script("put", &[&host.number.to_string(), &file, path]).await;
        }
    }

    /// Runs `scripts/rig COMMAND ARGUMENT...`.
    pub(super) async fn script(&self, command: &str, args: &[&str]) -> String {
        run(&self.name, &[&[command], args].concat()).await
    }

    /// Does that to a host: `kill`, `boot`, `freeze`, `thaw`, `cut`, `heal`.
    pub(super) async fn fault(&self, fault: &str, host: usize) {
        self.script(fault, &[&self.hosts[host].number.to_string()]).await;
    }

    /// One more host, which is no member of etcd and has the image.
    pub(super) async fn add(&mut self) -> usize {
        let number = self.hosts.len() + 1;
        self.script("up", &[&number.to_string()]).await;
        self.script("load", &[&self.equipment.image]).await;
        self.hosts.push(host(&self.name, number).await);
        self.hand_over(&self.hosts[number - 1]).await;
        number - 1
    }

    /// Where etcd is.
    pub(super) fn endpoints(&self) -> Vec<String> {
        endpoints(&self.hosts[..3])
    }

    /// Quorate on a host, and the two lines that everybody edits.
    pub(super) async fn equip(&self, host: usize) {
        self.equipment.install(&self.hosts[host]).await;
        self.equipment.edit(&self.hosts[host], &self.endpoints()).await;
    }

    /// Takes quorate, its nodes and all they have written off every host and out of etcd.
    pub(super) async fn clean(&self) {
        let line = format!(
            "systemctl disable --now {MAIN} {SIDECAR}; dpkg --purge quorate; docker ps -aq | xargs -r docker rm -f; \
             rm -rf /etc/quorate /var/lib/quorate /var/lib/private/quorate-sidecar /var/lib/quorate-sidecar /run/quorate; \
             systemctl daemon-reload; systemctl reset-failed"
        );
        let cleaning = self.hosts.iter().map(|host| {
            let (host, line) = (host.clone(), line.clone());
            tokio::spawn(async move { host.tries(&line).await })
        });
        for one in cleaning.collect::<Vec<_>>() {
            one.await.expect("cleaned");
        }
        self.hosts[0]
            .runs("ETCDCTL_API=3 etcdctl del --prefix / >/dev/null")
            .await;
        *self.uuid.lock().expect("no panic") = None;
        self.documents.forget();
    }
}

async fn host(rig: &str, number: usize) -> Host {
    let ip = run(rig, &["ip", &number.to_string()]).await;
    Host {
        number,
        name: format!("{rig}-{number}"),
        ip: ip.parse::<Ipv4Addr>().expect("an address"),
    }
}

fn endpoints(hosts: &[Host]) -> Vec<String> {
    hosts.iter().map(|host| format!("{}:2379", host.ip)).collect()
}

/// Takes the rig down when it did not come up.
struct Down(String);

impl Drop for Down {
    fn drop(&mut self) {
        let _ = script(&self.0, &["down"]).output();
    }
}

impl Drop for Rig {
    #[expect(clippy::print_stderr, reason = "what the hosts said explains the failure")]
    #[expect(clippy::disallowed_methods, reason = "a look into the hosts")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            for host in &self.hosts {
                let looked = std::process::Command::new("docker")
                    .env("DOCKER_HOST", crate::support::part("QUORATE_TEST_DOCKER_HOST"))
                    .args(["exec", &host.name, "sh", "-c"])
                    .arg(format!(
                        "systemctl status --no-pager --full --lines=40 {MAIN} {SIDECAR} etcd docker; docker ps -a; quorate status"
                    ))
                    .output();
                let said = looked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
                eprintln!("--- {}:\n{}", host.name, said.unwrap_or_default());
            }
        }
        drop(Down(self.name.clone()));
    }
}

//! The Vagrantfile: its settings for hypervisors that are not here, and the session of its README on hosts that are.

use std::{fs, path::Path};

use crate::support::{
    part,
    session::steps,
    turn::turn,
    vagrant::{Put, Vagrant, in_vagrant, start},
};

/// A provider, and a configuration that no version of it can take.
const PROVIDERS: [(&str, &str); 3] = [
    ("virtualbox", "vb.memroy = 1"),
    ("libvirt", "vb.memroy = 1"),
    ("docker", "vb.imaeg = 1"),
];

/// The least that a node here has: a machine whose limits cannot be raised, and the smallest heap.
const SMALL: &str = r#"
$heap = "256m"
$settings = <<'TOML'
skip-check = ["open-files"]
engine-arg = ["--volume=/var/tmp/limit.so:/opt/limit.so:ro"]
env = { LD_PRELOAD = "/opt/limit.so" }
set = { "node.store.allow_mmap" = "false" }
TOML
Vagrant.configure("2") { |config| config.vm.provision "file", source: "limit.so", destination: "/var/tmp/limit.so" }
"#;

#[test]
fn every_provider_takes_its_settings() {
    for (provider, wrong) in PROVIDERS {
        let validate = format!("VAGRANT_DEFAULT_PROVIDER={provider} vagrant validate");
        let said = Vagrant::with("").types(&validate);
        assert!(said.contains("validated successfully"), "{provider}: {said}");
        let config = format!("Vagrant.configure(\"2\") {{ |c| c.vm.provider(\"{provider}\") {{ |vb| {wrong} }} }}");
        let (succeeded, said) = Vagrant::with(&config).shell.run(&validate);
        assert!(!succeeded, "{provider} takes `{wrong}`: {said}");
    }
}

#[test]
fn as_many_hosts_as_one_likes_with_the_names_that_one_likes() {
    let vagrant = Vagrant::with("$num_instances = 2\n$instance_name_prefix = \"node\"\n");
    let listed = |environment: &str| {
        let said = vagrant.types(&format!("{environment} VAGRANT_DEFAULT_PROVIDER=docker vagrant status"));
        let hosts = said.lines().filter(|line| line.contains("not created"));
        let names = hosts.filter_map(|line| line.split_whitespace().next().map(str::to_owned));
        names.collect::<Vec<_>>()
    };
    assert_eq!(listed(""), ["node-01", "node-02"]);
    assert_eq!(listed("NUM_INSTANCES=4"), ["node-01", "node-02", "node-03", "node-04"]);
    let (succeeded, said) = vagrant.shell.run("NUM_INSTANCES=0 vagrant status");
    assert!(!succeeded && said.contains("the number of instances is 0"), "{said}");
}

#[test]
fn without_quorate_there_is_nothing_to_start() {
    let vagrant = Vagrant::with("");
    vagrant.types(&format!("rm {}/*", vagrant.path("artifacts").display()));
    let (succeeded, said) = vagrant.shell.run("vagrant up --provider=docker");
    assert!(!succeeded && said.contains("run `make release`"), "{said}");
}

#[test]
fn the_sample_shows_every_setting_with_its_default() {
    let (file, sample) = (in_vagrant("Vagrantfile"), in_vagrant("config.rb.sample"));
    let defaults = file.lines().filter(|line| line.starts_with('$'));
    let defaults: Vec<&str> = defaults
        .filter(|line| line.contains(" = ") && !line.contains("ENV"))
        .collect();
    assert!(defaults.len() > 10, "{defaults:?}");
    for default in defaults {
        assert!(
            sample.contains(&format!("\n#{default}\n")),
            "the sample has no `{default}`"
        );
    }
}

#[tokio::test]
async fn the_session_of_its_page_happens_as_it_is_written() {
    let _turn = turn(3).await;
    let node = part("QUORATE_TEST_ES6_IMAGE");
    let vagrant = Vagrant::with(&format!("$search_image = \"{node}\"\n{SMALL}"));
    vagrant.configures(&format!("$host_image = \"{}\"\n", vagrant.host_image()));
    vagrant.puts_quorate(Put::Package);
    vagrant.types(&format!(
        "cc -O2 -shared -fPIC -o limit.so {}/tests/rig/limit.c && docker save {node} > images/node.tar",
        env!("CARGO_MANIFEST_DIR")
    ));
    let steps = steps(&in_vagrant("README.md"));
    let (first, last) = (steps.first().expect("steps"), steps.last().expect("steps"));
    assert_eq!(
        (first.commands.as_str(), last.commands.as_str()),
        ("vagrant up --provider=docker", "vagrant destroy -f")
    );
    assert!(
        steps
            .iter()
            .any(|step| step.commands.contains("_cluster/state") && step.seen.len() == 4)
    );
    {
        let _start = start();
        vagrant.shell.go(first);
    }
    for step in steps.iter().skip(1) {
        vagrant.shell.go(step);
    }
}

/// Flatcar, as far as it can be had: no package manager, no etcd but one in a container, quorate in /opt/bin.
#[test]
fn a_host_without_packages_gets_the_executable_and_an_etcd_in_a_container() {
    let vagrant = Vagrant::with(
        r#"
$num_instances = 1
$network = "192.168.57"
$search_image = "localhost/none:6.8.23"
$etcd_image = "localhost/quorate/etcd:test"
Vagrant.configure("2") do |config|
  config.vm.provision "shell", inline: "rm -f /usr/bin/dpkg /usr/bin/apt* /usr/bin/etcd* /lib/systemd/system/etcd.service"
end
"#,
    );
    vagrant.configures(&format!("$host_image = \"{}\"\n", vagrant.host_image()));
    vagrant.puts_quorate(Put::Executable);
    let etcd = part("QUORATE_TEST_ETCD_36");
    vagrant.types(&format!(
        "tar -C {} --transform s,^,usr/local/bin/, -c etcd etcdctl | \
         docker import --change 'ENV PATH=/usr/local/bin' - localhost/quorate/etcd:test && \
         docker save localhost/quorate/etcd:test > images/etcd.tar && docker rmi localhost/quorate/etcd:test",
        Path::new(&etcd).parent().expect("a folder").display()
    ));
    fs::write(vagrant.path("vagrant/look"), LOOK).expect("written");
    let up = {
        let _start = start();
        vagrant.types("vagrant up --provider=docker")
    };
    let said = up + &vagrant.types("vagrant ssh core-01 -c \"$(cat look)\"");
    for seen in [
        "192.168.57.101:2379 is healthy",
        "ExecStart=/opt/bin/quorate launch --instance %i",
        "ExecStart=/opt/bin/quorate sidecar --instance %i",
        "record  none: no cluster was formed",
    ] {
        assert!(said.contains(seen), "no `{seen}` in\n{said}");
    }
    vagrant.types("vagrant destroy --force");
}

/// Flatcar has /opt/bin among the places of programs.
const LOOK: &str = r"
export PATH=$PATH:/opt/bin
timeout 60 sh -c 'until etcdctl --endpoints 192.168.57.101:2379 endpoint health; do sleep 0.2; done' 2>&1
systemctl cat elasticsearch@1 elasticsearch-discovery@1 | grep ExecStart=
quorate status
";

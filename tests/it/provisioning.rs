//! What is there to be copied for many hosts (provisioning/): each read by those whom it is written for, and run where that can be done here.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    part,
    program::quorate,
    session::{Shell, steps},
    turn::turn,
    vagrant::{Put, Vagrant, start},
};

/// Where the units of a host are from, and for which engine.
const HOSTS: [(&str, &str, &str); 2] = [
    ("flatcar.bu", "/opt/bin/quorate", "docker"),
    ("fedora-coreos.bu", "/usr/local/bin/quorate", "podman"),
];
const UNITS: [&str; 2] = ["elasticsearch@.service", "elasticsearch-discovery@.service"];

fn of_project(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn in_provisioning(name: &str) -> String {
    fs::read_to_string(of_project("provisioning").join(name)).expect(name)
}

/// A shell in a folder, with these variables.
fn shell(dir: PathBuf, more: &[(&str, String)]) -> Shell {
    let own = [
        ("PATH", part("PATH")),
        ("HOME", part("HOME")),
        ("LANG", "C.UTF-8".to_owned()),
    ];
    let variables = own.iter().chain(more);
    let variables = variables.map(|(name, value)| ((*name).to_owned(), value.clone()));
    Shell {
        dir,
        variables: variables.collect(),
    }
}

/// The text that a file written in YAML has for `/etc/quorate/quorate.toml`.
fn settings(file: &str) -> String {
    let lines = file
        .lines()
        .skip_while(|line| !line.ends_with("path: /etc/quorate/quorate.toml"));
    let mut lines = lines.skip_while(|line| !line.ends_with(": |")).skip(1).peekable();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let margin = lines.peek().map(|line| depth(line)).expect("settings");
    let own = lines.take_while(|line| depth(line) >= margin);
    own.map(str::trim_start).collect::<Vec<_>>().join("\n") + "\n"
}

/// Whether quorate takes these settings.
fn is_taken(text: &str) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(&file, text).expect("written");
    let shown = quorate(&["config", "show", "--config", &file.path().display().to_string()]);
    assert_eq!(shown.code, Some(0), "{text}\n{}", shown.err);
    assert!(text.contains("endpoints = ") && text.contains("image = "), "{text}");
}

#[test]
fn butane_makes_hosts_whose_units_are_those_that_quorate_writes() {
    let butane = PathBuf::from(part("QUORATE_TEST_BUTANE"));
    let path = format!("{}:{}", butane.parent().expect("a folder").display(), part("PATH"));
    let shell = shell(of_project("provisioning/butane"), &[("PATH", path)]);
    let dir = tempfile::tempdir().expect("a directory");
    let program = dir.path().join("quorate");
    assert!(
        shell
            .run(&format!(
                "strip -o {} {}",
                program.display(),
                env!("CARGO_BIN_EXE_quorate")
            ))
            .0
    );
    for (file, place, engine) in HOSTS {
        let (succeeded, said) = shell.run(&format!("./render {file} {}", program.display()));
        assert!(succeeded, "{file}: {said}");
        let made: Value = serde_json::from_str(&said).expect("JSON");
        let units = made.pointer("/systemd/units").and_then(Value::as_array).expect("units");
        let unit = |name: &str| {
            units
                .iter()
                .find(|unit| unit.get("name").is_some_and(|own| own == name))
        };
        for name in UNITS {
            let wanted = quorate(&["units", "print", "--program", place, "--engine", engine, name]).out;
            let contents = unit(name).and_then(|unit| unit.get("contents")?.as_str());
            assert_eq!(contents, Some(wanted.as_str()), "{file}: {name}");
        }
        let instance = unit("elasticsearch@1.service").expect("an instance");
        assert_eq!(instance.get("enabled"), Some(&Value::Bool(true)), "{file}");
        is_taken(&settings(&in_provisioning(&format!("butane/{file}"))));
    }
    let wrong = dir.path().join("wrong.bu");
    fs::write(
        &wrong,
        in_provisioning("butane/flatcar.bu").replace("mode: 0755", "moed: 0755"),
    )
    .expect("written");
    let (succeeded, said) = shell.run(&format!("./render {} {}", wrong.display(), program.display()));
    assert!(!succeeded && said.contains("moed"), "{said}");
}

#[test]
fn cloud_init_takes_its_data() {
    let dir = tempfile::tempdir().expect("a directory");
    let shell = shell(dir.path().to_owned(), &[]);
    let check = format!(
        "{} schema --config-file user-data.yaml",
        part("QUORATE_TEST_CLOUD_INIT")
    );
    let data = in_provisioning("cloud-init/user-data.yaml");
    let write = |text: &str| fs::write(dir.path().join("user-data.yaml"), text).expect("written");
    write(&data);
    let (succeeded, said) = shell.run(&check);
    assert!(succeeded && said.contains("Valid cloud-config"), "{said}");
    is_taken(&settings(&data));
    let (_, script) = data.split_once("runcmd:\n  - |\n").expect("a script");
    let (succeeded, said) = shell.run(&format!("sh -n <<'END'\n{script}END"));
    assert!(succeeded, "{said}");
    write(&data.replace("permissions: \"0644\"", "permissions: [0644]"));
    assert!(!shell.run(&check).0, "it takes what is wrong");
}

/// A host like any other, with the Python that Ansible wants of it: this machine's, which is the same Debian.
const WITH_PYTHON: &str = r#"
$num_instances = 1
$network = "192.168.58"
Vagrant.configure("2") do |config|
  { "/usr/bin" => "/opt/machine", "/usr/lib/python3.11" => "/usr/lib/python3.11", "/usr/lib/python3" => "/usr/lib/python3" }
    .each { |from, to| config.vm.synced_folder from, to, docker_consistency: "ro" }
end
"#;
const PYTHON: &str = "/opt/machine/python3";

#[test]
fn the_role_of_ansible_sets_a_host_up_and_then_changes_nothing() {
    let vagrant = Vagrant::with(WITH_PYTHON);
    vagrant.configures(&format!("$host_image = \"{}\"\n", vagrant.host_image()));
    vagrant.puts_quorate(Put::Executable);
    {
        let _start = start();
        vagrant.types("vagrant up --no-provision --provider=docker");
    }
    let roles = of_project("provisioning/ansible/roles");
    let play = |settings: &str| {
        let play = format!("- hosts: all\n  become: true\n  roles: [quorate]\n  vars:\n{settings}");
        fs::write(vagrant.path("vagrant/site.yml"), play).expect("written");
        vagrant.shell.run(&format!(
            "export ANSIBLE_ROLES_PATH={} ANSIBLE_HOST_KEY_CHECKING=False ANSIBLE_NOCOLOR=1 ANSIBLE_LOCAL_TEMP=$PWD/ansible\n\
             ansible-playbook -i 192.168.58.101, -e ansible_python_interpreter={PYTHON} -u core --private-key $VAGRANT_HOME/insecure_private_key site.yml",
            roles.display()
        ))
    };
    let program = vagrant.path("artifacts/quorate-x86_64-unknown-linux-musl");
    // A host here may not set how many maps there are, and has no node to start.
    let settings = format!(
        "    quorate_program: {}\n    quorate_map_count: 0\n    quorate_started: false\n    quorate_settings:\n      \
         endpoints: ['192.168.58.1:2379']\n      image: localhost/none:6.8.23\n      heap: 1g\n      expected-masters: 3\n",
        program.display()
    );
    let (succeeded, said) = play(&settings);
    assert!(succeeded, "{said}");
    let look =
        "systemctl is-enabled elasticsearch@1; quorate units diff; quorate config show; cat /etc/quorate/quorate.toml";
    let seen = vagrant.types(&format!("vagrant ssh core-01 -c '{look}'"));
    for wanted in [
        "enabled",
        "endpoints = [\"192.168.58.1:2379\"]",
        "expected-masters = 3",
        "heap = \"1g\"",
    ] {
        assert!(seen.contains(wanted), "no `{wanted}` in\n{seen}");
    }
    let (succeeded, said) = play(&settings);
    assert!(succeeded && said.contains("changed=0"), "{said}");
    let (succeeded, said) = play("    quorate_started: false\n");
    assert!(!succeeded && said.contains("set one of them"), "{said}");
    let (succeeded, said) = vagrant.shell.run(&format!(
        "cd {} && ansible-playbook --syntax-check -i hosts.ini site.yml",
        of_project("provisioning/ansible").display()
    ));
    assert!(succeeded, "{said}");
}

/// Compose with the project's file, on images that are here and a machine whose limits cannot be raised.
struct Compose {
    shell: Shell,
    _dir: TempDir,
}

impl Compose {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name).display().to_string();
        let settings = in_provisioning("compose/quorate.toml").replace("512m", "256m")
            + "skip-check = [\"open-files\"]\nenv = { LD_PRELOAD = \"/opt/limit.so\" }\nset = { \"node.store.allow_mmap\" = \"false\" }\n";
        fs::write(path("quorate.toml"), settings).expect("written");
        let limit = path("limit.so");
        let node = |k: u8| format!("  node-{k}: {{ volumes: [\"{limit}:/opt/limit.so:ro\"] }}\n");
        let more = format!("services:\n{}{}{}", node(1), node(2), node(3));
        fs::write(path("more.yml"), more).expect("written");
        let etcd = PathBuf::from(part("QUORATE_TEST_ETCD_36"));
        let etcd = etcd.parent().expect("a folder").display().to_string();
        let variables = [
            ("DOCKER_HOST", part("QUORATE_TEST_DOCKER_HOST")),
            ("COMPOSE_PROJECT_NAME", format!("quorate-test-{}", std::process::id())),
            ("COMPOSE_FILE", format!("docker-compose.yml:{}", path("more.yml"))),
            ("QUORATE", path("quorate")),
            ("SETTINGS", path("quorate.toml")),
            ("SEARCH_IMAGE", part("QUORATE_TEST_ES6_IMAGE")),
            ("ETCD_IMAGE", "localhost/quorate/etcd:compose".to_owned()),
            // As many as any machine grants.
            ("NOFILE", "4096".to_owned()),
        ];
        let shell = shell(of_project("provisioning/compose"), &variables);
        let (succeeded, said) = shell.run(&format!(
            "strip -o $QUORATE {}\ncc -O2 -shared -fPIC -o {limit} {}\nchmod -R a+rX $(dirname $QUORATE)\n\
             tar -C {etcd} --transform s,^,usr/local/bin/, -c etcd | docker import --change 'ENV PATH=/usr/local/bin' - $ETCD_IMAGE",
            env!("CARGO_BIN_EXE_quorate"),
            of_project("tests/rig/limit.c").display()
        ));
        assert!(succeeded, "{said}");
        Self { shell, _dir: dir }
    }
}

impl Drop for Compose {
    #[expect(clippy::print_stderr, reason = "what the containers logged explains the failure")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.shell.run("docker-compose logs --no-color --tail 40").1);
        }
        self.shell
            .run("docker-compose kill; docker-compose down --volumes; docker rmi $ETCD_IMAGE");
    }
}

#[tokio::test]
async fn the_session_of_compose_happens_as_it_is_written() {
    let _turn = turn(3).await;
    let compose = Compose::new();
    let steps = steps(&in_provisioning("compose/README.md"));
    assert!(steps.len() > 4, "{steps:?}");
    for step in &steps {
        compose.shell.go(step);
    }
}

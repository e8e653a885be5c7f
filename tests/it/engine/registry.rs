//! A private registry on this machine: an image is pulled with the engine's own credentials, by tag and by digest, or not at all.

use std::{
    fs::File,
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use quorate::{
    config::Cli,
    exit::Exit,
    launcher::container::{Absent, Knowledge},
};
use tempfile::TempDir;

use super::refused;
use crate::support::{
    LONG,
    engine::{Bed, packed, said},
    eventually,
};

/// `user:password`, as `htpasswd -B` writes it.
const USERS: &str = "user:$2y$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu\n";

struct Registry {
    dir: TempDir,
    port: u16,
    child: Child,
}

impl Registry {
    #[expect(clippy::disallowed_methods, reason = "the registry is a process")]
    async fn start(port: u16) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(path("users"), USERS).expect("written");
        let settings = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.30.50:{port}\nauth:\n  htpasswd:\n    \
             realm: test\n    path: {}\n",
            path("data"),
            path("users")
        );
        std::fs::write(path("config.yml"), settings).expect("written");
        let log = File::create(path("log")).expect("a log");
        let mut command = Command::new("docker-registry");
        command.args(["serve", &path("config.yml")]).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a log")).stderr(log);
        let child = command.spawn().expect("docker-registry");
        let answers = || async { TcpStream::connect(("127.0.30.50", port)).is_ok().then_some(()) };
        eventually("the registry answers", LONG, answers).await;
        Self { dir, port, child }
    }

    /// The engine, with what it knows of registries in a directory of its own.
    fn bed(&self, cli: Cli, address: &str) -> Bed {
        let mut bed = Bed::new(cli, address);
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let registries = format!(
            "[[registry]]\nlocation = \"127.0.30.50:{}\"\ninsecure = true\n",
            self.port
        );
        std::fs::write(path("registries.conf"), registries).expect("written");
        std::fs::write(path("auth.json"), "{}").expect("written");
        bed.variables = [
            ("HOME", path("home")),
            ("DOCKER_CONFIG", path("docker")),
            ("REGISTRY_AUTH_FILE", path("auth.json")),
            ("CONTAINERS_REGISTRIES_CONF", path("registries.conf")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        bed
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the engine says to something that must succeed.
fn engine(bed: &Bed, arguments: &[&str]) -> String {
    let output = bed.engine(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output.stderr));
    said(&output.stdout)
}

/// Under which digest the registry has the image of `name`.
fn digest(bed: &Bed, name: &str) -> String {
    let form = "{{join .RepoDigests \"\\n\"}}";
    let digests = engine(bed, &["image", "inspect", "--format", form, &bed.image]);
    let digest = digests.lines().find(|digest| digest.starts_with(name));
    digest.expect("a digest").to_owned()
}

async fn is_pulled(bed: &Bed, tell: &mut dyn FnMut(&str)) {
    let plan = bed.plan_with(Absent::Pull(tell)).await;
    let plan = plan.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(packed(&plan).image.from, Knowledge::Inside);
    assert_eq!(
        plan.version.to_string(),
        "6.8.23",
        "what lies in it says so: {}",
        bed.image
    );
}

async fn a_private_image_is_pulled_with_the_engines_own_login(cli: Cli, address: &str, port: u16) {
    let registry = Registry::start(port).await;
    let mut bed = registry.bed(cli, address);
    let host = format!("127.0.30.50:{port}");
    let name = format!("{host}/search");
    let mut progress = Vec::new();
    let mut tell = |sentence: &str| progress.push(sentence.to_owned());

    bed.image = format!("{name}:1");
    let failure = bed.plan_with(Absent::Pull(&mut tell)).await.expect_err("no login");
    refused(&failure, Exit::Config, "login REGISTRY");

    engine(&bed, &["login", "--username", "user", "--password", "password", &host]);
    let failure = bed.plan_with(Absent::Pull(&mut tell)).await.expect_err("nothing there");
    refused(&failure, Exit::Config, "look at the name and tag");

    // An image of its own: Podman takes all names of an image away with the digest of one, and other tests use that image.
    let container = engine(&bed, &["create", &crate::support::part("QUORATE_TEST_ES6_IMAGE")]);
    let container = container.trim();
    engine(
        &bed,
        &[
            "commit",
            "--change",
            "LABEL quorate.test=registry",
            container,
            &bed.image,
        ],
    );
    engine(&bed, &["rm", container]);
    engine(&bed, &["push", &bed.image]);
    let tag = bed.image.clone();
    engine(&bed, &["rmi", &tag]);
    is_pulled(&bed, &mut tell).await;
    // Only now: what the registry keeps of a pushed image may have another digest than the image here.
    bed.image = digest(&bed, &name);
    engine(&bed, &["rmi", &tag]);
    is_pulled(&bed, &mut tell).await;
    engine(&bed, &["rmi", &bed.image]);
    assert!(
        progress
            .iter()
            .any(|sentence| sentence.starts_with("pulling the image")),
        "{progress:?}"
    );
}

#[tokio::test]
async fn docker() {
    a_private_image_is_pulled_with_the_engines_own_login(Cli::Docker, "127.0.30.51", 5051).await;
}

#[tokio::test]
async fn podman() {
    a_private_image_is_pulled_with_the_engines_own_login(Cli::Podman, "127.0.30.52", 5052).await;
}

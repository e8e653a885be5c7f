use std::fmt::Write as _;

use super::*;

/// Word for word what Docker 20.10 (CLI 28.2) and Podman 4.3 said.
const SAID: &[(Cli, &str, Kind)] = &[
    (
        Cli::Docker,
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        Kind::Away,
    ),
    (
        Cli::Docker,
        "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get \
         \"http://%2Fvar%2Frun%2Fdocker.sock/v1.50/info\": dial unix /var/run/docker.sock: connect: permission denied",
        Kind::Forbidden,
    ),
    (
        Cli::Docker,
        "Error response from daemon: No such container: nope",
        Kind::Absent,
    ),
    (
        Cli::Podman,
        "Error: inspecting object: no such container nope",
        Kind::Absent,
    ),
    (
        Cli::Podman,
        "Error: no container with name or ID \"nope\" found: no such container",
        Kind::Absent,
    ),
    (
        Cli::Docker,
        "Error response from daemon: no such image: nope:1: No such image: nope:1",
        Kind::Absent,
    ),
    (
        Cli::Podman,
        "Error: inspecting object: nope:1: image not known",
        Kind::Absent,
    ),
    (
        Cli::Docker,
        "Error response from daemon: Conflict. The container name \"/qx\" is already in use by container \"9dca\". You have to \
         remove (or rename) that container to be able to reuse that name.",
        Kind::NameTaken,
    ),
    (
        Cli::Podman,
        "Error: creating container storage: the container name \"qx\" is already in use by 2f2a. You have to remove that \
         container to be able to reuse that name: that name is already in use",
        Kind::NameTaken,
    ),
    (
        Cli::Docker,
        "Error response from daemon: driver failed programming external connectivity on endpoint qc2 (f978): Bind for \
         127.0.30.9:9200 failed: port is already allocated\nError: failed to start containers: qc2",
        Kind::PortTaken,
    ),
    (
        Cli::Podman,
        "Error: unable to start container \"87b2\": cannot listen on the TCP port: listen tcp4 127.0.30.9:9200: bind: address \
         already in use",
        Kind::PortTaken,
    ),
    (
        Cli::Docker,
        "Error response from daemon: failed to create shim task: OCI runtime create failed: runc create failed: unable to start \
         container process: error during container init: error setting rlimits for ready process: error setting rlimit type 7: \
         operation not permitted: unknown\nError: failed to start containers: ql",
        Kind::Limit,
    ),
    (
        Cli::Podman,
        "Error: crun: setrlimit `RLIMIT_NPROC`: Operation not permitted: OCI permission denied",
        Kind::Limit,
    ),
    (
        Cli::Docker,
        "Error response from daemon: manifest for reg:5000/es:9 not found: manifest unknown: manifest unknown",
        Kind::NoImage,
    ),
    (
        Cli::Podman,
        "Trying to pull reg:5000/es:9...\nError: initializing source docker://reg:5000/es:9: reading manifest 9 in reg:5000/es: \
         manifest unknown: manifest unknown",
        Kind::NoImage,
    ),
    (
        Cli::Docker,
        "Error response from daemon: Get \"http://reg:5000/v2/es/manifests/9\": no basic auth credentials",
        Kind::Denied,
    ),
    (
        Cli::Podman,
        "Trying to pull reg:5000/es:9...\nError: initializing source docker://reg:5000/es:9: reading manifest 9 in reg:5000/es: \
         unauthorized: authentication required",
        Kind::Denied,
    ),
    (
        Cli::Docker,
        "Error response from daemon: pull access denied for es, repository does not exist or may require 'docker login': \
         denied: requested access to the resource is denied",
        Kind::Denied,
    ),
    (
        Cli::Docker,
        "Error response from daemon: Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io on \
         10.0.0.53:53: no such host",
        Kind::RegistryAway,
    ),
    (
        Cli::Podman,
        "Trying to pull 127.0.0.1:5999/nope:1...\ntime=\"2026-11-21T15:50:41Z\" level=warning msg=\"Failed, retrying in 1s ... \
         (1/3). Error: pinging\"\nError: initializing source docker://127.0.0.1:5999/nope:1: pinging container registry \
         127.0.0.1:5999: Get \"https://127.0.0.1:5999/v2/\": dial tcp 127.0.0.1:5999: connect: connection refused",
        Kind::RegistryAway,
    ),
    (Cli::Docker, "invalid reference format", Kind::BadName),
    (
        Cli::Podman,
        "Error: short-name \"nope:1\" did not resolve to an alias and no unqualified-search registries are defined in \
         \"/etc/containers/registries.conf\"",
        Kind::BadName,
    ),
    (
        Cli::Docker,
        "unknown flag: --nope\n\nUsage:  docker create [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'docker create --help' for more \
         information",
        Kind::BadArgument,
    ),
    (
        Cli::Podman,
        "Error: unknown flag: --nope\nSee 'podman create --help'",
        Kind::BadArgument,
    ),
    (
        Cli::Docker,
        "Error response from daemon: invalid mount config for type \"bind\": bind source path does not exist: /nope",
        Kind::NoDirectory,
    ),
    (
        Cli::Podman,
        "Error: statfs /nope: no such file or directory",
        Kind::NoDirectory,
    ),
    (
        Cli::Docker,
        "Error response from daemon: failed to create shim task: OCI runtime create failed: runc create failed: unable to start \
         container process: exec: \"/nope\": stat /nope: no such file or directory: unknown\nError: failed to start containers: ql",
        Kind::Other,
    ),
    (Cli::Docker, "", Kind::Other),
];

#[test]
fn what_the_engines_say_is_understood() {
    for (cli, said, kind) in SAID {
        assert_eq!(Refusal::of_text(*cli, said).kind, *kind, "{said}");
    }
}

#[test]
fn every_refusal_becomes_one_message() {
    let mut all = String::new();
    let spoken = SAID.iter().map(|(cli, said, _)| Refusal::of_text(*cli, said));
    let silent = [
        Refusal::of_error(Cli::Docker, &io::ErrorKind::NotFound.into()),
        Refusal::of_error(Cli::Podman, &io::ErrorKind::TimedOut.into()),
    ];
    for refusal in spoken.chain(silent) {
        let failure = refusal.failure("start the container `c`");
        assert!(failure.to_string().lines().count() <= 2, "{failure}");
        let _ = writeln!(all, "{failure}\n exit: {}\n", failure.exit.code());
    }
    insta::assert_snapshot!(all);
}

#[test]
fn whatever_a_damaged_engine_says_becomes_two_lines_at_most() {
    crate::fuzz::fuzz("stderr", |bytes| {
        let said = String::from_utf8_lossy(bytes);
        for cli in [Cli::Docker, Cli::Podman] {
            let failure = Refusal::of_text(cli, &said).failure("start the container `c`");
            assert!(failure.to_string().lines().count() <= 2, "{failure}");
        }
    });
}

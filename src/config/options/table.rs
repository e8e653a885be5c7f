//! The settings themselves: what each is called, where it is read and what it says of itself.

mod launch;

use launch::LAUNCH;

use super::{
    Acts::{AtNodeStart, AtRestart},
    Group::{Access, Node, Registry, Sidecar},
    Kind::{List, Switch, Text},
    Opt,
};

/// All settings in the order of the documentation.
pub const OPTIONS: &[Opt] = &joined::<{ HOST.len() + LAUNCH.len() }>();

#[expect(clippy::indexing_slicing, reason = "when it compiles, it was right")]
const fn joined<const N: usize>() -> [Opt; N] {
    let mut all = [HOST[0]; N];
    let mut next = 1;
    while next < N {
        all[next] = if next < HOST.len() {
            HOST[next]
        } else {
            LAUNCH[next - HOST.len()]
        };
        next += 1;
    }
    all
}

/// Those that the launcher is not alone with.
const HOST: &[Opt] = &[
    Opt::new(
        Registry,
        "endpoints",
        List,
        "URL,..",
        "Where etcd answers; the scheme may be left out",
    )
    .default("127.0.0.1:2379")
    .also(&["ETCDCTL_ENDPOINTS"]),
    Opt::new(
        Registry,
        "cacert",
        Text,
        "FILE",
        "Certificate of the authority that signed etcd's (PEM)",
    )
    .also(&["ETCDCTL_CACERT"])
    .credential("cacert"),
    Opt::new(Registry, "cert", Text, "FILE", "Our certificate for etcd (PEM)")
        .also(&["ETCDCTL_CERT"])
        .credential("cert"),
    Opt::new(Registry, "key", Text, "FILE", "The key of that certificate (PEM)")
        .also(&["ETCDCTL_KEY"])
        .credential("key"),
    Opt::new(
        Registry,
        "etcd-user",
        Text,
        "NAME",
        "User of etcd; as ETCDCTL_USER also `name:password`",
    )
    .also(&["ETCDCTL_USER"]),
    Opt::new(
        Registry,
        "etcd-password",
        Text,
        "TEXT",
        "Password of that user; from the environment or a file only, never a flag",
    )
    .also(&["ETCDCTL_PASSWORD"])
    .secret(),
    Opt::new(
        Registry,
        "etcd-password-file",
        Text,
        "FILE",
        "File that holds the password of that user",
    )
    .credential("etcd-password"),
    Opt::new(
        Registry,
        "service",
        Text,
        "NAME",
        "The name under which the cluster is registered",
    )
    .default("elasticsearch")
    .acts(AtRestart),
    Opt::new(Registry, "prefix", Text, "KEY", "Root of the member keys")
        .default("/services")
        .acts(AtRestart),
    Opt::new(
        Registry,
        "control-prefix",
        Text,
        "KEY",
        "Root of seeds and cluster record",
    )
    .default("/quorate")
    .acts(AtRestart),
    Opt::new(
        Node,
        "address",
        Text,
        "IP",
        "Publish address of the node; default: the one that routes to etcd",
    )
    .host(&["COREOS_PRIVATE_IPV4", "FLATCAR_PRIVATE_IPV4"])
    .acts(AtRestart),
    Opt::new(Node, "http-port", Text, "PORT", "Where the node answers HTTP")
        .default("9200")
        .acts(AtNodeStart),
    Opt::new(Node, "transport-port", Text, "PORT", "Where other nodes reach the node")
        .default("9300")
        .acts(AtNodeStart),
    Opt::new(
        Node,
        "name",
        Text,
        "NAME",
        "The node's name; launcher's default: the host name, with `-PORT` where the transport port is not 9300; sidecar's: what the launcher says",
    )
    .acts(AtNodeStart),
    Opt::new(
        Node,
        "cluster",
        Text,
        "NAME",
        "The cluster's name; launcher's default: the service",
    )
    .acts(AtNodeStart),
    Opt::new(Node, "ttl", Text, "TIME", "How long a key outlives its writer").default("30s"),
    Opt::new(
        Node,
        "run-dir",
        Text,
        "DIR",
        "What launcher and sidecar tell each other about running nodes",
    )
    .default("/run/quorate")
    .acts(AtRestart),
    Opt::new(
        Node,
        "state-dir",
        Text,
        "DIR",
        "What a next run takes over; default /var/lib/quorate, sidecar /var/lib/quorate-sidecar",
    )
    .acts(AtRestart),
    Opt::new(
        Node,
        "take-over",
        Switch,
        "",
        "Take the node's key from a foreign writer without a lease",
    ),
    Opt::new(
        Access,
        "node-cacert",
        Text,
        "FILE",
        "Authorities whose certificates nodes are believed with (PEM); nodes are then asked over TLS",
    )
    .credential("node-cacert"),
    Opt::new(
        Access,
        "node-fingerprint",
        Text,
        "SHA256",
        "Instead: the one certificate that is believed, the node's or its authority's",
    ),
    Opt::new(
        Access,
        "node-server-name",
        Text,
        "NAME",
        "The name that the nodes' certificates are for; default: the address at which each is asked",
    ),
    Opt::new(
        Access,
        "node-verification",
        Text,
        "full|certificate",
        "What is looked at in a certificate; `certificate` accepts any name in it",
    )
    .default("full"),
    Opt::new(Access, "node-cert", Text, "FILE", "Our certificate for nodes (PEM)").credential("node-cert"),
    Opt::new(Access, "node-key", Text, "FILE", "The key of that certificate (PEM)").credential("node-key"),
    Opt::new(
        Access,
        "node-user",
        Text,
        "NAME",
        "User that asks nodes; the cluster privilege `monitor` is enough",
    ),
    Opt::new(
        Access,
        "node-password",
        Text,
        "TEXT",
        "Password of that user; from the environment or a file only, never a flag",
    )
    .secret(),
    Opt::new(
        Access,
        "node-password-file",
        Text,
        "FILE",
        "File that holds the password of that user",
    )
    .credential("node-password"),
    Opt::new(
        Access,
        "node-api-key",
        Text,
        "TEXT",
        "Instead of a user: an API key, `id:key` or encoded; from the environment or a file only, never a flag",
    )
    .secret(),
    Opt::new(
        Access,
        "node-api-key-file",
        Text,
        "FILE",
        "File that holds that API key",
    )
    .credential("node-api-key"),
    Opt::new(Sidecar, "interval", Text, "TIME", "Time between two probes").default("3s"),
    Opt::new(
        Sidecar,
        "timeout",
        Text,
        "TIME",
        "The longest that one probe may take; below the interval",
    )
    .default("2s"),
    Opt::new(
        Sidecar,
        "rise",
        Text,
        "N",
        "Good probes in a row until an unready node is ready again",
    )
    .default("2"),
    Opt::new(
        Sidecar,
        "fall",
        Text,
        "N",
        "Bad probes in a row until a ready node is unready",
    )
    .default("3"),
    Opt::new(
        Sidecar,
        "ready-when",
        Text,
        "joined|up",
        "What ready means; `up` does not ask for a master",
    )
    .default("joined"),
    Opt::new(
        Sidecar,
        "disk-patience",
        Text,
        "TIME|off",
        "How long the node's disk may hang, fail or be read-only until the node is unready; `off`: for ever",
    )
    .default("30s"),
    Opt::new(
        Sidecar,
        "listen",
        Text,
        "ADDR:PORT|off",
        "Where /livez, /readyz, /status and /metrics answer",
    )
    .default("127.0.0.1:9190"),
];

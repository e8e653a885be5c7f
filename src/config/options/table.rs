//! The settings themselves: what each is called, where it is read and what it says of itself.

use super::{
    Acts::{AtNodeStart, AtReload, AtRestart},
    Group::{Access, Launch, Node, Registry, Sidecar},
    Kind::{Lines, List, Pairs, Switch, Text},
    Opt,
};

/// All settings in the order of the documentation.
pub const OPTIONS: &[Opt] = &[
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
        "listen",
        Text,
        "ADDR:PORT|off",
        "Where /livez, /readyz, /status and /metrics answer",
    )
    .default("127.0.0.1:9190"),
    Opt::new(
        Launch,
        "engine",
        Text,
        "NAME",
        "What runs the node: docker, podman or process; default: docker with `--image`, process with `--home`",
    ),
    Opt::new(
        Launch,
        "image",
        Text,
        "IMAGE",
        "The image of the node, by tag or digest (engines docker and podman)",
    ),
    Opt::new(
        Launch,
        "home",
        Text,
        "DIR",
        "The unpacked distribution (engine process)",
    ),
    Opt::new(
        Launch,
        "product",
        Text,
        "NAME",
        "elasticsearch or opensearch; default: what the distribution or image says",
    ),
    Opt::new(
        Launch,
        "version",
        Text,
        "X.Y.Z",
        "The product's version; default: what the distribution or image says",
    ),
    Opt::new(
        Launch,
        "data",
        Text,
        "DIR",
        "The data directory; default <state-dir>/<service>/<id>/data",
    ),
    Opt::new(
        Launch,
        "user",
        Text,
        "NAME",
        "User of the node when started as root; default: the product's name; in a container UID[:GID]",
    ),
    Opt::new(
        Launch,
        "bootstrap-expect",
        Text,
        "N",
        "Masters that must be there before the cluster is formed, all named",
    )
    .default("1"),
    Opt::new(
        Launch,
        "expected-masters",
        Text,
        "N",
        "Masters the cluster will have; needed before Elasticsearch 7",
    ),
    Opt::new(
        Launch,
        "roles",
        List,
        "ROLE,..",
        "The node's roles, `coordinating` for none; default: the product's",
    ),
    Opt::new(Launch, "attr", Pairs, "K=V", "An attribute of the node, repeatable"),
    Opt::new(
        Launch,
        "heap",
        Text,
        "SIZE",
        "Java heap, minimum and maximum alike, e.g. 4g; default: the product's",
    ),
    Opt::new(
        Launch,
        "certificates",
        Text,
        "DIR",
        "`ca.pem`, `node.pem` and `node.key`: the node then speaks TLS, to other nodes and over HTTP",
    ),
    Opt::new(
        Launch,
        "set",
        Pairs,
        "K=V",
        "A setting of the node (YAML value), repeatable; wins over everything",
    ),
    Opt::new(
        Launch,
        "env",
        Pairs,
        "K=V",
        "An environment variable of the node, repeatable",
    ),
    Opt::new(
        Launch,
        "network",
        Text,
        "NAME",
        "Network of the container; any but `host` gets the node's two ports published on its address",
    )
    .default("host"),
    Opt::new(
        Launch,
        "ulimit",
        Pairs,
        "K=V",
        "A limit of the container, repeatable, e.g. nofile=65536; `engine`: whatever the engine gives",
    ),
    Opt::new(
        Launch,
        "engine-arg",
        Lines,
        "ARG",
        "One more argument for the engine's `create`, repeatable; wins over ours",
    ),
    Opt::new(
        Launch,
        "drain-wait",
        Text,
        "TIME",
        "Time for readers between leaving and stopping the node",
    )
    .default("5s")
    .acts(AtReload),
    Opt::new(Launch, "grace", Text, "TIME", "Time for the node to stop by itself")
        .default("120s")
        .acts(AtReload),
    Opt::new(
        Launch,
        "wait-for",
        Text,
        "TIME",
        "The longest that a start may wait; default: for ever, saying why every 30 s",
    ),
    Opt::new(
        Launch,
        "skip-check",
        List,
        "NAME,..",
        "Checks of `quorate check` whose failure does not stop the start; what they find is still said",
    ),
];

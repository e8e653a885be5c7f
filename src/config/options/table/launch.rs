//! The settings of the launcher alone.

use super::super::{
    Acts::AtReload,
    Group::Launch,
    Kind::{Lines, List, Pairs, Text},
    Opt,
};

pub(super) const LAUNCH: &[Opt] = &[
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
        "disk-interval",
        Text,
        "TIME|off",
        "How often a helper tries the disk under the data with a small write; `off`: never",
    )
    .default("10s")
    .acts(AtReload),
    Opt::new(
        Launch,
        "skip-check",
        List,
        "NAME,..",
        "Checks of `quorate check` whose failure does not stop the start; what they find is still said",
    ),
];

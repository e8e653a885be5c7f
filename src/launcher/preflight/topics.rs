//! The questions by name, for `--skip-check` and the documentation. Pure data; a check that is not listed here cannot be skipped.

/// One question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// Its name in tables, JSON and `--skip-check`.
    pub name: &'static str,
    /// What is asked, in one sentence.
    pub asks: &'static str,
}

const fn topic(name: &'static str, asks: &'static str) -> Topic {
    Topic { name, asks }
}

/// All questions in the order of the answers.
pub const TOPICS: &[Topic] = &[
    topic(
        "address",
        "The address is on an interface of this host, and no engine's bridge that was only guessed",
    ),
    topic("http-port", "The HTTP port is free; if not, who has it"),
    topic("transport-port", "The transport port is free; if not, who has it"),
    topic("name", "No other node of this host has the node's name"),
    topic("run-dir", "The launcher can write what it tells the sidecar"),
    topic("data-lock", "Nobody else uses the data directory"),
    topic(
        "marker",
        "The data directory belongs to this service, and its marker can be read",
    ),
    topic(
        "disk-space",
        "The directories have room, and the data more than the node's flood-stage watermark",
    ),
    topic(
        "filesystem",
        "The data directory lies on a local disk, not in memory or on a network",
    ),
    topic("swap", "The node's memory cannot be swapped out"),
    topic("user", "The launcher can give the node the rights of its user"),
    topic("home", "The node's user can read and run the distribution (process)"),
    topic("data", "The node's user can read and write the data directory"),
    topic(
        "data-files",
        "The node's user can read and write what lies in it (process)",
    ),
    topic(
        "state-dir",
        "The node's user can reach what the launcher makes for it (process)",
    ),
    topic("java", "The Java fits the version of the node (process)"),
    topic("heap", "Minimum and maximum of the Java heap are the same (process)"),
    topic("java-options", "No Java option that the node refuses (process)"),
    topic(
        "memory",
        "The heap takes at most half of the memory of the host or its control group",
    ),
    topic(
        "vm.max_map_count",
        "The kernel allows the memory maps that the node wants",
    ),
    topic("open-files", "The node may open 65535 files"),
    topic("threads", "The node's user may have 4096 threads (process)"),
    topic("address-space", "The address space is not limited (process)"),
    topic("file-size", "The size of files is not limited (process)"),
    topic(
        "memory-lock",
        "Memory may be locked, where `bootstrap.memory_lock` asks for it (process)",
    ),
    topic(
        "settings",
        "No settings in the distribution's own file, which is not used (process)",
    ),
    topic("engine", "The container engine answers (docker, podman)"),
    topic("image", "The image is known, or will be pulled (docker, podman)"),
    topic(
        "variables",
        "No variable that looks like a secret, which the engine would show (docker, podman)",
    ),
    topic(
        "data-container",
        "No other container uses the data directory (docker, podman)",
    ),
    topic(
        "roles",
        "The roles mean something to the node, and fit what earlier ones have left in the data directory",
    ),
    topic(
        "security",
        "The node asks for a password, or somebody decided that it does not",
    ),
    topic(
        "certificates",
        "The node's certificates can be read, fit together and are in date",
    ),
    topic("node-access", "The launcher may ask the node that it starts"),
    topic(
        "etcd",
        "etcd answers at every endpoint and lets us read (`quorate check` only)",
    ),
    topic(
        "etcd-write",
        "etcd lets us write the keys of the launcher (`quorate check` only)",
    ),
    topic(
        "record",
        "What a start would do now: the data directory against the cluster record (`quorate check` only)",
    ),
];

/// Whether there is such a question.
pub fn exists(name: &str) -> bool {
    TOPICS.iter().any(|topic| topic.name == name)
}

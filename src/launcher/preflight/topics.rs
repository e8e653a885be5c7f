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
    topic("engine", "The container engine is installed and answers"),
    topic("image", "The image is here, or the start can pull it"),
    topic("data-container", "No other container uses the data directory"),
    topic("java", "The Java fits the version of the node"),
    topic("user", "The launcher can give the node the rights of its user"),
    topic("home", "The node's user can read and run the distribution"),
    topic("data", "The node's user can read and write the data directory"),
    topic("data-files", "The node's user can read and write what lies in it"),
    topic("state-dir", "The node's user can reach what the launcher makes for it"),
    topic("run-dir", "The launcher can write what it tells the sidecar"),
    topic("data-lock", "Nobody else uses the data directory"),
    topic(
        "marker",
        "The data directory belongs to this service, and its marker can be read",
    ),
    topic(
        "disk-space",
        "The data directory has room, and more than the node's flood-stage watermark",
    ),
    topic(
        "filesystem",
        "The data directory lies on a local disk, not in memory or on a network",
    ),
    topic("heap", "Minimum and maximum of the Java heap are the same"),
    topic("java-options", "No Java option that the node refuses"),
    topic(
        "memory",
        "The heap takes at most half of the memory of the host or its control group",
    ),
    topic("swap", "The node's memory cannot be swapped out"),
    topic(
        "vm.max_map_count",
        "The kernel allows the memory maps that the node wants",
    ),
    topic("open-files", "The node may open 65535 files"),
    topic("threads", "The node's user may have 4096 threads"),
    topic("address-space", "The address space is not limited"),
    topic("file-size", "The size of files is not limited"),
    topic(
        "memory-lock",
        "Memory may be locked, where `bootstrap.memory_lock` asks for it",
    ),
    topic(
        "settings",
        "No settings in the distribution's own file, which is not used",
    ),
    topic(
        "security",
        "The node asks for a password, or somebody decided that it does not",
    ),
    topic(
        "certificates",
        "The node's certificates can be read, fit together, are for its address and have not expired",
    ),
    topic("node-access", "The launcher knows how to ask a node that is secured"),
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

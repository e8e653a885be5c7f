//! The rows of the table: every line of both products. Pure data.

use super::{
    Formation, JavaRange, Line, Product, Seeds, Version,
    image::{ELASTICSEARCH_IMAGE, LIBRARY_IMAGE, OPENSEARCH_IMAGE},
    script::{ELASTICSEARCH_1, ELASTICSEARCH_2, ELASTICSEARCH_5, ELASTICSEARCH_6, MODERN},
    security::{
        OPENSEARCH_2_SECURITY, OPENSEARCH_SECURITY, SHIELD, XPACK, XPACK_META_MODULE, XPACK_META_PLUGIN, XPACK_PLUGIN,
    },
};

const ELASTICSEARCH_9: Line = Line {
    label: "Elasticsearch 9",
    product: Product::Elasticsearch,
    from: Version::at(9, 0),
    below: Version::at(10, 0),
    formation: Formation::Bootstrap {
        setting: "cluster.initial_master_nodes",
    },
    seed_hosts: "discovery.seed_hosts",
    seeds: Seeds::File {
        provider: "discovery.seed_providers",
        name: "unicast_hosts.txt",
    },
    always: &[],
    master_role: "master",
    any_role: false,
    attribute: "node.attr.",
    transport_port: "transport.port",
    memory_lock: "bootstrap.memory_lock",
    script: MODERN,
    java_variable: "ES_JAVA_HOME",
    bundled_java: &["jdk"],
    java: JavaRange { from: 21, to: None },
    security: XPACK,
    map_count: 1_048_576,
    flood_headroom: Some(100 << 30),
    image: ELASTICSEARCH_IMAGE,
};

const ELASTICSEARCH_8: Line = Line {
    label: "Elasticsearch 8",
    from: Version::at(8, 0),
    below: Version::at(9, 0),
    java: JavaRange { from: 17, to: Some(24) },
    ..ELASTICSEARCH_9
};

const ELASTICSEARCH_7: Line = Line {
    label: "Elasticsearch 7",
    from: Version::at(7, 0),
    below: Version::at(8, 0),
    java_variable: "JAVA_HOME",
    java: JavaRange { from: 8, to: Some(23) },
    map_count: 262_144,
    flood_headroom: None,
    ..ELASTICSEARCH_8
};

const OPENSEARCH_3: Line = Line {
    label: "OpenSearch 3",
    product: Product::OpenSearch,
    from: Version::at(3, 0),
    below: Version::at(4, 0),
    formation: Formation::Bootstrap {
        setting: "cluster.initial_cluster_manager_nodes",
    },
    master_role: "cluster_manager",
    any_role: true,
    java_variable: "OPENSEARCH_JAVA_HOME",
    bundled_java: &["jre", "jdk"],
    security: OPENSEARCH_SECURITY,
    map_count: 262_144,
    flood_headroom: None,
    image: OPENSEARCH_IMAGE,
    ..ELASTICSEARCH_9
};

const OPENSEARCH_2: Line = Line {
    label: "OpenSearch 2",
    from: Version::at(2, 0),
    below: Version::at(3, 0),
    java: JavaRange { from: 11, to: Some(23) },
    security: OPENSEARCH_2_SECURITY,
    ..OPENSEARCH_3
};

const ELASTICSEARCH_6_FILE: Line = Line {
    label: "Elasticsearch 6",
    from: Version::at(6, 7),
    below: Version::at(7, 0),
    formation: Formation::Quorum {
        setting: "discovery.zen.minimum_master_nodes",
    },
    seed_hosts: "discovery.zen.ping.unicast.hosts",
    seeds: Seeds::File {
        provider: "discovery.zen.hosts_provider",
        name: "unicast_hosts.txt",
    },
    bundled_java: &[],
    java: JavaRange { from: 8, to: Some(17) },
    ..ELASTICSEARCH_7
};

/// A node of these finds others by a file only with a plugin that is not in its distribution.
const ELASTICSEARCH_6_FIXED: Line = Line {
    from: Version::at(6, 0),
    below: Version::at(6, 5),
    seeds: Seeds::Fixed,
    transport_port: "transport.tcp.port",
    script: ELASTICSEARCH_6,
    ..ELASTICSEARCH_6_FILE
};

const ELASTICSEARCH_5_LINE: Line = Line {
    label: "Elasticsearch 5",
    from: Version::at(5, 0),
    below: Version::at(6, 0),
    script: ELASTICSEARCH_5,
    security: XPACK_PLUGIN,
    ..ELASTICSEARCH_6_FIXED
};

/// Attributes have no place of their own, and what is no setting is ignored.
const ELASTICSEARCH_2_LINE: Line = Line {
    label: "Elasticsearch 2",
    from: Version::at(2, 0),
    below: Version::at(3, 0),
    // Of the core up to 1, of a plugin then.
    always: &[("discovery.zen.ping.multicast.enabled", "false")],
    attribute: "node.",
    memory_lock: "bootstrap.mlockall",
    script: ELASTICSEARCH_2,
    java: JavaRange { from: 7, to: Some(17) },
    security: SHIELD,
    image: LIBRARY_IMAGE,
    ..ELASTICSEARCH_5_LINE
};

const ELASTICSEARCH_1_LINE: Line = Line {
    label: "Elasticsearch 1",
    from: Version::at(1, 0),
    below: Version::at(2, 0),
    script: ELASTICSEARCH_1,
    ..ELASTICSEARCH_2_LINE
};

/// Every line there is, oldest first.
pub const LINES: &[Line] = &[
    ELASTICSEARCH_1_LINE,
    ELASTICSEARCH_2_LINE,
    ELASTICSEARCH_5_LINE,
    // The place of the module that secures the node changed with almost every version.
    Line {
        below: Version::at(6, 2),
        security: XPACK_PLUGIN,
        ..ELASTICSEARCH_6_FIXED
    },
    Line {
        from: Version::at(6, 2),
        below: Version::at(6, 3),
        security: XPACK_META_PLUGIN,
        ..ELASTICSEARCH_6_FIXED
    },
    Line {
        from: Version::at(6, 3),
        below: Version::at(6, 4),
        security: XPACK_META_MODULE,
        ..ELASTICSEARCH_6_FIXED
    },
    Line {
        from: Version::at(6, 4),
        ..ELASTICSEARCH_6_FIXED
    },
    // The seed file came with 6.5, the new name of the port with 6.7.
    Line {
        from: Version::at(6, 5),
        below: Version::at(6, 7),
        transport_port: "transport.tcp.port",
        ..ELASTICSEARCH_6_FILE
    },
    ELASTICSEARCH_6_FILE,
    // The variable for Java came with 7.12.
    Line {
        below: Version::at(7, 12),
        ..ELASTICSEARCH_7
    },
    Line {
        from: Version::at(7, 12),
        java_variable: "ES_JAVA_HOME",
        ..ELASTICSEARCH_7
    },
    // From 8.16 on more memory maps are advised; before 8.18 nothing runs without Java's security manager, which 24 has lost.
    Line {
        below: Version::at(8, 16),
        java: JavaRange { from: 17, to: Some(23) },
        map_count: 262_144,
        flood_headroom: None,
        ..ELASTICSEARCH_8
    },
    Line {
        from: Version::at(8, 16),
        below: Version::at(8, 18),
        java: JavaRange { from: 17, to: Some(23) },
        ..ELASTICSEARCH_8
    },
    Line {
        from: Version::at(8, 18),
        ..ELASTICSEARCH_8
    },
    // 9.0 and 9.1 fail their own self-test on Java 25.
    Line {
        below: Version::at(9, 2),
        java: JavaRange { from: 21, to: Some(24) },
        ..ELASTICSEARCH_9
    },
    Line {
        from: Version::at(9, 2),
        ..ELASTICSEARCH_9
    },
    Line {
        label: "OpenSearch 1",
        from: Version::at(1, 0),
        below: Version::at(2, 0),
        formation: Formation::Bootstrap {
            setting: "cluster.initial_master_nodes",
        },
        master_role: "master",
        any_role: false,
        java: JavaRange { from: 8, to: Some(23) },
        ..OPENSEARCH_2
    },
    OPENSEARCH_2,
    Line {
        below: Version::at(3, 5),
        java: JavaRange { from: 21, to: Some(24) },
        ..OPENSEARCH_3
    },
    Line {
        from: Version::at(3, 5),
        ..OPENSEARCH_3
    },
];

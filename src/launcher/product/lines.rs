//! The rows of the table: every line of both products. Pure data.

use super::{
    Formation, JavaRange, Line, Product, Version,
    image::{ELASTICSEARCH_IMAGE, OPENSEARCH_IMAGE},
    security::{OPENSEARCH_2_SECURITY, OPENSEARCH_SECURITY, XPACK},
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
    seed_provider: "discovery.seed_providers",
    seed_file: "unicast_hosts.txt",
    master_role: "master",
    any_role: false,
    attribute: "node.attr.",
    transport_port: "transport.port",
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

/// Every line there is, oldest first.
pub const LINES: &[Line] = &[
    Line {
        label: "Elasticsearch 6.8",
        product: Product::Elasticsearch,
        from: Version::at(6, 8),
        below: Version::at(6, 9),
        formation: Formation::Quorum {
            setting: "discovery.zen.minimum_master_nodes",
        },
        seed_hosts: "discovery.zen.ping.unicast.hosts",
        seed_provider: "discovery.zen.hosts_provider",
        seed_file: "unicast_hosts.txt",
        master_role: "master",
        any_role: false,
        attribute: "node.attr.",
        transport_port: "transport.port",
        java_variable: "JAVA_HOME",
        bundled_java: &[],
        java: JavaRange { from: 8, to: Some(17) },
        security: XPACK,
        map_count: 262_144,
        flood_headroom: None,
        image: ELASTICSEARCH_IMAGE,
    },
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

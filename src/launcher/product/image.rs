//! What the official images look like. Pure data.

/// What the official images of a line look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageShape {
    /// The distribution's home.
    pub home: &'static str,
    /// User and group of the node, to whom the data directory has to belong.
    pub user: (u32, u32),
    /// Variables that keep the entry point from changing what the launcher has decided.
    pub environment: &'static [(&'static str, &'static str)],
    /// Variables that say the same as [`Security::off`](super::Security::off): the entry point asks for them.
    pub unprotected: &'static [(&'static str, &'static str)],
}

/// Elasticsearch since 5.
pub(super) const ELASTICSEARCH_IMAGE: ImageShape = ImageShape {
    home: "/usr/share/elasticsearch",
    user: (1000, 0),
    environment: &[],
    unprotected: &[],
};

/// Elasticsearch 1 and 2, from the library of Docker Hub. Its own user has another number in every version; whoever is no root is
/// taken as he is.
pub(super) const LIBRARY_IMAGE: ImageShape = ImageShape {
    user: (1000, 1000),
    ..ELASTICSEARCH_IMAGE
};

/// OpenSearch.
pub(super) const OPENSEARCH_IMAGE: ImageShape = ImageShape {
    home: "/usr/share/opensearch",
    user: (1000, 1000),
    environment: &[
        // It would write certificates and users of its own into the settings file.
        ("DISABLE_INSTALL_DEMO_CONFIG", "true"),
        // A second process on a port of its own, which two nodes of a host would quarrel about.
        ("DISABLE_PERFORMANCE_ANALYZER_AGENT_CLI", "true"),
    ],
    unprotected: &[("DISABLE_SECURITY_PLUGIN", "true")],
};

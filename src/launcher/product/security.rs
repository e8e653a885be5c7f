//! The modules that secure nodes, and what their settings are called. Pure data.

/// A module that secures the node, and would keep every request without a password out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Security {
    /// The directory under the home that is there when the module is.
    pub module: &'static str,
    /// How its settings begin.
    pub namespace: &'static str,
    /// The setting that switches it off, and the value that does.
    pub off: (&'static str, &'static str),
    /// The settings that switch it on, or that its certificates are worth having with.
    pub on: &'static [(&'static str, &'static str)],
    /// Whether certificates may be files of the PEM form, in its config directory.
    pub takes_pem: bool,
    /// TLS between nodes.
    pub transport: TlsLayer,
    /// TLS to clients.
    pub http: TlsLayer,
}

/// The names of the TLS settings of one layer, each after the layer's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsLayer {
    /// How they begin.
    pub prefix: &'static str,
    /// Whether the layer is there.
    pub enabled: &'static str,
    /// The file with the node's certificate.
    pub certificate: &'static str,
    /// The file with its key.
    pub key: &'static str,
    /// The file with the authorities whose certificates are believed.
    pub authorities: &'static str,
    /// Whether the names in the certificates of other nodes are looked at, the value that says so, and one that does not.
    pub names: Option<(&'static str, &'static str, &'static str)>,
}

impl TlsLayer {
    /// A setting of the layer.
    pub fn setting(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The setting that says whether the layer is there.
    pub fn switch(&self) -> String {
        self.setting(self.enabled)
    }
}

pub(super) const XPACK: Security = Security {
    module: "modules/x-pack-security",
    namespace: "xpack.security.",
    off: ("xpack.security.enabled", "false"),
    on: &[("xpack.security.enabled", "true")],
    takes_pem: true,
    transport: TlsLayer {
        prefix: "xpack.security.transport.ssl.",
        names: Some(("verification_mode", "full", "certificate")),
        ..XPACK_HTTP
    },
    http: XPACK_HTTP,
};

/// In 6.3, a module among modules.
pub(super) const XPACK_META_MODULE: Security = Security {
    module: "modules/x-pack/x-pack-security",
    ..XPACK
};

/// In 6.2, a plugin among plugins.
pub(super) const XPACK_META_PLUGIN: Security = Security {
    module: "plugins/x-pack/x-pack-security",
    ..XPACK
};

/// Before, one plugin for everything.
pub(super) const XPACK_PLUGIN: Security = Security {
    module: "plugins/x-pack",
    ..XPACK
};

/// Before Elasticsearch 5. It takes keystores of Java alone.
pub(super) const SHIELD: Security = Security {
    module: "plugins/shield",
    namespace: "shield.",
    off: ("shield.enabled", "false"),
    on: &[],
    takes_pem: false,
    transport: TlsLayer {
        prefix: "shield.transport.",
        ..SHIELD_HTTP
    },
    http: SHIELD_HTTP,
};

const SHIELD_HTTP: TlsLayer = TlsLayer {
    prefix: "shield.http.",
    enabled: "ssl",
    ..XPACK_HTTP
};

const XPACK_HTTP: TlsLayer = TlsLayer {
    prefix: "xpack.security.http.ssl.",
    enabled: "enabled",
    certificate: "certificate",
    key: "key",
    authorities: "certificate_authorities",
    names: None,
};

const OPENSEARCH_HTTP: TlsLayer = TlsLayer {
    prefix: "plugins.security.ssl.http.",
    enabled: "enabled",
    certificate: "pemcert_filepath",
    key: "pemkey_filepath",
    authorities: "pemtrustedcas_filepath",
    names: None,
};

pub(super) const OPENSEARCH_SECURITY: Security = Security {
    module: "plugins/opensearch-security",
    namespace: "plugins.security.",
    off: ("plugins.security.disabled", "true"),
    // Elasticsearch looks for new files unasked.
    on: &[("plugins.security.ssl.certificates_hot_reload.enabled", "true")],
    takes_pem: true,
    transport: TlsLayer {
        prefix: "plugins.security.ssl.transport.",
        names: Some(("enforce_hostname_verification", "true", "false")),
        ..OPENSEARCH_HTTP
    },
    http: OPENSEARCH_HTTP,
};

/// Before 2.19 there is no such setting: new files are taken when its API is called.
pub(super) const OPENSEARCH_2_SECURITY: Security = Security {
    on: &[],
    ..OPENSEARCH_SECURITY
};

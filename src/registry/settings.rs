//! Where etcd is and how to get in. Secrets never reach a log.

use std::fmt;

use crate::config::SecretSource;

/// Where etcd is and how to get in.
#[derive(Debug, Clone, Default)]
pub struct RegistrySettings {
    /// URLs, `http://host:port` or `https://host:port`; at least one.
    pub endpoints: Vec<String>,
    /// Certificates; needed for `https`.
    pub tls: Option<Tls>,
    /// User and password.
    pub credentials: Option<Credentials>,
}

/// PEM texts.
#[derive(Clone)]
pub struct Tls {
    /// The authority that signed etcd's certificate.
    pub ca: Option<Vec<u8>>,
    /// Our certificate and its key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("identity", &self.identity.is_some())
            .finish_non_exhaustive()
    }
}

/// A user of etcd.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password.
    pub password: SecretSource,
}

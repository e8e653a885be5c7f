//! Where etcd is and how to get in. Secrets never reach a log.

use std::path::PathBuf;

use super::pass;
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

/// PEM files; they are read again when something is wrong and for each new connection, so that they can be renewed in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The authority that signed etcd's certificate.
    pub ca: Option<PathBuf>,
    /// Our certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Which of the files something is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFile {
    /// The authority's certificate.
    Ca,
    /// Our certificate.
    Certificate,
    /// Its key.
    Key,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {cause}", path.display())]
pub struct BadTlsFile {
    /// Which file.
    pub file: TlsFile,
    /// Where it is.
    pub path: PathBuf,
    /// A sentence without period.
    pub cause: String,
}

impl Tls {
    /// Whether the files can be used as they are now.
    pub fn check(&self) -> Result<(), BadTlsFile> {
        pass::read_tls(self).map(drop)
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

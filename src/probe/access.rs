//! How nodes are asked: over TLS or not, and as whom. Files are read again when they changed, before a new connection.
//!
//! Invariant: what is used is whole. While a file cannot be read, or a certificate and its key do not belong together, the last good
//! ones stay in use. A secret leaves in the `Authorization` header only.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use hyper::header::HeaderValue;

use super::{
    report::Who,
    tls::{self, BadTerms, Client, Trust},
};
use crate::config::{NoSecret, SecretSource};

/// Who asks.
#[derive(Debug, Clone)]
pub enum Login {
    /// A user with a password.
    User {
        /// The name.
        name: String,
        /// The password.
        password: SecretSource,
    },
    /// An API key, as `id:key` or in the encoded form.
    ApiKey(SecretSource),
}

/// How nodes are asked.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Over TLS under these terms; none: in plain HTTP.
    pub tls: Option<tls::Terms>,
    /// As whom; none: as anybody.
    pub login: Option<Login>,
}

/// Why nodes cannot be asked like that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAccess {
    /// A certificate or key.
    #[error(transparent)]
    Tls(#[from] BadTerms),
    /// A file with a secret.
    #[error(transparent)]
    Secret(#[from] NoSecret),
    /// The secret itself.
    #[error("the API key is neither `id:key` nor the encoded form of that")]
    ApiKey,
    /// Control characters.
    #[error("the password or the API key holds characters that HTTP cannot carry")]
    Unspeakable,
}

/// Terms whose files were read, and are read again. The default is plain HTTP as anybody.
#[derive(Debug, Clone, Default)]
pub struct Access(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    terms: Terms,
    held: Mutex<Held>,
}

/// What was read last.
#[derive(Debug, Default)]
struct Held {
    pass: Pass,
    /// The files as they were before that; none for one that is not there.
    stamps: Vec<Option<Stamp>>,
    /// What is wrong with the files as they are now, said once.
    complaint: Option<NoAccess>,
}

/// What tells one content of a file from another: inode, size, time of change in seconds and nanoseconds.
type Stamp = (u64, u64, i64, i64);

/// What one connection needs.
#[derive(Debug, Clone, Default)]
pub(super) struct Pass {
    pub(super) tls: Option<Client>,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) who: Who,
}

impl Access {
    /// Reads the files.
    pub fn new(terms: Terms) -> Result<Self, NoAccess> {
        let held = Mutex::new(Held {
            stamps: stamps(&terms),
            pass: Pass::read(&terms)?,
            complaint: None,
        });
        Ok(Self(Arc::new(Shared { terms, held })))
    }

    /// Whether nodes are asked over TLS.
    pub fn is_tls(&self) -> bool {
        self.0.terms.tls.is_some()
    }

    /// Whether nodes are asked as somebody.
    pub fn has_login(&self) -> bool {
        self.0.terms.login.is_some()
    }

    /// What the next connection needs, as the files are now.
    pub(super) fn pass(&self) -> Pass {
        let terms = &self.0.terms;
        let stamps = stamps(terms);
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        if stamps != held.stamps {
            match Pass::read(terms) {
                Ok(pass) => {
                    tracing::info!("certificates and secrets for the node were read again");
                    *held = Held {
                        pass,
                        stamps,
                        complaint: None,
                    };
                }
                Err(error) if held.complaint.as_ref() != Some(&error) => {
                    tracing::warn!(cause = %error, "the last good certificates and secrets for the node stay in use");
                    held.complaint = Some(error);
                }
                Err(_) => {}
            }
        }
        held.pass.clone()
    }
}

impl Pass {
    fn read(terms: &Terms) -> Result<Self, NoAccess> {
        let tls = terms.tls.as_ref().map(Client::new).transpose()?;
        let (text, who) = match &terms.login {
            None => (None, Who::Anybody),
            Some(Login::User { name, password }) => {
                let pair = BASE64_STANDARD.encode(format!("{name}:{}", password.read()?.expose()));
                (Some(format!("Basic {pair}")), Who::User(name.clone()))
            }
            Some(Login::ApiKey(key)) => {
                let key = encoded(key.read()?.expose().trim())?;
                (Some(format!("ApiKey {key}")), Who::ApiKey)
            }
        };
        let authorization = text.map(|text| {
            let mut value = HeaderValue::try_from(text).map_err(|_| NoAccess::Unspeakable)?;
            value.set_sensitive(true);
            Ok::<_, NoAccess>(value)
        });
        Ok(Self {
            tls,
            authorization: authorization.transpose()?,
            who,
        })
    }
}

/// An API key in the form that the header wants.
fn encoded(key: &str) -> Result<String, NoAccess> {
    let is_pair = |text: &str| {
        text.split_once(':')
            .is_some_and(|(id, key)| !id.is_empty() && !key.is_empty())
    };
    if is_pair(key) {
        return Ok(BASE64_STANDARD.encode(key));
    }
    let plain = BASE64_STANDARD
        .decode(key)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    if plain.is_some_and(|plain| is_pair(&plain)) {
        Ok(key.to_owned())
    } else {
        Err(NoAccess::ApiKey)
    }
}

fn stamps(terms: &Terms) -> Vec<Option<Stamp>> {
    let tls = terms.tls.as_ref();
    let authority = tls.and_then(|tls| match &tls.trust {
        Trust::Authority { file, .. } => Some(file.as_path()),
        Trust::Pinned(_) => None,
    });
    let identity = tls.and_then(|tls| tls.identity.as_ref());
    let secret = match &terms.login {
        Some(Login::User { password: secret, .. } | Login::ApiKey(secret)) => secret.file(),
        None => None,
    };
    let pair = identity.map(|(certificate, key)| [certificate.as_path(), key.as_path()]);
    let files = authority.into_iter().chain(pair.into_iter().flatten()).chain(secret);
    files.map(stamp).collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
}

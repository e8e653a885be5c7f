//! What opens etcd at one moment: certificates and a login, read from where the settings say they are.
//!
//! Invariant: a pass that was read is whole. A certificate whose key is not there yet, half a file or none is an error, so that
//! whoever renews files one after the other is never half believed.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use rustls::{
    Error as TlsError, InconsistentKeys,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

use super::settings::{BadTlsFile, RegistrySettings, Tls, TlsFile};
use crate::config::{NoSecret, Secret};

/// What opens etcd.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) ca: Option<Vec<u8>>,
    /// Certificate and key.
    pub(super) identity: Option<(Vec<u8>, Vec<u8>)>,
    /// User and password.
    pub(super) login: Option<(String, Secret)>,
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass")
            .field("identity", &self.identity.is_some())
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadPass {
    /// A certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] BadTlsFile),
    /// The password's file holds none.
    #[error(transparent)]
    Password(#[from] NoSecret),
}

impl Pass {
    /// Reads everything as it is now.
    pub(super) fn read(settings: &RegistrySettings) -> Result<Self, BadPass> {
        let (ca, identity) = match &settings.tls {
            Some(tls) => read_tls(tls)?,
            None => (None, None),
        };
        let login = match &settings.credentials {
            Some(credentials) => Some((credentials.user.clone(), credentials.password.read()?)),
            None => None,
        };
        Ok(Self { ca, identity, login })
    }

    /// Whether reading it again could give another one.
    pub(super) fn may_change(settings: &RegistrySettings) -> bool {
        let login = settings.credentials.as_ref();
        settings.tls.is_some() || login.is_some_and(|login| login.password.file().is_some())
    }
}

type Files = (Option<Vec<u8>>, Option<(Vec<u8>, Vec<u8>)>);

/// The bytes of the files, when they can be used.
pub(super) fn read_tls(tls: &Tls) -> Result<Files, BadTlsFile> {
    let ca = match &tls.ca {
        Some(path) => Some(read(TlsFile::Ca, path).and_then(|pem| certificates(TlsFile::Ca, path, &pem).map(|_| pem))?),
        None => None,
    };
    let identity = match &tls.identity {
        Some((certificate, key)) => Some(read_identity(certificate, key)?),
        None => None,
    };
    Ok((ca, identity))
}

fn read_identity(certificate: &Path, key: &Path) -> Result<(Vec<u8>, Vec<u8>), BadTlsFile> {
    let chain_pem = read(TlsFile::Certificate, certificate)?;
    let key_pem = read(TlsFile::Key, key)?;
    let chain = certificates(TlsFile::Certificate, certificate, &chain_pem)?;
    let secret = PrivateKeyDer::from_pem_slice(&key_pem)
        .map_err(|_| bad(TlsFile::Key, key, "it holds no private key in PEM without a passphrase"))?;
    match CertifiedKey::from_der(chain, secret, &ring::default_provider()) {
        Ok(_) => Ok((chain_pem, key_pem)),
        Err(TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            let cause = format!("it is not the key of the certificate in {}", certificate.display());
            Err(bad(TlsFile::Key, key, &cause))
        }
        Err(error) => Err(bad(TlsFile::Certificate, certificate, &error.to_string())),
    }
}

fn read(file: TlsFile, path: &Path) -> Result<Vec<u8>, BadTlsFile> {
    std::fs::read(path).map_err(|error| bad(file, path, &error.to_string()))
}

fn certificates(file: TlsFile, path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, BadTlsFile> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) | Err(_) => Err(bad(file, path, "it holds no certificate in PEM")),
    }
}

fn bad(file: TlsFile, path: &Path, cause: &str) -> BadTlsFile {
    BadTlsFile {
        file,
        path: PathBuf::from(path),
        cause: cause.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey as Made, generate_simple_self_signed};

    use super::*;

    #[test]
    fn a_certificate_is_believed_only_together_with_its_own_key() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name);
        for name in ["old", "new"] {
            let Made { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).expect("made");
            std::fs::write(path(&format!("{name}.pem")), cert.pem()).expect("written");
            std::fs::write(path(&format!("{name}.key")), signing_key.serialize_pem()).expect("written");
        }
        std::fs::write(path("half.pem"), "-----BEGIN CERTIFICATE-----\nMIIB").expect("written");
        std::fs::write(path("empty"), "").expect("written");
        let check = |certificate: &str, key: &str| {
            let tls = Tls {
                ca: None,
                identity: Some((path(certificate), path(key))),
            };
            tls.check().map_err(|bad| (bad.file, bad.cause))
        };
        assert_eq!(check("old.pem", "old.key"), Ok(()));
        for (certificate, key, file, cause) in [
            (
                "new.pem",
                "old.key",
                TlsFile::Key,
                "it is not the key of the certificate in",
            ),
            ("half.pem", "old.key", TlsFile::Certificate, "no certificate in PEM"),
            ("empty", "old.key", TlsFile::Certificate, "no certificate in PEM"),
            ("old.key", "old.key", TlsFile::Certificate, "no certificate in PEM"),
            ("old.pem", "empty", TlsFile::Key, "no private key in PEM"),
            ("old.pem", "none", TlsFile::Key, "No such file"),
            ("none", "old.key", TlsFile::Certificate, "No such file"),
        ] {
            let (found, said) = check(certificate, key).expect_err("not whole");
            assert!(found == file && said.contains(cause), "{certificate} {key}: {said}");
        }
    }
}

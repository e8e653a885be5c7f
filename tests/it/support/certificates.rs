//! An authority of its own for each test, and certificates that it signed.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use quorate::registry::Tls;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};

/// The authority and where its files are.
#[derive(Debug)]
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: PathBuf,
}

impl Authority {
    /// Writes `ca.pem` into `dir`.
    pub(crate) fn new(dir: &Path) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test authority");
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        std::fs::write(dir.join("ca.pem"), issuer.pem()).expect("written");
        let dir = dir.to_owned();
        Self { issuer, dir }
    }

    /// Writes `NAME.pem` and `NAME.key` for a server or client of this name and address.
    pub(crate) fn sign(&self, name: &str, address: IpAddr) {
        self.sign_as(name, |params| {
            params.subject_alt_names = vec![SanType::IpAddress(address)];
        });
    }

    /// The same with whatever else is to be in it. Each file is replaced at once.
    pub(crate) fn sign_as(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        self.replace(name, "key", &key.serialize_pem());
        self.replace(name, "pem", &certificate.pem());
    }

    fn replace(&self, name: &str, kind: &str, text: &str) {
        let fresh = self.file(name, "new");
        std::fs::write(&fresh, text).expect("written");
        std::fs::rename(fresh, self.file(name, kind)).expect("replaced");
    }

    /// A client's certificates.
    pub(crate) fn tls(&self, name: Option<&str>) -> Tls {
        Tls {
            ca: Some(self.file("ca", "pem")),
            identity: name.map(|name| (self.file(name, "pem"), self.file(name, "key"))),
        }
    }

    /// The file `NAME.KIND`.
    pub(crate) fn file(&self, name: &str, kind: &str) -> PathBuf {
        self.dir.join(format!("{name}.{kind}"))
    }
}

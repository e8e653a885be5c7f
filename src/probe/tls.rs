//! TLS to a node: whom we believe, and what we show of ourselves.
//!
//! One provider (ring), no authorities but the given one, no resumption: every connection is judged by the rule of its day.

mod failure;
mod fingerprint;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use failure::TlsFailure;
pub use fingerprint::Fingerprint;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
    sign::{CertifiedKey, SingleCertAndKey},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::ProbeFailure;

/// Which nodes are believed.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Those with a certificate that an authority in this file signed.
    Authority {
        /// PEM, one or more.
        file: PathBuf,
        /// For whom the certificate has to be.
        name: Name,
    },
    /// That with this certificate, or with one that the authority of this certificate signed and that is shown with it.
    Pinned(Fingerprint),
}

/// For whom a node's certificate has to be.
#[derive(Debug, Clone)]
pub enum Name {
    /// The address at which it is asked.
    Asked,
    /// This name.
    Given(ServerName<'static>),
    /// Anyone.
    Any,
}

/// What both sides show.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Which nodes are believed.
    pub trust: Trust,
    /// Files with our certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Terms that cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTerms {
    /// A file does not hold what it should.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The TLS library refuses its own defaults.
    #[error("no TLS: {0}")]
    Library(String),
}

fn bad_file(path: &Path, cause: &dyn fmt::Display) -> BadTerms {
    BadTerms::File {
        path: path.to_owned(),
        cause: cause.to_string(),
    }
}

/// Makes connections under terms whose files were read.
#[derive(Debug, Clone)]
pub(super) struct Client {
    config: Arc<ClientConfig>,
    name: Name,
}

impl Client {
    /// Reads the files of `terms`.
    pub(super) fn new(terms: &Terms) -> Result<Self, BadTerms> {
        let (trusted, name) = match &terms.trust {
            Trust::Authority { file, name } => {
                let (roots, any_name) = (Arc::new(authorities(file)?), matches!(name, Name::Any));
                (Trusted::Roots { roots, any_name }, name.clone())
            }
            Trust::Pinned(fingerprint) => (Trusted::Pinned(*fingerprint), Name::Asked),
        };
        let identity = terms.identity.as_ref();
        let identity = identity.map(|(certificate, key)| key_pair(certificate, key));
        Ok(Self {
            config: Arc::new(
                config(trusted, identity.transpose()?).map_err(|error| BadTerms::Library(error.to_string()))?,
            ),
            name,
        })
    }

    /// Shakes hands with whoever is at the other end of `stream`, which was asked for as `host`.
    pub(super) async fn connect(&self, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, ProbeFailure> {
        let name = match &self.name {
            Name::Given(name) => name.clone(),
            Name::Asked | Name::Any => ServerName::try_from(host.to_owned())
                .map_err(|_| ProbeFailure::Tls(TlsFailure::Other(format!("no certificate can be for `{host}`"))))?,
        };
        let connected = TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await;
        connected.map_err(|error| TlsFailure::within(&error).map_or(ProbeFailure::Closed, ProbeFailure::Tls))
    }
}

/// Whether TLS is spoken at the other end. Nothing is sent but a greeting.
pub(super) async fn is_spoken(host: &str, stream: TcpStream) -> bool {
    let Ok(config) = config(Trusted::Nobody, None) else {
        return false;
    };
    let client = Client {
        config: Arc::new(config),
        name: Name::Asked,
    };
    // Nobody is believed: an end that speaks TLS has shown a certificate or has refused us, in words of TLS.
    matches!(client.connect(host, stream).await, Err(ProbeFailure::Tls(failure)) if failure != TlsFailure::NotSpoken)
}

fn config(trusted: Trusted, identity: Option<CertifiedKey>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier {
        trusted,
        algorithms: provider.signature_verification_algorithms,
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity {
        Some(pair) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(pair))),
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// All certificates in a file, at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BadTerms> {
    let pem = fs::read(path).map_err(|error| bad_file(path, &error))?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let all = all.map_err(|error| bad_file(path, &format!("no PEM: {error}")))?;
    if all.is_empty() {
        return Err(bad_file(path, &"it holds no certificate in PEM"));
    }
    Ok(all)
}

/// The authorities in a file.
pub(crate) fn authorities(path: &Path) -> Result<RootCertStore, BadTerms> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots
            .add(certificate)
            .map_err(|error| bad_file(path, &format!("no authority: {error}")))?;
    }
    Ok(roots)
}

/// A certificate with the key that belongs to it.
pub(crate) fn key_pair(certificate: &Path, key: &Path) -> Result<CertifiedKey, BadTerms> {
    let chain = certificates(certificate)?;
    let pem = fs::read(key).map_err(|error| bad_file(key, &error))?;
    let private =
        PrivateKeyDer::from_pem_slice(&pem).map_err(|_| bad_file(key, &"it holds no key in PEM without a password"))?;
    CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| {
        if matches!(error, Error::InconsistentKeys(_)) {
            bad_file(key, &format!("not the key of {}", certificate.display()))
        } else {
            bad_file(key, &error)
        }
    })
}

/// Whether whoever believes `roots` believes this certificate at `time`, and takes it for that of `name`.
pub(crate) fn believes(
    roots: &RootCertStore,
    chain: &[CertificateDer<'_>],
    name: Option<&ServerName<'_>>,
    time: UnixTime,
) -> Result<(), TlsFailure> {
    let (own, others) = chain.split_first().ok_or(TlsFailure::UnknownAuthority)?;
    let algorithms = ring::default_provider().signature_verification_algorithms;
    let judge = || {
        let own = ParsedCertificate::try_from(own)?;
        verify_server_cert_signed_by_trust_anchor(&own, roots, others, time, algorithms.all)?;
        name.map_or(Ok(()), |name| verify_server_name(&own, name))
    };
    judge().map_err(|error| TlsFailure::from(&error))
}

/// Whose certificates are believed.
#[derive(Debug)]
enum Trusted {
    Roots { roots: Arc<RootCertStore>, any_name: bool },
    Pinned(Fingerprint),
    Nobody,
}

/// Judges what the other end shows.
#[derive(Debug)]
struct Verifier {
    trusted: Trusted,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    fn signed_by(
        &self,
        roots: &RootCertStore,
        own: &ParsedCertificate<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        verify_server_cert_signed_by_trust_anchor(own, roots, others, now, self.algorithms.all)
    }

    /// The pinned certificate itself is believed whatever it says of names and times; that of an authority has to have signed.
    fn pinned(
        &self,
        pin: Fingerprint,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let shown = Fingerprint::of(own);
        if shown == pin {
            return Ok(());
        }
        let Some(authority) = others.iter().find(|other| Fingerprint::of(other) == pin) else {
            return Err(TlsFailure::OtherFingerprint(shown).into());
        };
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        self.signed_by(&roots, &ParsedCertificate::try_from(own)?, others, now)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.trusted {
            Trusted::Roots { roots, any_name } => {
                let parsed = ParsedCertificate::try_from(own)?;
                self.signed_by(roots, &parsed, others, now)?;
                if !any_name {
                    verify_server_name(&parsed, name)?;
                }
            }
            Trusted::Pinned(pin) => self.pinned(*pin, own, others, now)?,
            Trusted::Nobody => return Err(CertificateError::ApplicationVerificationFailure.into()),
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, own, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, own, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

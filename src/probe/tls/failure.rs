//! Why there is no TLS connection, each in a sentence that says what to look at. Pure.

use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use rustls::{AlertDescription, CertificateError, Error, OtherError, pki_types::UnixTime};

use super::Fingerprint;
use crate::host;

/// Why there is no TLS connection to a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFailure {
    /// Its certificate is too old.
    #[error("the node's certificate has expired{0}")]
    Expired(String),
    /// Its certificate is too young.
    #[error("the node's certificate is not valid yet{0}; is the clock right?")]
    NotValidYet(String),
    /// Nobody we know has signed its certificate.
    #[error(
        "the node's certificate is not signed by an authority that is believed (`--node-cacert`, `--node-fingerprint`)"
    )]
    UnknownAuthority,
    /// Its certificate is for somebody else.
    #[error("the node's certificate is for {shown}, not for {asked}; `--node-server-name` can name another")]
    OtherName {
        /// For whom it is.
        shown: String,
        /// Who was asked for.
        asked: String,
    },
    /// It shows another certificate than the pinned one.
    #[error("the node's certificate has the fingerprint {0}, which is not `--node-fingerprint`")]
    OtherFingerprint(Fingerprint),
    /// Something else is wrong with its certificate.
    #[error("the node's certificate cannot be used: {0}")]
    BadCertificate(String),
    /// It wants a certificate of ours, or another one.
    #[error("the node does not accept us: {0}; `--node-cert` and `--node-key` say what it is shown")]
    NotAccepted(&'static str),
    /// What it says is no TLS.
    #[error("the node does not speak TLS; without `--node-cacert` and `--node-fingerprint` it is asked in plain HTTP")]
    NotSpoken,
    /// It speaks TLS, and was asked in plain HTTP.
    #[error("the node speaks TLS; `--node-cacert` or `--node-fingerprint` has to say which node is believed")]
    Wanted,
    /// Anything else.
    #[error("no TLS with the node: {0}")]
    Other(String),
}

impl TlsFailure {
    /// A fixed word for metrics and logs: whether the node's certificate is to blame.
    pub(in crate::probe) const fn kind(&self) -> &'static str {
        match self {
            Self::Expired(_)
            | Self::NotValidYet(_)
            | Self::UnknownAuthority
            | Self::OtherName { .. }
            | Self::OtherFingerprint(_)
            | Self::BadCertificate(_) => "certificate",
            Self::NotAccepted(_) | Self::NotSpoken | Self::Wanted | Self::Other(_) => "tls",
        }
    }

    /// The failure inside an error of a connection, when TLS is to blame and not the wire.
    pub(in crate::probe) fn within(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref::<Error>().map(Self::from)
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the rest is the library's own affair and says what it is"
    )]
    fn of_certificate(error: &CertificateError) -> Self {
        use CertificateError as C;
        match error {
            C::Expired => Self::Expired(String::new()),
            C::ExpiredContext { not_after, .. } => Self::Expired(format!(" on {}", date(*not_after))),
            C::NotValidYet => Self::NotValidYet(String::new()),
            C::NotValidYetContext { not_before, .. } => {
                Self::NotValidYet(format!(", it begins on {}", date(*not_before)))
            }
            C::UnknownIssuer | C::BadSignature => Self::UnknownAuthority,
            C::NotValidForName => Self::BadCertificate("it is for another name".to_owned()),
            C::NotValidForNameContext { expected, presented } => Self::OtherName {
                shown: shown(presented),
                asked: expected.to_str().into_owned(),
            },
            C::Other(OtherError(other)) => match other.downcast_ref::<Self>() {
                Some(failure) => failure.clone(),
                None => Self::BadCertificate(other.to_string()),
            },
            other => Self::BadCertificate(other.to_string()),
        }
    }
}

impl From<&Error> for TlsFailure {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the rest is the library's own affair and says what it is"
    )]
    fn from(error: &Error) -> Self {
        match error {
            Error::InvalidCertificate(error) => Self::of_certificate(error),
            Error::InvalidMessage(_) => Self::NotSpoken,
            Error::AlertReceived(alert) => of_alert(*alert),
            other => Self::Other(other.to_string()),
        }
    }
}

/// For the verifier, which has to answer in the words of the library.
impl From<TlsFailure> for Error {
    fn from(failure: TlsFailure) -> Self {
        CertificateError::Other(OtherError(Arc::new(failure))).into()
    }
}

/// What a node says when it does not like what we showed. Java's servers say the more general words.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all others say that the two have no TLS in common"
)]
fn of_alert(alert: AlertDescription) -> TlsFailure {
    use AlertDescription as A;
    let why = match alert {
        A::CertificateRequired | A::NoCertificate => "it wants a certificate",
        // The second where an authority of the same name has another key.
        A::UnknownCA | A::DecryptError => "it does not believe the authority of our certificate",
        A::CertificateExpired => "our certificate has expired",
        A::CertificateRevoked => "our certificate is revoked",
        A::BadCertificate | A::CertificateUnknown | A::UnsupportedCertificate | A::AccessDenied => {
            "it wants a certificate, or another one"
        }
        other => return TlsFailure::Other(format!("it says {other:?}")),
    };
    TlsFailure::NotAccepted(why)
}

/// The names a certificate is for, e.g. `IpAddress(10.0.0.1)` and `DnsName("a")` in the library's words.
fn shown(presented: &[String]) -> String {
    let name = |text: &String| {
        let inner = text.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        inner.unwrap_or(text).trim_matches('"').to_owned()
    };
    match presented {
        [] => "no name at all".to_owned(),
        names => names.iter().map(name).collect::<Vec<_>>().join(", "),
    }
}

fn date(time: UnixTime) -> String {
    host::utc(SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_secs()))
}

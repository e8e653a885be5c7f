//! The SHA-256 of a certificate, as Elasticsearch and openssl print it.

use std::{fmt, str::FromStr};

use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;

/// The SHA-256 of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no SHA-256 of a certificate")]
pub struct NoFingerprint;

impl Fingerprint {
    /// That of a certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, certificate).as_ref());
        Self(bytes)
    }
}

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    /// 64 hexadecimal digits, with or without a colon between each two.
    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let digits: Vec<&str> = if text.contains(':') {
            text.split(':').collect()
        } else {
            (0..text.len())
                .step_by(2)
                .filter_map(|at| text.get(at..at + 2))
                .collect()
        };
        let whole = digits.iter().map(|two| two.len()).sum::<usize>() + text.matches(':').count() == text.len();
        let byte = |two: &&str| {
            let plain = two.len() == 2 && two.bytes().all(|digit| digit.is_ascii_hexdigit());
            plain.then(|| u8::from_str_radix(two, 16).ok()).flatten()
        };
        let bytes: Option<Vec<u8>> = digits.iter().map(byte).collect();
        let bytes = bytes.filter(|_| whole).ok_or(NoFingerprint)?;
        bytes.try_into().map(Self).map_err(|_| NoFingerprint)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_with_and_without_colons() {
        let plain = "00FFa0".to_owned() + &"1b".repeat(29);
        let pairs: Vec<&str> = (0..64).step_by(2).filter_map(|at| plain.get(at..at + 2)).collect();
        let parsed: Fingerprint = plain.parse().expect("plain");
        assert_eq!(pairs.join(":").parse(), Ok(parsed));
        assert_eq!(parsed.to_string(), plain.to_lowercase());
        let wrong = [
            "",
            "00",
            &plain[1..],
            &format!("{plain}0"),
            &plain.replace('1', "x"),
            &plain.replacen("00", "é", 1),
        ];
        for text in wrong {
            assert_eq!(text.parse::<Fingerprint>(), Err(NoFingerprint), "{text}");
        }
    }
}

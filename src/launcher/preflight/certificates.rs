//! Whether the node's certificates will do, seen with the rights of its user: a node that refuses its own certificate does not start,
//! and one that the others refuse never joins.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rustls::pki_types::{ServerName, UnixTime};

use super::Check;
use crate::{
    launcher::{plan::Plan, product::TlsLayer, render::CERTIFICATES, user::with_rights_of},
    probe::{BadTerms, TlsFailure, authorities, believes, certificates, key_pair},
};

const NAME: &str = "certificates";
const ACCESS: &str = "node-access";
/// Time to renew a certificate in.
const SOON: Duration = Duration::from_hours(14 * 24);
/// Later than any certificate.
const THE_END: Duration = Duration::from_secs(253_402_300_799);

/// One check for each layer that takes its certificates from the directory that was given.
pub(super) fn of_node(plan: &Plan) -> Vec<Check> {
    let Some(dir) = &plan.settings.certificates else {
        return Vec::new();
    };
    let security = &plan.line.security;
    let mut layers: Vec<Files> = [&security.transport, &security.http]
        .into_iter()
        .filter_map(|layer| Files::of(plan, dir, layer))
        .collect();
    layers.dedup_by(|http, transport| http.same(transport));
    let look = || layers.iter().map(Files::check).collect();
    with_rights_of(plan.user.as_ref(), look)
        .unwrap_or_else(|error| vec![Check::fail(NAME, error.to_string(), "see `user`")])
}

/// Whether the launcher, and a sidecar with the same settings, will be able to ask the node.
pub(super) fn access(plan: &Plan) -> Option<Check> {
    let access = &plan.settings.node.access;
    let security = &plan.line.security;
    match (plan.setup.speaks_tls(), access.is_tls()) {
        (true, false) => Some(Check::fail(
            ACCESS,
            "the node will speak TLS, and nothing says how it is believed when it is asked",
            "give `--node-cacert FILE` or `--node-fingerprint SHA256`, the same to the sidecar",
        )),
        (false, true) => Some(Check::warn(
            ACCESS,
            format!(
                "nodes are asked over TLS, and `{}` is not true for this one",
                security.http.switch()
            ),
            "give `--certificates DIR`, or leave `--node-cacert` and `--node-fingerprint` out",
        )),
        (_, _) if plan.setup.has_security && !plan.setup.unprotected() && !access.has_login() => Some(Check::warn(
            ACCESS,
            "the node will want to know who asks, and nobody is named",
            "give `--node-user` with its password or `node-api-key`, the same to the sidecar",
        )),
        (_, _) => None,
    }
}

/// What one layer of TLS is told.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    authorities: PathBuf,
    /// Whom the certificate has to be for, where the other nodes look.
    name: Option<ServerName<'static>>,
    /// The setting with which they would not look.
    setting: Option<String>,
}

impl Files {
    /// None: the layer is off, or takes nothing from `dir`.
    fn of(plan: &Plan, dir: &Path, layer: &TlsLayer) -> Option<Self> {
        let value = |name: &str| plan.setup.value(&layer.setting(name));
        let file = |name: &str| Some(dir.join(Path::new(&value(name)?).strip_prefix(CERTIFICATES).ok()?));
        if value("enabled").as_deref() != Some("true") {
            return None;
        }
        let names = layer
            .names
            .filter(|(name, looks, _)| value(name).as_deref() == Some(*looks))
            .map(|(name, _, careless)| format!("{}={careless}", layer.setting(name)));
        Some(Self {
            certificate: file(layer.certificate)?,
            key: file(layer.key)?,
            authorities: file(layer.authorities)?,
            name: names
                .is_some()
                .then(|| ServerName::IpAddress(plan.settings.node.address.into())),
            setting: names,
        })
    }

    fn same(&self, other: &Self) -> bool {
        (&self.certificate, &self.key, &self.authorities) == (&other.certificate, &other.key, &other.authorities)
    }

    fn check(&self) -> Check {
        match self.look() {
            Ok(check) | Err(check) => check,
        }
    }

    fn look(&self) -> Result<Check, Check> {
        let hint = "PEM files that belong together, which the node's user may read";
        let bad = |error: BadTerms| Check::fail(NAME, error.to_string(), hint);
        let roots = authorities(&self.authorities).map_err(bad)?;
        let chain = certificates(&self.certificate).map_err(bad)?;
        let now = UnixTime::now();
        believes(&roots, &chain, self.name.as_ref(), now).map_err(|failure| self.refused(&failure))?;
        if fs::read_to_string(&self.key).is_ok_and(|text| text.contains("ENCRYPTED")) {
            return Err(Check::warn(
                NAME,
                format!(
                    "{} has a password, so nobody looked whether it fits",
                    self.key.display()
                ),
                "its password belongs into the node's keystore",
            ));
        }
        key_pair(&self.certificate, &self.key).map_err(bad)?;
        let end = match believes(&roots, &chain, None, UnixTime::since_unix_epoch(THE_END)) {
            Err(TlsFailure::Expired(on)) => on,
            Ok(()) | Err(_) => String::new(),
        };
        let path = self.certificate.display();
        let soon = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()) + SOON);
        if believes(&roots, &chain, None, soon).is_err() {
            let what = format!("{path} expires{end}");
            return Err(Check::warn(
                NAME,
                what,
                "renew it; a node takes new files without a restart",
            ));
        }
        Ok(Check::ok(NAME, format!("{path} expires{end}")))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest says by itself what it is")]
    fn refused(&self, failure: &TlsFailure) -> Check {
        let path = self.certificate.display();
        let (what, hint) = match failure {
            TlsFailure::Expired(on) => (format!("{path} has expired{on}"), "renew it".to_owned()),
            TlsFailure::UnknownAuthority => (
                format!("{path} is not signed by an authority in {}", self.authorities.display()),
                "put the authority's certificate there, and those between the two behind the node's own".to_owned(),
            ),
            TlsFailure::OtherName { shown, asked } => (
                format!("{path} is for {shown}, not for {asked}, at which the other nodes reach this one"),
                self.setting.as_ref().map_or_else(String::new, |setting| {
                    format!(
                        "have the address put in as a subjectAltName, or tell all nodes not to look: `--set {setting}`"
                    )
                }),
            ),
            other => (format!("{path}: {other}"), "renew it".to_owned()),
        };
        Check::fail(NAME, what, hint)
    }
}

//! Settings that every command needs that talks to etcd.

use std::path::PathBuf;

use hyper::http::uri::Authority;

use super::{Resolver, Secret, SecretSource, Source};
use crate::{
    exit::Problem,
    model::ServiceName,
    registry::{Credentials, Keys, RegistrySettings, Tls, TlsFile},
};

/// What every command that talks to etcd needs.
#[derive(Debug, Clone)]
pub struct Common {
    /// Where etcd is and how to get in.
    pub registry: RegistrySettings,
    /// The service.
    pub service: ServiceName,
    /// Its keys.
    pub keys: Keys,
}

/// Registry and service, or none when something is wrong (the resolver then knows what).
pub fn common(r: &mut Resolver<'_>) -> Option<Common> {
    let expected = "letters, digits, `-`, `_` and `.`, at most 128";
    let service = r.parse::<ServiceName>("service", expected);
    let prefix = key_root(r, "prefix");
    let control_prefix = key_root(r, "control-prefix");
    let registry = registry(r);
    if prefix.is_some() && prefix == control_prefix {
        r.problem(Problem::with_hint(
            "`--prefix` and `--control-prefix` are the same",
            "members and seeds need roots of their own",
        ));
    }
    let service = service?;
    Some(Common {
        registry,
        keys: Keys::new(&prefix?, &control_prefix?, &service),
        service,
    })
}

fn key_root(r: &mut Resolver<'_>, key: &str) -> Option<String> {
    r.parse_with(
        key,
        "a key that begins with `/` and ends in none, e.g. `/services`",
        |text| {
            let fits = text.len() > 1 && text.starts_with('/') && !text.ends_with('/') && !text.contains("//");
            fits.then(|| text.to_owned())
        },
    )
}

fn registry(r: &mut Resolver<'_>) -> RegistrySettings {
    let tls = tls(r);
    let texts = r.list("endpoints");
    if texts.is_empty() && r.raw("endpoints").is_some() {
        r.problem(Problem::with_hint(
            "`--endpoints` is empty",
            "name at least one `host:port` of etcd",
        ));
    }
    let endpoints = texts
        .iter()
        .filter_map(|text| endpoint(r, text, tls.as_ref()))
        .collect();
    let credentials = credentials(r);
    RegistrySettings {
        endpoints,
        tls,
        credentials,
    }
}

/// The URL of one endpoint; https when certificates are given and nobody says otherwise.
fn endpoint(r: &mut Resolver<'_>, text: &str, tls: Option<&Tls>) -> Option<String> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let (scheme, rest) = text.split_once("://").unwrap_or((scheme, text));
    let host_port = rest.strip_suffix('/').unwrap_or(rest);
    match (scheme, is_host_port(host_port), tls) {
        ("http", true, None) | ("https", true, Some(Tls { ca: Some(_), .. })) => {
            Some(format!("{scheme}://{host_port}"))
        }
        ("http", true, Some(_)) => {
            r.complain("endpoints", text, "`https://`, because certificates are given");
            None
        }
        ("https", true, None | Some(Tls { ca: None, .. })) => {
            r.problem(Problem::with_hint(
                format!("the endpoint `{text}` needs an authority that its certificate is checked against"),
                "give `--cacert FILE` (or ETCDCTL_CACERT)",
            ));
            None
        }
        _ => {
            r.complain(
                "endpoints",
                text,
                "`host:port`, `http://host:port` or `https://host:port`, separated by commas",
            );
            None
        }
    }
}

fn is_host_port(text: &str) -> bool {
    /// No name in the DNS is longer.
    const LONGEST: usize = 253;
    text.parse::<Authority>().is_ok_and(|authority| {
        let host = authority.host();
        let is_host = !host.is_empty() && host.len() <= LONGEST && !text.contains('@');
        is_host && authority.port_u16().is_some_and(|port| port != 0)
    })
}

fn tls(r: &mut Resolver<'_>) -> Option<Tls> {
    let mut path = |key| r.text(key).map(PathBuf::from);
    let (ca, certificate, key) = (path("cacert"), path("cert"), path("key"));
    if certificate.is_some() != key.is_some() {
        r.problem(Problem::with_hint(
            "`--cert` and `--key` belong together and one is missing",
            "give both or none",
        ));
    }
    let identity = certificate.zip(key);
    if ca.is_none() && identity.is_none() {
        return None;
    }
    let tls = Tls { ca, identity };
    if let Err(bad) = tls.check() {
        let key = match bad.file {
            TlsFile::Ca => "cacert",
            TlsFile::Certificate => "cert",
            TlsFile::Key => "key",
        };
        let path = bad.path.display().to_string();
        r.complain(key, &path, &format!("a PEM file that can be used: {}", bad.cause));
    }
    Some(tls)
}

fn credentials(r: &mut Resolver<'_>) -> Option<Credentials> {
    let user = r.text("etcd-user");
    if let Some((text, password)) = user.as_ref().and_then(|user| user.split_once(':')) {
        if matches!(r.raw("etcd-user"), Some((_, Source::Flag))) {
            let what = "`--etcd-user` holds a password, which everybody on this host can read there";
            r.problem(Problem::with_hint(
                what,
                "give `--etcd-password-file FILE`, or ETCDCTL_USER",
            ));
            return None;
        }
        return Some(Credentials {
            user: text.to_owned(),
            password: SecretSource::said(Secret::new(password)),
        });
    }
    match (user, r.secret("etcd-password")) {
        (Some(user), Some(password)) => Some(Credentials { user, password }),
        // A password that was said and cannot be had is complained about already.
        (Some(_), None) if r.says("etcd-password") || r.says("etcd-password-file") => None,
        (Some(user), None) => {
            r.problem(Problem::with_hint(
                format!("no password for the etcd user `{user}`"),
                "give `--etcd-password-file FILE`",
            ));
            None
        }
        (None, Some(_)) => {
            r.problem(Problem::with_hint(
                "a password for etcd without a user",
                "give `--etcd-user NAME`",
            ));
            None
        }
        (None, None) => None,
    }
}

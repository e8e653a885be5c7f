//! Settings that every command needs that talks to etcd.

use super::Resolver;
use crate::{
    exit::Problem,
    model::ServiceName,
    registry::{Credentials, Keys, RegistrySettings, Tls},
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
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut endpoints = Vec::new();
    for text in r.list("endpoints") {
        let url = if text.contains("://") {
            text.clone()
        } else {
            format!("{scheme}://{text}")
        };
        let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let fits = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', ' ', '@']));
        match (fits, url.starts_with("https://"), tls.is_some()) {
            (false, ..) => r.complain(
                "endpoints",
                &text,
                "`http://host:port` or `https://host:port`, separated by commas",
            ),
            (true, false, true) => r.complain("endpoints", &text, "`https://`, because certificates are given"),
            (true, true, false) => r.problem(Problem::with_hint(
                format!("`{text}` needs a certificate to be checked against"),
                "give `--cacert FILE` (or ETCDCTL_CACERT)",
            )),
            (true, true, true) | (true, false, false) => endpoints.push(url),
        }
    }
    let credentials = credentials(r);
    RegistrySettings {
        endpoints,
        tls,
        credentials,
    }
}

fn tls(r: &mut Resolver<'_>) -> Option<Tls> {
    let ca = r.text("cacert").and_then(|path| read(r, "cacert", &path));
    let certificate = r.text("cert").and_then(|path| read(r, "cert", &path));
    let key = r.text("key").and_then(|path| read(r, "key", &path));
    if certificate.is_some() != key.is_some() {
        r.problem(Problem::with_hint(
            "`--cert` and `--key` belong together and one is missing",
            "give both or none",
        ));
    }
    let identity = certificate.zip(key);
    (ca.is_some() || identity.is_some()).then_some(Tls { ca, identity })
}

fn read(r: &mut Resolver<'_>, key: &str, path: &str) -> Option<Vec<u8>> {
    match std::fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            r.complain(key, path, &format!("a readable file: {error}"));
            None
        }
    }
}

fn credentials(r: &mut Resolver<'_>) -> Option<Credentials> {
    let user = r.text("etcd-user");
    let from_file = r
        .text("etcd-password-file")
        .and_then(|path| read(r, "etcd-password-file", &path));
    let from_file = from_file
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(|text| text.trim_end().to_owned());
    let password = from_file.or_else(|| r.text("etcd-password"));
    match (user, password) {
        (Some(user), None) if user.contains(':') => {
            let (user, password) = user.split_once(':')?;
            Some(Credentials {
                user: user.to_owned(),
                password: password.to_owned(),
            })
        }
        (Some(user), Some(password)) => Some(Credentials { user, password }),
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

//! Settings that say how nodes are asked: whom to believe, and who asks.
//!
//! Nodes are asked over TLS as soon as something says whom to believe; there is no TLS that believes anybody.

use std::path::PathBuf;

use rustls::pki_types::ServerName;

use super::Resolver;
use crate::{
    exit::Problem,
    probe::{Access, Fingerprint, Login, Name, NoAccess, Terms, TlsTerms, Trust},
};

/// How nodes are asked, or none when something is wrong (the resolver then knows what).
pub fn access(r: &mut Resolver<'_>) -> Option<Access> {
    let (tls, login) = (tls(r), login(r));
    let terms = Terms {
        tls: tls.ok()?,
        login: login.ok()?,
    };
    match Access::new(terms) {
        Ok(access) => Some(access),
        Err(error) => {
            let what = format!("nodes cannot be asked: {error}");
            let hint = match &error {
                NoAccess::Tls(_) => "`--node-cacert`, `--node-cert` and `--node-key` name files in PEM",
                NoAccess::Secret(_) | NoAccess::ApiKey | NoAccess::Unspeakable => {
                    "`node-password` and `node-api-key` say the secret, or `--node-password-file` and `--node-api-key-file` where it lies"
                }
            };
            r.problem(Problem::with_hint(what, hint));
            None
        }
    }
}

/// Something is wrong, and the resolver knows what.
struct Noted;

/// The terms of TLS, if any.
fn tls(r: &mut Resolver<'_>) -> Result<Option<TlsTerms>, Noted> {
    let file = r.text("node-cacert").map(PathBuf::from);
    let expected = "the SHA-256 of a certificate: 64 hexadecimal digits, with or without colons";
    let fingerprint = r.parse::<Fingerprint>("node-fingerprint", expected);
    let name = name(r).ok_or(Noted)?;
    let pair = (r.text("node-cert"), r.text("node-key"));
    let said = |r: &mut Resolver<'_>, keys: &[&str]| keys.iter().any(|key| r.says(key));
    if pair.0.is_some() != pair.1.is_some() {
        r.problem(Problem::with_hint(
            "`--node-cert` and `--node-key` belong together and one is missing",
            "give both or none",
        ));
        return Err(Noted);
    }
    let identity = pair.0.zip(pair.1).map(|(cert, key)| (cert.into(), key.into()));
    let trust = match (file, fingerprint) {
        (Some(_), Some(_)) => {
            r.problem(Problem::with_hint(
                "`--node-cacert` and `--node-fingerprint` both say whom to believe",
                "give one of them",
            ));
            return Err(Noted);
        }
        (Some(file), None) => Trust::Authority { file, name },
        (None, Some(fingerprint)) if !said(r, &NAMES) => Trust::Pinned(fingerprint),
        (None, Some(_)) => {
            r.problem(Problem::with_hint(
                "`--node-fingerprint` believes one certificate, whatever name is in it",
                "leave `--node-server-name` and `--node-verification` out",
            ));
            return Err(Noted);
        }
        (None, None) if said(r, &["node-cacert", "node-fingerprint"]) => return Err(Noted),
        (None, None) if said(r, &NAMES) || identity.is_some() => {
            r.problem(Problem::with_hint(
                "certificates are talked of, and nothing says which node is believed",
                "give `--node-cacert FILE` or `--node-fingerprint SHA256`",
            ));
            return Err(Noted);
        }
        (None, None) => return Ok(None),
    };
    Ok(Some(TlsTerms { trust, identity }))
}

/// Settings that only matter where an authority is believed.
const NAMES: [&str; 2] = ["node-server-name", "node-verification"];

fn name(r: &mut Resolver<'_>) -> Option<Name> {
    let expected = "a name or an address that the nodes' certificates are for";
    let given = r.parse_with("node-server-name", expected, |text| {
        ServerName::try_from(text.to_owned()).ok()
    });
    let any = r.parse_with("node-verification", "`full` or `certificate`", |text| match text {
        "full" => Some(false),
        "certificate" => Some(true),
        _ => None,
    });
    match (any?, given) {
        (false, Some(name)) => Some(Name::Given(name)),
        (false, None) if r.says("node-server-name") => None,
        (false, None) => Some(Name::Asked),
        (true, None) => Some(Name::Any),
        (true, Some(_)) => {
            r.problem(Problem::with_hint(
                "`--node-verification certificate` looks at no name, and `--node-server-name` gives one",
                "give one of them",
            ));
            None
        }
    }
}

/// Who asks, if anybody.
fn login(r: &mut Resolver<'_>) -> Result<Option<Login>, Noted> {
    let expected = "the name of a user, without `:`";
    let name = r.parse_with("node-user", expected, |text| {
        (!text.contains(':')).then(|| text.to_owned())
    });
    let (password, key) = (r.secret("node-password"), r.secret("node-api-key"));
    let mut said = |keys: [&str; 2]| keys.iter().any(|key| r.says(key));
    // What was said and cannot be had is complained about already.
    let half = (password.is_none() && said(["node-password", "node-password-file"]))
        || (key.is_none() && said(["node-api-key", "node-api-key-file"]))
        || (name.is_none() && said(["node-user", "node-user"]));
    if half {
        return Err(Noted);
    }
    let (what, hint) = match (name, password, key) {
        (None, None, None) => return Ok(None),
        (Some(name), Some(password), None) => return Ok(Some(Login::User { name, password })),
        (None, None, Some(key)) => return Ok(Some(Login::ApiKey(key))),
        (Some(name), None, None) => (
            format!("no password for the node's user `{name}`"),
            "give `--node-password-file FILE`",
        ),
        (None, Some(_), None) => (
            "a password for the node without a user".to_owned(),
            "give `--node-user NAME`",
        ),
        (_, _, Some(_)) => (
            "an API key and a user or password both say who asks the node".to_owned(),
            "give one of them",
        ),
    };
    r.problem(Problem::with_hint(what, hint));
    Err(Noted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    const PIN: &str = "AB:ab:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd";

    /// Reads settings that are said in the environment; what is wrong, or how nodes are asked.
    fn read(said: &[(&str, &str)]) -> String {
        let variable = |key: &str| format!("QUORATE_NODE_{}", key.to_uppercase().replace('-', "_"));
        let said: Vec<(String, &str)> = said.iter().map(|(key, value)| (variable(key), *value)).collect();
        let said: Vec<(&str, &str)> = said.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let sources = Sources::from_parts(&[], &said, "").expect("sources");
        let mut resolver = Resolver::new(&sources);
        let access = access(&mut resolver);
        match (resolver.finish(), access) {
            (Ok(()), Some(access)) => format!("tls {}, login {}", access.is_tls(), access.has_login()),
            (Ok(()), None) => "nothing, and nothing is wrong".to_owned(),
            (Err(failure), _) => failure.to_string(),
        }
    }

    #[test]
    fn right_settings_say_how_nodes_are_asked() {
        let user = [("user", "quorate"), ("password", "s3cret")];
        for (said, expected) in [
            (&[][..], "tls false, login false"),
            (&user[..], "tls false, login true"),
            (&[("api-key", "id:key")][..], "tls false, login true"),
            (&[("fingerprint", PIN)][..], "tls true, login false"),
            (&[user[0], user[1], ("fingerprint", PIN)][..], "tls true, login true"),
        ] {
            assert_eq!(read(said), expected, "{said:?}");
        }
    }

    #[test]
    fn each_wrong_combination_is_one_clear_error() {
        let rows: &[&[(&str, &str)]] = &[
            &[("cacert", "/nonexistent/ca.pem")],
            &[("cacert", "/dev/null")],
            &[("cacert", "/nonexistent/ca.pem"), ("fingerprint", PIN)],
            &[("fingerprint", "AB:CD")],
            &[("fingerprint", PIN), ("server-name", "node-1")],
            &[("fingerprint", PIN), ("verification", "certificate")],
            &[("server-name", "node-1")],
            &[("server-name", "not a name"), ("cacert", "/dev/null")],
            &[("verification", "none")],
            &[
                ("verification", "certificate"),
                ("server-name", "node-1"),
                ("cacert", "/dev/null"),
            ],
            &[("cert", "/dev/null")],
            &[("cert", "/dev/null"), ("key", "/dev/null")],
            &[("cert", "/dev/null"), ("key", "/dev/null"), ("fingerprint", PIN)],
            &[("user", "quorate")],
            &[("user", "quorate:s3cret")],
            &[("password", "s3cret")],
            &[("user", "quorate"), ("password-file", "/nonexistent/password")],
            &[("user", "quorate"), ("password", "s3cret"), ("api-key", "id:s3cret")],
            &[("api-key", "s3cret")],
            &[("api-key", "czNjcmV0")],
        ];
        let page: Vec<String> = rows
            .iter()
            .map(|said| {
                format!(
                    "{said:?}
{}
",
                    read(said)
                )
            })
            .collect();
        let page = page.join(
            "
",
        );
        let told = page.lines().filter(|line| !line.starts_with('['));
        for line in told {
            assert!(!line.contains("s3cret") && !line.contains("czNj"), "{line}");
        }
        insta::assert_snapshot!(page);
    }
}

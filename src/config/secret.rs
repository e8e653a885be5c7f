//! Texts that nobody may see, and where they come from.
//!
//! A secret setting `<key>` is said as `QUORATE_<KEY>` (or one of its other variables), as `<key>` in a configuration file, or it
//! lies in the file that `<key>-file` names; when nobody says anything, in the credential `<key>` that the service manager gave.
//! It is never a flag: everybody on the host can read those. The nearer place wins, as for every setting.
//!
//! Invariant: a [`Secret`] leaves through [`Secret::expose`] only; formatting one says that there is one.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{Kind, Resolver, Sources, option};
use crate::exit::Problem;

/// What stands in the place of a secret.
const HIDDEN: &str = "(hidden)";

/// A text that nobody may see.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: for the one place that needs it, never for a message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a secret comes from: a text that was said once, or a file that may hold another one tomorrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSource {
    first: Secret,
    file: Option<PathBuf>,
}

/// A file that should hold a secret and does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} holds no secret: {cause}", path.display())]
pub struct NoSecret {
    path: PathBuf,
    cause: String,
}

impl SecretSource {
    /// A text that does not change.
    pub fn said(secret: Secret) -> Self {
        Self {
            first: secret,
            file: None,
        }
    }

    /// A file, read now and whenever [`read`](Self::read) is called.
    pub fn in_file(path: impl Into<PathBuf>) -> Result<Self, NoSecret> {
        let path = path.into();
        Ok(Self {
            first: read(&path)?,
            file: Some(path),
        })
    }

    /// The file, when it is one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The secret as the settings found it.
    pub fn first(&self) -> &Secret {
        &self.first
    }

    /// The secret as it is now. A pipe gives what it holds only once, so what it gave first stays true.
    pub fn read(&self) -> Result<Secret, NoSecret> {
        match &self.file {
            Some(path) if !path.exists() || path.is_file() => read(path),
            Some(_) | None => Ok(self.first.clone()),
        }
    }
}

/// Parts of names whose values are secrets, as far as a name can tell.
const TELLTALE: &[&str] = &["pass", "secret", "token", "credential", "key"];
/// Ends of such names whose values only say where something lies, or of which kind it is.
const HARMLESS: &[&str] = &["ssl.key", "path", "file", "filepath", "type", "enabled"];

/// Whether a setting or variable of this name, which is not ours, holds a secret: the one place that decides it.
pub fn holds_secret(name: &str) -> bool {
    let lower = name.to_lowercase();
    TELLTALE.iter().any(|part| lower.contains(part)) && !HARMLESS.iter().any(|end| lower.ends_with(end))
}

/// What may be shown of the value of a setting or variable that is not ours and has this name.
pub fn shown_of<'a>(name: &str, value: &'a str) -> &'a str {
    if holds_secret(name) { HIDDEN } else { value }
}

impl Sources {
    /// Secrets of the node that stand on the command line, where everybody on the host can read them: `--env NAME`.
    pub fn exposed(&self) -> Vec<String> {
        let pairs = self.flags.iter().filter(|(key, _)| is_pairs(key));
        let names = pairs.flat_map(|(key, texts)| {
            let names = texts.iter().filter_map(|text| text.split_once('='));
            names.map(move |(name, _)| (key, name))
        });
        names
            .filter(|(_, name)| holds_secret(name))
            .map(|(key, name)| format!("--{key} {name}"))
            .collect()
    }
}

fn is_pairs(key: &str) -> bool {
    option(key).is_some_and(|opt| opt.kind == Kind::Pairs)
}

/// What a file holds, without the end of its line.
fn read(path: &Path) -> Result<Secret, NoSecret> {
    let no = |cause: &str| NoSecret {
        path: path.to_owned(),
        cause: cause.to_owned(),
    };
    let text = std::fs::read_to_string(path).map_err(|error| no(&error.to_string()))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(no("it is empty")),
        text if text.contains(['\r', '\n']) => Err(no("it has more than one line")),
        text => Ok(Secret::new(text)),
    }
}

impl Resolver<'_> {
    /// The secret setting `key`, from wherever it was said; none when nobody did, or when the resolver knows what is wrong.
    pub fn secret(&mut self, key: &str) -> Option<SecretSource> {
        let file_key = format!("{key}-file");
        let (said, named) = (self.distance(key), self.distance(&file_key));
        if said.is_some() && said == named {
            let source = self.raw(key).map(|(_, source)| source.to_string()).unwrap_or_default();
            let what = format!("`{key}` and `{file_key}` are both given (from {source})");
            self.problem(Problem::with_hint(what, "give one of them"));
            return None;
        }
        // A place that is said is nearer than one that is not.
        if said.is_some_and(|said| named.is_none_or(|named| said < named)) {
            return Some(SecretSource::said(Secret::new(self.text(key)?)));
        }
        let path = self.text(&file_key)?;
        match SecretSource::in_file(&path) {
            Ok(source) => Some(source),
            Err(error) => {
                let expected = format!("a file with one line, the secret: {}", error.cause);
                self.complain(&file_key, &path, &expected);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OPTIONS;

    #[test]
    fn a_secret_is_formatted_as_the_fact_that_there_is_one() {
        let secret = SecretSource::said(Secret::new("s3cret"));
        assert_eq!(format!("{:?} {}", secret.first(), secret.first()), "(hidden) (hidden)");
        assert!(!format!("{secret:?}").contains("s3cret"));
        assert_eq!(secret.first().expose(), "s3cret");
    }

    #[test]
    fn every_secret_can_lie_in_a_file_and_be_a_credential() {
        let files: Vec<_> = OPTIONS
            .iter()
            .filter(|opt| opt.secret)
            .map(|opt| {
                (
                    opt.key,
                    option(&format!("{}-file", opt.key)).and_then(|file| file.credential),
                )
            })
            .collect();
        assert!(!files.is_empty());
        for (key, credential) in files {
            assert_eq!(credential, Some(key));
        }
    }

    #[test]
    fn a_name_tells_whether_its_value_may_be_shown_and_may_stand_on_a_command_line() {
        for (name, secret) in [
            ("ELASTIC_PASSWORD", true),
            ("xpack.notification.email.account.a.smtp.secure_password", true),
            ("xpack.security.encryptionKey", true),
            ("s3.client.default.secret_key", true),
            ("AWS_SESSION_TOKEN", true),
            ("ELASTIC_PASSWORD_FILE", false),
            ("xpack.security.http.ssl.key", false),
            ("xpack.security.http.ssl.keystore.path", false),
            ("xpack.security.authc.token.enabled", false),
            ("path.repo", false),
        ] {
            assert_eq!(shown_of(name, "x") == HIDDEN, secret, "{name}");
            let pair = format!("{name}=x");
            let sources = Sources::from_parts(&[("env", &pair)], &[("QUORATE_SET", &pair)], "").expect("sources");
            let exposed = if secret {
                vec![format!("--env {name}")]
            } else {
                Vec::new()
            };
            assert_eq!(sources.exposed(), exposed);
        }
    }

    /// Reads `etcd-password` where `{}` stands for a directory that holds the credentials `etcd-password` and files.
    fn password(flags: &[(&'static str, &str)], environment: &[(&str, &str)], file: &str) -> Result<String, String> {
        let dir = tempfile::tempdir().expect("directory");
        let place = dir.path().display().to_string();
        for (name, text) in [
            ("etcd-password", "credential"),
            ("named", "named\n"),
            ("other", "other\r\n"),
        ] {
            std::fs::write(dir.path().join(name), text).expect("written");
        }
        let here = |text: &str| text.replace("{}", &place);
        let flags: Vec<_> = flags.iter().map(|(key, value)| (*key, here(value))).collect();
        let flags: Vec<_> = flags.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, here(value))).collect();
        let environment: Vec<_> = environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let sources = Sources::from_parts(&flags, &environment, &here(file)).expect("sources");
        let mut resolver = Resolver::new(&sources);
        let secret = resolver.secret("etcd-password");
        resolver
            .finish()
            .map_err(|failure| failure.to_string().replace(&place, "{}"))?;
        Ok(secret.map_or_else(|| "none".to_owned(), |secret| secret.first().expose().to_owned()))
    }

    #[test]
    fn the_nearest_place_that_says_a_secret_wins() {
        let own = ("QUORATE_ETCD_PASSWORD", "own");
        let own_file = ("QUORATE_ETCD_PASSWORD_FILE", "{}/other");
        let etcdctl = ("ETCDCTL_PASSWORD", "etcdctl");
        let service = ("CREDENTIALS_DIRECTORY", "{}");
        let in_file = "etcd-password = \"said\"";
        let file_in_file = "etcd-password-file = \"{}/named\"";
        let flag: &[(&'static str, &str)] = &[("etcd-password-file", "{}/named")];
        for (found, expected) in [
            (password(flag, &[own, service], in_file), "named"),
            (password(&[], &[own, etcdctl, service], file_in_file), "own"),
            (password(&[], &[own_file, etcdctl, service], in_file), "other"),
            (password(&[], &[etcdctl, service], file_in_file), "etcdctl"),
            (password(&[], &[service], file_in_file), "named"),
            (password(&[], &[service], in_file), "said"),
            (password(&[], &[service], ""), "credential"),
            (password(&[], &[("CREDENTIALS_DIRECTORY", "{}/nowhere")], ""), "none"),
            (password(&[], &[], ""), "none"),
        ] {
            assert_eq!(found.as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_secret_in_two_places_of_one_rank_or_in_a_file_without_one_is_a_mistake() {
        let both = [
            ("QUORATE_ETCD_PASSWORD", "a"),
            ("QUORATE_ETCD_PASSWORD_FILE", "{}/named"),
        ];
        let said = password(&[], &both, "").expect_err("both");
        assert!(
            said.contains("`etcd-password` and `etcd-password-file` are both given"),
            "{said}"
        );
        let said = password(&[], &[], "etcd-password = \"a\"\netcd-password-file = \"{}/named\"").expect_err("both");
        assert!(said.contains("(from quorate.toml)"), "{said}");
        let said = password(&[("etcd-password-file", "{}/none")], &[], "").expect_err("no file");
        assert!(said.contains("`{}/none`") && said.contains("No such file"), "{said}");
    }

    #[test]
    fn a_file_is_read_again_and_a_pipe_is_not() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("password");
        std::fs::write(&path, "one\n").expect("written");
        let source = SecretSource::in_file(&path).expect("a secret");
        std::fs::write(&path, "two").expect("written");
        assert_eq!(source.read(), Ok(Secret::new("two")));
        assert_eq!(source.first(), &Secret::new("one"));
        for (text, cause) in [
            ("", "it is empty"),
            ("\n", "it is empty"),
            ("a\nb\n", "it has more than one line"),
        ] {
            std::fs::write(&path, text).expect("written");
            let error = source.read().expect_err("no secret");
            assert_eq!(error.cause, cause);
        }
        std::fs::remove_file(&path).expect("removed");
        assert!(source.read().is_err(), "gone, and that must be said");
        let pipe = SecretSource {
            first: Secret::new("once"),
            file: Some(PathBuf::from("/dev/null")),
        };
        assert_eq!(pipe.read(), Ok(Secret::new("once")));
    }
}

//! An etcd as `docs/usage/security.md` secures it: the commands are those of the page, word for word, run with the real etcdctl.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use quorate::{
    config::SecretSource,
    registry::{Credentials, Registry, RegistrySettings, Tls},
};

use super::{
    certificates::Authority,
    etcd::{Etcd, Version},
};

const PAGE: &str = include_str!("../../../docs/usage/security.md");

/// The users of the page.
pub(crate) const USERS: [&str; 4] = ["sidecar", "launcher", "reader", "operator"];

/// How users are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// By the common name of a certificate.
    Certificate,
    /// By a password, over TLS.
    Password,
    /// By a password, and only with a certificate that etcd trusts.
    Both,
}

/// A secured etcd and the files of its users, in the etcd's own directory: `NAME.pem`, `NAME.key`, `NAME.password`.
pub(crate) struct Secured {
    pub(crate) etcd: Etcd,
    pub(crate) authority: Authority,
    pub(crate) known: Known,
    version: Version,
}

impl Secured {
    /// One with roles and users, where authentication is not enabled yet; `more` are flags of etcd.
    pub(crate) async fn prepare(version: Version, known: Known, more: &[&str]) -> Self {
        let mut authority = None;
        let etcd = Etcd::start_with(version, "https", |etcd| {
            let made = authority.insert(Authority::new(etcd.dir()));
            for name in USERS.into_iter().chain(["server", "root", "guest"]) {
                made.sign(name, (*etcd.address().ip()).into());
            }
            let mut flags = server_flags(made, known);
            flags.extend(more.iter().map(|flag| (*flag).to_owned()));
            flags
        })
        .await;
        let secured = Self {
            etcd,
            authority: authority.expect("made"),
            known,
            version,
        };
        secured.run("Roles");
        match known {
            Known::Certificate => secured.run("Users with certificates"),
            Known::Password | Known::Both => secured.run("Users with passwords"),
        }
        secured
    }

    /// One where authentication is enabled.
    pub(crate) async fn start(version: Version, known: Known, more: &[&str]) -> Self {
        let secured = Self::prepare(version, known, more).await;
        secured.run("Switch it on");
        secured
    }

    /// Runs the commands of this section of the page, as root.
    pub(crate) fn run(&self, section: &str) {
        self.sh(&commands(section));
    }

    /// Runs a script as root of etcd, in the directory of the files.
    #[expect(clippy::disallowed_methods, reason = "a real etcdctl is a process")]
    pub(crate) fn sh(&self, script: &str) {
        let etcdctl = self.version.etcdctl();
        let tools = etcdctl.parent().expect("a directory").display().to_string();
        let file = |name: &str, kind| self.file(name, kind).display().to_string();
        let mut command = Command::new("sh");
        command
            .args(["-euc", script])
            .env_clear()
            .env("PATH", format!("{tools}:/usr/local/bin:/usr/bin:/bin"))
            .env("ETCDCTL_ENDPOINTS", self.etcd.endpoint())
            .env("ETCDCTL_CACERT", file("ca", "pem"))
            .current_dir(self.etcd.dir())
            .stdin(Stdio::null());
        if self.known != Known::Password {
            command.env("ETCDCTL_CERT", file("root", "pem"));
            command.env("ETCDCTL_KEY", file("root", "key"));
        }
        // From `auth enable` on.
        if self.known != Known::Certificate && self.file("root", "password").exists() && !script.contains("auth enable")
        {
            command.env("ETCDCTL_USER", "root");
            command.env("ETCDCTL_PASSWORD", self.password("root"));
        }
        let output = command.output().expect("sh runs");
        assert!(
            output.status.success(),
            "{script}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// A user's password.
    pub(crate) fn password(&self, user: &str) -> String {
        let text = std::fs::read_to_string(self.file(user, "password")).expect("a password");
        text.trim_end().to_owned()
    }

    /// The file `NAME.KIND`.
    pub(crate) fn file(&self, name: &str, kind: &str) -> PathBuf {
        self.authority.file(name, kind)
    }

    /// What a user has to know.
    pub(crate) fn settings(&self, user: &str) -> RegistrySettings {
        let certificate = match self.known {
            Known::Certificate => Some(user),
            Known::Password => None,
            Known::Both => Some("guest"),
        };
        let credentials = (self.known != Known::Certificate).then(|| Credentials {
            user: user.to_owned(),
            password: SecretSource::in_file(self.file(user, "password")).expect("a password"),
        });
        RegistrySettings {
            endpoints: vec![self.etcd.endpoint()],
            tls: Some(self.authority.tls(certificate)),
            credentials,
        }
    }

    /// A client of this user.
    pub(crate) fn client(&self, user: &str) -> Registry {
        Registry::new(self.settings(user)).expect("a registry")
    }

    /// The same as flags.
    pub(crate) fn flags(&self, user: &str) -> Vec<String> {
        let settings = self.settings(user);
        let mut flags = vec!["--endpoints".to_owned(), self.etcd.endpoint()];
        let mut give = |flag: &str, path: &Path| flags.extend([flag.to_owned(), path.display().to_string()]);
        if let Some(Tls { ca, identity }) = &settings.tls {
            if let Some(ca) = ca {
                give("--cacert", ca);
            }
            if let Some((certificate, key)) = identity {
                give("--cert", certificate);
                give("--key", key);
            }
        }
        if let Some(credentials) = &settings.credentials {
            give("--etcd-user", Path::new(user));
            give("--etcd-password-file", credentials.password.file().expect("a file"));
        }
        flags
    }
}

fn server_flags(authority: &Authority, known: Known) -> Vec<String> {
    let file = |name, kind| authority.file(name, kind).display().to_string();
    // Weak hashes: the tests wait for them.
    let mut flags = vec!["--bcrypt-cost".to_owned(), "4".to_owned()];
    flags.extend(["--cert-file".to_owned(), file("server", "pem")]);
    flags.extend(["--key-file".to_owned(), file("server", "key")]);
    if known != Known::Password {
        flags.extend(["--trusted-ca-file".to_owned(), file("ca", "pem")]);
        flags.push("--client-cert-auth".to_owned());
    }
    flags
}

/// The shell commands of a section of the part on etcd.
pub(crate) fn commands(section: &str) -> String {
    let (_, etcd) = PAGE.split_once("\n## etcd\n").expect("the part on etcd");
    let etcd = etcd.split("\n## ").next().unwrap_or(etcd);
    let (_, rest) = etcd
        .split_once(&format!("### {section}\n"))
        .unwrap_or_else(|| panic!("no section {section}"));
    let rest = rest.split("\n### ").next().unwrap_or(rest);
    let blocks = rest.split("```sh\n").skip(1);
    let blocks: Vec<&str> = blocks.filter_map(|block| Some(block.split_once("```")?.0)).collect();
    assert!(!blocks.is_empty(), "no commands in section {section}");
    blocks.concat()
}

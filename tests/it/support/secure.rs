//! What a secured cluster of real nodes needs: a distribution with users in its config, an authority, certificates on every host.

use std::{
    fs::Permissions,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use quorate::{
    config::SecretSource,
    probe::{Access, Fingerprint, Login, Name, Terms, TlsTerms, Trust},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use tempfile::TempDir;

use super::{address::Address, certificates::Authority, node::Line};

/// The password of every user, and the one that comes after it, each with its hash.
pub(crate) const PASSWORD: (&str, &str) = (
    "s3cret-pw",
    "$2b$04$abcdefghijklmnopqrstuufbu7IbsAKnz0sK.RhkuQd5ApLvLcZVy",
);
pub(crate) const RENEWED: (&str, &str) = (
    "renewed-pw",
    "$2b$04$zyxwvutsrqponmlkjihgfei6A/AYuLEa/wS1dGSeOTOt/7tvLZPxG",
);

/// The authority of nodes and of who asks them, and the distribution that all of them are started from.
pub(crate) struct Secure {
    dir: TempDir,
    authority: Authority,
}

impl Secure {
    /// With the users `quorate`, who may monitor, and `nothing`, who may do nothing; and a certificate for who asks.
    pub(crate) fn new(line: Line) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("open to all");
        let authority = Authority::new(dir.path());
        authority.sign_as("quorate", |_| {});
        let secure = Self { dir, authority };
        let (home, from) = (secure.home(), line.home());
        std::fs::create_dir(&home).expect("a directory");
        for part in ["bin", "lib", "modules", "plugins"] {
            symlink(from.join(part), home.join(part)).expect("linked");
        }
        std::fs::create_dir(home.join("config")).expect("a directory");
        super::node::copy_dir(&from.join("config"), &home.join("config"));
        let roles = "quorate:\n  cluster: [monitor]\n";
        for (name, text) in [("roles.yml", roles), ("users_roles", "quorate:quorate\n")] {
            std::fs::write(home.join("config").join(name), text).expect("written");
        }
        // By a link, so that it can be changed under nodes that run.
        std::fs::remove_file(home.join("config/users")).expect("the distribution's own");
        symlink(secure.dir.path().join("users"), home.join("config/users")).expect("linked");
        secure.nodes_want(PASSWORD.1);
        secure.we_say(PASSWORD.0);
        secure
    }

    /// The distribution.
    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// From now on the password with this hash is the right one.
    pub(crate) fn nodes_want(&self, hash: &str) {
        self.replace("users", &format!("quorate:{hash}\nnothing:{hash}\n"));
    }

    /// From now on this is the password in the file.
    pub(crate) fn we_say(&self, password: &str) {
        self.replace("password", &format!("{password}\n"));
    }

    fn replace(&self, name: &str, text: &str) {
        let fresh = self.dir.path().join("fresh");
        std::fs::write(&fresh, text).expect("written");
        std::fs::rename(fresh, self.dir.path().join(name)).expect("replaced");
    }

    /// A new certificate and key for who asks.
    pub(crate) fn renew_ours(&self) {
        self.authority.sign_as("quorate", |_| {});
    }

    /// A new certificate and key for the node at `address`, put where that looks for them; the directory.
    pub(crate) fn renew(&self, address: &Address) -> PathBuf {
        let name = address.to_string();
        self.authority.sign(&name, address.ip().into());
        let dir = self.dir.path().join(format!("certificates-{name}"));
        std::fs::create_dir_all(&dir).expect("a directory");
        for (from, to) in [
            (self.authority.file("ca", "pem"), "ca.pem"),
            (self.authority.file(&name, "key"), "node.key"),
            (self.authority.file(&name, "pem"), "node.pem"),
        ] {
            std::fs::copy(from, dir.join("fresh")).expect("copied");
            std::fs::rename(dir.join("fresh"), dir.join(to)).expect("replaced");
        }
        dir
    }

    /// What the certificate of the node at `address` is known by now.
    pub(crate) fn fingerprint(&self, address: &Address) -> Fingerprint {
        let path = self.authority.file(&address.to_string(), "pem");
        Fingerprint::of(&CertificateDer::from_pem_file(path).expect("a certificate"))
    }

    /// A file of ours.
    pub(crate) fn file(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// How nodes are asked, as flags.
    pub(crate) fn flags(&self) -> Vec<String> {
        [
            ("--node-cacert", self.file("ca.pem")),
            ("--node-cert", self.file("quorate.pem")),
            ("--node-key", self.file("quorate.key")),
            ("--node-user", "quorate".to_owned()),
            ("--node-password-file", self.file("password")),
        ]
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value])
        .collect()
    }

    /// Terms with which a node lets us in.
    pub(crate) fn terms(&self) -> Terms {
        let path = |name: &str| self.dir.path().join(name);
        Terms {
            tls: Some(TlsTerms {
                trust: Trust::Authority {
                    file: path("ca.pem"),
                    name: Name::Asked,
                },
                identity: Some((path("quorate.pem"), path("quorate.key"))),
            }),
            login: Some(Login::User {
                name: "quorate".to_owned(),
                password: SecretSource::in_file(path("password")).expect("a password"),
            }),
        }
    }

    /// The same for one node alone, by its certificate.
    pub(crate) fn pinned(&self, fingerprint: Fingerprint) -> Access {
        let mut terms = self.terms();
        terms.tls.as_mut().expect("TLS").trust = Trust::Pinned(fingerprint);
        Access::new(terms).expect("terms")
    }

    /// Another authority, in a directory below.
    pub(crate) fn other_authority(&self) -> Authority {
        let dir: &Path = &self.dir.path().join("other");
        std::fs::create_dir(dir).expect("a directory");
        Authority::new(dir)
    }
}

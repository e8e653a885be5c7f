//! How a registry call can fail, sorted by what the caller has to do.

use super::Range;

/// A failed registry call. Everything that is not listed is [`Away`](Self::Away): an unknown error is an outage, not a verdict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// No endpoint answered in time, or one answered with something that passes: try again later, change nothing.
    #[error("no answer from etcd at {endpoint}: {cause}")]
    Away {
        /// The endpoint that was tried last.
        endpoint: String,
        /// Its last words.
        cause: String,
    },
    /// etcd answers and has taken on more than it can do: it did nothing, and trying again at once makes it worse.
    #[error("etcd at {endpoint} is busy: {cause}")]
    Busy {
        /// The endpoint that said so.
        endpoint: String,
        /// Its words.
        cause: String,
    },
    /// The lease of a put or keep-alive is gone: get another one.
    #[error("the lease is gone")]
    LeaseGone,
    /// etcd refuses this user: an operator must act, though trying again later is harmless.
    #[error("etcd at {endpoint} refuses: {cause}")]
    Refused {
        /// The endpoint that refused.
        endpoint: String,
        /// Its words.
        cause: String,
    },
    /// The user is known and may not do this.
    #[error("etcd at {endpoint} does not let {who} {what}")]
    Denied {
        /// The endpoint that refused.
        endpoint: String,
        /// The user.
        who: String,
        /// What it wanted to do, with which keys.
        what: String,
        /// The commands that would let a role do it.
        grants: Vec<String>,
    },
    /// Something answers there, and no TLS came about: nobody was asked, so nothing is known, and another endpoint may do better.
    #[error("no TLS with etcd at {endpoint}: {cause}")]
    Tls {
        /// The endpoint that was tried last.
        endpoint: String,
        /// What is wrong.
        cause: String,
        /// Whose matter it is.
        trouble: TlsTrouble,
    },
    /// The settings cannot make a client: wrong URL, unreadable certificate.
    #[error("cannot use the etcd settings: {cause}")]
    Settings {
        /// What is wrong.
        cause: String,
    },
}

/// Whose matter it is that there is no TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsTrouble {
    /// etcd's certificate is not signed by an authority of ours.
    Authority,
    /// etcd's certificate is over, or does not count yet.
    Ended,
    /// etcd's certificate names another host.
    Name,
    /// etcd does not take our certificate, or wants one.
    OurCertificate,
    /// What answers there speaks no TLS.
    NotTls,
    /// What answers there speaks TLS, and we do not.
    Wanted,
    /// Anything else.
    Other,
}

impl TlsTrouble {
    const fn hint(self) -> &'static str {
        match self {
            Self::Authority => "is `--cacert` the authority that signed etcd's certificate?",
            Self::Ended => "is the clock of this host right? then etcd's certificate has to be renewed",
            Self::Name => "name a host in `--endpoints` that etcd's certificate holds",
            Self::OurCertificate => {
                "is there a `--cert` with its `--key`, in date, from an authority that etcd trusts?"
            }
            Self::NotTls => {
                "does etcd speak TLS there? `http://` in `--endpoints`, and no certificates, if it does not"
            }
            Self::Wanted => "does etcd speak TLS there? then `https://` in `--endpoints`, and `--cacert`",
            Self::Other => "look at `--endpoints`, `--cacert`, `--cert` and `--key`",
        }
    }
}

impl RegistryError {
    /// The next thing for a person to do.
    pub fn hint(&self) -> String {
        match self {
            Self::Away { .. } => {
                "is etcd running there? --endpoints, QUORATE_ENDPOINTS or ETCDCTL_ENDPOINTS say where to look"
                    .to_owned()
            }
            Self::Busy { .. } => "how busy is etcd, and how fast is its disk? try again in a moment".to_owned(),
            Self::LeaseGone => "run the command again".to_owned(),
            Self::Refused { .. } => {
                "a user is `--etcd-user` with `--etcd-password-file`, or the common name of `--cert`; is it one that etcd knows?"
                    .to_owned()
            }
            Self::Denied { grants, .. } if grants.is_empty() => "look at the roles of that user".to_owned(),
            Self::Denied { grants, .. } => format!("let a role of that user do it: {}", grants.join("; ")),
            Self::Tls { trouble, .. } => trouble.hint().to_owned(),
            Self::Settings { .. } => "see `quorate config show` for where each value comes from".to_owned(),
        }
    }

    /// Whether it says something about one endpoint only, so that another one may do better.
    pub const fn is_of_the_endpoint(&self) -> bool {
        match self {
            Self::Away { .. } | Self::Tls { .. } => true,
            Self::Busy { .. }
            | Self::LeaseGone
            | Self::Refused { .. }
            | Self::Denied { .. }
            | Self::Settings { .. } => false,
        }
    }

    /// The same, with what a call touches in place of what is not known yet.
    pub(super) fn touching(self, reads: &[Range], writes: &[&str]) -> Self {
        let Self::Denied { endpoint, who, .. } = self else {
            return self;
        };
        let written = |key: &str| writes.contains(&key);
        let reads: Vec<_> = reads
            .iter()
            .filter(|range| !matches!(range, Range::Key(key) if written(key)))
            .collect();
        let what = reads.iter().map(|range| format!("read `{}`", range.as_str()));
        let what: Vec<_> = what.chain(writes.iter().map(|key| format!("write `{key}`"))).collect();
        let command = "etcdctl role grant-permission";
        let read = |range: &&Range| match range {
            Range::Key(key) => format!("`{command} ROLE read {key}`"),
            Range::Prefix(prefix) => format!("`{command} --prefix ROLE read {prefix}`"),
        };
        let write = |key: &&str| format!("`{command} ROLE readwrite {key}`");
        Self::Denied {
            endpoint,
            who,
            what: what.join(", "),
            grants: reads.iter().map(read).chain(writes.iter().map(write)).collect(),
        }
    }

    /// A fixed word for metrics and logs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Away { .. } => "away",
            Self::Busy { .. } => "busy",
            Self::LeaseGone => "lease_gone",
            Self::Refused { .. } => "refused",
            Self::Denied { .. } => "denied",
            Self::Tls { .. } => "tls",
            Self::Settings { .. } => "settings",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_each_key_once_and_the_command_that_ends_it() {
        let denied = RegistryError::Denied {
            endpoint: "https://e:2379".to_owned(),
            who: "user `n1`".to_owned(),
            what: String::new(),
            grants: Vec::new(),
        };
        let reads = [Range::Key("/s/a".to_owned()), Range::Prefix("/q/".to_owned())];
        let denied = denied.touching(&reads, &["/s/a"]);
        assert_eq!(
            denied.to_string(),
            "etcd at https://e:2379 does not let user `n1` read `/q/`, write `/s/a`"
        );
        assert_eq!(
            denied.hint(),
            "let a role of that user do it: `etcdctl role grant-permission --prefix ROLE read /q/`; \
             `etcdctl role grant-permission ROLE readwrite /s/a`"
        );
    }
}

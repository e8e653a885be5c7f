//! How a registry call can fail, sorted by what the caller has to do.

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
    /// The lease of a put or keep-alive is gone: get another one.
    #[error("the lease is gone")]
    LeaseGone,
    /// etcd refuses this user, key or certificate: an operator must act, though trying again later is harmless.
    #[error("etcd at {endpoint} refuses: {cause}")]
    Refused {
        /// The endpoint that refused.
        endpoint: String,
        /// Its words.
        cause: String,
    },
    /// The settings cannot make a client: wrong URL, unreadable certificate.
    #[error("cannot use the etcd settings: {cause}")]
    Settings {
        /// What is wrong.
        cause: String,
    },
}

impl RegistryError {
    /// A fixed word for metrics and logs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Away { .. } => "away",
            Self::LeaseGone => "lease_gone",
            Self::Refused { .. } => "refused",
            Self::Settings { .. } => "settings",
        }
    }
}

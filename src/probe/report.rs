//! What a probe learns about a node, as data.

use std::{fmt, time::Duration};

use super::tls::TlsFailure;
use crate::{
    launcher::product::Product,
    model::{ClusterUuid, JoinedCluster, NodeId},
};

/// The cluster's UUID in a node's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportedUuid {
    /// The node belongs, or belonged, to this cluster.
    Known(ClusterUuid),
    /// The node has never joined a cluster (`_na_`, or its state is not recovered).
    NotYet,
    /// The line reports none (Elasticsearch 1, early 2).
    Unsaid,
}

impl ReportedUuid {
    /// The UUID, where there is one.
    pub fn known(&self) -> Option<&ClusterUuid> {
        match self {
            Self::Known(uuid) => Some(uuid),
            Self::NotYet | Self::Unsaid => None,
        }
    }
}

/// Who answers: what stays the same for as long as the process lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The node's id inside its cluster.
    pub node_id: String,
    /// The node's name.
    pub name: String,
    /// The cluster's name.
    pub cluster: String,
    /// What it is; none when the node gives no hint.
    pub product: Option<Product>,
    /// The product's version, e.g. `9.5.3`.
    pub version: String,
    /// The node's roles; none where the line reports none.
    pub roles: Option<Vec<String>>,
    /// The port under which it publishes HTTP; none when it does not say.
    pub http_port: Option<u16>,
    /// The port under which it publishes transport; none when it does not say.
    pub transport_port: Option<u16>,
}

/// A node that answered as a search node does, joined or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Who answers.
    pub identity: Identity,
    /// The cluster's UUID.
    pub uuid: ReportedUuid,
    /// Node id of the master that the node-local state names; none: not joined, or the master is lost.
    pub master: Option<String>,
}

#[cfg(test)]
impl Report {
    /// What a node of this name might say in a test; an empty `uuid` is that of a line that reports none.
    pub(crate) fn example(name: &str, uuid: &str, master: Option<&str>) -> Self {
        Self {
            identity: Identity {
                node_id: format!("id-{name}"),
                name: name.to_owned(),
                cluster: "logs".to_owned(),
                product: None,
                version: "9.5.3".to_owned(),
                roles: None,
                http_port: Some(9200),
                transport_port: Some(9300),
            },
            uuid: match uuid {
                "" => ReportedUuid::Unsaid,
                text => ClusterUuid::reported(text).map_or(ReportedUuid::NotYet, ReportedUuid::Known),
            },
            master: master.map(str::to_owned),
        }
    }
}

impl Report {
    /// Whether the node belongs to a cluster that has a master.
    pub fn joined(&self) -> bool {
        self.master.is_some()
    }

    /// The cluster that the node has joined; none while it has not, or cannot know. A UUID stays with a node that has lost its master.
    pub fn cluster(&self) -> Option<JoinedCluster> {
        match &self.uuid {
            ReportedUuid::Known(uuid) => Some(JoinedCluster::Uuid(uuid.clone())),
            ReportedUuid::Unsaid if self.joined() => Some(JoinedCluster::Name(self.identity.cluster.clone())),
            ReportedUuid::Unsaid | ReportedUuid::NotYet => None,
        }
    }

    /// Whether the node is the master itself.
    pub fn is_master(&self) -> bool {
        self.master.as_deref() == Some(self.identity.node_id.as_str())
    }
}

/// A node of a cluster, as another one of it knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Where others reach it.
    pub transport: NodeId,
    /// Whether it may be elected; none where the line does not say.
    pub master_eligible: Option<bool>,
}

/// As whom a node was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Who {
    /// Nobody in particular.
    #[default]
    Anybody,
    /// The user with this name.
    User(String),
    /// Whoever the API key stands for.
    ApiKey,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anybody => f.write_str("nobody"),
            Self::User(name) => write!(f, "the user `{name}`"),
            Self::ApiKey => f.write_str("the API key"),
        }
    }
}

/// What a node means by 401 and 403, and what helps.
fn unauthorized(status: u16, who: &Who) -> String {
    match (status, who) {
        (403, Who::Anybody) => {
            "the node tells nobody in particular (HTTP 403); give `--node-user` or `node-api-key`".to_owned()
        }
        (403, who) => format!("the node does not tell {who} (HTTP 403); grant it the cluster privilege `monitor`"),
        (_, Who::Anybody) => {
            format!("the node wants to know who asks (HTTP {status}); give `--node-user` or `node-api-key`")
        }
        (_, Who::User(_)) => {
            format!("the node does not let {who} in (HTTP {status}); there is none, or the password is another")
        }
        (_, Who::ApiKey) => {
            format!("the node does not accept {who} (HTTP {status}); there is none like it, or it has expired")
        }
    }
}

/// Why a probe brought no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeFailure {
    /// Nothing listens on the port.
    #[error("the connection is refused")]
    Refused,
    /// It takes the connection and the question, and says nothing.
    #[error("it takes connections and says nothing within {}", humantime::format_duration(*.0))]
    Hung(Duration),
    /// It began to answer, and was not done in time.
    #[error("no whole answer within {}", humantime::format_duration(*.0))]
    TimedOut(Duration),
    /// The connection ended in the middle of the exchange.
    #[error("the connection was closed before the answer was complete")]
    Closed,
    /// No connection for another reason: no route, the address is not there.
    #[error("cannot connect: {0}")]
    Unreachable(String),
    /// No TLS with the node, or with one that is not believed, or TLS is missing.
    #[error(transparent)]
    Tls(TlsFailure),
    /// The node wants credentials, or ours do not suffice.
    #[error("{}", unauthorized(*status, who))]
    Unauthorized {
        /// 401 or 403.
        status: u16,
        /// As whom it was asked.
        who: Who,
    },
    /// An HTTP status that is no answer to this question.
    #[error("HTTP {0}")]
    Status(u16),
    /// An answer that no search node gives.
    #[error("no search node answers like this: {0}")]
    Garbage(String),
}

impl ProbeFailure {
    /// All kinds, in the order of the documentation.
    pub const KINDS: [&'static str; 10] = [
        "refused",
        "hung",
        "timed_out",
        "closed",
        "unreachable",
        "certificate",
        "tls",
        "unauthorized",
        "status",
        "garbage",
    ];

    /// A fixed word for metrics and logs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Hung(_) => "hung",
            Self::TimedOut(_) => "timed_out",
            Self::Closed => "closed",
            Self::Unreachable(_) => "unreachable",
            Self::Tls(failure) => failure.kind(),
            Self::Unauthorized { .. } => "unauthorized",
            Self::Status(_) => "status",
            Self::Garbage(_) => "garbage",
        }
    }

    /// Whether the node lives and will not tell us: no waiting helps, somebody has to change a setting.
    pub const fn is_denied(&self) -> bool {
        match self {
            Self::Tls(_) | Self::Unauthorized { .. } => true,
            Self::Refused
            | Self::Hung(_)
            | Self::TimedOut(_)
            | Self::Closed
            | Self::Unreachable(_)
            | Self::Status(_)
            | Self::Garbage(_) => false,
        }
    }

    /// Whether something answered that is no search node at all, as opposed to a node in trouble.
    pub const fn is_stranger(&self) -> bool {
        match self {
            Self::Garbage(_) => true,
            // Every search node knows the question; a busy or broken one says 429 or 5xx.
            Self::Status(code) => *code < 429,
            Self::Refused
            | Self::Hung(_)
            | Self::TimedOut(_)
            | Self::Closed
            | Self::Unreachable(_)
            | Self::Tls(_)
            | Self::Unauthorized { .. } => false,
        }
    }
}

/// What one probe brought, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeOutcome {
    /// From the first byte to the decision.
    pub took: Duration,
    /// The report, or why there is none.
    pub result: Result<Report, ProbeFailure>,
}

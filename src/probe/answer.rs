//! Reads the answers of all engine lines, Elasticsearch 1.7 to 9.5 and OpenSearch 1 to 3. Pure; no bytes make it panic.
//!
//! Three questions are asked (measured on every line, joined, never joined and with its master lost):
//!
//! | question | joined | never joined | master lost |
//! |---|---|---|---|
//! | [`state`] | 200, master's id | 200, `null` and `_na_`; **503 cluster block** from Elasticsearch 8.19 on | 200, `null`, the old UUID |
//! | [`NODE`] | 200 | 200 | 200 |
//! | [`ROOT`] | 200 | 200 from 7.0 on, before 503 with the same body | the same |
//!
//! Now and then, and not by a probe, a fourth is asked: [`peers`].
//!
//! The UUID stands in [`state`] from Elasticsearch 6.8 on, before that in [`ROOT`], in 1.x nowhere. [`ROOT`] is only asked for what
//! the others do not say.

use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::Value;

use super::{Identity, Peer, ProbeFailure, ReportedUuid};
use crate::{
    launcher::product::{Product, Version},
    model::{ClusterUuid, NodeId, brief},
};

/// What is said of each peer.
macro_rules! peer {
    () => {
        "filter_path=cluster_name,nodes.*.transport_address,nodes.*.roles,nodes.*.attributes.master,nodes.*.attributes.client"
    };
}

/// The node-local cluster state: cheap, never waits for a master. The only question of the steady state.
pub(super) fn state(identity: &Identity) -> &'static str {
    if is_always_local(identity) {
        "/_cluster/state/master_node"
    } else {
        "/_cluster/state/master_node?local=true"
    }
}

/// Every node of the node-local cluster state, with what tells masters from others and no more. All lines know it.
pub(super) fn peers(identity: &Identity) -> &'static str {
    if is_always_local(identity) {
        concat!("/_cluster/state/nodes?", peer!())
    } else {
        concat!("/_cluster/state/nodes?local=true&", peer!())
    }
}

/// Whether the cluster state is the node's own anyway, and it complains about who says `local`. Before that, nobody who does not say so is
/// answered without a master.
fn is_always_local(identity: &Identity) -> bool {
    let version = identity.version.parse::<Version>();
    identity.product != Some(Product::OpenSearch) && version.is_ok_and(|version| version >= Version::at(9, 2))
}

/// Name, id, version, roles and ports of the node that answers.
pub(super) const NODE: &str = "/_nodes/_local/http";
/// Product, version and, on older lines, the UUID.
pub(super) const ROOT: &str = "/";
/// An HTTP answer, read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The product, where a header names it.
    pub(super) product: Option<Product>,
    pub(super) body: Vec<u8>,
}

/// What [`state`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) uuid: ReportedUuid,
    pub(super) master: Option<String>,
}

/// What [`ROOT`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) product: Option<Product>,
    pub(super) uuid: ReportedUuid,
}

/// Reads the answer to [`state`].
pub(super) fn read_state(answer: &Answer) -> Result<State, ProbeFailure> {
    #[derive(Deserialize)]
    struct Body {
        #[expect(dead_code, reason = "an object without it comes from something else")]
        cluster_name: String,
        #[serde(default)]
        cluster_uuid: Option<String>,
        // Present and null without a master. A body that says neither is no answer to this question.
        #[serde(alias = "cluster_manager_node")]
        master_node: Value,
    }
    if answer.status == 503 && is_error(&answer.body) {
        return Ok(State {
            uuid: ReportedUuid::NotYet,
            master: None,
        });
    }
    let body: Body = read_ok(answer)?;
    let master = match body.master_node.as_str() {
        Some("") => None,
        Some(id) => Some(id.to_owned()),
        None if body.master_node.is_null() => None,
        None => return Err(ProbeFailure::Garbage("the master is no text".to_owned())),
    };
    Ok(State {
        uuid: uuid(body.cluster_uuid.as_deref()),
        master,
    })
}

/// Reads the answer to [`NODE`].
pub(super) fn read_node(answer: &Answer) -> Result<Identity, ProbeFailure> {
    #[derive(Deserialize)]
    struct Body {
        cluster_name: String,
        nodes: std::collections::BTreeMap<String, Node>,
    }
    #[derive(Deserialize)]
    struct Node {
        name: String,
        version: String,
        #[serde(default)]
        roles: Option<Vec<String>>,
        #[serde(default)]
        transport_address: Option<String>,
        #[serde(default)]
        http: Option<Http>,
    }
    #[derive(Deserialize)]
    struct Http {
        publish_address: String,
    }
    let body: Body = read_ok(answer)?;
    let mut nodes = body.nodes.into_iter();
    let (Some((node_id, node)), None) = (nodes.next(), nodes.next()) else {
        return Err(ProbeFailure::Garbage("not one local node".to_owned()));
    };
    let says = |role: &str| node.roles.iter().flatten().any(|own| own == role);
    Ok(Identity {
        node_id,
        product: answer
            .product
            .or_else(|| says("cluster_manager").then_some(Product::OpenSearch)),
        name: node.name,
        cluster: body.cluster_name,
        version: node.version,
        roles: node.roles,
        http_port: node.http.and_then(|http| port(&http.publish_address)),
        transport_port: node.transport_address.and_then(|address| port(&address)),
    })
}

/// Reads the answer to [`peers`]: where each node's transport is, and whether it may be elected.
///
/// Roles are said by Elasticsearch from 7.17 at the latest; 1.x and 2.x show in attributes what was set; 5.x, 6.x and OpenSearch say
/// nothing. An address that cannot be read costs that node.
pub(super) fn read_peers(answer: &Answer) -> Result<Vec<Peer>, ProbeFailure> {
    #[derive(Deserialize)]
    struct Body {
        #[expect(dead_code, reason = "an object without it comes from something else")]
        cluster_name: String,
        #[serde(default)]
        nodes: std::collections::BTreeMap<String, Node>,
    }
    #[derive(Deserialize)]
    struct Node {
        transport_address: String,
        #[serde(default)]
        roles: Option<Vec<String>>,
        #[serde(default)]
        attributes: Attributes,
    }
    #[derive(Default, Deserialize)]
    struct Attributes {
        master: Option<String>,
        client: Option<String>,
    }
    let body: Body = read_ok(answer)?;
    let peers = body.nodes.into_values().filter_map(|node| {
        let by_role = node
            .roles
            .map(|roles| roles.iter().any(|role| role == "master" || role == "cluster_manager"));
        let by_attribute = match (node.attributes.master.as_deref(), node.attributes.client.as_deref()) {
            (Some("false"), _) | (None, Some("true")) => Some(false),
            (Some("true"), _) => Some(true),
            (Some(_) | None, _) => None,
        };
        Some(Peer {
            transport: transport(&node.transport_address)?,
            master_eligible: by_role.or(by_attribute),
        })
    });
    Ok(peers.collect())
}

/// Reads the answer to [`ROOT`], given with 503 by a node without a master before 7.0.
pub(super) fn read_root(answer: &Answer, version: &str) -> Result<Root, ProbeFailure> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        cluster_uuid: Option<String>,
        version: Version,
    }
    #[derive(Deserialize)]
    struct Version {
        number: String,
        #[serde(default)]
        distribution: Option<String>,
    }
    let body: Body = if answer.status == 503 {
        read_json(answer)?
    } else {
        read_ok(answer)?
    };
    let said = match body.version.distribution.as_deref() {
        Some(distribution) => Product::named(distribution),
        // OpenSearch can be told to show old clients another number, and then hides its name as well.
        None if body.version.number == version => Some(Product::Elasticsearch),
        None => None,
    };
    Ok(Root {
        product: answer.product.or(said),
        uuid: uuid(body.cluster_uuid.as_deref()),
    })
}

/// The product in the headers that newer lines send with every answer.
pub(super) fn product_header(name: &str, value: &[u8]) -> Option<Product> {
    match name {
        "x-elastic-product" if value == b"Elasticsearch" => Some(Product::Elasticsearch),
        "x-opensearch-version" if value.starts_with(b"OpenSearch/") => Some(Product::OpenSearch),
        _ => None,
    }
}

/// Whether a line before `cluster_uuid` came into the state may say it in [`ROOT`]: everything but 1.x.
pub(super) fn may_have_uuid(version: &str) -> bool {
    !version.starts_with("1.")
}

fn read_ok<'a, T: Deserialize<'a>>(answer: &'a Answer) -> Result<T, ProbeFailure> {
    match answer.status {
        200 => read_json(answer),
        other => Err(ProbeFailure::Status(other)),
    }
}

fn read_json<'a, T: Deserialize<'a>>(answer: &'a Answer) -> Result<T, ProbeFailure> {
    serde_json::from_slice(&answer.body).map_err(|error| ProbeFailure::Garbage(brief(&error.to_string())))
}

/// Whether a 503 comes from a search node: its errors repeat the status. A proxy's do not.
fn is_error(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Body {
        #[expect(dead_code, reason = "a text in 1.x, an object later")]
        error: Value,
        status: u16,
    }
    serde_json::from_slice::<Body>(body).is_ok_and(|body| body.status == 503)
}

fn uuid(text: Option<&str>) -> ReportedUuid {
    match text {
        None => ReportedUuid::Unsaid,
        Some(text) => ClusterUuid::reported(text).map_or(ReportedUuid::NotYet, ReportedUuid::Known),
    }
}

/// The id of the node at `10.0.0.1:9300`, `host/10.0.0.1:9300`, `[fd00::1]:9300` or, in 1.x, `inet[/10.0.0.1:9300]`.
fn transport(address: &str) -> Option<NodeId> {
    let address = address
        .strip_prefix("inet[")
        .map_or(address, |inner| inner.trim_end_matches(']'));
    let address = address.rsplit_once('/').map_or(address, |(_, address)| address);
    let address: SocketAddr = address.parse().ok()?;
    Some(NodeId::new(address.ip(), address.port()))
}

/// The port in `10.0.0.1:9300`, `host/10.0.0.1:9300`, `[fd00::1]:9300` or, in 1.x, `inet[/10.0.0.1:9300]`.
fn port(address: &str) -> Option<u16> {
    let (_, port) = address.rsplit_once(':')?;
    port.trim_end_matches(']').parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests;

//! The value of the member key, from what is known. Pure.

use crate::{config::NodeSettings, model::Member, probe::Report};

/// Whose node it is, as the key tells it.
#[derive(Debug, Clone)]
pub(super) struct Host {
    /// The machine id, hashed; none where there is none.
    pub(super) machine: Option<String>,
    /// The boot.
    pub(super) boot: String,
}

/// The member: the ports under which the node was found to answer, and what it says about itself. Only changes when the state does.
/// The incarnation is the registration's business.
pub(super) fn member(node: &NodeSettings, host: &Host, report: &Report, since: &str) -> Member {
    let identity = &report.identity;
    Member {
        name: Some(identity.name.clone()),
        cluster: Some(identity.cluster.clone()),
        cluster_uuid: report.uuid.known().cloned(),
        product: identity.product.map(|product| product.name().to_owned()),
        version: Some(identity.version.clone()),
        roles: identity.roles.clone(),
        machine: host.machine.clone(),
        boot: Some(host.boot.clone()),
        since: Some(since.to_owned()),
        ..Member::new(node.http_port, node.transport_port)
    }
}

//! What etcd and the nodes say, in the words of the [list](super::list). Pure.

use super::list::Named;
use crate::{probe::Peer, view::ClusterView};

/// What stands in etcd.
pub fn registered(view: &ClusterView) -> Named {
    Named {
        masters: view.seed_hosts(None).into_iter().collect(),
        others: view.other_hosts(),
        ..Named::default()
    }
}

/// What a node says of its cluster.
pub(super) fn peers(peers: &[Peer]) -> Named {
    let mut named = Named::default();
    for peer in peers {
        let kind = match peer.master_eligible {
            Some(true) => &mut named.masters,
            Some(false) => &mut named.others,
            None => &mut named.unsaid,
        };
        kind.insert(peer.transport.host_port(peer.transport.transport_port()));
    }
    named
}

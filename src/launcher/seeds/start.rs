//! With which list a node starts. Pure.
//!
//! Invariant: a disk that has been started before never starts with less than the last good list: etcd may have lost its keys a
//! moment ago, and the others are about to put theirs again. An address too many costs a refused connection, and goes once the node
//! runs.

use std::collections::BTreeSet;

use crate::{
    model::{Marker, NodeId},
    view::ClusterView,
};

/// `host:port` of the masters but `me`: those in `view`, and on a disk that was started before the last good list as well, without
/// whoever `view` knows to be no master.
pub fn at_start(view: &ClusterView, me: &NodeId, marker: &Marker, last_good: &[String]) -> Vec<String> {
    let registered = view.seed_hosts(Some(me));
    if marker.claim.is_none() {
        return registered;
    }
    let strangers = view.other_hosts();
    let own = me.host_port(me.transport_port());
    let kept = last_good
        .iter()
        .filter(|host| **host != own && !strangers.contains(*host));
    let all: BTreeSet<String> = registered.into_iter().chain(kept.cloned()).collect();
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Entry, Keys, Reading};

    fn view(members: &[(&str, &str)]) -> ClusterView {
        let entries = members.iter().map(|(id, roles)| Entry {
            key: format!("/services/es/{id}"),
            value: format!(r#"{{"http_port":9200,"transport_port":9300,"roles":["{roles}"]}}"#).into_bytes(),
            create_revision: 1,
            mod_revision: 1,
            lease: None,
        });
        let reading = Reading {
            revision: 1,
            entries: entries.collect(),
        };
        ClusterView::of(
            &Keys::new("/services", "/quorate", &"es".parse().expect("name")),
            &reading,
        )
    }

    #[test]
    fn a_disk_that_was_started_before_keeps_the_last_good_list() {
        let me: NodeId = "10.0.0.1".parse().expect("id");
        let marker = |claim: Option<&str>| {
            let service = "es".parse().expect("name");
            let mut marker = Marker::new("d".parse().expect("disk"), &service, "logs", "n1");
            marker.claim = claim.map(|claim| claim.parse().expect("claim"));
            marker
        };
        let last_good = ["10.0.0.1:9300", "10.0.0.2:9300", "10.0.0.3:9300"].map(str::to_owned);
        let (used, fresh) = (marker(Some("c")), marker(None));
        for (members, marker, expected) in [
            (&[][..], &used, &["10.0.0.2:9300", "10.0.0.3:9300"][..]),
            (&[("10.0.0.1", "master")], &used, &["10.0.0.2:9300", "10.0.0.3:9300"]),
            (
                &[("10.0.0.4", "master"), ("10.0.0.3", "data")],
                &used,
                &["10.0.0.2:9300", "10.0.0.4:9300"],
            ),
            (&[("10.0.0.4", "master")], &fresh, &["10.0.0.4:9300"]),
            (&[], &fresh, &[]),
        ] {
            assert_eq!(
                at_start(&view(members), &me, marker, &last_good),
                expected,
                "{members:?}"
            );
        }
    }
}

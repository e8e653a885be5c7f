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

/// `host:port` of the masters but `me`: those in `view`, those that the record names, and on a disk that was started before the last
/// good list as well, without whoever `view` knows to be no master.
///
/// The named ones may be silent just now, and a node whose list is fixed hears of nobody later: one that has a master looks for
/// no others, so whoever lists nobody of its cluster stays alone.
pub fn at_start(view: &ClusterView, me: &NodeId, marker: &Marker, last_good: &[String]) -> Vec<String> {
    let masters = view.record.iter().flat_map(|stored| &stored.value.masters);
    let named = masters.map(|master| master.id.host_port(master.id.transport_port()));
    let known = last_good.iter().filter(|_| marker.claim.is_some()).cloned();
    let strangers = view.other_hosts();
    let own = me.host_port(me.transport_port());
    let kept = named
        .chain(known)
        .filter(|host| *host != own && !strangers.contains(host));
    let all: BTreeSet<String> = view.seed_hosts(Some(me)).into_iter().chain(kept).collect();
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ClusterRecord, NamedMaster},
        registry::{Entry, Keys, Reading},
        view::Stored,
    };

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
    fn the_masters_that_the_record_names_are_listed_though_they_are_silent() {
        let me: NodeId = "10.0.0.1".parse().expect("id");
        let disk = |text: &str| text.parse::<crate::model::DiskId>().expect("disk");
        let masters = ["10.0.0.1", "10.0.0.2"].map(|id| NamedMaster {
            id: id.parse().expect("id"),
            name: id.to_owned(),
            disk: disk("d"),
        });
        let record = ClusterRecord::claimed(
            "c".parse().expect("claim"),
            me.clone(),
            disk("d"),
            masters.to_vec(),
            "logs".to_owned(),
        );
        let mut view = view(&[("10.0.0.4", "master")]);
        view.record = Some(Stored {
            value: record,
            mod_revision: 1,
            create_revision: 1,
            lease: None,
        });
        let fresh = Marker::new(disk("d"), &"es".parse().expect("name"), "logs", "n1");
        assert_eq!(at_start(&view, &me, &fresh, &[]), ["10.0.0.2:9300", "10.0.0.4:9300"]);
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

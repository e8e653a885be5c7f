//! Whether anything of a cluster still lives, before its claim is taken back. Pure.

use std::collections::BTreeMap;

use crate::{
    exit::Problem,
    model::{ClusterRecord, NodeId},
    probe::{ProbeFailure, Report},
    view::ClusterView,
};

/// Elasticsearch and OpenSearch pair HTTP port 9200 with transport port 9300, 9201 with 9301 and so on.
const BETWEEN_PORTS: u16 = 100;

/// What each address answered.
pub(super) type Said = BTreeMap<String, Result<Report, ProbeFailure>>;

/// Where the nodes that a record names would answer HTTP: the record has ids only.
pub(super) fn addresses(record: &ClusterRecord) -> Vec<(String, u16)> {
    let named = record.masters.iter().map(|master| &master.id);
    let ids = named.chain(&record.claimant);
    let mut addresses: Vec<(String, u16)> = ids
        .map(|id| (id.host().to_owned(), id.transport_port().saturating_sub(BETWEEN_PORTS)))
        .collect();
    addresses.sort();
    addresses.dedup();
    addresses
}

/// Every sign of life: keys, and whatever answers. Nothing may be taken back while there is one.
pub(super) fn alive(view: &ClusterView, said: &Said) -> Vec<Problem> {
    let key = |what: &str, id: &NodeId, lease: bool| {
        let hint = if lease {
            "stop its launcher and its sidecar; after a crash the key ends with its lease"
        } else {
            "it has no lease, so somebody wrote it by hand: if nothing runs there, delete it"
        };
        Problem::with_hint(format!("there is the {what} key of {id}"), hint)
    };
    let seeds = view
        .seeds
        .iter()
        .map(|(id, seed)| key("seed", id, seed.lease.is_some()));
    let members = view
        .members
        .iter()
        .map(|(id, member)| key("member", id, member.lease.is_some()));
    let unreadable = view
        .unreadable
        .iter()
        .map(|(key, why)| Problem::with_hint(format!("the key {key} cannot be read: {why}"), "see who wrote it"));
    let answers = said
        .iter()
        .filter(|(_, answer)| answers(answer))
        .map(|(address, answer)| {
            let what = match answer {
                Ok(report) => format!("the node {} answers at {address}", report.identity.name),
                Err(failure) => format!("something answers at {address}: {failure}"),
            };
            Problem::with_hint(what, "stop it first; a node that runs may hold the cluster's data")
        });
    seeds.chain(members).chain(unreadable).chain(answers).collect()
}

/// Silence is no proof that a host is gone, so it is shown; it is what a lost host looks like, so it is no objection.
pub(super) fn silence(said: &Said) -> Vec<String> {
    let silent = said
        .iter()
        .filter_map(|(address, answer)| Some((address, answer.as_ref().err()?)));
    silent
        .map(|(address, failure)| {
            if *failure == ProbeFailure::Refused {
                format!("{address}: nothing listens there")
            } else {
                format!("{address}: {failure}; a host that is off may hold data")
            }
        })
        .collect()
}

fn answers(answer: &Result<Report, ProbeFailure>) -> bool {
    !matches!(
        answer,
        Err(ProbeFailure::Refused | ProbeFailure::Unreachable(_) | ProbeFailure::TimedOut(_))
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        model::ServiceName,
        probe::TlsFailure,
        registry::{Entry, Keys, LeaseId, Reading},
    };

    fn view(entries: &[(&str, &str, Option<LeaseId>)]) -> ClusterView {
        let entry = |(key, value, lease): &(&str, &str, Option<LeaseId>)| Entry {
            key: (*key).to_owned(),
            value: value.as_bytes().to_vec(),
            create_revision: 1,
            mod_revision: 1,
            lease: *lease,
        };
        let reading = Reading {
            revision: 1,
            entries: entries.iter().map(entry).collect(),
        };
        let service: ServiceName = "es".parse().expect("name");
        ClusterView::of(&Keys::new("/services", "/quorate", &service), &reading)
    }

    fn said(answer: ProbeFailure) -> Said {
        Said::from([("10.0.0.1:9200".to_owned(), Err(answer))])
    }

    #[test]
    fn every_key_and_every_answer_is_a_sign_of_life() {
        let ports = r#"{"http_port":9200,"transport_port":9300}"#;
        let member = view(&[("/services/es/10.0.0.1", ports, Some(LeaseId(1)))]);
        let by_hand = view(&[("/services/es/10.0.0.1", ports, None)]);
        let garbage = view(&[("/services/es/10.0.0.1", "garbage", None)]);
        for (view, said, expected) in [
            (&member, Said::new(), "the member key of 10.0.0.1"),
            (&by_hand, Said::new(), "the member key of 10.0.0.1"),
            (&garbage, Said::new(), "/services/es/10.0.0.1 cannot be read"),
            (
                &view(&[]),
                said(ProbeFailure::Closed),
                "something answers at 10.0.0.1:9200",
            ),
            (
                &view(&[]),
                said(ProbeFailure::Tls(TlsFailure::Wanted)),
                "something answers",
            ),
            (
                &view(&[]),
                said(ProbeFailure::Garbage("x".to_owned())),
                "something answers",
            ),
        ] {
            let problems = alive(view, &said);
            assert_eq!(problems.len(), 1, "{expected}");
            assert!(problems.iter().all(|p| p.what.contains(expected)), "{problems:?}");
        }
    }

    #[test]
    fn silence_is_shown_and_is_no_objection() {
        for failure in [
            ProbeFailure::Refused,
            ProbeFailure::TimedOut(Duration::from_secs(3)),
            ProbeFailure::Unreachable("no route".to_owned()),
        ] {
            let said = said(failure);
            assert!(alive(&view(&[]), &said).is_empty());
            assert_eq!(silence(&said).len(), 1);
        }
    }

    #[test]
    fn a_records_nodes_are_asked_at_the_port_that_goes_with_theirs() {
        let record = r#"{"format":1,"state":"armed","claim":"c","claimant":"10.0.0.1:9301","disk":"d","cluster":"logs",
            "masters":[{"id":"10.0.0.1:9301","name":"a","disk":"d"},{"id":"fd00::2","name":"b","disk":"e"}]}"#;
        let record = ClusterRecord::parse(record.as_bytes()).expect("a record");
        let expected = [("10.0.0.1".to_owned(), 9201), ("fd00::2".to_owned(), 9200)];
        assert_eq!(addresses(&record), expected);
    }
}

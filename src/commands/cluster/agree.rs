//! Whether what the nodes say is one cluster that may be recorded. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    exit::Problem,
    model::{ClusterRecord, ClusterUuid, RecordState},
    probe::{ProbeFailure, Report, ReportedUuid},
};

/// What each address answered.
pub(super) type Said = BTreeMap<String, Result<Report, ProbeFailure>>;

/// The cluster that all nodes name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its name.
    pub(super) cluster: String,
    /// Its UUID; none on lines that report none.
    pub(super) uuid: Option<ClusterUuid>,
    /// Names of the nodes that were asked.
    pub(super) nodes: Vec<String>,
}

/// The one cluster of all answers, or everything that speaks against it.
pub(super) fn agree(said: &Said) -> Result<Found, Vec<Problem>> {
    let mut problems: Vec<Problem> = said
        .iter()
        .filter_map(|(address, answer)| objection(address, answer))
        .collect();
    let reports: Vec<&Report> = said.values().flatten().collect();
    problems.extend(differ(
        "cluster names",
        reports.iter().map(|r| r.identity.cluster.as_str()),
    ));
    problems.extend(differ(
        "cluster UUIDs",
        reports.iter().filter_map(|r| Some(r.uuid.known()?.as_str())),
    ));
    problems.extend(differ("masters", reports.iter().filter_map(|r| r.master.as_deref())));
    match reports.first() {
        Some(first) if problems.is_empty() => Ok(Found {
            cluster: first.identity.cluster.clone(),
            uuid: reports.iter().find_map(|report| report.uuid.known().cloned()),
            nodes: reports.iter().map(|report| report.identity.name.clone()).collect(),
        }),
        Some(_) | None => Err(problems),
    }
}

fn objection(address: &str, answer: &Result<Report, ProbeFailure>) -> Option<Problem> {
    match answer {
        Err(failure) => Some(Problem::with_hint(
            format!("{address} did not answer: {failure}"),
            "name only nodes that live, with their HTTP ports",
        )),
        Ok(report) if !report.joined() || report.uuid == ReportedUuid::NotYet => Some(Problem::with_hint(
            format!(
                "{address} ({}) has not joined a cluster, or has lost its master",
                report.identity.name
            ),
            "wait until it has a master",
        )),
        Ok(_) => None,
    }
}

fn differ<'a>(what: &str, values: impl Iterator<Item = &'a str>) -> Option<Problem> {
    let values: BTreeSet<&str> = values.collect();
    (values.len() > 1).then(|| {
        let values: Vec<&str> = values.into_iter().collect();
        Problem::with_hint(
            format!("the nodes name {} {what}: {}", values.len(), values.join(", ")),
            "one service is one cluster: find out which one is meant",
        )
    })
}

/// How the record that is there stands to the cluster that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is that cluster's.
    Same,
    /// It is not, or nobody can tell yet.
    Conflict(Problem),
}

/// Compares the record with what was found.
pub(super) fn standing(record: &ClusterRecord, found: &Found) -> Standing {
    let same = match (&record.cluster_uuid, &found.uuid) {
        (Some(recorded), Some(own)) => recorded == own,
        (None, None) => record.cluster == found.cluster,
        (Some(_), None) | (None, Some(_)) => false,
    };
    match (record.state, same) {
        (RecordState::Formed, true) => Standing::Same,
        (RecordState::Formed, false) => Standing::Conflict(Problem::with_hint(
            format!(
                "the record is of another cluster: `{}`{}",
                record.cluster,
                uuid(record.cluster_uuid.as_ref())
            ),
            "a record is never replaced: give this cluster a service of its own, `--service NAME`",
        )),
        (RecordState::Claimed | RecordState::Armed, _) => Standing::Conflict(Problem::with_hint(
            format!("claim {} is forming a cluster under this service", record.claim),
            "see `quorate status`; stop its launchers, or give this cluster a service of its own, `--service NAME`",
        )),
    }
}

/// `, UUID x`, or nothing on lines that report none.
pub(super) fn uuid(uuid: Option<&ClusterUuid>) -> String {
    uuid.map_or_else(String::new, |uuid| format!(", UUID {uuid}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ClaimId;

    fn said(nodes: &[(&str, Result<Report, ProbeFailure>)]) -> Said {
        nodes
            .iter()
            .map(|(address, answer)| ((*address).to_owned(), answer.clone()))
            .collect()
    }

    #[test]
    fn nodes_of_one_cluster_agree_with_and_without_a_uuid() {
        let found = agree(&said(&[
            ("a:1", Ok(Report::example("n1", "u1", Some("m")))),
            ("b:1", Ok(Report::example("n2", "u1", Some("m")))),
        ]));
        let found = found.expect("agreed");
        assert_eq!(
            (found.uuid, found.nodes),
            (ClusterUuid::reported("u1"), vec!["n1".to_owned(), "n2".to_owned()])
        );
        let old = agree(&said(&[("a:1", Ok(Report::example("n1", "", Some("m"))))])).expect("agreed");
        assert_eq!((old.uuid, old.cluster.as_str()), (None, "logs"));
    }

    #[test]
    fn whatever_speaks_against_it_is_named() {
        for (nodes, expected) in [
            (
                vec![
                    ("a:1", Err(ProbeFailure::Refused)),
                    ("b:1", Ok(Report::example("n", "u", Some("m")))),
                ],
                "a:1 did not answer",
            ),
            (
                vec![("a:1", Ok(Report::example("n", "u", None)))],
                "a:1 (n) has not joined",
            ),
            (
                vec![("a:1", Ok(Report::example("n", "_na_", Some("m"))))],
                "a:1 (n) has not joined",
            ),
            (
                vec![
                    ("a:1", Ok(Report::example("n", "u", Some("m")))),
                    ("b:1", Ok(Report::example("o", "v", Some("m")))),
                ],
                "2 cluster UUIDs: u, v",
            ),
            (
                vec![
                    ("a:1", Ok(Report::example("n", "u", Some("m")))),
                    ("b:1", Ok(Report::example("o", "u", Some("l")))),
                ],
                "2 masters: l, m",
            ),
        ] {
            let problems = agree(&said(&nodes)).expect_err(expected);
            assert!(
                problems.iter().any(|problem| problem.what.contains(expected)),
                "{problems:?}"
            );
        }
        assert_eq!(agree(&Said::new()), Err(vec![]));
    }

    #[test]
    fn only_the_same_formed_cluster_is_recorded_already() {
        let claim: ClaimId = "c1".parse().expect("claim");
        let found = |uuid: &str| Found {
            cluster: "logs".to_owned(),
            uuid: ClusterUuid::reported(uuid),
            nodes: vec![],
        };
        let record = |uuid: &str| ClusterRecord::formed(claim.clone(), "logs".to_owned(), ClusterUuid::reported(uuid));
        assert_eq!(standing(&record("u"), &found("u")), Standing::Same);
        assert_eq!(standing(&record(""), &found("")), Standing::Same);
        for (recorded, own) in [("u", "v"), ("u", ""), ("", "u")] {
            assert!(matches!(
                standing(&record(recorded), &found(own)),
                Standing::Conflict(_)
            ));
        }
        let armed = ClusterRecord {
            state: RecordState::Armed,
            ..record("u")
        };
        assert!(matches!(standing(&armed, &found("u")), Standing::Conflict(_)));
    }
}

//! Whether what the nodes say about themselves is one cluster, and the recorded one.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Record;
use crate::{
    model::{ClusterUuid, NodeId},
    probe::{ProbeFailure, Report, ReportedUuid},
};

/// What each node that was asked said.
pub type Answers = BTreeMap<NodeId, Result<Report, ProbeFailure>>;

/// What follows from the answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// How many nodes answered.
    pub answered: usize,
    /// Every UUID that a node reported; more than one is a split brain.
    pub cluster_uuids: Vec<ClusterUuid>,
    /// The master that each node names, by node id inside the cluster; more than one is a split brain.
    pub masters: Vec<String>,
    /// What must not be, one sentence each. Empty: one cluster, one master.
    pub problems: Vec<String>,
    /// What is worth knowing: who did not answer, who has no master.
    pub notes: Vec<String>,
}

/// Compares the answers with each other and with the record.
pub fn verify(record: Option<&Record>, answers: &Answers) -> Verdict {
    let reports: Vec<(&NodeId, &Report)> = answers
        .iter()
        .filter_map(|(id, answer)| Some((id, answer.as_ref().ok()?)))
        .collect();
    let uuids = who_says(
        reports
            .iter()
            .filter_map(|(id, r)| Some((r.uuid.known()?.as_str(), *id))),
    );
    let masters = who_says(reports.iter().filter_map(|(id, r)| Some((r.master.as_deref()?, *id))));
    let mut problems = Vec::new();
    problems.extend(split("cluster UUIDs", &uuids));
    problems.extend(split("masters", &masters));
    problems.extend(reports.iter().filter_map(|(id, report)| stranger(id, report, record?)));
    if reports.is_empty() && !answers.is_empty() {
        problems.push("no node answered, so nothing is verified".to_owned());
    }
    Verdict {
        answered: reports.len(),
        cluster_uuids: reports
            .iter()
            .filter_map(|(_, report)| report.uuid.known())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .cloned()
            .collect(),
        masters: masters.keys().map(|&id| id.to_owned()).collect(),
        problems,
        notes: answers.iter().filter_map(|(id, answer)| note(id, answer)).collect(),
    }
}

fn who_says<'a>(said: impl Iterator<Item = (&'a str, &'a NodeId)>) -> BTreeMap<&'a str, Vec<&'a NodeId>> {
    let mut who = BTreeMap::<_, Vec<_>>::new();
    for (what, id) in said {
        who.entry(what).or_default().push(id);
    }
    who
}

fn split(what: &str, said: &BTreeMap<&str, Vec<&NodeId>>) -> Option<String> {
    (said.len() > 1).then(|| {
        let groups = said.iter().map(|(value, ids)| {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            format!("{value} ({})", ids.join(", "))
        });
        format!(
            "split brain, {} {what}: {}",
            said.len(),
            groups.collect::<Vec<_>>().join(" and ")
        )
    })
}

/// A node that is in another cluster than the recorded one. Lines that report no UUID are told apart by the cluster's name.
fn stranger(id: &NodeId, report: &Report, record: &Record) -> Option<String> {
    match (&report.uuid, &record.cluster_uuid) {
        (ReportedUuid::Known(own), Some(recorded)) if own != recorded => {
            Some(format!("{id} is in cluster UUID {own}, the record says {recorded}"))
        }
        (ReportedUuid::Unsaid, _) if report.joined() && report.identity.cluster != record.cluster => Some(format!(
            "{id} is in cluster `{}`, the record says `{}`",
            report.identity.cluster, record.cluster
        )),
        (ReportedUuid::Known(_) | ReportedUuid::Unsaid | ReportedUuid::NotYet, _) => None,
    }
}

fn note(id: &NodeId, answer: &Result<Report, ProbeFailure>) -> Option<String> {
    match answer {
        Err(failure) => Some(format!("{id} did not answer: {failure}")),
        Ok(report) if !report.joined() => Some(format!("{id} names no master")),
        Ok(_) => None,
    }
}

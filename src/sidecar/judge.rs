//! Is this the node that is expected here, and is it ready? Pure: a report and what is expected, a judgement.
//!
//! Never ready: a node of another name, another cluster, or none. `_na_` matches nothing.

use std::time::Duration;

use super::disk::Disk;
use crate::{
    config::ReadyWhen,
    model::{ClusterRecord, ClusterUuid},
    nodefile::{NodeFile, Phase, ProcessId},
    probe::{ProbeFailure, Report, ReportedUuid},
};

/// What the settings say about the node.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Its name; none: what the launcher says, else unchecked.
    pub name: Option<String>,
    /// Its cluster's name; none: what launcher and record say, else unchecked.
    pub cluster: Option<String>,
    /// Where other nodes reach it: part of the id under which it is registered.
    pub transport_port: u16,
    /// What ready means.
    pub ready_when: ReadyWhen,
    /// How long its disk may be ill; none: as long as the node answers.
    pub disk_patience: Option<Duration>,
}

/// What is known of the cluster record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// etcd was not heard yet: nothing may be registered on the strength of it.
    Unknown,
    /// There is none.
    Absent,
    /// It says so.
    Says {
        /// The cluster's name.
        cluster: String,
        /// The cluster's UUID, once a node reported it.
        uuid: Option<ClusterUuid>,
    },
}

impl From<&ClusterRecord> for Record {
    fn from(record: &ClusterRecord) -> Self {
        Self::Says {
            cluster: record.cluster.clone(),
            uuid: record.cluster_uuid.clone(),
        }
    }
}

/// What the launcher says, as far as it concerns the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launched {
    /// The node's name.
    pub name: String,
    /// The cluster's name.
    pub cluster: String,
    /// Where the node's life stands.
    pub phase: Phase,
    /// The node's process, if it lives.
    pub process: Option<ProcessId>,
    /// The process that owns its socket, dead or alive.
    pub server: Option<ProcessId>,
    /// What a waiting launcher waits for.
    pub reason: Option<String>,
    /// The disk under its data; none: nobody looks, or nobody has said anything for too long.
    pub disk: Option<Disk>,
}

impl From<&NodeFile> for Launched {
    fn from(file: &NodeFile) -> Self {
        Self {
            name: file.name.clone(),
            cluster: file.cluster.clone(),
            phase: file.phase,
            process: file.process,
            server: file.server,
            reason: file.reason.clone(),
            disk: None,
        }
    }
}

/// What a report means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// The expected node, ready.
    Good,
    /// The expected node as far as one can tell, not ready: why.
    Pending(String),
    /// Another node, or the node of another cluster: why.
    Stranger(String),
}

/// What a failed probe says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// Slow, broken or not joined: it may pass by itself.
    Trouble,
    /// It lives and does not tell us, which no waiting changes: no reason to hurry as with a node that starts.
    Denied,
    /// No search node answers there.
    Stranger,
}

impl Miss {
    /// Sorts a failure.
    pub fn of(failure: &ProbeFailure) -> Self {
        if failure.is_stranger() {
            Self::Stranger
        } else if failure.is_denied() {
            Self::Denied
        } else {
            Self::Trouble
        }
    }
}

/// Judges a report.
pub fn judge(expected: &Expected, record: &Record, launched: Option<&Launched>, report: &Report) -> Judgement {
    let other = wrong_name(expected, launched, report)
        .or_else(|| wrong_port(expected, report))
        .or_else(|| wrong_cluster(expected, record, launched, report));
    if let Some(why) = other {
        return Judgement::Stranger(why);
    }
    if report.uuid == ReportedUuid::NotYet {
        return Judgement::Pending("the node answers, but has not joined a cluster yet".to_owned());
    }
    match (expected.ready_when, report.joined()) {
        (ReadyWhen::Joined, false) => Judgement::Pending("the node answers, but knows no master".to_owned()),
        (ReadyWhen::Joined, true) | (ReadyWhen::Up, _) => Judgement::Good,
    }
}

fn wrong_name(expected: &Expected, launched: Option<&Launched>, report: &Report) -> Option<String> {
    let name = expected.name.as_ref().or(launched.map(|file| &file.name))?;
    let found = &report.identity.name;
    (name != found).then(|| format!("a node named `{found}` answers, `{name}` is expected"))
}

fn wrong_port(expected: &Expected, report: &Report) -> Option<String> {
    let found = report.identity.transport_port?;
    let port = expected.transport_port;
    (found != port).then(|| format!("the node that answers has the transport port {found}, {port} is expected"))
}

fn wrong_cluster(expected: &Expected, record: &Record, launched: Option<&Launched>, report: &Report) -> Option<String> {
    let (recorded_name, recorded_uuid) = match record {
        Record::Unknown | Record::Absent => (None, None),
        Record::Says { cluster, uuid } => (Some(cluster), uuid.as_ref()),
    };
    if let (ReportedUuid::Known(found), Some(uuid)) = (&report.uuid, recorded_uuid) {
        return (found != uuid).then(|| format!("the node belongs to cluster UUID {found}, the record says {uuid}"));
    }
    let launched = launched.map(|file| &file.cluster);
    let name = expected.cluster.as_ref().or(launched).or(recorded_name)?;
    let found = &report.identity.cluster;
    (name != found).then(|| format!("the node belongs to a cluster named `{found}`, `{name}` is expected"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Identity;

    fn uuid(text: &str) -> ClusterUuid {
        text.parse().expect("uuid")
    }

    fn report(said: ReportedUuid, master: bool) -> Report {
        Report {
            identity: Identity {
                node_id: "id".to_owned(),
                name: "n1".to_owned(),
                cluster: "shapes".to_owned(),
                product: None,
                version: "6.8.23".to_owned(),
                roles: None,
                http_port: Some(9200),
                transport_port: Some(9300),
            },
            uuid: said,
            master: master.then(|| "id".to_owned()),
        }
    }

    fn expected(ready_when: ReadyWhen) -> Expected {
        Expected {
            name: None,
            cluster: None,
            transport_port: 9300,
            ready_when,
            disk_patience: None,
        }
    }

    fn says(cluster: &str, with: Option<&str>) -> Record {
        Record::Says {
            cluster: cluster.to_owned(),
            uuid: with.map(uuid),
        }
    }

    fn launched(name: &str, cluster: &str) -> Launched {
        Launched {
            name: name.to_owned(),
            cluster: cluster.to_owned(),
            phase: Phase::Running,
            process: None,
            server: None,
            reason: None,
            disk: None,
        }
    }

    #[derive(Debug, PartialEq)]
    enum Is {
        Good,
        Pending,
        Stranger,
    }

    fn is(judgement: &Judgement) -> Is {
        match judgement {
            Judgement::Good => Is::Good,
            Judgement::Pending(_) => Is::Pending,
            Judgement::Stranger(_) => Is::Stranger,
        }
    }

    #[test]
    fn the_uuid_decides_where_both_have_one_else_the_cluster_name() {
        use ReportedUuid::{Known, NotYet, Unsaid};
        let ours = || Known(uuid("ours"));
        for (said, record, joined, up) in [
            (ours(), says("shapes", Some("ours")), Is::Good, Is::Good),
            // The UUID is the identity; a cluster may have been renamed.
            (ours(), says("renamed", Some("ours")), Is::Good, Is::Good),
            (ours(), says("shapes", Some("theirs")), Is::Stranger, Is::Stranger),
            (ours(), says("shapes", None), Is::Good, Is::Good),
            (ours(), says("other", None), Is::Stranger, Is::Stranger),
            (ours(), Record::Absent, Is::Good, Is::Good),
            (ours(), Record::Unknown, Is::Good, Is::Good),
            (Unsaid, says("shapes", Some("ours")), Is::Good, Is::Good),
            (Unsaid, says("shapes", None), Is::Good, Is::Good),
            (Unsaid, says("other", None), Is::Stranger, Is::Stranger),
            (NotYet, says("shapes", Some("ours")), Is::Pending, Is::Pending),
            (NotYet, says("shapes", None), Is::Pending, Is::Pending),
            (NotYet, Record::Absent, Is::Pending, Is::Pending),
            (NotYet, says("other", None), Is::Stranger, Is::Stranger),
        ] {
            let of = |ready_when| {
                is(&judge(
                    &expected(ready_when),
                    &record,
                    None,
                    &report(said.clone(), true),
                ))
            };
            assert_eq!(of(ReadyWhen::Joined), joined, "{said:?} {record:?} joined");
            assert_eq!(of(ReadyWhen::Up), up, "{said:?} {record:?} up");
        }
    }

    #[test]
    fn a_node_without_a_master_is_ready_only_where_that_is_not_asked() {
        let lost = report(ReportedUuid::Known(uuid("ours")), false);
        let record = says("shapes", Some("ours"));
        assert_eq!(
            is(&judge(&expected(ReadyWhen::Joined), &record, None, &lost)),
            Is::Pending
        );
        assert_eq!(is(&judge(&expected(ReadyWhen::Up), &record, None, &lost)), Is::Good);
        let strange = says("shapes", Some("theirs"));
        assert_eq!(
            is(&judge(&expected(ReadyWhen::Up), &strange, None, &lost)),
            Is::Stranger
        );
    }

    #[test]
    fn the_name_is_checked_where_somebody_says_one_and_settings_win() {
        let of = |name: Option<&str>, file: Option<&str>| {
            let expected = Expected {
                name: name.map(str::to_owned),
                ..expected(ReadyWhen::Joined)
            };
            let file = file.map(|name| launched(name, "shapes"));
            is(&judge(
                &expected,
                &Record::Absent,
                file.as_ref(),
                &report(ReportedUuid::Unsaid, true),
            ))
        };
        assert_eq!(of(None, None), Is::Good);
        assert_eq!(of(Some("n1"), Some("n2")), Is::Good);
        assert_eq!(of(Some("n2"), Some("n1")), Is::Stranger);
        assert_eq!(of(None, Some("n1")), Is::Good);
        assert_eq!(of(None, Some("n2")), Is::Stranger);
    }

    #[test]
    fn settings_beat_launcher_beats_record_for_the_cluster_name() {
        let of = |setting: Option<&str>, file: Option<&str>, record: &Record| {
            let expected = Expected {
                cluster: setting.map(str::to_owned),
                ..expected(ReadyWhen::Joined)
            };
            let file = file.map(|cluster| launched("n1", cluster));
            is(&judge(
                &expected,
                record,
                file.as_ref(),
                &report(ReportedUuid::Unsaid, true),
            ))
        };
        assert_eq!(of(Some("shapes"), Some("x"), &says("y", None)), Is::Good);
        assert_eq!(of(Some("x"), Some("shapes"), &says("shapes", None)), Is::Stranger);
        assert_eq!(of(None, Some("shapes"), &says("y", None)), Is::Good);
        assert_eq!(of(None, None, &says("y", None)), Is::Stranger);
    }

    #[test]
    fn a_node_with_another_transport_port_would_be_registered_under_a_wrong_id() {
        let mut other = report(ReportedUuid::Unsaid, true);
        other.identity.transport_port = Some(9301);
        assert_eq!(
            is(&judge(&expected(ReadyWhen::Up), &Record::Absent, None, &other)),
            Is::Stranger
        );
        other.identity.transport_port = None;
        assert_eq!(
            is(&judge(&expected(ReadyWhen::Up), &Record::Absent, None, &other)),
            Is::Good
        );
    }
}

//! What the sidecar knows, at one moment: what the HTTP answers, the metrics and the service manager are told from. Data, and its
//! renderings; decides nothing. Every rendering carries ages, so that nobody takes an old answer for a new one.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    disk::Disk,
    illness::Illness,
    verdict::{Conclusion, Verdict},
    vigil::Witness,
};
use crate::{
    host,
    launcher::{product::Product, seeds::told::SeedsTold},
    model::{ClusterRecord, ClusterUuid, Incarnation, NodeId, ServiceName},
    probe::{ProbeOutcome, Report},
    registration::Standing,
    reload::Reading,
};

/// What does not change while the sidecar runs.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) id: NodeId,
    pub(super) service: ServiceName,
    /// The member key.
    pub(super) key: String,
    /// Where the node is probed.
    pub(super) probed_at: String,
    pub(super) incarnation: Incarnation,
    pub(super) started: Instant,
    /// The longest that may pass between two turns of the loop.
    pub(super) turn: Duration,
}

/// The last probe that ended.
#[derive(Debug, Clone)]
pub(super) struct LastProbe {
    pub(super) ended: Instant,
    pub(super) outcome: ProbeOutcome,
}

/// The cluster record as far as it is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum RecordSeen {
    /// etcd was not heard yet.
    #[default]
    Unheard,
    /// There is none.
    Absent,
    /// It cannot be read: why. What was known before still counts.
    Unreadable(String),
    /// This one.
    There(Box<ClusterRecord>),
}

/// What the sidecar knows.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    /// When the loop last turned.
    pub(super) turned: Instant,
    pub(super) conclusion: Conclusion,
    /// When the verdict became this one, by the clock on the wall.
    pub(super) since: SystemTime,
    pub(super) probe: Option<LastProbe>,
    pub(super) report: Option<Report>,
    pub(super) standing: Standing,
    pub(super) record: RecordSeen,
    pub(super) settings: Reading,
    /// Who would tell first that the node died.
    pub(super) witness: Witness,
    /// What the launcher tells of its seed list.
    pub(super) seeds: Option<SeedsTold>,
    /// The disk under the data as the launcher tells it, and when that last showed that it lives; none: nothing is known.
    pub(super) disk: Option<(Disk, Instant)>,
}

impl Snapshot {
    /// Whether the loop turns; else how long it has not.
    pub(super) fn alive(&self, facts: &Facts, now: Instant) -> Result<(), Duration> {
        let quiet = now.saturating_duration_since(self.turned);
        if quiet <= facts.turn { Ok(()) } else { Err(quiet) }
    }

    /// Whether the node is ready, and that is news; else why not.
    pub(super) fn ready(&self, facts: &Facts, now: Instant) -> Result<(), String> {
        if let Err(quiet) = self.alive(facts, now) {
            return Err(format!(
                "unknown: the sidecar's loop has not turned for {}s",
                quiet.as_secs()
            ));
        }
        if self.conclusion.verdict == Verdict::Ready {
            return Ok(());
        }
        Err(format!("{}: {}", self.conclusion.verdict.word(), self.conclusion.why))
    }

    /// One sentence for the service manager; without ages, so that it changes only with its content.
    pub(super) fn sentence(&self) -> String {
        format!(
            "{}: {}{}; {}{}",
            self.conclusion.verdict.word(),
            self.conclusion.why,
            self.disk_words(),
            self.registry_words(),
            self.settings.words()
        )
    }

    /// What is not said by the reason already.
    fn disk_words(&self) -> String {
        let said = self.conclusion.illness.is_some_and(Illness::is_of_disk);
        let disk = self.disk.as_ref().filter(|_| !said);
        disk.map_or_else(String::new, |(disk, _)| disk.words())
    }

    fn registry_words(&self) -> String {
        if self.standing.away_since.is_some() {
            let cause = self.standing.cause.as_deref().unwrap_or("no answer");
            return format!("registry away: {cause}");
        }
        match &self.standing.obstacle {
            Some(obstacle) => obstacle.to_string(),
            None if self.standing.key_revision.is_some() => "registered".to_owned(),
            None => match &self.record {
                RecordSeen::Unreadable(why) => format!("not registered, the cluster record cannot be read: {why}"),
                RecordSeen::Unheard | RecordSeen::Absent | RecordSeen::There(_) => "not registered".to_owned(),
            },
        }
    }

    /// The document of `/status`.
    pub(super) fn status(&self, facts: &Facts, now: Instant) -> Value {
        json!({
            "id": facts.id,
            "service": facts.service.as_str(),
            "verdict": self.conclusion.verdict,
            "why": self.conclusion.why,
            "illness": self.conclusion.illness,
            "since": host::utc(self.since),
            "for_seconds": seconds(self.conclusion.since, now),
            "probe": self.probe_json(facts, now),
            "death_seen_by": self.witness,
            "node": self.node_json(),
            "disk": self.disk_json(now),
            "record": self.record_json(),
            "seeds": self.seeds_json(),
            "registry": self.registry_json(facts, now),
            "settings": { "refused": self.settings.refused, "restart_needed": self.settings.later },
            "sidecar": {
                "version": env!("CARGO_PKG_VERSION"),
                "incarnation": facts.incarnation,
                "pid": std::process::id(),
                "up_seconds": seconds(facts.started, now),
                "turned_age_seconds": seconds(self.turned, now),
            },
        })
    }

    /// The cluster's UUID as it is recorded.
    pub(super) fn recorded_uuid(&self) -> Option<&ClusterUuid> {
        match &self.record {
            RecordSeen::There(record) => record.cluster_uuid.as_ref(),
            RecordSeen::Unheard | RecordSeen::Absent | RecordSeen::Unreadable(_) => None,
        }
    }

    /// The one that the node reports, while it answers.
    pub(super) fn reported_uuid(&self) -> Option<&ClusterUuid> {
        let answers = self.probe.as_ref().is_some_and(|probe| probe.outcome.result.is_ok());
        self.report.as_ref().filter(|_| answers)?.uuid.known()
    }

    fn seeds_json(&self) -> Value {
        self.seeds.as_ref().map_or(Value::Null, |told| {
            json!({
                "seeds": told.seeds,
                "written_at": told.written_at,
                "etcd": told.etcd,
                "nodes": told.nodes,
                "launcher_lives": told.is_live(),
            })
        })
    }

    fn probe_json(&self, facts: &Facts, now: Instant) -> Value {
        let Some(probe) = &self.probe else {
            return json!({ "address": facts.probed_at, "outcome": null });
        };
        let failure = probe.outcome.result.as_ref().err();
        json!({
            "address": facts.probed_at,
            "outcome": failure.map_or("ok", |failure| failure.kind()),
            "detail": failure.map(ToString::to_string),
            "age_seconds": seconds(probe.ended, now),
            "took_seconds": probe.outcome.took.as_secs_f64(),
        })
    }

    fn node_json(&self) -> Value {
        self.report.as_ref().map_or(Value::Null, |report| {
            json!({
                "name": report.identity.name,
                "node_id": report.identity.node_id,
                "cluster": report.identity.cluster,
                "cluster_uuid": report.uuid.known(),
                "product": report.identity.product.map(Product::name),
                "version": report.identity.version,
                "roles": report.identity.roles,
                "http_port": report.identity.http_port,
                "transport_port": report.identity.transport_port,
                "joined": report.joined(),
                "is_master": report.is_master(),
            })
        })
    }

    fn disk_json(&self, now: Instant) -> Value {
        self.disk.as_ref().map_or(Value::Null, |(disk, heard)| {
            let since = SystemTime::now() - now.saturating_duration_since(disk.since);
            json!({
                "state": disk.state,
                "why": disk.why,
                "since": host::utc(since),
                "for_seconds": seconds(disk.since, now),
                "used_percent": disk.used_percent,
                "watermark": disk.watermark,
                "age_seconds": seconds(*heard, now),
            })
        })
    }

    fn record_json(&self) -> Value {
        match &self.record {
            RecordSeen::Unheard => json!({ "state": "unknown" }),
            RecordSeen::Absent => json!({ "state": "absent" }),
            RecordSeen::Unreadable(why) => json!({ "state": "unreadable", "why": why }),
            RecordSeen::There(record) => json!({
                "state": record.state,
                "cluster": record.cluster,
                "cluster_uuid": record.cluster_uuid,
            }),
        }
    }

    fn registry_json(&self, facts: &Facts, now: Instant) -> Value {
        let standing = &self.standing;
        let away = standing.away_since.map(|since| {
            let since_wall = SystemTime::now() - now.saturating_duration_since(since);
            json!({
                "since": host::utc(since_wall),
                "for_seconds": seconds(since, now),
                "cause": standing.cause,
            })
        });
        let obstacle = standing
            .obstacle
            .as_ref()
            .map(|obstacle| json!({ "kind": obstacle.kind(), "what": obstacle.to_string(), "hint": obstacle.hint() }));
        json!({
            "key": facts.key,
            "as_wanted": standing.registered,
            "key_revision": standing.key_revision,
            "lease": standing.lease.map(|lease| lease.to_string()),
            "verified_age_seconds": standing.verified_at.map(|at| seconds(at, now)),
            "away": away,
            "obstacle": obstacle,
        })
    }
}

/// Seconds with milliseconds.
pub(super) fn seconds(since: Instant, now: Instant) -> f64 {
    let passed = now.saturating_duration_since(since).as_millis();
    // Exact up to two hundred thousand years.
    f64::from(u32::try_from(passed / 1000).unwrap_or(u32::MAX))
        + f64::from(u32::try_from(passed % 1000).unwrap_or(0)) / 1e3
}

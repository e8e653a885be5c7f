//! All metrics of the sidecar: names, units and help texts in one place. What is counted is counted here; what can be read from a
//! snapshot is read when somebody asks.

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
        histogram::Histogram,
    },
    registry::Registry,
};
use tokio::time::Instant;

use super::{
    illness::Illness,
    snapshot::{Facts, Snapshot, seconds},
    verdict::Verdict,
};
use crate::{
    launcher::disk::room::Watermark,
    nodefile::DiskState,
    probe::{ProbeFailure, ProbeOutcome},
};

type Labels = [(&'static str, &'static str); 1];

/// Bounds of the probe's duration: a well node answers in a millisecond or two, the longest is the timeout.
const DURATIONS: [f64; 9] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

/// What is counted.
#[derive(Debug, Clone)]
pub(super) struct Metrics {
    changes: Family<Labels, Counter>,
    probes: Family<Labels, Counter>,
    durations: Histogram,
}

impl Metrics {
    /// All at zero, and there from the start: a series that appears with its first event hides that event.
    pub(super) fn new() -> Self {
        let metrics = Self {
            changes: Family::default(),
            probes: Family::default(),
            durations: Histogram::new(DURATIONS),
        };
        for verdict in Verdict::ALL {
            let _ = metrics.changes.get_or_create(&[("verdict", verdict.word())]);
        }
        for outcome in ["ok"].into_iter().chain(ProbeFailure::KINDS) {
            let _ = metrics.probes.get_or_create(&[("outcome", outcome)]);
        }
        metrics
    }

    /// The verdict became this one.
    pub(super) fn verdict(&self, verdict: Verdict) {
        self.changes.get_or_create(&[("verdict", verdict.word())]).inc();
    }

    /// A probe ended.
    pub(super) fn probed(&self, outcome: &ProbeOutcome) {
        let kind = outcome.result.as_ref().err().map_or("ok", ProbeFailure::kind);
        self.probes.get_or_create(&[("outcome", kind)]).inc();
        self.durations.observe(outcome.took.as_secs_f64());
    }

    /// The text for a scrape.
    pub(super) fn render(&self, facts: &Facts, snapshot: &Snapshot, now: Instant) -> String {
        let mut registry = Registry::with_prefix("quorate");
        registry.register(
            "verdict_changes",
            "Times the verdict became this one",
            self.changes.clone(),
        );
        registry.register("probes", "Probes by their outcome", self.probes.clone());
        registry.register("probe_duration_seconds", "How long probes took", self.durations.clone());
        registry.register_collector(Box::new(Readings {
            facts: facts.clone(),
            snapshot: snapshot.clone(),
            now,
        }));
        let mut page = String::new();
        // Writing into a string does not fail.
        let _ = text::encode(&mut page, &registry);
        page
    }
}

/// What a snapshot says.
#[derive(Debug)]
struct Readings {
    facts: Facts,
    snapshot: Snapshot,
    now: Instant,
}

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let (snapshot, now) = (&self.snapshot, self.now);
        let standing = &snapshot.standing;
        let mut gauge = |name, help, value: f64| {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(metric)
        };
        let age = |at: Option<Instant>| at.map_or(f64::NAN, |at| seconds(at, now));
        gauge(
            "verdict_age_seconds",
            "How long the verdict has been this one",
            seconds(snapshot.conclusion.since, now),
        )?;
        gauge(
            "probe_age_seconds",
            "How long ago the last probe ended; NaN before the first",
            age(snapshot.probe.as_ref().map(|probe| probe.ended)),
        )?;
        gauge(
            "loop_age_seconds",
            "How long ago the main loop last turned",
            seconds(snapshot.turned, now),
        )?;
        gauge(
            "up_seconds",
            "How long the sidecar has been running",
            seconds(self.facts.started, now),
        )?;
        gauge(
            "registered",
            "Whether the member key is there",
            flag(standing.key_revision.is_some()),
        )?;
        gauge(
            "registration_as_wanted",
            "Whether the key is there as the verdict wants it; 0 also while it wants none",
            flag(standing.registered),
        )?;
        gauge(
            "lease_held",
            "Whether the lease surely lives",
            flag(standing.lease.is_some()),
        )?;
        gauge(
            "registry_away_seconds",
            "How long no endpoint of etcd has answered; 0 when one does",
            standing.away_since.map_or(0.0, |since| seconds(since, now)),
        )?;
        gauge(
            "registry_verified_age_seconds",
            "How long ago the member key was last seen in etcd, or a sign of life of the watch said that it is as it was: some 20 s at most while all is well; NaN before the first time",
            age(standing.verified_at),
        )?;
        self.counters(&mut encoder)?;
        self.families(&mut encoder)
    }
}

impl Readings {
    fn counters(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counters = &self.snapshot.standing.counters;
        for (name, help, value) in [
            ("registration_puts", "Writes of the member key", counters.puts),
            ("registration_deletes", "Deletions of the member key", counters.deletes),
            (
                "lease_losses",
                "Leases that ended before they were ended",
                counters.lease_losses,
            ),
        ] {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(metric)?;
        }
        let help = "Failed calls of etcd by their kind";
        let mut errors = encoder.encode_descriptor("registry_errors", help, None, MetricType::Counter)?;
        for (kind, value) in &counters.errors {
            ConstCounter::new(*value).encode(errors.encode_family(&[("kind", *kind)])?)?;
        }
        Ok(())
    }

    /// What is wrong with the node, and what with its disk, each with all the classes that there are: an alarm can wait for any.
    fn illness(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let help = "1 for what is wrong with the node, also before it costs the verdict";
        let mut classes = encoder.encode_descriptor("illness", help, None, MetricType::Gauge)?;
        for class in Illness::ALL {
            let holds = flag(self.snapshot.conclusion.illness == Some(class));
            ConstGauge::new(holds).encode(classes.encode_family(&[("class", class.word())])?)?;
        }
        let disk = self.snapshot.disk.as_ref();
        let state = disk.map_or(DiskState::Unknown, |(disk, _)| disk.state);
        let help = "1 for how the disk under the data stands, as the launcher tells it";
        let mut states = encoder.encode_descriptor("disk", help, None, MetricType::Gauge)?;
        for own in DiskState::ALL {
            ConstGauge::new(flag(own == state)).encode(states.encode_family(&[("state", own.word())])?)?;
        }
        let passed = disk.and_then(|(disk, _)| disk.watermark);
        let help = "1 for the watermark of the node that its disk has passed";
        let mut marks = encoder.encode_descriptor("disk_watermark", help, None, MetricType::Gauge)?;
        for own in Watermark::ALL {
            ConstGauge::new(flag(passed == Some(own))).encode(marks.encode_family(&[("watermark", own.word())])?)?;
        }
        let used = disk.and_then(|(disk, _)| disk.used_percent);
        let help = "The used share of the disk under the data; NaN while unknown";
        let metric = encoder.encode_descriptor("disk_used_ratio", help, None, MetricType::Gauge)?;
        ConstGauge::new(used.map_or(f64::NAN, |percent| f64::from(percent) / 100.0)).encode(metric)?;
        let help = "How long ago the launcher last told of the disk; NaN while unknown";
        let metric = encoder.encode_descriptor("disk_age_seconds", help, None, MetricType::Gauge)?;
        ConstGauge::new(disk.map_or(f64::NAN, |(_, heard)| seconds(*heard, self.now))).encode(metric)
    }

    fn families(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut verdict =
            encoder.encode_descriptor("verdict", "1 for the verdict that holds", None, MetricType::Gauge)?;
        for word in Verdict::ALL {
            let holds = flag(word == self.snapshot.conclusion.verdict);
            ConstGauge::new(holds).encode(verdict.encode_family(&[("verdict", word.word())])?)?;
        }
        self.illness(encoder)?;
        let help = "1 for what keeps the key from being as wanted although etcd answers";
        let mut obstacle = encoder.encode_descriptor("registration_obstacle", help, None, MetricType::Gauge)?;
        if let Some(found) = &self.snapshot.standing.obstacle {
            ConstGauge::new(1.0).encode(obstacle.encode_family(&[("kind", found.kind())])?)?;
        }
        let record = self.snapshot.recorded_uuid();
        let node = self.snapshot.reported_uuid();
        let help =
            "1 for the cluster UUID that the record says, and for the one that the node reports; absent while unknown";
        let mut uuids = encoder.encode_descriptor("cluster_uuid_info", help, None, MetricType::Gauge)?;
        for (source, uuid) in [("record", record), ("node", node)] {
            if let Some(uuid) = uuid {
                ConstGauge::new(1.0).encode(uuids.encode_family(&[("source", source), ("uuid", uuid.as_str())])?)?;
            }
        }
        let help = "Whether the node reports the recorded cluster UUID; absent while one of them is unknown";
        let matches = encoder.encode_descriptor("cluster_uuid_match", help, None, MetricType::Gauge)?;
        if let (Some(recorded), Some(reported)) = (record, node) {
            ConstGauge::new(flag(recorded == reported)).encode(matches)?;
        }
        let mut build = encoder.encode_descriptor("build_info", "The version that runs", None, MetricType::Gauge)?;
        ConstGauge::new(1.0).encode(build.encode_family(&[("version", env!("CARGO_PKG_VERSION"))])?)
    }
}

const fn flag(on: bool) -> f64 {
    if on { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::SystemTime};

    use super::*;
    use crate::{
        model::{Incarnation, NodeId},
        registration::Standing,
        sidecar::{snapshot::RecordSeen, verdict::Conclusion, vigil::Witness},
    };

    #[test]
    fn every_metric_stands_in_the_documentation_with_its_help() {
        let now = Instant::now();
        let facts = Facts {
            id: NodeId::new([10, 0, 0, 1].into(), 9300),
            service: "elasticsearch".parse().expect("name"),
            key: String::new(),
            probed_at: String::new(),
            incarnation: "a".parse::<Incarnation>().expect("id"),
            started: now,
            turn: std::time::Duration::from_secs(1),
        };
        let snapshot = Snapshot {
            turned: now,
            conclusion: Conclusion {
                verdict: Verdict::Ready,
                why: String::new(),
                illness: None,
                since: now,
            },
            since: SystemTime::now(),
            probe: None,
            report: None,
            standing: Standing::default(),
            record: RecordSeen::Absent,
            settings: crate::reload::Reading::default(),
            witness: Witness::Connection,
            seeds: None,
            disk: None,
        };
        let page = Metrics::new().render(&facts, &snapshot, now);
        let help = page
            .lines()
            .filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' '));
        let rendered: BTreeSet<_> = help
            .map(|(name, help)| (name.to_owned(), help.trim_end_matches('.').to_owned()))
            .collect();
        let rows = include_str!("../../docs/usage/http.md").lines().filter_map(|line| {
            let (name, help) = line.strip_prefix("| `quorate_")?.split_once("` | ")?;
            let name = name.split('{').next()?.trim_end_matches("_total");
            Some((format!("quorate_{name}"), help.trim_end_matches(" |").to_owned()))
        });
        assert_eq!(rows.collect::<BTreeSet<_>>(), rendered);
    }
}

//! What etcd and the hosts' processes have used, between two moments.

use tokio::time::{Duration, Instant};

use super::support::etcd::Etcd;

/// What etcd counts: proposals, bytes and fsyncs of its log, renewals of leases.
const METRICS: [&str; 4] = [
    "etcd_server_proposals_committed_total",
    "etcd_disk_wal_write_bytes_total",
    "etcd_disk_wal_fsync_duration_seconds_count",
    "etcd_debugging_lease_renewed_total",
];

/// The counters at one moment.
pub(crate) struct Moment {
    at: Instant,
    metrics: [Option<f64>; 4],
    etcd_cpu: Duration,
    hosts_cpu: Duration,
}

/// What was used in between.
pub(crate) struct Used {
    /// For how long.
    pub(crate) time: Duration,
    /// Proposals, bytes and fsyncs of the log, renewals; none where this etcd does not count it.
    pub(crate) metrics: [Option<f64>; 4],
    /// Processor time of etcd.
    pub(crate) etcd_cpu: Duration,
    /// Processor time of the hosts' processes.
    pub(crate) hosts_cpu: Duration,
}

impl Moment {
    /// Now.
    pub(crate) async fn now(etcd: &Etcd, hosts: &[u32]) -> Self {
        Self {
            at: Instant::now(),
            metrics: etcd.metrics(METRICS).await,
            etcd_cpu: cpu(etcd.pid()),
            hosts_cpu: hosts.iter().map(|pid| cpu(*pid)).sum(),
        }
    }

    /// From here to `end`.
    pub(crate) fn to(&self, end: &Self) -> Used {
        let mut metrics = end.metrics;
        for (end, begin) in metrics.iter_mut().zip(self.metrics) {
            *end = end.zip(begin).map(|(end, begin)| end - begin);
        }
        Used {
            time: end.at - self.at,
            metrics,
            etcd_cpu: end.etcd_cpu.saturating_sub(self.etcd_cpu),
            hosts_cpu: end.hosts_cpu.saturating_sub(self.hosts_cpu),
        }
    }
}

/// User and system time of a process.
pub(crate) fn cpu(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process lives");
    let (_, fields) = stat.rsplit_once(')').expect("its fields");
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Memory of a process in MB.
pub(crate) fn resident_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kb: Option<f64> = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok());
    kb.expect("its memory") / 1024.0
}

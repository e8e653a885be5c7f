//! What a healthy node costs: etcd's work, our processor time, memory and processes, over one window.

use std::{collections::BTreeMap, time::Duration};

use tokio::net::TcpStream;

use super::{contender::Contender, etcd::Etcd, standin::StandIn, table};

/// Who keeps the key in one row.
#[derive(Clone, Copy)]
enum Row {
    Nobody,
    Sidecar,
    ShellLoop { sleep: u32 },
}

impl Row {
    fn title(self) -> String {
        match self {
            Self::Nobody => "etcd alone".to_owned(),
            Self::Sidecar => "sidecar".to_owned(),
            Self::ShellLoop { sleep } => format!("shell loop, sleep {sleep}"),
        }
    }
}

/// Every row has an etcd of its own: leases that an earlier one left behind end with a proposal each.
pub(crate) async fn run(window: Duration) -> Vec<table::Row> {
    let mut rows = Vec::new();
    for row in [
        Row::Nobody,
        Row::Sidecar,
        Row::ShellLoop { sleep: 45 },
        Row::ShellLoop { sleep: 1 },
    ] {
        let (etcd, state) = (Etcd::start().await, tempfile::tempdir().expect("a directory"));
        let address = "127.0.16.2";
        let node = StandIn::start(&format!("{address}:9200"));
        while TcpStream::connect((address, 9200)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let contender = match row {
            Row::Nobody => None,
            Row::Sidecar => Some(Contender::sidecar(&etcd, address, state.path())),
            Row::ShellLoop { sleep } => Some(Contender::shell_loop(&etcd, address, sleep)),
        };
        // Past the start: registered, and the first keep-alive is behind it.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let pid = contender.as_ref().map(Contender::pid);
        rows.extend(measured(row.title(), &etcd, pid, window).await);
        drop((contender, node));
    }
    rows
}

async fn measured(title: String, etcd: &Etcd, pid: Option<u32>, window: Duration) -> Vec<table::Row> {
    let (etcd_before, cpu_before, forks_before) = (etcd.metrics().await, pid.map(cpu_ticks), forks());
    tokio::time::sleep(window).await;
    let (etcd_after, cpu_after, forks_after) = (etcd.metrics().await, pid.map(cpu_ticks), forks());
    let cpu = cpu_before.zip(cpu_after).map(|(before, after)| (after - before) * 10.0);
    let row =
        |what: &str, value: f64, unit| table::Row::new(what, title.as_str(), table::Figure::new(vec![value], unit));
    let delta = |what, key: &str, unit| {
        let of = |metrics: &BTreeMap<String, f64>| metrics.get(key).copied().unwrap_or(f64::NAN);
        row(what, of(&etcd_after) - of(&etcd_before), unit)
    };
    let mut rows = vec![
        delta("proposals", "etcd_server_proposals_committed_total", ""),
        delta("WAL", "etcd_disk_wal_write_bytes_total", "bytes"),
        delta("fsyncs", "etcd_disk_wal_fsync_duration_seconds_count", ""),
        delta("keep-alives", "etcd_debugging_lease_renewed_total", ""),
        row("forks on the machine", forks_after - forks_before, ""),
    ];
    rows.extend(cpu.map(|ms| row("processor time", ms, "ms").target("≤ 12 ms", |figure| figure.at(0.5) <= 12.0)));
    rows.extend(
        pid.and_then(resident)
            .map(|kb| row("resident memory", kb / 1000.0, "MB")),
    );
    rows
}

/// User and system time of the process and the children it has waited for, in ticks of 10 ms.
fn cpu_ticks(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process lives");
    let fields = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace())
        .expect("its fields");
    fields
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum()
}

/// Processes made on the whole machine since it started: other work on it counts too, so measure on a quiet one.
fn forks() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").expect("/proc/stat");
    let line = stat
        .lines()
        .find_map(|line| line.strip_prefix("processes "))
        .expect("processes");
    line.trim().parse().expect("a number")
}

fn resident(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

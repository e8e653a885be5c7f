//! What a healthy node costs: etcd's work, our processor time, memory and processes, over one window.

use std::{collections::BTreeMap, time::Duration};

use quorate::output;
use tokio::net::TcpStream;

use super::{contender::Contender, etcd::Etcd, standin::StandIn};

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

/// Prints the table. Every row has an etcd of its own: leases that an earlier one left behind end with a proposal each.
pub(crate) async fn run(window: Duration) {
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
        rows.push(measured(row.title(), &etcd, pid, window).await);
        drop((contender, node));
    }
    let head = [
        "STEADY STATE",
        "PROPOSALS",
        "WAL bytes",
        "FSYNCS",
        "KEEP-ALIVES",
        "CPU ms",
        "RSS kB",
        "FORKS",
    ];
    output::table(&head, &rows).expect("printed");
    println!(
        "\nFORKS counts every process made on the machine in the window; the first row says how many were others'."
    );
}

async fn measured(title: String, etcd: &Etcd, pid: Option<u32>, window: Duration) -> Vec<String> {
    let (etcd_before, cpu_before, forks_before) = (etcd.metrics().await, pid.map(cpu_ticks), forks());
    tokio::time::sleep(window).await;
    let (etcd_after, cpu_after, forks_after) = (etcd.metrics().await, pid.map(cpu_ticks), forks());
    let cpu = cpu_before.zip(cpu_after).map(|(before, after)| (after - before) * 10);
    let delta = |key: &str| {
        let of = |metrics: &BTreeMap<String, f64>| {
            metrics
                .get(key)
                .copied()
                .unwrap_or_else(|| panic!("etcd has no metric {key}"))
        };
        format!("{:.0}", of(&etcd_after) - of(&etcd_before))
    };
    vec![
        title,
        delta("etcd_server_proposals_committed_total"),
        delta("etcd_disk_wal_write_bytes_total"),
        delta("etcd_disk_wal_fsync_duration_seconds_count"),
        delta("etcd_debugging_lease_renewed_total"),
        cpu.map_or_else(|| "-".to_owned(), |ms| ms.to_string()),
        pid.map_or_else(|| "-".to_owned(), resident),
        format!("{}", forks_after - forks_before),
    ]
}

/// User and system time of the process and the children it has waited for, in ticks of 10 ms.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process lives");
    let fields = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace())
        .expect("its fields");
    fields
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum()
}

/// Processes made on the whole machine since it started: other work on it counts too, so measure on a quiet one.
fn forks() -> u64 {
    let stat = std::fs::read_to_string("/proc/stat").expect("/proc/stat");
    let line = stat
        .lines()
        .find_map(|line| line.strip_prefix("processes "))
        .expect("processes");
    line.trim().parse().expect("a number")
}

fn resident(pid: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process lives");
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .map_or_else(|| "-".to_owned(), |rest| rest.trim().trim_end_matches(" kB").to_owned())
}

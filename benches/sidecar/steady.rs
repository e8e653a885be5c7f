//! What a healthy node costs: etcd's work, our processor time, memory and processes, over one window.

use std::{collections::BTreeMap, time::Duration};

use quorate::output;
use tokio::net::TcpStream;

use super::{contender::Contender, etcd::Etcd, standin::StandIn};

/// Prints the table.
pub(crate) async fn run(etcd: &Etcd, window: Duration) {
    let mut rows = Vec::new();
    for (index, (name, sleep)) in [
        ("sidecar", None),
        ("shell loop, sleep 45", Some(45)),
        ("shell loop, sleep 1", Some(1)),
    ]
    .into_iter()
    .enumerate()
    {
        let address = format!("127.0.16.{}", index + 2);
        let state = tempfile::tempdir().expect("a directory");
        let node = StandIn::start(&format!("{address}:9200"));
        while TcpStream::connect((address.as_str(), 9200)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let contender = match sleep {
            None => Contender::sidecar(etcd, &address, state.path()),
            Some(sleep) => Contender::shell_loop(etcd, &address, sleep),
        };
        // Past the start: registered, and the first keep-alive is behind it.
        tokio::time::sleep(Duration::from_secs(3)).await;
        rows.push(row(name, etcd, contender.pid(), window).await);
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
}

async fn row(name: &str, etcd: &Etcd, pid: u32, window: Duration) -> Vec<String> {
    let (etcd_before, cpu_before, forks_before) = (etcd.metrics().await, cpu_ticks(pid), forks());
    tokio::time::sleep(window).await;
    let (etcd_after, cpu_after, forks_after) = (etcd.metrics().await, cpu_ticks(pid), forks());
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
        name.to_owned(),
        delta("etcd_server_proposals_committed_total"),
        delta("etcd_disk_wal_write_bytes_total"),
        delta("etcd_disk_wal_fsync_duration_seconds_count"),
        delta("etcd_debugging_lease_renewed_total"),
        format!("{}", (cpu_after - cpu_before) * 10),
        resident(pid),
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

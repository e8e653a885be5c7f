//! One who follows all keys of the service: `quorate seeds --watch` and `quorate status --watch`.

use std::{process::Stdio, time::Duration};

use quorate::registry::{Op, Registry, Txn};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{ChildStdout, Command},
    time::{Instant, timeout},
};

use super::{cost, fleet, support::etcd::Etcd};

/// How many changes are timed.
const CHANGES: u32 = 20;
/// The hosts that come and go have these numbers.
const STRANGERS: u32 = 1 << 23;
/// A reader that takes this long for a line has failed.
const LONGEST: Duration = Duration::from_mins(2);

/// What one reader needed.
pub(crate) struct Reader {
    /// As it is called.
    pub(crate) command: &'static str,
    /// From its start to the first list.
    pub(crate) first: Duration,
    /// From a change in etcd to the line that shows it.
    pub(crate) changes: Vec<Duration>,
    /// Processor time for one change.
    pub(crate) cpu: Duration,
    /// Memory after the changes, in MB.
    pub(crate) resident_mb: f64,
}

/// Measures both.
pub(crate) async fn run(etcd: &Etcd) -> Vec<Reader> {
    let mut readers = Vec::new();
    for (command, args) in [
        ("seeds --watch", &["seeds", "--watch", "--format", "csv"][..]),
        ("status --watch", &["status", "--watch", "--output", "json"][..]),
    ] {
        readers.push(measure(etcd, command, args).await);
    }
    readers
}

#[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
async fn measure(etcd: &Etcd, command: &'static str, args: &[&str]) -> Reader {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_quorate"))
        .args(args)
        .args(["--service", fleet::SERVICE, "--endpoints", &etcd.endpoint()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("quorate");
    let pid = child.id().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    until(&mut lines, "10.0.").await;
    let (first, cpu, registry) = (begun.elapsed(), cost::cpu(pid), etcd.registry());
    let mut changes = Vec::new();
    for number in STRANGERS..STRANGERS + CHANGES {
        changes.push(change(&registry, number, &mut lines).await);
    }
    let reader = Reader {
        command,
        first,
        changes,
        cpu: cost::cpu(pid).saturating_sub(cpu) / CHANGES,
        resident_mb: cost::resident_mb(pid),
    };
    for number in STRANGERS..STRANGERS + CHANGES {
        let key = fleet::keys().member(&fleet::id(number));
        let gone = Txn {
            when: Vec::new(),
            then: vec![Op::Delete { key }],
        };
        registry.commit(&gone).await.expect("deleted");
    }
    reader
}

/// A host appears; how long until the reader names it.
async fn change(registry: &Registry, number: u32, lines: &mut Lines<BufReader<ChildStdout>>) -> Duration {
    let id = fleet::id(number);
    let put = Op::Put {
        key: fleet::keys().member(&id),
        value: fleet::member(number).to_value(),
        lease: None,
    };
    let txn = Txn {
        when: Vec::new(),
        then: vec![put],
    };
    registry.commit(&txn).await.expect("put");
    let begun = Instant::now();
    until(lines, &id.host_port(9300)).await;
    begun.elapsed()
}

async fn until(lines: &mut Lines<BufReader<ChildStdout>>, part: &str) {
    let search = async {
        loop {
            let line = lines.next_line().await.expect("it answers").expect("it lives");
            if line.contains(part) {
                return;
            }
        }
    };
    timeout(LONGEST, search).await.expect("a line with what changed");
}

//! What a healthy node costs in a minute: etcd's work, processor time, memory, system calls and forks, everybody at the same time beside
//! an etcd of its own. The calls are counted by strace in a second window, because it slows down whom it follows.

use std::{collections::BTreeMap, time::Duration};

use super::{
    contender::{Contender, Keeper, script::Script, sidecar::Sidecar},
    etcd::Etcd,
    options::Options,
    proc,
    standin::StandIn,
    strace::Strace,
    table::{Figure, OURS, Row},
    watch::{Reader, connect},
};

/// What is compared is a minute's worth.
const MINUTE: f64 = 60.0;

/// One node with whom keeps its key, and their etcd.
struct Pair {
    who: String,
    etcd: Etcd,
    keeper: Option<Box<dyn Keeper>>,
    _node: StandIn,
}

/// The table.
pub(crate) async fn run(options: &Options) -> Vec<Row> {
    let program = options.program.as_path();
    let ours = Sidecar { program, threads: true };
    let (script, eager) = (Script::new(45, false), Script::new(1, false));
    let mut pairs = vec![Pair::new(2, None).await];
    for (nth, contender) in [&ours as &dyn Contender, &script, &eager].into_iter().enumerate() {
        pairs.push(Pair::new(nth + 3, Some(contender)).await);
    }
    // Past the start: registered, and the first keep-alive is behind it.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let minutes = options.window.as_secs_f64() / MINUTE;
    let mut before = Vec::new();
    for pair in &pairs {
        before.push(pair.counters().await);
    }
    tokio::time::sleep(options.window).await;
    let mut rows = Vec::new();
    for (pair, before) in pairs.iter().zip(before) {
        let after = pair.counters().await;
        rows.extend(after.iter().map(|(what, (value, unit))| {
            let was = before.get(what).map_or(0.0, |(value, _)| *value);
            pair.row(what, (value - was) / minutes, unit)
        }));
        let resident = pair.pid().and_then(proc::resident);
        rows.extend(resident.map(|mb| pair.row("resident memory", mb, "MB")));
    }
    rows.extend(calls(&pairs, options.window).await);
    rows
}

/// What strace counts, where there is one.
async fn calls(pairs: &[Pair], window: Duration) -> Vec<Row> {
    let attached: Vec<(&Pair, Strace)> = pairs
        .iter()
        .filter_map(|pair| Some((pair, Strace::attach(pair.pid()?)?)))
        .collect();
    if attached.is_empty() {
        return Vec::new();
    }
    tokio::time::sleep(window).await;
    let minutes = window.as_secs_f64() / MINUTE;
    let rows = attached.into_iter().map(|(pair, strace)| {
        let (calls, forks) = strace.count();
        [("system calls per minute", calls), ("forks per minute", forks)]
            .map(|(what, n)| pair.row(what, n / minutes, ""))
    });
    rows.flatten().collect()
}

impl Pair {
    async fn new(nth: usize, contender: Option<&dyn Contender>) -> Self {
        let etcd = Etcd::start().await;
        let address = format!("127.63.2.{nth}");
        let node = StandIn::with_heap(&address, 0);
        connect(&address).await;
        let mut reader = Reader::of(&etcd, &address).await;
        let mut keeper = contender.map(|contender| contender.keep(&etcd, &address));
        if let Some(keeper) = &mut keeper {
            keeper.node_runs(node.pid());
            reader.put().await;
        }
        let who = contender.map_or("etcd alone", Contender::name).to_owned();
        Self {
            who,
            etcd,
            keeper,
            _node: node,
        }
    }

    fn pid(&self) -> Option<u32> {
        self.keeper.as_ref().and_then(|keeper| keeper.pid())
    }

    /// Everything that counts up.
    async fn counters(&self) -> BTreeMap<&'static str, (f64, &'static str)> {
        let metrics = self.etcd.metrics().await;
        let of = |key: &str| metrics.get(key).copied().unwrap_or(f64::NAN);
        let mut all = BTreeMap::from([
            (
                "proposals per minute",
                (of("etcd_server_proposals_committed_total"), ""),
            ),
            (
                "bytes to etcd's log per minute",
                (of("etcd_disk_wal_write_bytes_total"), "bytes"),
            ),
            (
                "fsyncs of etcd per minute",
                (of("etcd_disk_wal_fsync_duration_seconds_count"), ""),
            ),
            ("keep-alives per minute", (of("etcd_debugging_lease_renewed_total"), "")),
        ]);
        all.extend(
            self.pid()
                .map(|pid| ("processor time per minute", (proc::busy_ms(pid), "ms"))),
        );
        all
    }

    /// Ours has the targets of the design.
    fn row(&self, what: &str, value: f64, unit: &'static str) -> Row {
        let row = Row::new(what, self.who.clone(), Figure::new(vec![value], unit));
        let most = match what {
            _ if self.who != OURS => return row,
            "resident memory" => 6.0,
            "processor time per minute" => 12.0,
            // One every third of the TTL of 30 s; a window may hold one more.
            "keep-alives per minute" => 7.0,
            "system calls per minute" => return row,
            _ => 0.0,
        };
        let words = if most == 0.0 {
            "none".to_owned()
        } else {
            format!("≤ {most} {unit}")
        };
        row.target(words.trim_end(), |figure| figure.at(1.0) <= most)
    }
}

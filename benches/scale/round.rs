//! One number of hosts after the other, through a start, a steady time and every way to lose etcd.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    Options,
    cost::{self, Moment},
    fleet::{self, Plan, Tally},
    processes::{self, Processes},
    reader::{self, Reader},
    support::etcd::Etcd,
    table::{Figure, OURS, Report, Row},
};

/// How many processes hold the hosts: each as many as open files allow, and each a thread for the processors.
const PROCESSES: u32 = 4;
/// How long all may take to come back.
const LONGEST: Duration = Duration::from_mins(5);
/// How soon all have to be back after a restart.
const TARGET_MS: f64 = 60_000.0;
/// How much longer than the lifetime of the keys etcd is away.
const BEYOND: Duration = Duration::from_secs(5);

/// A way to lose etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Restarted,
    Away,
    Frozen,
    Emptied,
}

/// What is known so far.
#[derive(Default)]
struct Found {
    times: Vec<Row>,
    times_notes: Vec<String>,
    steady: Vec<Row>,
    readers: Vec<Row>,
    readers_notes: Vec<String>,
}

/// Runs everything and prints the tables.
pub(crate) async fn run(options: &Options) {
    let sharing = options.shared.map_or_else(
        || "a connection each".to_owned(),
        |connections| format!("over {connections} connections"),
    );
    let version = Etcd::start(options.version).await.full_version().await;
    let mut report = Report::new(
        "scale",
        &format!(
            "etcd {version}; TTL {:?}; hosts simulated by {PROCESSES} processes with the product's registration, client and watches, \
             {sharing}, state files in memory, no probe; window {:?}",
            options.ttl, options.window
        ),
    );
    for &count in &options.hosts {
        let found = round(options, count).await;
        report.topic("REGISTERED AGAIN", &found.times, &texts(&found.times_notes));
        report.topic("STEADY, A MINUTE", &found.steady, &[]);
        report.topic("ONE READER", &found.readers, &texts(&found.readers_notes));
    }
    report.finish();
}

fn texts(notes: &[String]) -> Vec<&str> {
    notes.iter().map(String::as_str).collect()
}

async fn round(options: &Options, count: u32) -> Found {
    let (mut etcd, dir, mut found) = (
        Etcd::start(options.version).await,
        processes::memory(),
        Found::default(),
    );
    let plan = Plan {
        endpoint: etcd.endpoint(),
        first: 1,
        count,
        per_connection: options.shared.map_or(1, |connections| count.div_ceil(connections)),
        dir: dir.path().to_owned(),
        ttl: options.ttl,
    };
    let mut hosts = Processes::new(PROCESSES);
    hosts.start(&plan).await;
    let tally = hosts.settled(LONGEST).await;
    found.time(count, "all start at once", &tally, &etcd, None).await;
    if tally.missing > 0 {
        // What etcd cannot carry has no steady state.
        return found;
    }
    found.steady(options, count, &etcd, &mut hosts).await;
    for reader in reader::run(&etcd).await {
        found.reader(count, &reader);
    }
    for loss in [Loss::Restarted, Loss::Away, Loss::Frozen, Loss::Emptied] {
        let answers = lose(loss, &mut etcd, options.ttl, &mut hosts).await;
        let tally = hosts.settled(LONGEST).await;
        found
            .time(count, loss.title(), &tally, &etcd, Some((loss, answers)))
            .await;
        if tally.missing > 0 {
            // The next loss would begin in the middle of this one.
            break;
        }
    }
    found
}

/// Loses etcd and gets it back; counts from the moment on at which it is there again, or begins to be. How long it needed to answer.
async fn lose(loss: Loss, etcd: &mut Etcd, ttl: Duration, hosts: &mut Processes) -> Duration {
    match loss {
        Loss::Restarted | Loss::Emptied => etcd.kill(),
        Loss::Away => {
            etcd.kill();
            tokio::time::sleep(ttl + BEYOND).await;
        }
        Loss::Frozen => {
            etcd.freeze();
            tokio::time::sleep(ttl + BEYOND).await;
        }
    }
    hosts.begin().await;
    let begun = Instant::now();
    match loss {
        Loss::Restarted | Loss::Away => etcd.restart().await,
        Loss::Frozen => etcd.thaw(),
        Loss::Emptied => etcd.restart_empty().await,
    }
    begun.elapsed()
}

impl Loss {
    const fn title(self) -> &'static str {
        match self {
            Self::Restarted => "etcd is killed and started",
            Self::Away => "etcd is dead for TTL + 5 s",
            Self::Frozen => "etcd is frozen for TTL + 5 s, all leases end",
            Self::Emptied => "etcd loses its data",
        }
    }
}

impl Found {
    async fn time(&mut self, count: u32, what: &str, tally: &Tally, etcd: &Etcd, lost: Option<(Loss, Duration)>) {
        let keys = etcd.registry().read(&[fleet::keys().members()]).await;
        let keys = keys.map_or_else(
            |error| error.kind().to_owned(),
            |reading| reading.entries.len().to_string(),
        );
        let all = tally.missing == 0 && keys == count.to_string();
        // A round takes minutes: whoever waits sees how far it is.
        println!(
            "{count} hosts: {what}: {} are registered after {:.1} s, {} leases lost",
            tally.back.len(),
            tally.back.iter().copied().fold(0.0, f64::max) / 1000.0,
            tally.lease_losses,
        );
        let row = Row::new(
            format!("{count} hosts: {what}"),
            OURS,
            Figure::new(tally.back.clone(), "ms"),
        );
        let restarted = lost.is_some_and(|(loss, _)| loss == Loss::Restarted);
        self.times.push(if restarted {
            let none_lost = all && tally.lease_losses == 0;
            row.target("all in 60 s, none lost", |figure| {
                none_lost && figure.at(1.0) < TARGET_MS
            })
        } else {
            row.target("all back", |_| all)
        });
        let answered = lost.map_or_else(String::new, |(_, time)| {
            format!("it answers after {:.1} s; ", time.as_secs_f64())
        });
        self.times_notes.push(format!(
            "{what}: {answered}{keys} keys; {} leases lost; {} puts; failed calls, made again: {}",
            tally.lease_losses,
            tally.puts,
            processes::in_words(&tally.errors)
        ));
    }

    async fn steady(&mut self, options: &Options, count: u32, etcd: &Etcd, hosts: &mut Processes) {
        // Past the first renewals, which spread over a third of the lifetime.
        tokio::time::sleep(options.ttl / 3).await;
        let pids = hosts.pids();
        hosts.begin().await;
        let before = Moment::now(etcd, &pids).await;
        tokio::time::sleep(options.window).await;
        let used = before.to(&Moment::now(etcd, &pids).await);
        let tally = hosts.tally().await;
        let (minutes, hosts) = (used.time.as_secs_f64() / 60.0, f64::from(count));
        let resident: f64 = pids.iter().map(|pid| cost::resident_mb(*pid)).sum();
        let cpu = |time: Duration| time.as_secs_f64() / minutes;
        let row = |what: &str, value: f64, unit: &'static str| {
            Row::new(
                format!("{count} hosts, a minute: {what}"),
                OURS,
                Figure::new(vec![value], unit),
            )
        };
        let none = |row: Row| row.target("0", |figure| figure.at(1.0) == 0.0);
        let failed: u64 = tally.errors.values().sum();
        #[expect(clippy::cast_precision_loss, reason = "some thousand")]
        let (failed, losses) = (failed as f64, tally.lease_losses as f64);
        let [proposals, wal, fsyncs, renewals] = used.metrics.map(|value| value.map(|value| value / minutes));
        let unknown = f64::NAN;
        self.steady = vec![
            none(row("etcd's proposals", proposals.unwrap_or(unknown), "")),
            none(row("etcd's WAL", wal.unwrap_or(unknown), "bytes")),
            row("etcd's fsyncs", fsyncs.unwrap_or(unknown), ""),
            row("keep-alives", renewals.unwrap_or(unknown), ""),
            row("etcd's processor time", cpu(used.etcd_cpu), "s"),
            row("etcd's memory", cost::resident_mb(etcd.pid()), "MB"),
            none(row("leases lost", losses, "")),
            none(row("failed calls", failed, "")),
            row("processor time of one host", cpu(used.hosts_cpu) * 1000.0 / hosts, "ms"),
            row("memory of one host", resident * 1024.0 / hosts, "kB"),
        ];
    }

    fn reader(&mut self, count: u32, reader: &Reader) {
        let what = format!("{count} keys: change -> told by `quorate {}`", reader.command);
        self.readers.push(Row::new(what, OURS, Figure::times(&reader.changes)));
        self.readers_notes.push(format!(
            "{}: first list after {:.0} ms; {:.1} ms of processor time a change; {:.1} MB",
            reader.command,
            reader.first.as_secs_f64() * 1000.0,
            reader.cpu.as_secs_f64() * 1000.0,
            reader.resident_mb
        ));
    }
}

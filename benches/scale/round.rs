//! One number of hosts after the other, through a start, a steady time and every way to lose etcd.

use std::time::Duration;

use quorate::output;
use tokio::time::Instant;

use super::{
    Options,
    cost::{self, Moment},
    fleet::{self, Plan, Tally},
    processes::{self, Processes},
    reader,
    support::etcd::Etcd,
};

/// How many processes hold the hosts: no more of them in one than open files allow, and some for the processors.
const PROCESSES: u32 = 4;
/// How long all may take to come back.
const LONGEST: Duration = Duration::from_mins(5);
/// How much longer than the lifetime of the keys etcd is away.
const BEYOND: Duration = Duration::from_secs(5);

/// A way to lose etcd.
#[derive(Debug, Clone, Copy)]
enum Loss {
    Restarted,
    Away,
    Frozen,
    Emptied,
}

/// The tables as they grow.
#[derive(Default)]
struct Tables {
    times: Vec<Vec<String>>,
    steady: Vec<Vec<String>>,
    readers: Vec<Vec<String>>,
}

/// Runs everything and prints the tables.
pub(crate) async fn run(options: &Options) {
    let mut tables = Tables::default();
    let mut version = String::new();
    for &count in &options.hosts {
        let etcd = Etcd::start(options.version).await;
        version = etcd.full_version().await;
        round(options, count, etcd, &mut tables).await;
    }
    let sharing = options.shared.map_or_else(
        || "a connection each".to_owned(),
        |connections| format!("over {connections} connections"),
    );
    println!(
        "etcd {version}, TTL {:?}; hosts simulated by {PROCESSES} processes with the product's registration, client and watches, \
         {sharing}, state files in memory, no probe\n",
        options.ttl
    );
    tables.print(options.window);
}

async fn round(options: &Options, count: u32, mut etcd: Etcd, tables: &mut Tables) {
    let dir = processes::memory();
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
    tables.time(count, "all start at once", &tally, &etcd).await;
    tables.steady(options, count, &etcd, &mut hosts).await;
    for reader in reader::run(&etcd).await {
        tables.reader(count, reader);
    }
    for loss in [Loss::Restarted, Loss::Away, Loss::Frozen, Loss::Emptied] {
        let answers = lose(loss, &mut etcd, options.ttl, &mut hosts).await;
        let tally = hosts.settled(LONGEST).await;
        let what = format!("{}, answers after {:.1} s", loss.title(), answers.as_secs_f64());
        tables.time(count, &what, &tally, &etcd).await;
    }
}

/// Loses etcd and gets it back; counts from the moment on at which it is there again, or starts to be. How long it needed to answer.
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
            Self::Frozen => "etcd is frozen for TTL + 5 s",
            Self::Emptied => "etcd loses its data",
        }
    }
}

impl Tables {
    async fn time(&mut self, count: u32, what: &str, tally: &Tally, etcd: &Etcd) {
        let keys = etcd
            .registry()
            .read(&[fleet::keys().members()])
            .await
            .map(|reading| reading.entries.len());
        let mut back = tally.back.clone();
        back.sort_unstable_by(f64::total_cmp);
        let at = |permille: usize| {
            let index = back.len().saturating_sub(1) * permille / 1000;
            back.get(index)
                .map_or_else(|| "-".to_owned(), |ms| format!("{:.2}", ms / 1000.0))
        };
        let row = vec![
            count.to_string(),
            what.to_owned(),
            at(500),
            at(990),
            at(1000),
            back.len().to_string(),
            keys.map_or_else(|error| error.kind().to_owned(), |keys| keys.to_string()),
            tally.lease_losses.to_string(),
            tally.puts.to_string(),
            processes::in_words(&tally.errors),
        ];
        println!("{}", row.join(" | "));
        self.times.push(row);
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
        let minutes = used.time.as_secs_f64() / 60.0;
        let number =
            |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{:.0}", value / minutes));
        let [proposals, wal, fsyncs, renewals] = used.metrics.map(number);
        let resident: u64 = pids.iter().map(|pid| cost::resident(*pid)).sum();
        let row = vec![
            count.to_string(),
            format!("{:.1}", used.etcd_cpu.as_secs_f64() * 100.0 / used.time.as_secs_f64()),
            (cost::resident(etcd.pid()) / 1024).to_string(),
            proposals,
            wal,
            fsyncs,
            renewals,
            tally.lease_losses.to_string(),
            processes::in_words(&tally.errors),
            format!(
                "{:.2}",
                used.hosts_cpu.as_secs_f64() * 1000.0 / minutes / f64::from(count)
            ),
            (resident / u64::from(count)).to_string(),
        ];
        println!("{}", row.join(" | "));
        self.steady.push(row);
    }

    fn reader(&mut self, count: u32, reader: reader::Reader) {
        let mut changes = reader.changes;
        changes.sort_unstable();
        let ms = |time: Option<&Duration>| {
            time.map_or_else(|| "-".to_owned(), |time| format!("{:.1}", time.as_secs_f64() * 1000.0))
        };
        let row = vec![
            count.to_string(),
            reader.command.to_owned(),
            ms(Some(&reader.first)),
            ms(changes.get(changes.len() / 2)),
            ms(changes.last()),
            ms(Some(&reader.cpu)),
            reader.resident.to_string(),
        ];
        println!("{}", row.join(" | "));
        self.readers.push(row);
    }

    fn print(&self, window: Duration) {
        let head = [
            "HOSTS",
            "REGISTERED AGAIN",
            "MEDIAN s",
            "P99 s",
            "MAX s",
            "N",
            "KEYS",
            "LEASES LOST",
            "PUTS",
            "FAILED CALLS, MADE AGAIN",
        ];
        output::table(&head, &self.times).expect("printed");
        println!("\nA minute of the steady state, taken from {window:?}:");
        let head = [
            "HOSTS",
            "etcd CPU %",
            "etcd RSS MB",
            "PROPOSALS",
            "WAL bytes",
            "FSYNCS",
            "KEEP-ALIVES",
            "LEASES LOST",
            "FAILED CALLS",
            "CPU ms a host",
            "RSS kB a host",
        ];
        output::table(&head, &self.steady).expect("printed");
        println!();
        let head = [
            "HOSTS",
            "READER",
            "FIRST LIST ms",
            "CHANGE ms",
            "MAX ms",
            "CPU ms a change",
            "RSS kB",
        ];
        output::table(&head, &self.readers).expect("printed");
    }
}

//! The processes that hold the simulated hosts: this program started again, told what to do and asked how it goes, line by line.

use std::{collections::BTreeMap, path::Path, process::Stdio, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::mpsc,
    time::Instant,
};

use super::fleet::{Fleet, Plan, Tally};

/// What a process is told.
#[derive(Debug, Serialize, Deserialize)]
enum Told {
    /// Start these hosts.
    Start(Plan),
    /// Count from this moment of the machine's clock on, in ns.
    Begin(u64),
    /// Say how they stand.
    Tally,
}

/// All hosts, in several processes. They end with it.
pub(crate) struct Processes(Vec<Process>);

struct Process {
    child: Child,
    stdin: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Processes {
    /// Starts `count` of them, without hosts.
    #[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
    pub(crate) fn new(count: u32) -> Self {
        let program = std::env::current_exe().expect("own path");
        let one = |_| {
            let mut child = Command::new(&program)
                .arg("--simulate")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .expect("a child");
            Process {
                stdin: child.stdin.take().expect("its input"),
                answers: BufReader::new(child.stdout.take().expect("its output")).lines(),
                child,
            }
        };
        Self((0..count).map(one).collect())
    }

    /// Starts the hosts of `plan`, shared out among the processes.
    pub(crate) async fn start(&mut self, plan: &Plan) {
        let processes = u32::try_from(self.0.len()).expect("a few");
        for (index, process) in (0..).zip(&mut self.0) {
            let first = plan.count * index / processes;
            let next = plan.count * (index + 1) / processes;
            let share = Plan {
                first: plan.first + first,
                count: next - first,
                ..plan.clone()
            };
            process.tell(&Told::Start(share)).await;
        }
        for process in &mut self.0 {
            process.answer().await;
        }
    }

    /// Counts from now on.
    pub(crate) async fn begin(&mut self) {
        let now = clock();
        for process in &mut self.0 {
            process.tell(&Told::Begin(now)).await;
        }
        for process in &mut self.0 {
            process.answer().await;
        }
    }

    /// How all of them stand.
    pub(crate) async fn tally(&mut self) -> Tally {
        for process in &mut self.0 {
            process.tell(&Told::Tally).await;
        }
        let mut all = Tally::default();
        for process in &mut self.0 {
            let tally: Tally = serde_json::from_str(&process.answer().await).expect("a tally");
            all.missing += tally.missing;
            all.back.extend(tally.back);
            all.puts += tally.puts;
            all.lease_losses += tally.lease_losses;
            for (kind, count) in tally.errors {
                *all.errors.entry(kind).or_default() += count;
            }
        }
        all
    }

    /// Waits until the keys of all are sure again, at most so long.
    pub(crate) async fn settled(&mut self, max: Duration) -> Tally {
        let begun = Instant::now();
        loop {
            let tally = self.tally().await;
            if tally.missing == 0 || begun.elapsed() > max {
                return tally;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Their processes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.0.iter().filter_map(|process| process.child.id()).collect()
    }
}

impl Process {
    async fn tell(&mut self, told: &Told) {
        let line = serde_json::to_string(told).expect("JSON");
        self.stdin
            .write_all(format!("{line}\n").as_bytes())
            .await
            .expect("it reads");
    }

    async fn answer(&mut self) -> String {
        self.answers.next_line().await.expect("it answers").expect("it lives")
    }
}

/// The other side: does what it is told until nobody tells any more.
pub(crate) async fn serve() {
    let (sender, mut lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            sender.send(line).expect("the hosts live");
        }
    });
    let mut fleet = None;
    while let Some(line) = lines.recv().await {
        let told: Told = serde_json::from_str(&line).expect("what is told");
        let answer = match (told, &mut fleet) {
            (Told::Start(plan), _) => {
                std::fs::create_dir_all(&plan.dir).expect("a directory");
                fleet = Some(Fleet::start(&plan));
                "{}".to_owned()
            }
            (Told::Begin(at), Some(fleet)) => {
                fleet.begin(Instant::now() - Duration::from_nanos(clock() - at));
                "{}".to_owned()
            }
            (Told::Tally, Some(fleet)) => serde_json::to_string(&fleet.tally()).expect("JSON"),
            (Told::Begin(_) | Told::Tally, None) => panic!("no hosts yet"),
        };
        println!("{answer}");
    }
}

/// The machine's clock, the same for all processes.
fn clock() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.expect("positive") * 1_000_000_000 + nanos.expect("positive")
}

/// A directory in memory for the state files: each real host has a disk of its own.
pub(crate) fn memory() -> tempfile::TempDir {
    let shm = Path::new("/dev/shm");
    let dir = if shm.is_dir() {
        tempfile::tempdir_in(shm)
    } else {
        tempfile::tempdir()
    };
    dir.expect("a directory")
}

/// The kinds of errors and how many, in words.
pub(crate) fn in_words(errors: &BTreeMap<String, u64>) -> String {
    let words: Vec<String> = errors.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    if words.is_empty() {
        "0".to_owned()
    } else {
        words.join(", ")
    }
}

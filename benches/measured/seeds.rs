//! A key changes in etcd: when the seed files that others keep are rewritten. Each file is followed by the kernel's own events.

use std::{
    io,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use quorate::registry::{Op, Registry, Txn};
use tempfile::TempDir;
use tokio::time::Instant;

use super::{
    contender::member_key,
    etcd::Etcd,
    folder::Folder,
    host::Host,
    options::Options,
    table::{Figure, OURS, Row},
    watch::Reader,
};

/// After a change the next ones are gathered for 50 ms: the rounds keep clear of that.
const PAUSE: Duration = Duration::from_millis(200);
/// The launcher whose file is followed.
const ADDRESS: &str = "127.63.3.1";
/// Members that appear one after the other.
const MEMBERS: &str = "127.63.4";
/// Where files cost no disk: watchers on hosts of their own do not wait for each other's.
const MEMORY: &str = "/dev/shm";

/// The table.
pub(crate) async fn run(options: &Options) -> Vec<Row> {
    let etcd = Etcd::start().await;
    let mut members = Members {
        registry: etcd.registry(),
        next: 1,
    };
    let rounds = options.rounds.min(50);
    // First, while nobody is there: beside members without a record it would wait.
    let mut host = Host::stand_in(options, &etcd, ADDRESS, "elasticsearch");
    host.start();
    host.started().await;
    let mut folder = Folder::follow(&host.seeds());
    let own = members.rounds(&mut folder, 1, rounds).await;
    drop(host);
    let bare = members.seen(&etcd, rounds).await;
    let alone = Watchers::start(options, &etcd, 1, tempfile::tempdir(), &mut members)
        .await
        .rounds(&mut members, rounds)
        .await;
    let mut crowds = Vec::new();
    for dir in [tempfile::tempdir(), tempfile::tempdir_in(MEMORY)] {
        let crowd = Watchers::start(options, &etcd, options.watchers, dir, &mut members).await;
        crowds.push(Figure::times(&crowd.rounds(&mut members, rounds).await));
    }
    let what = |whose: &str| format!("key change → {whose} rewritten");
    let many = what(&format!("each of {} seed files", options.watchers));
    let in_memory = format!("{many}, files in memory");
    let crowded = |figure: &Figure| figure.at(0.5) <= 10.0 && figure.at(0.99) <= 50.0;
    let crowds = [many, in_memory].into_iter().zip(crowds);
    let crowds =
        crowds.map(|(many, figure)| Row::new(many, OURS, figure).target("median ≤ 10 ms, p99 ≤ 50 ms", crowded));
    let quick = |figure: &Figure| figure.at(0.5) <= 5.0;
    let one = vec![
        Row::new(what("seed file"), "bare put, seen", Figure::times(&bare)),
        Row::new(what("seed file"), OURS, Figure::times(&alone)).target("median ≤ 5 ms", quick),
        Row::new(what("the launcher's seed file"), OURS, Figure::times(&own)).target("median ≤ 5 ms", quick),
    ];
    one.into_iter().chain(crowds).collect()
}

/// Keys of members that come, as a script would write them; none goes, because a list does not forget one who may live.
struct Members {
    registry: Registry,
    next: u32,
}

impl Members {
    async fn come(&mut self) -> String {
        let address = format!("{MEMBERS}.{}", self.next);
        self.next += 1;
        let then = vec![Op::Put {
            key: member_key(&address),
            value: br#"{"http_port":9200,"transport_port":9300}"#.to_vec(),
            lease: None,
        }];
        let when = Vec::new();
        self.registry.commit(&Txn { when, then }).await.expect("etcd answers");
        address
    }

    /// The floor: a put as a watcher sees it.
    async fn seen(&mut self, etcd: &Etcd, rounds: u64) -> Vec<Duration> {
        let mut times = Vec::new();
        for _ in 0..rounds {
            let mut reader = Reader::of(etcd, &format!("{MEMBERS}.{}", self.next)).await;
            // A new watch tells its first events in etcd's next round of catching up, up to 100 ms later; ours have stood for long as well.
            tokio::time::sleep(PAUSE).await;
            let before = Instant::now();
            self.come().await;
            reader.put().await;
            times.push(before.elapsed());
        }
        times
    }

    /// From the put to each of `files` renames in the folder.
    async fn rounds(&mut self, folder: &mut Folder, files: usize, rounds: u64) -> Vec<Duration> {
        let mut times = Vec::new();
        for _ in 0..rounds {
            tokio::time::sleep(PAUSE).await;
            folder.forget();
            let before = Instant::now();
            self.come().await;
            for _ in 0..files {
                times.push(folder.renamed().await - before);
            }
        }
        times
    }
}

/// `quorate seeds --output`, each a process of its own, with their files in one folder.
struct Watchers {
    children: Vec<Child>,
    folder: Folder,
    _dir: TempDir,
}

impl Watchers {
    /// Comes back when all of them have written their first list.
    async fn start(options: &Options, etcd: &Etcd, n: usize, dir: io::Result<TempDir>, members: &mut Members) -> Self {
        members.come().await;
        let dir = dir.expect("a directory");
        let mut folder = Folder::follow(dir.path());
        let start = |nth| watcher(&options.program, etcd, &dir.path().join(format!("seeds-{nth}")));
        let children: Vec<Child> = (0..n).map(start).collect();
        for _ in 0..n {
            folder.renamed().await;
        }
        Self {
            children,
            folder,
            _dir: dir,
        }
    }

    async fn rounds(mut self, members: &mut Members, rounds: u64) -> Vec<Duration> {
        let files = self.children.len();
        members.rounds(&mut self.folder, files, rounds).await
    }
}

#[expect(clippy::disallowed_methods, reason = "the benchmark starts what it measures")]
fn watcher(program: &Path, etcd: &Etcd, file: &Path) -> Child {
    let mut command = Command::new(program);
    command.args(["seeds", "--endpoints", etcd.url(), "--output"]).arg(file);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("it starts")
}

impl Drop for Watchers {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

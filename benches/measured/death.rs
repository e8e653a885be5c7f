//! A node starts and is killed, again and again: when its key is there, when its death is seen, its socket closed, its key gone.

use std::time::Duration;

use tokio::{net::TcpStream, time::Instant};

use super::{
    contender::{Contender, Keeper, bare::Bare, script::Script, sidecar::Sidecar},
    etcd::Etcd,
    options::Options,
    proc,
    standin::StandIn,
    table::{Figure, OURS, Row},
    watch::{Reader, connect, until},
};

/// Where the stand-in of these rounds listens.
const ADDRESS: &str = "127.63.1.1";

/// The key appears when the node is ready: told of everybody under this name.
pub(crate) const READY: &str = "node ready → key visible";

/// The key of a dead node goes: told of everybody under this name.
pub(crate) fn gone(heap: usize) -> String {
    format!("node of {heap} MB killed → key gone")
}

/// What a number of rounds has shown.
#[derive(Default)]
pub(crate) struct Deaths {
    /// From the first accepted connection.
    pub(crate) ready: Vec<Duration>,
    /// From the signal to what the keeper itself says.
    pub(crate) seen: Vec<Duration>,
    /// From the signal.
    pub(crate) closed: Vec<Duration>,
    /// From the signal.
    pub(crate) gone: Vec<Duration>,
    /// From the closed socket to the key, where the key went last.
    pub(crate) after_close: Vec<Duration>,
}

/// The tables of start and of death.
pub(crate) async fn run(options: &Options) -> (Vec<Row>, Vec<Row>) {
    let etcd = Etcd::start().await;
    let (mut ready, mut death) = (Vec::new(), Vec::new());
    let program = options.program.as_path();
    let mut floor = f64::NAN;
    for (nth, heap) in possible(options).enumerate() {
        let rounds = options.rounds_with(heap);
        let of = async |contender: &dyn Contender, rounds| measure(&etcd, contender, heap, rounds).await;
        if nth == 0 {
            let bare = of(&Bare::Told, options.rounds).await;
            floor = Figure::times(&bare.gone).at(0.5);
            ready.push(Row::new(READY, "bare put", Figure::times(&bare.ready)));
            death.push(Row::new(gone(heap), Bare::Told.name(), Figure::times(&bare.gone)));
            let script = Script::new(1, false);
            let slow = of(&script, rounds.min(10)).await;
            ready.push(Row::new(READY, script.name(), Figure::times(&slow.ready)));
            death.push(Row::new(gone(heap), script.name(), Figure::times(&slow.gone)));
        }
        let ours = of(&Sidecar { program, threads: true }, rounds).await;
        ready.extend((nth == 0).then(|| ready_row(&ours)));
        death.extend(ours.rows(&format!("node of {heap} MB"), floor));
        let alone = Sidecar {
            program,
            threads: false,
        };
        let closed = of(&alone, rounds).await;
        death.extend(without_threads(&alone, &closed, heap, floor));
        for other in [&Bare::Held as &dyn Contender, &Script::new(45, true)] {
            let deaths = of(other, rounds).await;
            death.push(Row::new(gone(heap), other.name(), Figure::times(&deaths.gone)));
        }
    }
    (ready, death)
}

/// The sizes for which the machine has room, with a quarter to spare.
fn possible(options: &Options) -> impl Iterator<Item = usize> {
    let room = proc::available() / 5 * 4;
    options.heaps.iter().copied().filter(move |&heap| {
        if heap >= room {
            println!("a node of {heap} MB is left out: this machine has room for {room} MB\n");
        }
        heap < room
    })
}

/// Ours beside the others.
pub(crate) fn ready_row(deaths: &Deaths) -> Row {
    Row::new(READY, OURS, Figure::times(&deaths.ready)).target("p99 ≤ 100 ms", |figure| figure.at(0.99) <= 100.0)
}

impl Deaths {
    /// The row of a death, split, of the sidecar that watches threads; a bare delete takes `floor` milliseconds.
    pub(crate) fn rows(&self, node: &str, floor: f64) -> Vec<Row> {
        let bound = 5.0 + floor;
        let split = |what: &str| format!("{node} killed → {what}");
        vec![
            Row::new(split("death seen"), OURS, Figure::times(&self.seen)),
            Row::new(split("socket closed"), "the kernel", Figure::times(&self.closed)),
            Row::new(split("key gone"), OURS, Figure::times(&self.gone))
                .target(format!("median ≤ {bound:.1} ms: 5 + a bare delete"), |figure| {
                    figure.at(0.5) <= bound
                }),
        ]
    }
}

fn without_threads(of: &Sidecar<'_>, deaths: &Deaths, heap: usize, floor: f64) -> Vec<Row> {
    let bound = 3.0 * floor;
    let after = format!("node of {heap} MB: socket closed → key gone");
    vec![
        Row::new(gone(heap), of.name(), Figure::times(&deaths.gone)),
        Row::new(after, of.name(), Figure::times(&deaths.after_close))
            .target(format!("median ≤ {bound:.1} ms: 3 × a bare delete"), |figure| {
                figure.at(0.5) <= bound
            }),
    ]
}

/// So many rounds with a stand-in.
pub(crate) async fn measure(etcd: &Etcd, contender: &dyn Contender, heap: usize, rounds: u64) -> Deaths {
    let mut deaths = Deaths::default();
    let mut keeper = contender.keep(etcd, ADDRESS);
    let mut reader = Reader::of(etcd, ADDRESS).await;
    for _ in 0..rounds {
        let node = StandIn::with_heap(ADDRESS, heap);
        deaths.round(keeper.as_mut(), &mut reader, node).await;
    }
    deaths
}

impl Deaths {
    async fn round(&mut self, keeper: &mut dyn Keeper, reader: &mut Reader, mut node: StandIn) {
        let held = connect(ADDRESS).await;
        let up = Instant::now();
        keeper.node_runs(node.pid());
        reader.put().await;
        self.ready.push(up.elapsed());
        until(
            || keeper.is_set(),
            || "the keeper watches the node's threads".to_owned(),
        )
        .await;
        self.kill(keeper, reader, held, || node.signal()).await;
        node.kill();
        keeper.node_gone();
    }

    /// One death of a node to which `held` is a connection.
    pub(crate) async fn kill(
        &mut self,
        keeper: &mut dyn Keeper,
        reader: &mut Reader,
        held: TcpStream,
        signal: impl FnOnce(),
    ) {
        keeper.saw_death();
        let end = tokio::spawn(async move {
            // Ends when the node's sockets are closed, with or without a reset.
            let _ = held.readable().await;
            Instant::now()
        });
        let killed = Instant::now();
        signal();
        keeper.node_killed();
        reader.gone().await;
        let gone = Instant::now();
        let closed = end.await.expect("the task");
        self.gone.push(gone - killed);
        self.closed.push(closed - killed);
        self.after_close.push(gone.saturating_duration_since(closed));
        self.seen.extend(keeper.saw_death().map(|seen| seen - killed));
    }
}

//! What takes seconds by its nature: a frozen node, a keeper that is killed itself, and everything about a loop that sleeps. Several
//! nodes each, all at the same time, the fault at another moment of everybody's cycle.

use std::{rc::Rc, time::Duration};

use tokio::{task::JoinSet, time::Instant};

use super::{
    contender::{Contender, script::Script, sidecar::Sidecar},
    death,
    etcd::Etcd,
    options::Options,
    standin::StandIn,
    table::{Figure, OURS, Row},
    watch::{Reader, connect},
};

/// How many nodes each contender keeps.
const NODES: u32 = 10;
/// Of a loop that never rests: it would keep this machine busy otherwise.
const BUSY_NODES: u32 = 3;
/// Memory in MB of those that are killed: told beside the deaths of the other table.
const HEAP: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The node is killed.
    Killed,
    /// The node is frozen.
    Frozen,
    /// The keeper is killed, the node lives.
    Silent,
}

/// One contender under one fault; `cycle` is what it repeats, over which the nodes are spread.
struct Set {
    contender: Rc<dyn Contender>,
    fault: Fault,
    cycle: Duration,
    nodes: u32,
}

/// The table.
pub(crate) async fn run(options: &Options) -> Vec<Row> {
    let etcd = Rc::new(Etcd::start().await);
    let ours: Rc<dyn Contender> = Rc::new(Sidecar {
        program: options.program.clone().leak(),
        threads: false,
    });
    let (script, eager): (Rc<dyn Contender>, Rc<dyn Contender>) =
        (Rc::new(Script::new(45, false)), Rc::new(Script::new(1, false)));
    let set = |contender: &Rc<dyn Contender>, fault, cycle, nodes| Set {
        contender: Rc::clone(contender),
        fault,
        cycle: Duration::from_secs(cycle),
        nodes,
    };
    let sets = [
        set(&ours, Fault::Frozen, 3, NODES),
        set(&script, Fault::Frozen, 45, NODES),
        set(&eager, Fault::Frozen, 1, BUSY_NODES),
        set(&ours, Fault::Silent, 10, NODES),
        set(&script, Fault::Silent, 45, NODES),
        set(&script, Fault::Killed, 45, NODES),
    ];
    let mut running = JoinSet::new();
    for (nth, set) in sets.into_iter().enumerate() {
        running.spawn_local(all(Rc::clone(&etcd), nth, set));
    }
    let mut tables = running.join_all().await;
    tables.sort_by_key(|(nth, _)| *nth);
    tables.into_iter().flat_map(|(_, rows)| rows).collect()
}

async fn all(etcd: Rc<Etcd>, nth: usize, set: Set) -> (usize, Vec<Row>) {
    let mut running = JoinSet::new();
    for node in 0..set.nodes {
        let address = format!("127.63.{}.{}", nth + 10, node + 1);
        let offset = set.cycle * node / set.nodes;
        running.spawn_local(one(
            Rc::clone(&etcd),
            Rc::clone(&set.contender),
            address,
            offset,
            set.fault,
        ));
    }
    let (ready, gone): (Vec<_>, Vec<_>) = running.join_all().await.into_iter().unzip();
    (nth, set.rows(&Figure::times(&ready), Figure::times(&gone)))
}

/// The keeper runs before its node, as after the start of a host. Answers how long the key took to appear and to go.
async fn one(
    etcd: Rc<Etcd>,
    contender: Rc<dyn Contender>,
    address: String,
    offset: Duration,
    fault: Fault,
) -> (Duration, Duration) {
    let mut reader = Reader::of(&etcd, &address).await;
    let mut keeper = contender.keep(&etcd, &address);
    tokio::time::sleep(offset).await;
    let mut node = StandIn::with_heap(&address, if fault == Fault::Killed { HEAP } else { 0 });
    connect(&address).await;
    let up = Instant::now();
    keeper.node_runs(node.pid());
    reader.put().await;
    let ready = up.elapsed();
    tokio::time::sleep(offset).await;
    let fell = Instant::now();
    match fault {
        Fault::Killed => node.signal(),
        Fault::Frozen => node.freeze(),
        Fault::Silent => keeper.crash(),
    }
    reader.gone().await;
    (ready, fell.elapsed())
}

impl Set {
    fn rows(&self, ready: &Figure, gone: Figure) -> Vec<Row> {
        let who = self.contender.name();
        // Where one is measured apart, ours is told by the other name.
        let who = if who.starts_with(OURS) { OURS } else { who };
        match self.fault {
            Fault::Killed => vec![
                Row::new(death::READY, who, ready.clone()),
                Row::new(death::gone(HEAP), who, gone),
            ],
            Fault::Frozen => {
                let row = Row::new("node frozen → key gone", who, gone);
                vec![if who == OURS {
                    row.target("all < 9.6 s", |figure| figure.at(1.0) < 9600.0)
                } else {
                    row
                }]
            }
            Fault::Silent => vec![Row::new("keeper killed → key gone", who, gone)],
        }
    }
}

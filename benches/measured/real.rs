//! A real node is killed: Elasticsearch 6.8 with a launcher and a sidecar, started again after each death.

use rustix::process::{Pid, Signal, kill_process};

use super::{
    contender::{bare::Bare, sidecar::Running},
    death::{self, Deaths},
    etcd::Etcd,
    host::Host,
    options::Options,
    table::{Figure, Row},
    watch::{Reader, connect, until},
};
use crate::contender::Keeper;

const ADDRESS: &str = "127.63.8.1";

/// The table.
pub(crate) async fn run(options: &Options) -> Vec<Row> {
    let etcd = Etcd::start().await;
    let floor = death::measure(&etcd, &Bare::Told, 0, options.rounds).await;
    let mut host = Host::real(options, &etcd, ADDRESS, "elasticsearch", &["--expected-masters", "1"]);
    let mut keeper = Running::start(&options.program, etcd.url(), ADDRESS, Some(&host.run_dir()), &[]);
    let mut reader = Reader::of(&etcd, ADDRESS).await;
    let mut deaths = Deaths::default();
    for _ in 0..options.kills {
        host.start();
        reader.put().await;
        let server = host.server().await;
        until(
            || keeper.is_set(),
            || "the sidecar watches the node's threads".to_owned(),
        )
        .await;
        let held = connect(ADDRESS).await;
        let pid = i32::try_from(server).ok().and_then(Pid::from_raw).expect("a pid");
        let kill = || kill_process(pid, Signal::KILL).expect("killed");
        deaths.kill(&mut keeper, &mut reader, held, kill).await;
        host.ended();
    }
    deaths.rows("Elasticsearch 6.8 of 256 MB", Figure::times(&floor.gone).at(0.5))
}

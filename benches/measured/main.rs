//! What quorate costs and how fast it is, beside the shell loop that it replaces and beside bare etcd, in one run, each figure with the
//! target of the design and whether it is met.
//!
//! `make bench` runs it: a real etcd, the release binary, real Elasticsearch nodes where the row says so, and else a stand-in node (this
//! program started again as a child, so that it can be killed). The stand-in answers like a joined node; where a heap is named it has
//! touched as much memory and has idle threads, as a JVM has. [`options`] says what can be asked for.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::print_stderr, reason = "a benchmark says what is wrong with its options")]
#![expect(
    clippy::panic,
    reason = "a measurement that cannot be made ends with what is missing"
)]

mod binary;
mod clock;
mod contender;
mod death;
mod etcd;
mod folder;
mod formation;
mod host;
mod launcher;
mod options;
mod proc;
mod real;
mod seeds;
mod slow;
mod standin;
mod steady;
mod strace;
#[path = "../shared/table.rs"]
mod table;
mod watch;

use options::Options;
use table::Report;

/// What nobody should take for more than it is.
const STAND_IN: &str =
    "the node is a stand-in: a process with so much touched memory and 20 idle threads that answers like a joined node";
const BINDS_TO: &str = "BindsTo: the end of the process is awaited as systemd awaits it, then `etcdctl del` runs; systemd's own work is not in it";
const BARE: &str = "bare: this program with an open connection to etcd; put and delete as a watcher sees them";
const REAL: &str =
    "Elasticsearch 6.8 with a heap of 256 MB, its launcher and its sidecar; started again after each death";
const WATCHERS: &str = "from the put on; each watcher is a process `quorate seeds --output` on this one machine, all files on one disk, each synced";
const STARTED: &str =
    "the distribution is Elasticsearch 6.8, its script is replaced by this program, which notes when it runs";
const FORMED: &str = "in turns; until each of the three says that it has joined; heap 256 MB, `discovery.initial_state_timeout: 1s` in both";
const SPREAD: &str = "all at the same time on one etcd, each node at another moment of its keeper's cycle";
const LEASES: &str =
    "a killed keeper's key ends with its lease: 30 s for quorate, 60 s for the loop, from the last renewal";
const COUNTED: &str = "processor time with that of children; memory of the shell alone, its children come and go; calls and forks by strace, \
    which slows the loop down";

fn main() {
    standin::become_one_if_told();
    let options = Options::read(std::env::args().skip(1)).unwrap_or_else(|wrong| {
        eprintln!("{wrong}");
        std::process::exit(2);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, run(&options));
}

async fn run(options: &Options) {
    // The name alone: the table goes into a page, and a path is this machine's.
    let program = options.program.file_name().unwrap_or_default();
    let with = format!("etcd {}, {}", etcd::version(), program.display());
    let mut report = Report::new("measured", &with);
    if options.wants("binary") {
        report.topic("EXECUTABLE", &binary::run(options), &[]);
    }
    if options.wants("death") {
        let (ready, death) = death::run(options).await;
        report.topic("READY", &ready, &[STAND_IN, BARE]);
        report.topic("DEATH", &death, &[STAND_IN, BINDS_TO, BARE]);
    }
    if options.wants("real") {
        report.topic("DEATH OF A REAL NODE", &real::run(options).await, &[REAL]);
    }
    if options.wants("seeds") {
        report.topic("SEED FILES", &seeds::run(options).await, &[WATCHERS]);
    }
    if options.wants("launcher") {
        report.topic("START", &launcher::run(options).await, &[STARTED]);
    }
    if options.wants("formation") {
        report.topic("FORMATION", &formation::run(options).await, &[FORMED]);
    }
    if options.wants("slow") {
        report.topic(
            "SECONDS BY NATURE",
            &slow::run(options).await,
            &[STAND_IN, SPREAD, LEASES],
        );
    }
    if options.wants("steady") {
        let rows = steady::run(options).await;
        let traced = if strace::Strace::is_there() {
            COUNTED
        } else {
            strace::MISSING
        };
        report.topic("STEADY STATE", &rows, &[STAND_IN, traced]);
    }
    report.finish();
}

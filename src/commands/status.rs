//! `quorate status`: reads the registry, asks the nodes when told to, shows it.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use clap::ArgMatches;

use super::{
    ask::ask_all,
    live::{Live, News},
    resolve,
};
use crate::{
    cli,
    config::{self, Common, Sources},
    exit::{Exit, Failure},
    launcher::seeds::told::SeedsTold,
    model::ServiceName,
    nodefile::NodeFile,
    output,
    probe::Access,
    registry::{Registry, RegistryError},
    status::{self, Currency, KeptList, Status},
    view::ClusterView,
};

/// Nodes that follow an election disagree for a moment; only what they still say after this long counts.
const SETTLE: Duration = Duration::from_secs(1);
/// Clears a terminal.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Shows the status once, or at every change.
pub(super) async fn run(matches: &ArgMatches, sources: &Sources) -> Result<Exit, Failure> {
    let ((common, access), run_dir) = resolve(sources, |r| {
        let dir = config::run_dir(r);
        config::common(r).zip(config::access(r)).zip(dir)
    })?;
    let registry = Registry::new(common.registry.clone())?;
    let show = Show {
        json: cli::wants_json(matches),
        verify: matches.get_flag("verify"),
        watch: matches.get_flag("watch"),
        access: &access,
        run_dir: &run_dir,
    };
    if show.watch {
        return follow(show, &common, &registry).await;
    }
    let (view, currency) = read(&registry, &common).await?;
    let status = show.status(&common, &view, currency).await;
    show.print(&status)?;
    Ok(if status.is_split() { Exit::Failed } else { Exit::Done })
}

/// With a quorum, or else what one member of etcd knows.
async fn read(registry: &Registry, common: &Common) -> Result<(ClusterView, Currency), Failure> {
    let ranges = common.keys.all();
    let away = match registry.read(&ranges).await {
        Ok(reading) => return Ok((ClusterView::of(&common.keys, &reading), Currency::Current)),
        Err(error @ (RegistryError::Away { .. } | RegistryError::Busy { .. })) => error,
        Err(error) => return Err(error.into()),
    };
    // The first error is the one that tells what is wrong.
    let reading = registry.read_stale(&ranges).await.map_err(|_| away)?;
    Ok((ClusterView::of(&common.keys, &reading), Currency::Stale))
}

async fn follow(show: Show<'_>, common: &Common, registry: &Registry) -> Result<Exit, Failure> {
    let mut live = Live::follow(registry, &common.keys);
    loop {
        match live.next().await? {
            News::Changed => show.print(&show.status(common, live.view(), Currency::Current).await)?,
            News::Away { cause } => output::note(&format!("etcd is away, what was shown stays: {cause}")),
        }
    }
}

/// What the launchers of this host that live tell of the disks under their nodes.
fn sick_disks(run_dir: &Path, service: &ServiceName, lists: &[SeedsTold]) -> Vec<String> {
    let live = lists.iter().filter(|list| list.is_live());
    live.filter_map(|list| {
        let path = run_dir.join(service.as_str()).join(format!("{}.json", list.id));
        let complaint = NodeFile::read(&path).ok()??.disk?.complaint()?;
        Some(format!("the disk of {} on this host {complaint}", list.id))
    })
    .collect()
}

/// How the status is shown.
#[derive(Debug, Clone, Copy)]
struct Show<'a> {
    json: bool,
    verify: bool,
    watch: bool,
    access: &'a Access,
    /// Where launchers of this host tell of their lists.
    run_dir: &'a Path,
}

impl Show<'_> {
    async fn status(self, common: &Common, view: &ClusterView, currency: Currency) -> Status {
        let mut status = Status::of(&common.service, view, currency);
        let lists = SeedsTold::all(self.run_dir, &common.service);
        status
            .warnings
            .extend(sick_disks(self.run_dir, &common.service, &lists));
        status.seed_lists = lists.into_iter().map(KeptList::from).collect();
        status.record_error = view.record_unreadable(&common.keys).map(str::to_owned);
        if !self.verify {
            return status;
        }
        let verified = status.clone().with(&ask_all(self.access, view).await);
        if !verified.is_split() {
            return verified;
        }
        tokio::time::sleep(SETTLE).await;
        status.with(&ask_all(self.access, view).await)
    }

    fn print(self, status: &Status) -> Result<(), Failure> {
        let table = || status::table(status, SystemTime::now());
        match (self.json, self.watch) {
            (true, true) => output::json_line(status),
            (true, false) => output::json(status),
            (false, false) => output::bytes(table().as_bytes()),
            (false, true) if output::is_terminal() => output::bytes(format!("{CLEAR}{}", table()).as_bytes()),
            (false, true) => output::line(&table()),
        }
    }
}

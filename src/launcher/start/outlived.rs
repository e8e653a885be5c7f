//! A node that outlived its launcher: it is adopted, ended, or in the way. What is right, [`judge`] says.

use std::path::Path;

use tokio::time::timeout;

use super::{Ground, Node, Up, prober};
use crate::{
    exit::{Exit, Failure},
    host::FileLock,
    launcher::{
        desk::Desk,
        host_cache::HostCache,
        leftover::{Fate, Leftover, Recorded, judge},
        runtime::Runtime,
        seeds::file as seed_file,
    },
    probe::Report,
    view::ClusterView,
};

impl Ground {
    /// What becomes of a node that outlived its launcher: it is adopted, or ended, or in the way.
    pub(super) async fn keep_or_end<R: Runtime>(
        &self,
        leftover: &Leftover,
        runtime: &mut R,
        desk: &mut Desk,
        passed: Option<Node>,
    ) -> Result<Option<Up>, Failure> {
        let layout = &self.plan.layout;
        let pid = leftover.process.pid;
        if Path::new(&leftover.file.data) != layout.data {
            let what = format!(
                "the node of this address runs already, process {pid}, with the data directory {}",
                leftover.file.data
            );
            return Err(Failure::with_hint(
                Exit::Config,
                what,
                "give the launcher the same `--data`, or stop that process first",
            ));
        }
        let (fate, lock) = match passed {
            Some((process, lock)) if process == leftover.process => (Fate::Adopt, lock),
            Some(_) | None => (self.judge(leftover).await, None),
        };
        match runtime.adopt(leftover).await {
            Err(_) if !leftover.process.is_alive() => return Ok(None),
            other => other?,
        }
        match fate {
            Fate::Adopt => {
                let up = Up {
                    process: leftover.process,
                    adopted: true,
                    name: leftover.file.name.clone(),
                    marker: self.marker()?,
                    seeds: seed_file::read(&self.plan.seed_file())?,
                    memory: HostCache::read(&layout.cache)?,
                    lock: lock
                        .and_then(|lock| FileLock::inherit(lock, &layout.lock))
                        .or_else(|| FileLock::take(&layout.lock).ok()),
                };
                if up.name != self.candidate.name {
                    tracing::warn!(name = up.name, "the node goes on with the name it was started with");
                }
                self.want_seed(&up.marker, &up.name);
                desk.adopted(leftover);
                Ok(Some(up))
            }
            Fate::Stop(reason) => {
                tracing::warn!(pid, reason, "stopping the node that outlived its launcher");
                let grace = self.plan.settings.grace;
                runtime.terminate(grace)?;
                if timeout(grace, runtime.ended()).await.is_err() {
                    runtime.kill()?;
                    runtime.ended().await;
                }
                Ok(None)
            }
            Fate::Refuse(reason) => {
                let hint = format!(
                    "process {pid} was left alone; look at it and at `quorate cluster show`, then stop one of them"
                );
                Err(Failure::with_hint(Exit::Config, reason, hint))
            }
        }
    }

    async fn judge(&self, leftover: &Leftover) -> Fate {
        let node = &self.plan.settings.node;
        let report = prober(node).probe().await.result;
        let cluster = report.as_ref().ok().and_then(Report::cluster);
        let keys = &self.plan.settings.common.keys;
        let view = self
            .registry
            .read(&keys.all())
            .await
            .map(|reading| ClusterView::of(keys, &reading));
        let recorded = match &view {
            Ok(view) if view.record_unreadable(keys).is_none() => match &view.record {
                Some(stored) => Recorded::Some(&stored.value),
                None => Recorded::None,
            },
            Ok(_) | Err(_) => Recorded::Unknown,
        };
        judge(&leftover.label(), cluster, recorded)
    }
}

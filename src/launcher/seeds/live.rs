//! Keeps the live seed file, and what the host remembers, equal to what the registry shows. Shell around
//! [`SeedFile`].

use std::path::PathBuf;

use tokio::time::Instant;

use super::file::{self, SeedEffect, SeedEvent, SeedFile};
use crate::{
    launcher::{host_cache::HostCache, plan::Plan},
    model::NodeId,
    registry::{Keys, WatchEvent},
    view::ClusterView,
};

/// The view, the file and the memory.
#[derive(Debug)]
pub struct LiveSeeds {
    keys: Keys,
    me: NodeId,
    view: ClusterView,
    file: SeedFile,
    path: PathBuf,
    memory: HostCache,
    memory_path: PathBuf,
    /// When the file wants to be asked again.
    wake: Option<Instant>,
}

impl LiveSeeds {
    /// With a file that holds `seeds` already.
    pub fn new(plan: &Plan, seeds: Vec<String>, memory: HostCache) -> Self {
        let settings = &plan.settings;
        Self {
            keys: settings.common.keys.clone(),
            me: settings.node.id.clone(),
            view: ClusterView::default(),
            file: SeedFile::holding(seeds),
            path: plan.seed_file(),
            memory,
            memory_path: plan.layout.cache.clone(),
            wake: None,
        }
    }

    /// What stands in the file.
    pub fn seeds(&self) -> &[String] {
        self.file.seeds()
    }

    /// When to say [`woke`](Self::woke).
    pub fn wake(&self) -> Option<Instant> {
        self.wake
    }

    /// Takes in what the registry tells.
    pub fn hear(&mut self, event: &WatchEvent) {
        if !self.view.apply(&self.keys, event) {
            return;
        }
        let seeds = self.view.seed_hosts(Some(&self.me));
        self.perform(SeedEvent::Seen(seeds));
        if self.memory.learn(&self.view, self.file.seeds())
            && let Err(error) = self.memory.write(&self.memory_path)
        {
            tracing::warn!(path = %self.memory_path.display(), cause = %error, "what the host remembers was not written");
        }
    }

    /// The time has come.
    pub fn woke(&mut self) {
        self.wake = None;
        self.perform(SeedEvent::Woke);
    }

    fn perform(&mut self, event: SeedEvent) {
        let mut effects = self.file.step(Instant::now(), event);
        while let Some(effect) = effects.pop() {
            match effect {
                SeedEffect::WakeAt(at) => self.wake = Some(at),
                SeedEffect::Write { seeds, before } => match file::write(&self.path, &seeds) {
                    Ok(()) => tracing::info!(seeds = seeds.join(","), "seed file rewritten"),
                    Err(error) => {
                        tracing::warn!(path = %self.path.display(), cause = %error, "seed file not written, trying again");
                        effects.extend(self.file.step(Instant::now(), SeedEvent::WriteFailed { still: before }));
                    }
                },
            }
        }
    }
}

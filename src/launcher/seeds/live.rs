//! Keeps the live seed file, what the host remembers, and what others are told of the list, equal to what the sources say. Shell around
//! [`Keeper`].

use std::{path::PathBuf, time::SystemTime};

use super::{
    asking::Asking,
    file,
    keeper::{Heard, Keeper},
    list::{Event, Reply},
    registered,
    told::{SeedsTold, ToldSeed, ToldSource},
};
use crate::{
    host,
    launcher::{formation::Recorded, host_cache::HostCache, plan::Plan, start::prober, unwritten::Unwritten},
    model::{FORMAT, Marker},
    nodefile::ProcessId,
    registry::{Keys, WatchEvent},
    view::ClusterView,
};

/// The sources, the file and the memory.
#[derive(Debug)]
pub struct LiveSeeds {
    keys: Keys,
    view: ClusterView,
    keeper: Keeper,
    asking: Asking,
    path: PathBuf,
    /// Whether the seed file could be written; the keeper knows when to try again.
    written: Unwritten,
    memory: HostCache,
    memory_path: PathBuf,
    unremembered: Unwritten,
    told: SeedsTold,
    told_path: PathBuf,
    untold: Unwritten,
}

/// What comes by itself; goes to [`LiveSeeds::take`].
#[derive(Debug)]
pub enum News {
    /// From the list, or from those who were asked for it.
    Kept(Heard),
    /// From the own node.
    Node(Event),
    /// A file beside the seed file could not be written a moment ago.
    Unwritten,
}

impl LiveSeeds {
    /// With a file that holds `seeds` already, for the node that has this name, on the disk with this marker.
    pub fn new(plan: &Plan, seeds: Vec<String>, memory: HostCache, name: &str, marker: &Marker) -> Self {
        let (service, node) = (&plan.settings.common.service, &plan.settings.node);
        let me = node.id.host_port(node.transport_port);
        let mut live = Self {
            keys: plan.settings.common.keys.clone(),
            view: ClusterView::default(),
            keeper: Keeper::holding(Some(me), seeds),
            asking: Asking::new(prober(node), name.to_owned(), marker.cluster_uuid.clone()),
            path: plan.seed_file(),
            written: Unwritten::default(),
            memory,
            memory_path: plan.layout.cache.clone(),
            unremembered: Unwritten::default(),
            told: before_any_news(plan),
            told_path: SeedsTold::path(&node.run_dir, service, &node.id),
            untold: Unwritten::default(),
        };
        live.tell();
        live
    }

    /// What stands in the file.
    pub fn seeds(&self) -> &[String] {
        self.keeper.seeds()
    }

    /// What became of recording the node's cluster: only a node of the recorded one is asked whom else that has.
    pub fn recorded(&mut self, recorded: &Recorded) {
        self.asking.recorded(recorded.as_ref().map_err(String::as_str));
    }

    /// Takes in what the registry tells, all that came together at a time: the list is made anew for each time, not for each event.
    pub fn hear(&mut self, events: &[WatchEvent]) {
        let mut news = false;
        for event in events {
            if let WatchEvent::Away { cause } = event {
                self.changed(std::mem::take(&mut news));
                self.etcd_is(false, Some(cause.clone()));
                self.keep(Event::EtcdAway);
            } else if self.view.apply(&self.keys, event) || !self.told.etcd.current {
                self.etcd_is(true, None);
                news = true;
            }
        }
        self.changed(news);
    }

    fn changed(&mut self, news: bool) {
        if news {
            self.asking.etcd_changed();
            self.keep(Event::Etcd(registered(&self.view)));
        }
    }

    /// What comes next by itself. Cancel safety: nothing is lost.
    pub async fn next(&mut self) -> News {
        tokio::select! {
            heard = self.keeper.next() => News::Kept(heard),
            event = self.asking.next() => News::Node(event),
            () = self.unremembered.due() => News::Unwritten,
            () = self.untold.due() => News::Unwritten,
        }
    }

    /// Takes it in.
    pub fn take(&mut self, news: News) {
        match news {
            News::Kept(heard) => self.keep(heard),
            News::Unwritten => {
                self.remember();
                self.tell();
            }
            News::Node(event) => {
                self.keep(event);
                let away = !self.told.etcd.current;
                self.asking.pace(away, self.keeper.list().is_in_doubt());
            }
        }
    }

    fn etcd_is(&mut self, current: bool, why: Option<String>) {
        let etcd = &mut self.told.etcd;
        if etcd.current != current || etcd.at.is_none() {
            etcd.at = Some(host::utc(SystemTime::now()));
        }
        (etcd.current, etcd.why) = (current, why);
    }

    fn keep(&mut self, heard: impl Into<Heard>) {
        let (path, written, written_at) = (&self.path, &mut self.written, &mut self.told.written_at);
        self.keeper.take(heard, |seeds| {
            let done = written.tried(path, &file::write(path, seeds));
            if done {
                tracing::info!(seeds = seeds.join(","), "seed file rewritten");
                *written_at = Some(host::utc(SystemTime::now()));
            }
            done
        });
        self.remember();
        self.tell();
    }

    /// After a boot without etcd that is all there is.
    fn remember(&mut self) {
        if self.memory.learn(&self.view, self.keeper.seeds()) || self.unremembered.again().is_some() {
            let written = self.memory.write(&self.memory_path);
            self.unremembered.tried(&self.memory_path, &written);
        }
    }

    /// Who reads that file gets on without it.
    fn tell(&mut self) {
        let list = self.keeper.list();
        let seeds = list.entries().map(|(host, etcd, nodes, absence)| ToldSeed {
            host: host.to_owned(),
            from: [("etcd", etcd), ("nodes", nodes)]
                .into_iter()
                .filter(|(_, says)| *says)
                .map(|(name, _)| name.to_owned())
                .collect(),
            missed_since: absence.map(|absence| host::utc(SystemTime::now() - absence.since.elapsed())),
            answers: absence
                .and_then(|absence| absence.reply)
                .map(|reply| reply == Reply::Answers),
        });
        let nodes = self.asking.last.clone().map(|(at, why)| ToldSource {
            current: why.is_none(),
            at: Some(host::utc(at)),
            why,
        });
        let told = SeedsTold {
            seeds: seeds.collect(),
            nodes: nodes.unwrap_or_default(),
            ..self.told.clone()
        };
        // A first one is always written: there may be one of another launcher.
        if told == self.told && self.told.launcher.is_some() && self.untold.again().is_none() {
            return;
        }
        self.told = told;
        self.told.launcher = ProcessId::of(std::process::id());
        let written = self.told.write(&self.told_path);
        self.untold.tried(&self.told_path, &written);
    }
}

/// Tells what the host remembers, while a start waits: after a boot without etcd that is all there is.
pub fn tell_remembered(plan: &Plan, memory: &HostCache) {
    let (service, node) = (&plan.settings.common.service, &plan.settings.node);
    let remembered = memory.seeds.iter().map(|host| ToldSeed {
        host: host.clone(),
        from: Vec::new(),
        missed_since: None,
        answers: None,
    });
    let told = SeedsTold {
        seeds: remembered.collect(),
        launcher: ProcessId::of(std::process::id()),
        ..before_any_news(plan)
    };
    let path = SeedsTold::path(&node.run_dir, service, &node.id);
    // Told anew when the node runs; what waits until then says so itself.
    Unwritten::default().tried(&path, &told.write(&path));
}

fn before_any_news(plan: &Plan) -> SeedsTold {
    let candidate = plan.candidate(Vec::new());
    SeedsTold {
        format: FORMAT,
        id: candidate.id,
        master_eligible: candidate.master_eligible,
        launcher: None,
        seeds: Vec::new(),
        written_at: None,
        etcd: ToldSource::default(),
        nodes: ToldSource::default(),
    }
}

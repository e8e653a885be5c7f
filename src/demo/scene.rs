//! What the demo sees: processes, keys, answers. Pure; turns what happens into facts worth telling.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::cast::{Cast, Who};
use crate::{
    model::{ClusterUuid, Incarnation, NodeId, RecordState},
    nodefile::{NodeFile, Phase},
    probe::{ProbeFailure, Report},
    view::ClusterView,
};

/// A process of the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Life {
    /// Not started yet.
    Off,
    /// Running.
    Runs {
        /// Its number.
        pid: u32,
    },
    /// Ended.
    Ended {
        /// With which code or signal.
        how: How,
    },
}

impl Life {
    /// Its number while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        match self {
            Self::Runs { pid } => Some(*pid),
            Self::Off | Self::Ended { .. } => None,
        }
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// When a node died, as far as it was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Death {
    /// When the demo itself sent SIGKILL.
    pub(super) signalled: Option<Instant>,
    /// When its socket closed.
    pub(super) closed: Option<Instant>,
    /// When its member key was gone.
    pub(super) gone: Option<Instant>,
}

/// A node as it is seen.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) id: NodeId,
    pub(super) name: String,
    pub(super) launcher: Life,
    pub(super) sidecar: Life,
    /// What its launcher says of it.
    pub(super) phase: Option<Phase>,
    /// Why its launcher waits.
    pub(super) reason: Option<String>,
    /// The process that owns its HTTP port.
    pub(super) search: Option<u32>,
    /// Whose seed it has: that of a launcher's run.
    pub(super) seed: Option<Incarnation>,
    /// Whose it was when the launcher was started that runs now.
    pub(super) former: Option<Incarnation>,
    pub(super) member: bool,
    /// Whether it was a member since its process was started.
    pub(super) was_member: bool,
    /// Its last answer; none when it did not answer.
    pub(super) report: Option<Report>,
    pub(super) death: Death,
}

/// What happened, with who it happened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fact {
    /// etcd answers, for the first time or again.
    EtcdAnswers,
    /// etcd does not answer any more.
    EtcdAway,
    /// A node published its seed.
    SeedUp(usize),
    /// A node's seed key is gone.
    SeedGone(usize),
    /// The record has a new state.
    Recorded(RecordState),
    /// A node's process runs.
    Running(usize),
    /// A node's launcher waits, and says why.
    Waiting(usize, String),
    /// A node's member key is there.
    Ready(usize),
    /// A node's member key is gone.
    KeyGone(usize),
    /// A node's socket was closed.
    SocketClosed(usize),
    /// A process was started.
    Started(Who, u32),
    /// A process ended.
    Ended(Who, How),
}

/// Everything.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) etcd: Life,
    /// Whether etcd answers now.
    pub(super) etcd_answers: bool,
    pub(super) view: ClusterView,
    pub(super) nodes: Vec<Actor>,
    /// Every cluster UUID that was ever reported or recorded.
    pub(super) uuids: BTreeSet<ClusterUuid>,
}

impl Scene {
    /// The empty stage.
    pub(super) fn new(cast: &Cast) -> Self {
        let actor = |part: &super::cast::Part| Actor {
            id: part.id.clone(),
            name: part.name.clone(),
            launcher: Life::Off,
            sidecar: Life::Off,
            phase: None,
            reason: None,
            search: None,
            seed: None,
            former: None,
            member: false,
            was_member: false,
            report: None,
            death: Death::default(),
        };
        Self {
            etcd: Life::Off,
            etcd_answers: false,
            view: ClusterView::default(),
            nodes: cast.nodes.iter().map(actor).collect(),
            uuids: BTreeSet::new(),
        }
    }

    /// The life of one process.
    pub(super) fn life(&self, who: Who) -> &Life {
        const OFF: &Life = &Life::Off;
        match who {
            Who::Etcd => &self.etcd,
            Who::Launcher(index) => self.nodes.get(index).map_or(OFF, |node| &node.launcher),
            Who::Sidecar(index) => self.nodes.get(index).map_or(OFF, |node| &node.sidecar),
        }
    }

    /// Every process that runs.
    pub(super) fn running(&self) -> Vec<Who> {
        let nodes = 0..self.nodes.len();
        let all = nodes.flat_map(|index| [Who::Launcher(index), Who::Sidecar(index)]);
        let all = all.chain([Who::Etcd]);
        all.filter(|who| self.life(*who).pid().is_some()).collect()
    }

    /// Whether every node is a member, answers, and names the same cluster and master.
    pub(super) fn is_one_cluster(&self) -> bool {
        let reports: Vec<&Report> = self.nodes.iter().filter_map(|node| node.report.as_ref()).collect();
        let masters: BTreeSet<_> = reports.iter().map(|report| &report.master).collect();
        let uuids: BTreeSet<_> = reports.iter().map(|report| report.uuid.known()).collect();
        let formed = self
            .view
            .record
            .as_ref()
            .is_some_and(|stored| stored.value.state == RecordState::Formed);
        formed
            && self.nodes.iter().all(|node| node.member)
            && reports.len() == self.nodes.len()
            && reports.iter().all(|report| report.joined())
            && masters.len() == 1
            && uuids.len() == 1
    }

    /// The node that says it is the master.
    pub(super) fn master(&self) -> Option<usize> {
        self.nodes
            .iter()
            .position(|node| node.report.as_ref().is_some_and(Report::is_master))
    }

    /// Whether the launcher that was started last goes on with its node, which is a member.
    pub(super) fn is_adopted(&self, index: usize) -> bool {
        let kept = |node: &Actor| {
            node.seed.is_some() && node.seed != node.former && node.member && node.launcher.pid().is_some()
        };
        self.nodes.get(index).is_some_and(kept)
    }

    /// A process was started.
    pub(super) fn started(&mut self, who: Who, pid: u32) -> Vec<Fact> {
        self.set(who, Life::Runs { pid });
        if let Who::Launcher(index) = who
            && let Some(node) = self.nodes.get_mut(index)
        {
            node.was_member = node.member;
            node.former = node.seed.clone();
        }
        vec![Fact::Started(who, pid)]
    }

    /// A process ended.
    pub(super) fn ended(&mut self, who: Who, how: How) -> Vec<Fact> {
        self.set(who, Life::Ended { how });
        vec![Fact::Ended(who, how)]
    }

    fn set(&mut self, who: Who, life: Life) {
        let place = match who {
            Who::Etcd => Some(&mut self.etcd),
            Who::Launcher(index) => self.nodes.get_mut(index).map(|node| &mut node.launcher),
            Who::Sidecar(index) => self.nodes.get_mut(index).map(|node| &mut node.sidecar),
        };
        if let Some(place) = place {
            *place = life;
        }
    }

    /// The registry shows this.
    pub(super) fn viewed(&mut self, now: Instant, view: ClusterView) -> Vec<Fact> {
        let mut facts = Vec::new();
        if !std::mem::replace(&mut self.etcd_answers, true) {
            facts.push(Fact::EtcdAnswers);
        }
        let state = |view: &ClusterView| view.record.as_ref().map(|stored| stored.value.state);
        facts.extend(
            state(&view)
                .filter(|new| state(&self.view) != Some(*new))
                .map(Fact::Recorded),
        );
        let recorded = view
            .record
            .as_ref()
            .and_then(|stored| stored.value.cluster_uuid.clone());
        self.uuids.extend(recorded);
        for (index, node) in self.nodes.iter_mut().enumerate() {
            let seed = view.seeds.get(&node.id).map(|seed| seed.value.incarnation.clone());
            let member = view.members.contains_key(&node.id);
            let had_seed = std::mem::replace(&mut node.seed, seed).is_some();
            match (had_seed, node.seed.is_some()) {
                (false, true) => facts.push(Fact::SeedUp(index)),
                (true, false) => facts.push(Fact::SeedGone(index)),
                (true, true) | (false, false) => {}
            }
            match (std::mem::replace(&mut node.member, member), member) {
                (false, true) => {
                    node.death = Death::default();
                    node.was_member = true;
                    facts.push(Fact::Ready(index));
                }
                (true, false) => {
                    node.death.gone = Some(now);
                    facts.push(Fact::KeyGone(index));
                }
                (true, true) | (false, false) => {}
            }
        }
        self.view = view;
        facts
    }

    /// etcd does not answer.
    pub(super) fn away(&mut self) -> Vec<Fact> {
        let answered = std::mem::replace(&mut self.etcd_answers, false);
        answered.then_some(Fact::EtcdAway).into_iter().collect()
    }

    /// A launcher's file says this, and this process owns the node's port.
    pub(super) fn filed(&mut self, index: usize, file: Option<NodeFile>, search: Option<u32>) -> Vec<Fact> {
        let Some(node) = self.nodes.get_mut(index) else {
            return Vec::new();
        };
        let mut facts = Vec::new();
        let phase = file.as_ref().map(|file| file.phase);
        if phase == Some(Phase::Running) && node.phase != phase {
            facts.push(Fact::Running(index));
        }
        let reason = file.and_then(|file| file.reason);
        if let Some(new) = reason.as_ref().filter(|new| node.reason.as_ref() != Some(*new)) {
            facts.push(Fact::Waiting(index, new.clone()));
        }
        (node.phase, node.reason, node.search) = (phase, reason, search);
        facts
    }

    /// A node answered, or did not.
    pub(super) fn answered(&mut self, index: usize, answer: Result<Report, ProbeFailure>) {
        if let Some(node) = self.nodes.get_mut(index) {
            self.uuids
                .extend(answer.as_ref().ok().and_then(|report| report.uuid.known().cloned()));
            node.report = answer.ok();
        }
    }

    /// A node's connection ended.
    pub(super) fn closed(&mut self, now: Instant, index: usize) -> Vec<Fact> {
        let Some(node) = self.nodes.get_mut(index) else {
            return Vec::new();
        };
        node.report = None;
        node.death.closed = Some(now);
        vec![Fact::SocketClosed(index)]
    }

    /// SIGKILL was sent to a node.
    pub(super) fn signalled(&mut self, now: Instant, index: usize) {
        if let Some(node) = self.nodes.get_mut(index) {
            node.death.signalled = Some(now);
        }
    }
}

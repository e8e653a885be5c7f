//! How engines found and join clusters, and what goes wrong.

use quorate::{
    launcher::{
        decide::Line,
        formation::{Effect, End},
        host_cache::HostCache,
    },
    model::ClusterUuid,
};

use super::{Host, Launcher, Phase, Sim};

impl Sim {
    /// A running node without a cluster sees the running nodes of `mask` and itself. It joins a cluster if it sees one; else it
    /// founds one where its engine would.
    pub(super) fn discover(&mut self, index: usize, mask: usize) -> bool {
        let fresh = |host: usize| self.hosts[host].node.is_some() && self.hosts[host].cluster.is_none();
        if !fresh(index) {
            return false;
        }
        let others = (0..self.hosts.len()).filter(|other| *other != index && mask & (1 << other) != 0);
        let seen: Vec<usize> = others.filter(|other| self.hosts[*other].node.is_some()).collect();
        if let Some(uuid) = seen.iter().find_map(|other| self.hosts[*other].cluster.clone()) {
            self.hosts[index].cluster = Some(uuid);
            return true;
        }
        let everybody: Vec<usize> = seen.into_iter().chain([index]).collect();
        let eligible = |host: &usize| self.hosts[*host].candidate.master_eligible;
        if !eligible(&index) {
            return false;
        }
        let everybody: Vec<usize> = everybody.into_iter().filter(eligible).collect();
        let voters: Vec<usize> = match self.hosts[index].candidate.rule.line() {
            Line::Zen { minimum_master_nodes } if everybody.len() >= minimum_master_nodes => everybody,
            Line::Zen { .. } => Vec::new(),
            Line::Coordinated => self.bootstrap_voters(index, &everybody),
        };
        if voters.is_empty() {
            return false;
        }
        let uuid: ClusterUuid = self.draw("U").parse().expect("uuid");
        for voter in voters {
            self.hosts[voter].cluster = Some(uuid.clone());
        }
        self.founded.push(uuid);
        true
    }

    /// The nodes that accept the first state: a node with the setting bootstraps when it sees more than half of the names in it,
    /// its own among them.
    fn bootstrap_voters(&self, index: usize, everybody: &[usize]) -> Vec<usize> {
        let node = self.hosts[index].node.as_ref();
        let Some(names) = node.and_then(|node| node.setting.as_ref()) else {
            return Vec::new();
        };
        let named = |host: &usize| names.contains(&self.hosts[*host].candidate.name);
        let voters: Vec<usize> = everybody.iter().copied().filter(named).collect();
        if voters.contains(&index) && voters.len() * 2 > names.len() {
            voters
        } else {
            Vec::new()
        }
    }

    /// Running nodes that could found a cluster beside the one there is, if they met.
    pub(crate) fn second_quorum(&self) -> bool {
        let fresh = self
            .hosts
            .iter()
            .filter(|host| host.candidate.master_eligible && host.node.is_some() && host.cluster.is_none())
            .count();
        let quorum = |host: &Host| match host.candidate.rule.line() {
            Line::Zen { minimum_master_nodes } => fresh >= minimum_master_nodes,
            Line::Coordinated => false,
        };
        !self.founded.is_empty() && self.hosts.first().is_some_and(quorum)
    }

    pub(super) fn kill_launcher(&mut self, index: usize) -> bool {
        let host = &mut self.hosts[index];
        let Some(launcher) = host.launcher.take() else {
            return false;
        };
        host.old_leases.push(launcher.lease);
        true
    }

    pub(super) fn kill_node(&mut self, index: usize) -> bool {
        let there = self.hosts[index].node.take().is_some();
        if there
            && let Some(Launcher {
                phase: Phase::Beside { .. },
                ..
            }) = self.hosts[index].launcher
        {
            self.leave(index);
        }
        there
    }

    pub(super) fn kill_host(&mut self, index: usize) -> bool {
        self.hosts[index].node = None;
        self.kill_launcher(index)
    }

    pub(super) fn lapse(&mut self, index: usize) -> bool {
        let host = &mut self.hosts[index];
        // The known limit of Zen: a running node that nobody sees any more.
        let zen = matches!(host.candidate.rule.line(), Line::Zen { .. });
        if zen && host.node.is_some() {
            return false;
        }
        let own = host.launcher.as_ref().map(|launcher| launcher.lease);
        let leases: Vec<_> = host.old_leases.drain(..).chain(own).collect();
        for lease in &leases {
            self.store.end(*lease);
        }
        !leases.is_empty()
    }

    pub(super) fn wipe(&mut self, index: usize) -> bool {
        let host = &mut self.hosts[index];
        // Nothing comes between the last look at the disk and the start.
        if host.node.is_some() || matches!(host.effect(), Some(Effect::End(End::Start(_)))) {
            return false;
        }
        host.cluster = None;
        host.marker.take().is_some()
    }

    pub(super) fn reinstall(&mut self, index: usize) -> bool {
        let host = &mut self.hosts[index];
        if host.node.is_some() || host.launcher.is_some() {
            return false;
        }
        host.memory = HostCache::default();
        host.refused = None;
        host.cluster = None;
        host.marker = None;
        true
    }

    pub(super) fn swap(&mut self, a: usize, b: usize) -> bool {
        let free = |host: usize| self.hosts[host].node.is_none() && self.hosts[host].launcher.is_none();
        if a == b || !free(a) || !free(b) {
            return false;
        }
        let (marker, cluster) = (self.hosts[a].marker.take(), self.hosts[a].cluster.take());
        let other = &mut self.hosts[b];
        let marker = std::mem::replace(&mut other.marker, marker);
        let cluster = std::mem::replace(&mut other.cluster, cluster);
        (self.hosts[a].marker, self.hosts[a].cluster) = (marker, cluster);
        true
    }

    /// Faults are over: what was on the way is lost, dead runs' leases end, and everybody acts in turn until nothing changes.
    /// Whether that came to an end.
    pub(crate) fn settle(&mut self) -> bool {
        self.flights.clear();
        for index in 0..self.hosts.len() {
            for lease in std::mem::take(&mut self.hosts[index].old_leases) {
                self.store.end(lease);
            }
        }
        for _ in 0..300 {
            let mut changed = false;
            for index in 0..self.hosts.len() {
                changed |= self.start(index);
                changed |= self.step(index, &super::Way::Answered);
                changed |= self.discover(index, usize::MAX);
            }
            if !changed {
                return true;
            }
        }
        false
    }
}

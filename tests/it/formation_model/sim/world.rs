//! How engines found and join clusters, and what goes wrong.

use quorate::{
    launcher::{
        decide::Line,
        formation::{Effect, End},
        host_cache::HostCache,
    },
    model::ClusterUuid,
};

use super::{Founded, Host, Phase, Sim};

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
        let eligible = |host: &usize| self.hosts[*host].candidate.master_eligible;
        if !eligible(&index) {
            return false;
        }
        let everybody: Vec<usize> = seen.into_iter().chain([index]).filter(eligible).collect();
        let voters: Vec<usize> = match self.hosts[index].candidate.rule.line() {
            Line::Zen { minimum_master_nodes } if everybody.len() >= minimum_master_nodes => everybody,
            Line::Zen { .. } => Vec::new(),
            Line::Coordinated => self.bootstrap_voters(index, &everybody),
        };
        !voters.is_empty() && self.found(index, &voters)
    }

    fn found(&mut self, index: usize, voters: &[usize]) -> bool {
        let uuid: ClusterUuid = self.draw("U").parse().expect("uuid");
        for voter in voters {
            self.hosts[*voter].cluster = Some(uuid.clone());
        }
        let claim = self.hosts[index].node.as_ref().expect("a node").claim.clone();
        if self.view.voids.contains(&claim) {
            self.break_down(format!("{uuid} was founded under claim {claim}, which was reset"));
        }
        self.founded.push(Founded {
            uuid,
            claim,
            given_up: false,
        });
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

    /// More than one cluster that nobody has given up.
    pub(crate) fn second_cluster(&self) -> bool {
        self.founded.iter().filter(|founded| !founded.given_up).count() > 1
    }

    /// Running nodes that could found a cluster beside the one there is, if they met.
    pub(crate) fn second_quorum(&self) -> bool {
        let fresh = |host: &&Host| host.candidate.master_eligible && host.node.is_some() && host.cluster.is_none();
        let quorum = |host: &Host| match host.candidate.rule.line() {
            Line::Zen { minimum_master_nodes } => self.hosts.iter().filter(fresh).count() >= minimum_master_nodes,
            Line::Coordinated => false,
        };
        self.founded.iter().any(|founded| !founded.given_up) && self.hosts.first().is_some_and(quorum)
    }

    pub(super) fn kill_launcher(&mut self, index: usize) -> bool {
        let host = &mut self.hosts[index];
        let Some(launcher) = host.launcher.take() else {
            return false;
        };
        host.old_leases.extend(launcher.lease);
        true
    }

    pub(super) fn kill_node(&mut self, index: usize) -> bool {
        let there = self.hosts[index].node.take().is_some();
        let launcher = self.hosts[index].launcher.as_ref();
        if there && launcher.is_some_and(|launcher| matches!(launcher.phase, Phase::Beside { .. })) {
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
        let own = host.launcher.as_ref().and_then(|launcher| launcher.lease);
        let leases: Vec<_> = host.old_leases.drain(..).chain(own).chain(host.member.take()).collect();
        for lease in &leases {
            self.end(*lease);
        }
        !leases.is_empty()
    }

    /// Nothing comes between the last look at the disk and the start.
    fn may_change_its_disk(&self, index: usize) -> bool {
        let host = &self.hosts[index];
        host.node.is_none() && !matches!(host.effect(), Some(Effect::End(End::Start(_))))
    }

    pub(super) fn wipe(&mut self, index: usize) -> bool {
        if !self.may_change_its_disk(index) {
            return false;
        }
        let host = &mut self.hosts[index];
        host.cluster = None;
        host.files = false;
        host.marker.take().is_some()
    }

    /// Before the marker knows a cluster nobody could tell it from a disk that was never started.
    pub(super) fn empty(&mut self, index: usize) -> bool {
        let marker = self.hosts[index].marker.as_ref();
        let knows = marker.is_some_and(quorate::model::Marker::has_cluster);
        if !knows || !self.may_change_its_disk(index) {
            return false;
        }
        let host = &mut self.hosts[index];
        host.cluster = None;
        std::mem::replace(&mut host.files, false)
    }

    pub(super) fn reinstall(&mut self, index: usize) -> bool {
        let host = &mut self.hosts[index];
        if !host.is_free() {
            return false;
        }
        host.memory = HostCache::default();
        host.refused = None;
        self.wipe(index);
        true
    }

    pub(super) fn swap(&mut self, a: usize, b: usize) -> bool {
        if a == b || !self.hosts[a].is_free() || !self.hosts[b].is_free() {
            return false;
        }
        let of_a = self.take_disk(a);
        let of_b = self.take_disk(b);
        self.put_disk(a, of_b);
        self.put_disk(b, of_a);
        true
    }

    pub(super) fn move_disk(&mut self, from: usize, to: usize) -> bool {
        if from == to || !self.hosts[from].is_free() || !self.hosts[to].is_free() {
            return false;
        }
        let disk = self.take_disk(from);
        self.put_disk(to, disk);
        true
    }

    fn take_disk(&mut self, index: usize) -> Content {
        let host = &mut self.hosts[index];
        (host.marker.take(), std::mem::take(&mut host.files), host.cluster.take())
    }

    fn put_disk(&mut self, index: usize, content: Content) {
        let host = &mut self.hosts[index];
        (host.marker, host.files, host.cluster) = content;
    }
}

/// Marker, files, and what the engine has in them.
type Content = (Option<quorate::model::Marker>, bool, Option<ClusterUuid>);

//! What may be left when everybody had time: a cluster, or a state that a reason explains which is true and asks for a person.

use quorate::{
    launcher::{decide::Reason, formation::Effect},
    model::{DiskUse, Marker, RecordState},
};

use super::{Host, Phase, Sim, Weather};

impl Host {
    /// Whether it shows a reason that no waiting ends.
    fn asks_for_a_person(&self) -> bool {
        let warned = self.node.as_ref().is_some_and(|node| node.warning.is_some());
        warned
            || self.refused.is_some()
            || self.impossible().is_some()
            || matches!(self.effect(), Some(Effect::WaitForOperator(_)))
    }

    fn impossible(&self) -> Option<&String> {
        match &self.launcher.as_ref()?.phase {
            Phase::Beside { impossible, .. } => impossible.as_ref(),
            Phase::Forming { .. } => None,
        }
    }

    fn state(&self) -> String {
        match (self.effect(), &self.node, &self.refused) {
            (Some(Effect::Wait(reason) | Effect::WaitForOperator(reason)), ..) => reason.to_string(),
            (None, None, Some(reason)) => reason.clone(),
            (Some(other), _, _) => format!("{other:?}"),
            (None, Some(node), _) => format!("runs, {:?}, cluster {:?}", node.setting, self.cluster),
            (None, None, None) => "nothing".to_owned(),
        }
    }
}

impl Sim {
    /// What is wrong with the end, when everybody had time: nothing, or a state that no reason explains.
    pub(crate) fn unexplained(&self) -> Option<String> {
        let claimed = self
            .view
            .record
            .as_ref()
            .is_some_and(|stored| stored.value.state == RecordState::Claimed);
        if claimed && self.weather == Weather::Fine {
            return Some("a claim is left over".to_owned());
        }
        if let Some(wrong) = (0..self.hosts.len()).find_map(|index| self.wrong_wait(index)) {
            return Some(wrong);
        }
        let explained = match self.weather {
            Weather::Fine => self.is_explained(),
            // Everybody else has just said that it waits for etcd, or for what etcd showed last.
            Weather::ReadOnly | Weather::Away => self
                .hosts
                .iter()
                .all(|host| host.node.is_some() || !self.could_rejoin(host)),
        };
        (!explained).then(|| self.states())
    }

    fn is_explained(&self) -> bool {
        // The engines refuse by design when all who had the cluster lost their disks.
        let lost = !self.founded.is_empty() && self.hosts.iter().all(|host| host.cluster.is_none());
        lost || self.hosts.iter().any(Host::asks_for_a_person) || self.hosts.iter().all(Host::joined)
    }

    /// Its disk has its cluster, and nothing that can be read speaks against it.
    fn could_rejoin(&self, host: &Host) -> bool {
        let claimed = self
            .view
            .record
            .as_ref()
            .is_some_and(|stored| stored.value.state == RecordState::Claimed);
        let marker = host.marker.as_ref();
        let knows = marker.is_some_and(Marker::has_cluster) && host.files;
        knows && host.refused.is_none() && (self.weather == Weather::Away || !claimed)
    }

    fn states(&self) -> String {
        let state = |host: &Host| format!("{}: {}", host.candidate.id, host.state());
        self.hosts.iter().map(state).collect::<Vec<_>>().join("\n")
    }

    /// A wait whose reason is not true, or a launcher that is not at rest.
    fn wrong_wait(&self, index: usize) -> Option<String> {
        let host = &self.hosts[index];
        let (what, reason) = match host.effect() {
            Some(Effect::Wait(reason) | Effect::WaitForOperator(reason)) if self.holds(index, reason) => return None,
            Some(Effect::Wait(reason) | Effect::WaitForOperator(reason)) => {
                ("says what is not true", reason.to_string())
            }
            Some(other) => ("is not at rest", format!("{other:?}")),
            None if host.node.is_none() && host.refused.is_none() => ("does nothing", String::new()),
            None => return None,
        };
        Some(format!(
            "{} {what}: {reason}\n{:?}\n{}",
            host.candidate.id,
            host.marker,
            self.states()
        ))
    }

    /// A refusal is looked at when it is said.
    pub(super) fn check_reason(&mut self, index: usize, reason: &Reason) {
        if !self.holds(index, reason) {
            let what = format!(
                "{} refuses for what is not true: {reason}",
                self.hosts[index].candidate.id
            );
            self.break_down(what);
        }
    }

    /// Whether the reason is true of the world.
    fn holds(&self, index: usize, reason: &Reason) -> bool {
        let host = &self.hosts[index];
        let record = self.view.record.as_ref().map(|stored| &stored.value);
        let state = record.map(|record| record.state);
        let marker = host.marker.as_ref();
        let knows = marker.is_some_and(Marker::has_cluster);
        let used = marker.is_some_and(|marker| marker.claim.is_some());
        let own_disk = marker.map(|marker| &marker.disk);
        let named = record.and_then(|record| record.masters.iter().find(|master| master.id == host.candidate.id));
        let by_me = record.is_some_and(|record| record.claimant.as_ref() == Some(&host.candidate.id));
        let on_my_disk = record.is_some_and(|record| record.disk.as_ref() == own_disk);
        match reason {
            Reason::RegistryAway { .. } => self.weather == Weather::Away && !knows,
            Reason::RegistryReadOnly { .. } => self.weather == Weather::ReadOnly && !knows,
            Reason::OtherCluster { .. } => record.is_some_and(|record| {
                let other = if self.says_uuid {
                    host.cluster != record.cluster_uuid
                } else {
                    marker.and_then(|marker| marker.claim.as_ref()) != Some(&record.claim)
                };
                record.state != RecordState::Claimed && (other || !knows)
            }),
            Reason::ClaimVoid { claim } => self.view.voids.contains(claim),
            Reason::HostRemembers { .. } => {
                let remembered = host.memory.record.as_ref();
                record.is_none() && !used && remembered.is_some_and(|known| !self.view.voids.contains(&known.claim))
            }
            Reason::Emptied { .. } => knows && !host.files,
            Reason::NotEligible => record.is_none() && !host.candidate.master_eligible,
            Reason::DataElsewhere { nodes } => record.is_none() && !nodes.is_empty() && !self.somebody_should_restore(),
            Reason::StartedElsewhere { nodes } => record.is_none() && nodes.iter().all(|node| self.is_used(node)),
            Reason::SeedsMissing { expect, present } => record.is_none() && present.len() < *expect,
            Reason::ClaimedByOther { .. } | Reason::ClaimedBesideData { .. } => {
                state == Some(RecordState::Claimed) && self.weather != Weather::Fine
            }
            Reason::ClaimantDiskGone { .. } => state == Some(RecordState::Armed) && by_me && !on_my_disk,
            Reason::ClaimDiskElsewhere { .. } => state == Some(RecordState::Armed) && !by_me && on_my_disk,
            Reason::RecordGone { .. } => record.is_none() && used && !knows,
            Reason::NotNamed { .. } => state == Some(RecordState::Armed) && named.is_none(),
            Reason::NamedDiskGone { .. } => {
                state == Some(RecordState::Armed) && named.is_some_and(|named| Some(&named.disk) != own_disk)
            }
            Reason::ZenFull { others, .. } | Reason::ZenBlocked { others, .. } => {
                state == Some(RecordState::Formed) && !knows && others.iter().all(|node| self.is_used(node))
            }
            Reason::SingleMaster { .. } => state == Some(RecordState::Formed) && !knows,
            // Nothing here makes them true, or they are no reasons to wait for long.
            Reason::RecordUnusable { .. }
            | Reason::Unmarked
            | Reason::DataWithoutClaim { .. }
            | Reason::MarkerUnusable { .. }
            | Reason::OtherService { .. }
            | Reason::OtherName { .. }
            | Reason::ClaimantChanged { .. }
            | Reason::SeedNotPublished { .. }
            | Reason::NodesUnreadable { .. }
            | Reason::SharedNames { .. }
            | Reason::ClaimWithoutLease { .. }
            | Reason::StaleClaim { .. }
            | Reason::NamedChanged { .. }
            | Reason::NobodyHasData { .. } => false,
        }
    }

    fn is_used(&self, node: &quorate::model::NodeId) -> bool {
        let seed = self.view.seeds.get(node);
        seed.is_some_and(|seed| seed.value.data == DiskUse::Used) || self.view.members.contains_key(node)
    }

    /// A node runs in a cluster that nobody has reset, beside a launcher that can write.
    fn somebody_should_restore(&self) -> bool {
        let restores = |host: &Host| {
            let claim = host.marker.as_ref().and_then(|marker| marker.claim.as_ref());
            host.joined() && host.launcher.is_some() && claim.is_some_and(|claim| !self.view.voids.contains(claim))
        };
        self.weather == Weather::Fine && self.hosts.iter().any(restores)
    }
}

//! What people do: they follow the hints, or delete what they should not.

use quorate::{
    launcher::protocol,
    model::{ClaimId, FORMAT, Tombstone},
    registry::{Op, Txn},
};

use super::{Host, Sim, Weather};

impl Sim {
    pub(super) fn delete_record(&mut self) -> bool {
        let there = self.view.record.is_some();
        let then = vec![Op::Delete {
            key: self.keys.record(),
        }];
        there && self.commit(&Txn { when: Vec::new(), then }).is_ok()
    }

    /// The command looks for living nodes before it writes, and people have stopped nodes and launchers that it cannot find.
    pub(super) fn reset(&mut self, of: usize) -> bool {
        let seen = |host: &Host| {
            host.launcher
                .as_ref()
                .is_none_or(|launcher| self.is_alive(launcher.lease))
        };
        let idle = self.hosts.iter().all(|host| host.node.is_none() && seen(host));
        let Some(claim) = self
            .claim_to_reset(of)
            .filter(|_| idle && self.weather == Weather::Fine)
        else {
            return false;
        };
        let tombstone = Tombstone {
            format: FORMAT,
            at: String::new(),
            by: String::new(),
            reason: None,
            record: None,
        };
        let txn = protocol::reset(&self.keys, &self.view, &claim, &tombstone);
        let uuid = self
            .view
            .record
            .as_ref()
            .and_then(|stored| stored.value.cluster_uuid.clone());
        let committed = matches!(self.commit(&txn), Ok(Some(_)));
        if committed {
            let meant = self
                .founded
                .iter_mut()
                .filter(|founded| founded.claim == claim || Some(&founded.uuid) == uuid.as_ref());
            meant.for_each(|founded| founded.given_up = true);
        }
        committed
    }

    fn claim_to_reset(&self, of: usize) -> Option<ClaimId> {
        let recorded = self.view.record.as_ref().map(|stored| stored.value.claim.clone());
        let host = &self.hosts[of];
        let known = || host.marker.as_ref().and_then(|marker| marker.claim.clone());
        let remembered = || host.memory.record.as_ref().map(|record| record.claim.clone());
        recorded.or_else(known).or_else(remembered)
    }

    pub(super) fn give_up(&mut self, of: usize) -> bool {
        for index in 0..self.hosts.len() {
            self.hosts[index].node = None;
            self.leave(index);
            self.probe(index);
        }
        if !self.reset(of) {
            return false;
        }
        for index in 0..self.hosts.len() {
            self.wipe(index);
            self.hosts[index].refused = None;
        }
        true
    }

    pub(super) fn adopt(&mut self, of: usize) -> bool {
        let claim = self.draw("a").parse().expect("claim");
        let host = &self.hosts[of];
        if !host.joined() {
            return false;
        }
        let adopted = protocol::adopt(
            &self.keys,
            &self.view,
            claim,
            "logs",
            host.cluster.clone().filter(|_| self.says_uuid),
        );
        adopted.is_some_and(|txn| matches!(self.commit(&txn), Ok(Some(_))))
    }

    pub(super) fn obey(&mut self, index: usize) -> bool {
        let refused = self.hosts[index].refused.is_some() && self.hosts[index].is_free();
        if refused {
            self.wipe(index);
            self.hosts[index].refused = None;
        }
        refused
    }
}

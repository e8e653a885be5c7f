//! No record: a used disk goes back to its cluster, an empty one waits for enough others and claims.

use std::collections::BTreeMap;

use super::{Belongs, Decision, Line, Reason, Seen, Start, StartBy, zen};
use crate::model::{ClaimId, NamedMaster, NodeId, Seed};

pub(super) fn decide(s: &Seen<'_>) -> Decision {
    match s.used() {
        Some(claim) if s.view.voids.contains(claim) => Decision::Refuse(Reason::ClaimVoid { claim: claim.clone() }),
        Some(claim) => match s.candidate.rule.line {
            Line::Coordinated => rejoin(s, claim),
            Line::Zen { .. } => zen::used_without_record(s, claim),
        },
        None => empty(s),
    }
}

fn empty(s: &Seen<'_>) -> Decision {
    let nodes = s.data_elsewhere();
    if !nodes.is_empty() {
        return if s.cluster_elsewhere() {
            Decision::Wait(Reason::DataElsewhere { nodes })
        } else {
            Decision::Operator(Reason::StartedElsewhere { nodes })
        };
    }
    let keys = s.unreadable_nodes();
    if !keys.is_empty() {
        return Decision::Operator(Reason::NodesUnreadable { keys });
    }
    if let Some(record) = &s.memory.record
        && !s.view.voids.contains(&record.claim)
    {
        return Decision::Refuse(Reason::HostRemembers {
            belongs: Belongs::of_record(record),
            reset: s.reset_of(&record.claim),
        });
    }
    if !s.candidate.may_found() {
        return Decision::Wait(Reason::NotEligible);
    }
    claim(s)
}

/// Exactly `expect` masters with empty disks: this one, and the first others by id.
fn claim(s: &Seen<'_>) -> Decision {
    let candidates = s.empty_masters();
    let own = candidates
        .get(&s.candidate.id)
        .filter(|seed| seed.disk == s.marker.disk);
    let Some(own) = own else {
        let why = format!("etcd shows none of {} with disk {}", s.candidate.id, s.marker.disk);
        return Decision::Wait(Reason::SeedNotPublished { why });
    };
    let expect = s.candidate.rule.expect;
    if candidates.len() < expect {
        let present = candidates.into_keys().cloned().collect();
        return Decision::Wait(Reason::SeedsMissing { expect, present });
    }
    let shared = shared_names(&candidates);
    let unique = |seed: &Seed| !shared.contains_key(seed.name.as_str());
    let others = candidates
        .iter()
        .filter(|(id, seed)| ***id != s.candidate.id && unique(seed));
    let masters = std::iter::once((&s.candidate.id, own)).chain(others.map(|(id, seed)| (*id, seed)));
    let masters: Vec<NamedMaster> = masters.take(expect).map(|(id, seed)| named(id, seed)).collect();
    if unique(own) && masters.len() == expect {
        return Decision::Claim { masters };
    }
    let shared = shared
        .into_iter()
        .map(|(name, nodes)| (name.to_owned(), nodes))
        .collect();
    Decision::Operator(Reason::SharedNames { shared })
}

/// A used disk goes back to its cluster without the setting, so it cannot found another; the record is restored once it has joined.
pub(super) fn rejoin(s: &Seen<'_>, claim: &ClaimId) -> Decision {
    let unknown = !s.marker.has_cluster();
    Decision::Start(Start {
        with_setting: None,
        claim: claim.clone(),
        by: StartBy::Announce,
        warning: unknown.then(|| record_gone(s, claim)),
    })
}

/// The record is gone, and this disk cannot bring it back by itself.
pub(super) fn record_gone(s: &Seen<'_>, claim: &ClaimId) -> Reason {
    Reason::RecordGone {
        claim: claim.clone(),
        reset: s.reset_of(claim),
    }
}

fn named(id: &NodeId, seed: &Seed) -> NamedMaster {
    NamedMaster {
        id: id.clone(),
        name: seed.name.clone(),
        disk: seed.disk.clone(),
    }
}

/// Names that several nodes have: one entry of the setting would match them all, and the engine cancels the bootstrap.
fn shared_names<'a>(candidates: &BTreeMap<&NodeId, &'a Seed>) -> BTreeMap<&'a str, Vec<NodeId>> {
    let mut by_name: BTreeMap<&str, Vec<NodeId>> = BTreeMap::new();
    for (id, seed) in candidates {
        by_name.entry(&seed.name).or_default().push((*id).clone());
    }
    by_name.retain(|_, nodes| nodes.len() > 1);
    by_name
}

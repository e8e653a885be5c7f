//! Which masters the list names: what etcd says, what the living nodes say, and what was good before. Pure.
//!
//! Whoever a source names is in. Who is named no more goes only for a reason: the one left in good order when etcd says nothing of it
//! any more and nothing listens there; everybody else when there has been no answer for [`HOLD`]. Whoever answers stays.
//!
//! Invariants: a list that named somebody never gets empty; while no source speaks nobody is taken out; no more than [`PROBES`]
//! addresses are asked at a time.

mod standing;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use standing::Standing;
pub use standing::{Absence, Reply};
use tokio::time::Instant;

/// How long somebody whom no source names and who does not answer stays: longer than a host takes to reboot, or a person to bring
/// back an etcd that lost its keys; an address too many costs nothing but a connection that fails.
pub const HOLD: Duration = Duration::from_mins(10);
/// How often somebody whom no source names is asked.
const AGAIN: Duration = Duration::from_mins(1);
/// How many are asked at a time.
pub const PROBES: usize = 4;

/// What a source says, as `host:port` of each node's transport.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Nodes that may be elected.
    pub masters: BTreeSet<String>,
    /// Nodes that may not.
    pub others: BTreeSet<String>,
    /// Nodes of which it does not say.
    pub unsaid: BTreeSet<String>,
}

impl Named {
    /// A source that names nobody, not even the node that asks, has lost what it knew.
    fn is_empty(&self) -> bool {
        self.masters.is_empty() && self.others.is_empty() && self.unsaid.is_empty()
    }
}

/// The last word of a source.
#[derive(Debug, Clone, Default)]
struct Word {
    named: Named,
    /// Whether it still holds.
    current: bool,
}

impl Word {
    fn speaks(&self) -> bool {
        self.current && !self.named.is_empty()
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// This stands in etcd.
    Etcd(Named),
    /// etcd is away.
    EtcdAway,
    /// The own node has a master, and says this of its cluster.
    Nodes(Named),
    /// The own node has no master, or does not answer.
    NodesSilent,
    /// Somebody was asked directly.
    Probed {
        /// Who.
        host: String,
        /// What came of it.
        reply: Reply,
    },
    /// This was good before; of use only while nobody is in the list.
    Remembered(BTreeSet<String>),
    /// The time asked for has come.
    Woke,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Connect to it, and say [`Event::Probed`].
    Probe(String),
    /// Say [`Event::Woke`] then; the step after it says so again.
    WakeAt(Instant),
}

/// The list.
#[derive(Debug, Clone)]
pub struct SeedList {
    /// Never in the list.
    me: Option<String>,
    etcd: Word,
    nodes: Word,
    entries: BTreeMap<String, Standing>,
    /// Who is being asked; some of them may have been named again meanwhile, or gone.
    asked: BTreeSet<String>,
}

impl SeedList {
    /// A list that names `hosts`, because they were good before; never `me`.
    pub fn holding(me: Option<String>, hosts: impl IntoIterator<Item = String>) -> Self {
        let hosts = hosts.into_iter().filter(|host| me.as_ref() != Some(host));
        let entries = hosts.map(|host| (host, Standing::Present)).collect();
        Self {
            me,
            etcd: Word::default(),
            nodes: Word::default(),
            entries,
            asked: BTreeSet::new(),
        }
    }

    /// Who is in it, sorted.
    pub fn hosts(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    /// Everybody in it, with who names it: etcd, the nodes; and how it is absent from both.
    pub fn entries(&self) -> impl Iterator<Item = (&str, bool, bool, Option<Absence>)> {
        let by = |word: &Word, host: &str| {
            word.speaks() && (word.named.masters.contains(host) || word.named.unsaid.contains(host))
        };
        self.entries.iter().map(move |(host, standing)| {
            (
                host.as_str(),
                by(&self.etcd, host),
                by(&self.nodes, host),
                standing.absence(),
            )
        })
    }

    /// Whether the sources contradict each other or somebody is missed: then it is worth asking the nodes again soon.
    pub fn is_in_doubt(&self) -> bool {
        let both = self.etcd.speaks() && self.nodes.speaks();
        self.entries()
            .any(|(_, etcd, nodes, absence)| absence.is_some() || (both && etcd != nodes))
    }

    /// Takes in `event`.
    #[must_use]
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Effect> {
        match event {
            Event::Etcd(named) => self.etcd = Word { named, current: true },
            Event::EtcdAway => self.etcd.current = false,
            Event::Nodes(named) => self.nodes = Word { named, current: true },
            Event::NodesSilent => self.nodes.current = false,
            Event::Probed { host, reply } => {
                self.asked.remove(&host);
                if let Some(standing) = self.entries.get_mut(&host) {
                    standing.replied(now, reply, AGAIN);
                }
            }
            Event::Remembered(hosts) if self.entries.is_empty() => {
                let others = hosts.into_iter().filter(|host| self.me.as_ref() != Some(host));
                self.entries = others.map(|host| (host, Standing::Present)).collect();
            }
            Event::Remembered(_) | Event::Woke => {}
        }
        self.take_in(now);
        self.let_go(now);
        self.next(now)
    }

    /// Who is named comes in; who is not is missed, unless nobody speaks.
    fn take_in(&mut self, now: Instant) {
        let named = self.named();
        let speaks = self.etcd.speaks() || self.nodes.speaks();
        for (host, standing) in &mut self.entries {
            if !speaks || named.contains(host) {
                *standing = Standing::Present;
            } else {
                standing.missed(now);
            }
        }
        for host in named {
            self.entries.entry(host).or_insert(Standing::Present);
        }
        let gone = self.entries.values().filter(|one| one.is_gone()).count();
        if gone > 1 && gone * 10 > self.entries.len() * 3 {
            self.entries.values_mut().for_each(Standing::one_of_many);
        }
    }

    /// Everybody whom a source that speaks calls a master, or may mean as one.
    fn named(&self) -> BTreeSet<String> {
        let speaking = [&self.etcd, &self.nodes].into_iter().filter(|word| word.speaks());
        let mut named: BTreeSet<String> = speaking
            .flat_map(|word| {
                // What etcd said last of a node's roles is better than nothing.
                let unsaid = word.named.unsaid.difference(&self.etcd.named.others);
                word.named.masters.iter().chain(unsaid)
            })
            .cloned()
            .collect();
        if let Some(me) = &self.me {
            named.remove(me);
        }
        named
    }

    /// Takes out whoever may go; nobody, if that would be everybody.
    fn let_go(&mut self, now: Instant) {
        let left = self.etcd.speaks();
        let is_no_master = |host: &String| {
            [&self.etcd, &self.nodes]
                .iter()
                .any(|word| word.speaks() && word.named.others.contains(host))
        };
        let may_go = |host: &String, standing: &Standing| {
            standing.is_missed() && (is_no_master(host) || standing.gone_at(left, HOLD).is_some_and(|at| at <= now))
        };
        if self.entries.iter().all(|(host, standing)| may_go(host, standing)) {
            return;
        }
        let gone: Vec<String> = self
            .entries
            .iter()
            .filter(|(host, standing)| may_go(host, standing))
            .map(|(host, _)| host.clone())
            .collect();
        for host in gone {
            self.entries.remove(&host);
        }
    }

    /// The addresses to ask now, and when to look again.
    fn next(&mut self, now: Instant) -> Vec<Effect> {
        let left = self.etcd.speaks();
        let mut effects = Vec::new();
        let mut wake = None;
        for (host, standing) in &self.entries {
            let is_due = standing.due().is_some_and(|due| due <= now) && !self.asked.contains(host);
            if is_due && self.asked.len() < PROBES {
                self.asked.insert(host.clone());
                effects.push(Effect::Probe(host.clone()));
            }
            // What is late waits for an answer to one of the questions.
            let times = [standing.due(), standing.gone_at(left, HOLD)].into_iter().flatten();
            wake = times.filter(|at| *at > now).chain(wake).min();
        }
        effects.extend(wake.map(Effect::WakeAt));
        effects
    }
}

//! What a reload finds: which settings are said differently now, and which of them wait for a restart. Pure.
//!
//! Invariant: a setting that says whose key is kept, or how the node runs, keeps its value for as long as the daemon lives, however
//! often it reads its settings again.

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::{Acts, Group, OPTIONS, Opt, Resolver, Source, Sources};

/// One value as it was said, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    pub(super) values: Vec<String>,
    pub(super) source: Source,
}

/// The values that a daemon keeps until it is started anew, by setting; none: nobody said any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept(BTreeMap<String, Option<Said>>);

/// What is said differently now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Settings that act as soon as they are read.
    pub now: Vec<&'static str>,
    /// Settings that wait for a restart.
    pub later: Vec<&'static str>,
}

impl Kept {
    /// What a daemon that takes the settings of `groups` keeps. `address` is the one it runs with, which may have been a guess:
    /// another route to etcd must not make it another node.
    pub fn of(sources: &Sources, groups: &[Group], address: IpAddr) -> Self {
        let mut resolver = Resolver::new(sources);
        let waiting = of_groups(groups).filter(|opt| opt.acts != Acts::AtReload);
        let mut kept: BTreeMap<_, _> = waiting
            .map(|opt| (opt.key.to_owned(), said(&mut resolver, opt)))
            .collect();
        let guess = Said {
            values: vec![address.to_string()],
            source: Source::Default,
        };
        kept.entry("address".to_owned()).or_default().get_or_insert(guess);
        Self(kept)
    }

    /// What is kept of a setting, if it is one of those; inside, none when nobody said any.
    pub(super) fn get(&self, key: &str) -> Option<&Option<Said>> {
        self.0.get(key)
    }
}

impl Change {
    /// What `said` says differently from what a daemon runs with that takes the settings of `groups`.
    pub fn between(running: &Sources, said_now: &Sources, groups: &[Group]) -> Self {
        let (mut before, mut after) = (Resolver::new(running), Resolver::new(said_now));
        let mut change = Self::default();
        for opt in of_groups(groups) {
            let (old, new) = (said(&mut before, opt), said(&mut after, opt));
            if same(old.as_ref(), new.as_ref()) {
                continue;
            }
            match opt.acts {
                Acts::AtReload => change.now.push(opt.key),
                Acts::AtRestart | Acts::AtNodeStart => change.later.push(opt.key),
            }
        }
        change
    }
}

fn of_groups(groups: &[Group]) -> impl Iterator<Item = &'static Opt> {
    OPTIONS.iter().filter(|opt| groups.contains(&opt.group))
}

fn said(resolver: &mut Resolver<'_>, opt: &Opt) -> Option<Said> {
    resolver.raw(opt.key).map(|(values, source)| Said { values, source })
}

/// Where a value comes from does not matter, and what nobody said has not changed, whatever was made of it.
fn same(old: Option<&Said>, new: Option<&Said>) -> bool {
    let unsaid = |said: Option<&Said>| said.is_none_or(|said| said.source == Source::Default);
    (unsaid(old) && unsaid(new)) || old.map(|old| &old.values) == new.map(|new| &new.values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SidecarSettings, sidecar};

    const GROUPS: &[Group] = &[Group::Registry, Group::Node, Group::Sidecar];

    fn file(text: &str) -> Sources {
        Sources::from_parts(&[], &[], text).expect("a file")
    }

    fn settings(sources: &Sources) -> SidecarSettings {
        let mut resolver = Resolver::new(sources);
        let settings = sidecar(&mut resolver);
        resolver.finish().expect("good settings");
        settings.expect("settings")
    }

    fn kept(sources: &Sources) -> Kept {
        Kept::of(sources, GROUPS, IpAddr::from([10, 0, 0, 1]))
    }

    #[test]
    fn settings_are_told_apart_by_when_they_act() {
        let running = file("address = \"10.0.0.1\"\ninterval = \"3s\"\n");
        for (now, acts, waits) in [
            ("address = \"10.0.0.1\"\n", &[][..], &[][..]),
            ("address = \"10.0.0.1\"\ninterval = \"5s\"\n", &["interval"], &[]),
            (
                "address = \"10.0.0.1\"\nendpoints = [\"10.0.0.9:2379\"]\nttl = \"20s\"\nfall = 5\n",
                &["endpoints", "ttl", "fall"],
                &[],
            ),
            ("address = \"10.0.0.2\"\n", &[], &["address"]),
            (
                "address = \"10.0.0.1\"\nrise = 1\nservice = \"other\"\nname = \"n\"\n",
                &["rise"],
                &["service", "name"],
            ),
            // What only the launcher takes is none of the sidecar's business.
            ("address = \"10.0.0.1\"\nheap = \"4g\"\n", &[], &[]),
        ] {
            let change = Change::between(&running, &file(now), GROUPS);
            assert_eq!((change.now.as_slice(), change.later.as_slice()), (acts, waits), "{now}");
        }
    }

    #[test]
    fn what_waits_for_a_restart_keeps_its_value_and_the_rest_acts() {
        let before = file("address = \"10.0.0.1\"\nservice = \"a\"\ninterval = \"3s\"\n");
        let said = file("address = \"10.0.0.2\"\nservice = \"b\"\ninterval = \"5s\"\nname = \"new\"\n");
        let text = serde_json::to_string(&kept(&before)).expect("text");
        let running = said.clone().keeping(serde_json::from_str(&text).expect("the same"));
        let settings = settings(&running);
        assert_eq!(settings.node.address, IpAddr::from([10, 0, 0, 1]));
        assert_eq!((settings.common.service.as_str(), settings.name), ("a", None));
        assert_eq!(settings.interval.as_secs(), 5);
        let change = Change::between(&running, &said, GROUPS);
        assert_eq!(change.later, ["service", "address", "name"]);
        assert!(change.now.is_empty());
        let back = Change::between(&running, &before, GROUPS);
        assert_eq!((back.now, back.later), (vec!["interval"], vec![]));
    }

    #[test]
    fn a_guessed_address_stays_and_is_still_a_guess() {
        let unsaid = file("");
        let running = unsaid.clone().keeping(kept(&unsaid));
        let settings = settings(&running);
        assert_eq!(settings.node.address, IpAddr::from([10, 0, 0, 1]));
        assert!(!settings.node.address_given);
        assert_eq!(Change::between(&running, &unsaid, GROUPS), Change::default());
    }

    #[test]
    fn no_secret_is_kept() {
        let secret = |opt: &Opt| opt.secret || opt.key == "etcd-user";
        assert!(
            OPTIONS
                .iter()
                .filter(|opt| secret(opt))
                .all(|opt| opt.acts == Acts::AtReload)
        );
    }
}

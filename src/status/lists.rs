//! The seed lists that launchers of this host keep: where each comes from, and how old that is.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::age;
use crate::launcher::seeds::told::{SeedsTold, ToldSource};

/// One list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptList {
    /// What its launcher tells.
    #[serde(flatten)]
    pub told: SeedsTold,
    /// Whether that launcher lives; else it is what it told last.
    pub launcher_lives: bool,
}

impl From<SeedsTold> for KeptList {
    fn from(told: SeedsTold) -> Self {
        Self {
            launcher_lives: told.is_live(),
            told,
        }
    }
}

/// One line for people.
pub(super) fn line(list: &KeptList, now: SystemTime) -> String {
    let told = &list.told;
    let sources = if list.launcher_lives {
        let named = |source: &str| {
            told.seeds
                .iter()
                .filter(|seed| seed.from.iter().any(|from| from == source))
                .count()
        };
        let etcd = match (told.etcd.current, since(&told.etcd, now)) {
            (true, _) => format!("etcd names {}", named("etcd")),
            (false, Some(age)) => format!("etcd away for {age}"),
            (false, None) => "etcd not heard".to_owned(),
        };
        let nodes = match (told.nodes.current, since(&told.nodes, now), &told.nodes.why) {
            (true, Some(age), _) => format!("the nodes name {} ({age} ago)", named("nodes")),
            (false, Some(_), Some(why)) => format!("the nodes name nobody: {why}"),
            (_, None, _) | (false, Some(_), None) => "the nodes were not asked".to_owned(),
        };
        format!("{etcd}, {nodes}")
    } else {
        "its launcher has ended".to_owned()
    };
    let missed = told.seeds.iter().filter(|seed| seed.missed_since.is_some()).count();
    let missed = if missed == 0 {
        String::new()
    } else {
        format!(", {missed} kept though nobody names them")
    };
    let written = told.written_at.as_deref().and_then(|at| passed(at, now));
    let written = written.map_or_else(|| "before its launcher".to_owned(), |age| format!("{age} ago"));
    format!(
        "seeds   {}: {} in its list; {sources}{missed}; written {written}",
        told.id,
        told.seeds.len()
    )
}

fn since(source: &ToldSource, now: SystemTime) -> Option<String> {
    passed(source.at.as_deref()?, now)
}

fn passed(at: &str, now: SystemTime) -> Option<String> {
    let at = humantime::parse_rfc3339(at).ok()?;
    // Whole seconds were written.
    Some(age(Duration::from_secs(
        now.duration_since(at).unwrap_or_default().as_secs(),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launcher::seeds::told::ToldSeed;

    fn seed(host: &str, from: &[&str], missed_since: Option<&str>) -> ToldSeed {
        ToldSeed {
            host: host.to_owned(),
            from: from.iter().map(|&source| source.to_owned()).collect(),
            missed_since: missed_since.map(str::to_owned),
            answers: missed_since.map(|_| true),
        }
    }

    fn source(current: bool, at: Option<&str>, why: Option<&str>) -> ToldSource {
        ToldSource {
            current,
            at: at.map(str::to_owned),
            why: why.map(str::to_owned),
        }
    }

    #[test]
    fn each_source_is_named_with_its_age() {
        let noon = "2026-11-21T12:00:00Z";
        let now = humantime::parse_rfc3339("2026-11-21T12:05:30Z").expect("a time");
        let told = SeedsTold {
            format: 1,
            id: "10.0.0.1".parse().expect("id"),
            master_eligible: true,
            launcher: None,
            seeds: vec![
                seed("10.0.0.2:9300", &["etcd", "nodes"], None),
                seed("10.0.0.3:9300", &[], Some(noon)),
            ],
            written_at: Some(noon.to_owned()),
            etcd: source(true, Some(noon), None),
            nodes: source(true, Some("2026-11-21T12:05:18Z"), None),
        };
        let away = SeedsTold {
            etcd: source(false, Some(noon), Some("no endpoint answers")),
            nodes: source(false, Some(noon), Some("the node names no master")),
            written_at: None,
            ..told.clone()
        };
        for (told, launcher_lives, expected) in [
            (
                &told,
                true,
                "seeds   10.0.0.1: 2 in its list; etcd names 1, the nodes name 1 (12s ago), 1 kept though nobody names them; written 5m 30s ago",
            ),
            (
                &away,
                true,
                "seeds   10.0.0.1: 2 in its list; etcd away for 5m 30s, the nodes name nobody: the node names no master, 1 kept though nobody names them; written before its launcher",
            ),
            (
                &told,
                false,
                "seeds   10.0.0.1: 2 in its list; its launcher has ended, 1 kept though nobody names them; written 5m 30s ago",
            ),
        ] {
            let list = KeptList {
                told: told.clone(),
                launcher_lives,
            };
            assert_eq!(line(&list, now), expected);
        }
    }
}

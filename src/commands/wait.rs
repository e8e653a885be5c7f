//! `quorate wait`: follows the registry until the goal is reached.

use std::time::Duration;

use clap::ArgMatches;
use tokio::time::{Instant, sleep_until};

use super::{
    live::{Live, News},
    resolve,
};
use crate::{
    config::{self, Common, Sources},
    exit::{Exit, Failure},
    model::NodeId,
    output,
    registry::{Range, Registry, RegistryError},
    view::ClusterView,
};

/// A wait without an end says this often what it waits for.
const REPEAT: Duration = Duration::from_secs(30);

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The member key of this host's node.
    Ready,
    /// At least so many members.
    Members(usize),
}

impl Goal {
    /// `ready` or `members=N`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let number = |text: &str| text.parse().ok().filter(|n| (1..=999).contains(n));
        match text.split_once('=') {
            None if text == "ready" => Ok(Self::Ready),
            Some(("members", count)) => number(count)
                .map(Self::Members)
                .ok_or("expected a number of members from 1 to 999, e.g. `members=3`"),
            Some(_) | None => Err("expected `ready` or `members=N`"),
        }
    }

    /// What is missing, in words; none when the goal is reached.
    fn missing(self, view: &ClusterView, me: Option<&NodeId>) -> Option<String> {
        match (self, me) {
            (Self::Ready, Some(me)) if view.members.contains_key(me) => None,
            (Self::Ready, Some(me)) if view.seeds.contains_key(me) => {
                Some(format!("{me} has a seed key and no member key: it is not ready"))
            }
            (Self::Ready, Some(me)) => Some(format!("{me} has neither a seed key nor a member key")),
            (Self::Ready, None) => Some("this host's node is not known".to_owned()),
            (Self::Members(wanted), _) if view.members.len() >= wanted => None,
            (Self::Members(wanted), _) => {
                let seeds = view.seeds.keys().filter(|id| !view.members.contains_key(*id));
                let seeds: Vec<String> = seeds.map(ToString::to_string).collect();
                let others = if seeds.is_empty() {
                    "and nobody else has a seed key".to_owned()
                } else {
                    format!("not ready: {}", seeds.join(", "))
                };
                Some(format!("{} of {wanted} members, {others}", view.members.len()))
            }
        }
    }
}

/// Waits; 0 when the goal is reached, 4 when the time is over.
pub(super) async fn run(matches: &ArgMatches, sources: &Sources) -> Result<Exit, Failure> {
    let Some(goal) = matches.get_one::<Goal>("for").copied() else {
        return Err(Failure::new(Exit::Usage, "`--for` is missing"));
    };
    let (common, me) = settings(sources, goal)?;
    let limit = matches.get_one::<Duration>("wait-timeout");
    let deadline = limit.map(|time| Instant::now() + *time);
    let registry = Registry::new(common.registry.clone())?;
    if let Some(error) = hopeless(&registry, &common.keys.all(), deadline).await {
        return Err(error.into());
    }
    follow(goal, me.as_ref(), Live::follow(&registry, &common.keys), deadline).await
}

/// Registry and, where it matters, the id of this host's node.
fn settings(sources: &Sources, goal: Goal) -> Result<(Common, Option<NodeId>), Failure> {
    resolve(sources, |r| {
        let common = config::common(r);
        if goal != Goal::Ready {
            return Some((common?, None));
        }
        let endpoints = common.as_ref().map_or(&[][..], |c| &c.registry.endpoints);
        let me = config::own_id(r, endpoints);
        Some((common?, Some(me?)))
    })
}

/// An error that does not pass. An outage does; a wait for the right password would only hide the wrong one.
async fn hopeless(registry: &Registry, ranges: &[Range], deadline: Option<Instant>) -> Option<RegistryError> {
    let first = tokio::select! {
        biased;
        first = registry.read(ranges) => first.err(),
        () = until(deadline) => None,
    };
    first.filter(|error| match error {
        RegistryError::Refused { .. }
        | RegistryError::Denied { .. }
        | RegistryError::Tls { .. }
        | RegistryError::Settings { .. } => true,
        RegistryError::Away { .. } | RegistryError::Busy { .. } | RegistryError::LeaseGone => false,
    })
}

async fn follow(goal: Goal, me: Option<&NodeId>, mut live: Live, deadline: Option<Instant>) -> Result<Exit, Failure> {
    let mut missing = "etcd has not answered yet".to_owned();
    let mut repeat = Instant::now() + REPEAT;
    loop {
        tokio::select! {
            biased;
            news = live.next() => match news? {
                News::Changed => match goal.missing(live.view(), me) {
                    None => return Ok(Exit::Done),
                    Some(sentence) => missing = sentence,
                },
                News::Away { cause } => {
                    missing = format!("etcd is away: {cause}");
                    output::note(&format!("waiting: {missing}"));
                }
            },
            () = until(deadline) => {
                let what = format!("timed out: {missing}");
                return Err(Failure::with_hint(Exit::TimedOut, what, "see `quorate status`"));
            }
            () = sleep_until(repeat) => {
                output::note(&format!("waiting: {missing}"));
                repeat += REPEAT;
            }
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_one_of_two_words() {
        assert_eq!(Goal::parse("ready"), Ok(Goal::Ready));
        assert_eq!(Goal::parse("members=3"), Ok(Goal::Members(3)));
        for wrong in [
            "",
            "members",
            "members=",
            "members=0",
            "members=x",
            "nodes=3",
            "ready=1",
        ] {
            assert!(Goal::parse(wrong).is_err(), "{wrong}");
        }
    }
}

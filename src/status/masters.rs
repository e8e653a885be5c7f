//! How many masters the cluster can lose, as far as the registry knows it.
//!
//! Counted are the master-eligible nodes that have a key, so one whose launcher is gone for longer than its lease does not count:
//! what is said here is what the nodes that are there now can stand. With Elasticsearch before 7 the quorum is what
//! `minimum_master_nodes` was set to, which is a majority of the masters that were expected.

use serde::Serialize;

use super::{Node, NodeState};

/// The masters in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Masters {
    /// Master-eligible nodes with a key.
    pub eligible: usize,
    /// Those of them that are ready.
    pub ready: usize,
    /// A majority of the eligible: without that many there is no master.
    pub needed: usize,
    /// Those of the eligible that are known to vote only, and never become the master.
    pub voting_only: usize,
    /// Ready ones that could become the master.
    pub electable: usize,
}

impl Masters {
    /// The masters among `nodes`.
    pub fn of(nodes: &[Node]) -> Self {
        let eligible = nodes.iter().filter(|node| node.master_eligible);
        let ready = eligible.clone().filter(|node| node.state == NodeState::Ready);
        let voting_only = eligible.clone().filter(|node| votes_only(node)).count();
        let electable = ready.clone().filter(|node| !votes_only(node)).count();
        let eligible = eligible.count();
        Self {
            eligible,
            ready: ready.count(),
            needed: if eligible == 0 { 0 } else { eligible / 2 + 1 },
            voting_only,
            electable,
        }
    }

    /// How many more may be down; none: there is no master now.
    fn spare(self) -> Option<usize> {
        let votes = self.ready.checked_sub(self.needed)?;
        Some(votes.min(self.electable.checked_sub(1)?))
    }

    /// What the table says of them.
    pub(super) fn line(self) -> String {
        let Self {
            eligible,
            ready,
            needed,
            voting_only,
            electable: _,
        } = self;
        if eligible == 0 {
            return "masters none registered".to_owned();
        }
        let can_lose = match self.spare() {
            Some(0) => "one more down stops the cluster".to_owned(),
            Some(spare) => format!("{spare} more may be down"),
            None => "too few for a master".to_owned(),
        };
        let voting = match voting_only {
            0 => String::new(),
            1 => ", 1 only votes".to_owned(),
            some => format!(", {some} only vote"),
        };
        format!("masters {ready} of {eligible} ready, {needed} needed{voting}: {can_lose}")
    }
}

/// Whether it counts for a majority and is no master itself.
fn votes_only(node: &Node) -> bool {
    node.roles.iter().flatten().any(|role| role == "voting_only")
}

/// What should be done about it: one sentence at most, the most urgent one.
pub(super) fn warning(nodes: &[Node]) -> Option<String> {
    let masters = Masters::of(nodes);
    if nodes.is_empty() {
        return None;
    }
    let missing = nodes
        .iter()
        .filter(|node| node.master_eligible && node.state == NodeState::Seed);
    let missing = missing.map(|node| node.id.to_string()).collect::<Vec<_>>().join(", ");
    let Masters {
        eligible,
        ready,
        needed,
        voting_only,
        electable,
    } = masters;
    if eligible > 0 && eligible == voting_only {
        let what = "every master-eligible node only votes, so none becomes the master";
        return Some(format!(
            "{what}: start one with the role `master` and without `voting_only`"
        ));
    }
    if eligible == 0 {
        return Some("no master-eligible node is registered: start one whose roles contain `master`".to_owned());
    }
    if ready < needed {
        return Some(format!(
            "{ready} of {eligible} master-eligible nodes are ready and {needed} are needed for a master: see to {missing}"
        ));
    }
    if electable == 0 {
        return Some(format!(
            "those that are ready only vote, so there is no master: see to {missing}"
        ));
    }
    if ready == needed && !missing.is_empty() {
        return Some(format!("one more master down stops the cluster: see to {missing}"));
    }
    if eligible > 2 && eligible == voting_only + 1 {
        return Some("one more master down stops the cluster: all others only vote".to_owned());
    }
    match eligible {
        1 | 2 => Some(format!(
            "one more master down stops the cluster: there {} {eligible} master-eligible, only with three or more may one be down",
            if eligible == 1 { "is" } else { "are" }
        )),
        even if even % 2 == 0 => Some(format!(
            "{even} master-eligible nodes survive the loss of no more of them than {} do: add one or take one away",
            even - 1
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One character a node: `m` a master that is ready, `v` one that only votes, `s` one of which only the seed is there, `d` a ready
    /// data node.
    fn nodes(picture: &str) -> Vec<Node> {
        picture
            .chars()
            .enumerate()
            .map(|(index, kind)| Node {
                id: format!("10.0.0.{}", index + 1).parse().expect("id"),
                name: None,
                state: if kind == 's' { NodeState::Seed } else { NodeState::Ready },
                seed: true,
                by_hand: false,
                product: None,
                version: None,
                roles: (kind == 'v').then(|| vec!["master".to_owned(), "voting_only".to_owned()]),
                master_eligible: kind != 'd',
                http: None,
                transport: String::new(),
                cluster_uuid: None,
                since: None,
                answer: None,
            })
            .collect()
    }

    #[test]
    fn what_the_cluster_can_lose_is_said_with_what_to_do() {
        let none: &str = "";
        for (picture, line, expected) in [
            ("mmm", "masters 3 of 3 ready, 2 needed: 1 more may be down", none),
            ("mmmmmd", "masters 5 of 5 ready, 3 needed: 2 more may be down", none),
            (
                "mms",
                "masters 2 of 3 ready, 2 needed: one more down stops the cluster",
                "one more master down stops the cluster: see to 10.0.0.3",
            ),
            (
                "mss",
                "masters 1 of 3 ready, 2 needed: too few for a master",
                "1 of 3 master-eligible nodes are ready and 2 are needed for a master: see to 10.0.0.2, 10.0.0.3",
            ),
            (
                "m",
                "masters 1 of 1 ready, 1 needed: one more down stops the cluster",
                "one more master down stops the cluster: there is 1 master-eligible, only with three or more may one be down",
            ),
            (
                "mmdd",
                "masters 2 of 2 ready, 2 needed: one more down stops the cluster",
                "one more master down stops the cluster: there are 2 master-eligible, only with three or more may one be down",
            ),
            (
                "mmmm",
                "masters 4 of 4 ready, 3 needed: 1 more may be down",
                "4 master-eligible nodes survive the loss of no more of them than 3 do: add one or take one away",
            ),
            (
                "mmv",
                "masters 3 of 3 ready, 2 needed, 1 only votes: 1 more may be down",
                none,
            ),
            (
                "mvv",
                "masters 3 of 3 ready, 2 needed, 2 only vote: one more down stops the cluster",
                "one more master down stops the cluster: all others only vote",
            ),
            (
                "svv",
                "masters 2 of 3 ready, 2 needed, 2 only vote: too few for a master",
                "those that are ready only vote, so there is no master: see to 10.0.0.1",
            ),
            (
                "vvv",
                "masters 3 of 3 ready, 2 needed, 3 only vote: too few for a master",
                "every master-eligible node only votes, so none becomes the master: start one with the role `master` and without `voting_only`",
            ),
            (
                "dd",
                "masters none registered",
                "no master-eligible node is registered: start one whose roles contain `master`",
            ),
        ] {
            let nodes = nodes(picture);
            assert_eq!(Masters::of(&nodes).line(), line, "{picture}");
            assert_eq!(warning(&nodes).unwrap_or_default(), expected, "{picture}");
        }
        assert_eq!(warning(&[]), None);
    }
}

//! Asks several nodes at once who they are.

use std::{collections::BTreeMap, time::Duration};

use tokio::task::JoinSet;

use crate::{
    model::NodeId,
    probe::{Access, ProbeFailure, Prober, Report},
    status::Answers,
    view::ClusterView,
};

/// The longest that a node may take; all are asked at the same time.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where a node answers HTTP.
pub(crate) type Target = (String, u16);

/// Asks each node once.
pub(crate) async fn ask<K: Ord + Send + 'static>(
    access: &Access,
    targets: impl IntoIterator<Item = (K, Target)>,
) -> BTreeMap<K, Result<Report, ProbeFailure>> {
    let mut tasks = JoinSet::new();
    for (key, (host, port)) in targets {
        let mut prober = Prober::new(host, port, PATIENCE, access.clone());
        tasks.spawn(async move { (key, prober.probe().await.result) });
    }
    tasks.join_all().await.into_iter().collect()
}

/// Asks every node in the registry that says where it answers.
pub(crate) async fn ask_all(access: &Access, view: &ClusterView) -> Answers {
    ask(access, targets(view)).await
}

/// Where the nodes in the registry answer.
pub(crate) fn targets(view: &ClusterView) -> BTreeMap<NodeId, Target> {
    let seeds = view.seeds.iter().map(|(id, seed)| (id, seed.value.http_port));
    let members = view
        .members
        .iter()
        .map(|(id, member)| (id, Some(member.value.http_port)));
    seeds
        .chain(members)
        .filter_map(|(id, port)| Some((id.clone(), (id.host().to_owned(), port?))))
        .collect()
}

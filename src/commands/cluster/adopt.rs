//! `quorate cluster adopt`: asks living nodes, shows what it found, writes the record. It touches nothing else.

use clap::ArgMatches;

use super::{
    agree::{Found, Said, Standing, agree, standing, uuid},
    confirm, read,
};
use crate::{
    commands::{
        ask::{Target, ask, targets},
        resolve,
    },
    config::{self, Common, Sources},
    exit::{Exit, Failure},
    launcher::protocol,
    model::{ClaimId, NodeId},
    output,
    probe::Access,
    registry::Registry,
    view::ClusterView,
};

/// Adopts the cluster.
pub(in crate::commands) async fn run(matches: &ArgMatches, sources: &Sources) -> Result<Exit, Failure> {
    let (common, access) = resolve(sources, |r| config::common(r).zip(config::access(r)))?;
    let registry = Registry::new(common.registry.clone())?;
    let view = read(&registry, &common).await?;
    let found = find(matches, &access, &view).await?;
    if let Some(stored) = &view.record {
        return match standing(&stored.value, &found) {
            Standing::Same => {
                output::line(&format!(
                    "already recorded: cluster `{}`{}",
                    found.cluster,
                    uuid(found.uuid.as_ref())
                ))?;
                Ok(Exit::Done)
            }
            Standing::Conflict(problem) => Err(Failure {
                exit: Exit::Refused,
                problems: vec![problem],
            }),
        };
    }
    output::note(&format!(
        "cluster `{}`{}, as said by {}\nthis writes {} and touches nothing else",
        found.cluster,
        uuid(found.uuid.as_ref()),
        found.nodes.join(", "),
        common.keys.record(),
    ));
    confirm(matches, "write it?", "the record is not written unasked")?;
    write(&registry, &common, &view, &found).await?;
    output::line(&format!(
        "recorded: cluster `{}`{}",
        found.cluster,
        uuid(found.uuid.as_ref())
    ))?;
    Ok(Exit::Done)
}

async fn find(matches: &ArgMatches, access: &Access, view: &ClusterView) -> Result<Found, Failure> {
    let from = matches.get_many::<Target>("from").into_iter().flatten().cloned();
    let mut asked: Vec<Target> = from.collect();
    if asked.is_empty() {
        let members = targets(view)
            .into_iter()
            .filter(|(id, _): &(NodeId, Target)| view.members.contains_key(id));
        asked.extend(members.map(|(_, target)| target));
    }
    if asked.is_empty() {
        let hint = "name living nodes: `--from 10.0.0.21:9200,10.0.0.22:9200`";
        return Err(Failure::with_hint(Exit::Usage, "there are no members to ask", hint));
    }
    let named = asked
        .into_iter()
        .map(|(host, port)| (format!("{host}:{port}"), (host, port)));
    let said: Said = ask(access, named).await;
    agree(&said).map_err(|problems| Failure {
        exit: Exit::Refused,
        problems,
    })
}

/// Writes the record, unless somebody else was faster.
async fn write(registry: &Registry, common: &Common, view: &ClusterView, found: &Found) -> Result<(), Failure> {
    let claim = ClaimId::random()?;
    let txn = protocol::adopt(&common.keys, view, claim.clone(), &found.cluster, found.uuid.clone());
    let refused = || {
        Failure::with_hint(
            Exit::Refused,
            "a record was written meanwhile",
            "see `quorate cluster show`",
        )
    };
    let committed = registry.commit(&txn.ok_or_else(refused)?).await;
    match committed {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(refused()),
        // It may have gone through all the same: the record with our claim says so.
        Err(error) if error.is_of_the_endpoint() => {
            let record = read(registry, common).await?.record;
            if record.is_some_and(|stored| stored.value.claim == claim) {
                Ok(())
            } else {
                Err(error.into())
            }
        }
        Err(error) => Err(error.into()),
    }
}

//! `quorate cluster reset`: takes a claim back, once it is shown that nothing of its cluster lives.

use std::time::SystemTime;

use clap::ArgMatches;

use super::{
    confirm, read,
    traces::{Said, addresses, alive, silence},
};
use crate::{
    commands::{
        ask::{Target, ask, targets},
        resolve,
    },
    config::{self, Common, Sources},
    exit::{Exit, Failure},
    host,
    launcher::protocol,
    model::{ClaimId, ClusterRecord, Tombstone},
    output,
    probe::Access,
    registry::{Registry, RegistryError},
    view::ClusterView,
};

/// Resets the claim.
pub(in crate::commands) async fn run(matches: &ArgMatches, sources: &Sources) -> Result<Exit, Failure> {
    let (common, access) = resolve(sources, |r| config::common(r).zip(config::access(r)))?;
    let registry = Registry::new(common.registry.clone())?;
    let view = read(&registry, &common).await?;
    let Some(claim) = claim(matches, &view)? else {
        output::line("nothing to reset: there is no record and no `--claim`")?;
        return Ok(Exit::Done);
    };
    if view.voids.contains(&claim) && view.record.is_none() {
        output::line(&format!("already reset: claim {claim}"))?;
        return Ok(Exit::Done);
    }
    let said = ask_everybody(matches, &access, &view).await;
    let problems = alive(&view, &said);
    if !problems.is_empty() {
        return Err(Failure {
            exit: Exit::Refused,
            problems,
        });
    }
    output::note(&announcement(&common, &view, &claim, &said));
    confirm(matches, "reset it?", "nothing is reset unasked")?;
    commit(&registry, &common, &view, &claim, &tombstone(matches, sources, &view)).await?;
    output::line(&format!(
        "reset: claim {claim}; empty the data directories of its nodes, then start their launchers"
    ))?;
    Ok(Exit::Done)
}

/// The claim that is meant; none when there is none.
fn claim(matches: &ArgMatches, view: &ClusterView) -> Result<Option<ClaimId>, Failure> {
    let said = matches.get_one::<ClaimId>("claim");
    let Some(stored) = &view.record else {
        return Ok(said.cloned());
    };
    stored
        .value
        .writable()
        .map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
    let recorded = &stored.value.claim;
    match said {
        Some(said) if said != recorded => Err(Failure::with_hint(
            Exit::Refused,
            format!("`--claim` is {said}, and the record is of claim {recorded}"),
            "see `quorate cluster show`; without `--claim` the recorded one is reset",
        )),
        _ => Ok(Some(recorded.clone())),
    }
}

async fn ask_everybody(matches: &ArgMatches, access: &Access, view: &ClusterView) -> Said {
    let named = matches.get_many::<Target>("from").into_iter().flatten().cloned();
    let recorded = view.record.iter().flat_map(|stored| addresses(&stored.value));
    let registered = targets(view).into_values();
    let all = named.chain(recorded).chain(registered);
    let named = all.map(|(host, port)| (format!("{host}:{port}"), (host, port)));
    ask(access, named).await
}

fn announcement(common: &Common, view: &ClusterView, claim: &ClaimId, said: &Said) -> String {
    let what = view.record.as_ref().map_or_else(
        || format!("claim {claim}, which no record names"),
        |stored| describe(&stored.value),
    );
    let mut lines = vec![what, "no seed key and no member key".to_owned()];
    lines.extend(silence(said));
    let put = common.keys.void(claim);
    lines.push(match view.record {
        Some(_) => format!("this deletes {} and writes {put}", common.keys.record()),
        None => format!("this writes {put}"),
    });
    lines.push("data directories of this claim are refused from then on, until they are emptied".to_owned());
    lines.join("\n")
}

fn describe(record: &ClusterRecord) -> String {
    let uuid = record
        .cluster_uuid
        .as_ref()
        .map_or_else(|| "no UUID yet".to_owned(), |uuid| format!("UUID {uuid}"));
    format!(
        "cluster `{}`, {}, {uuid}, claim {}",
        record.cluster,
        record.state.as_str(),
        record.claim
    )
}

fn tombstone(matches: &ArgMatches, sources: &Sources, view: &ClusterView) -> Tombstone {
    let user = sources
        .variable("USER")
        .map_or_else(|| rustix::process::getuid().as_raw().to_string(), str::to_owned);
    Tombstone {
        format: crate::model::FORMAT,
        at: host::utc(SystemTime::now()),
        by: format!("{user}@{}", host::name().unwrap_or_else(|| "unknown".to_owned())),
        reason: matches.get_one::<String>("reason").cloned(),
        record: view.record.as_ref().map(|stored| stored.value.clone()),
    }
}

/// Commits it, unless something has come to life meanwhile.
async fn commit(
    registry: &Registry,
    common: &Common,
    view: &ClusterView,
    claim: &ClaimId,
    tombstone: &Tombstone,
) -> Result<(), Failure> {
    match registry
        .commit(&protocol::reset(&common.keys, view, claim, tombstone))
        .await
    {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(Failure::with_hint(
            Exit::Refused,
            "nothing was reset: record, seeds or members have changed meanwhile",
            "see `quorate status`, then try again",
        )),
        // It may have gone through all the same: the tombstone says so.
        Err(error @ RegistryError::Away { .. }) => {
            if read(registry, common).await?.voids.contains(claim) {
                Ok(())
            } else {
                Err(error.into())
            }
        }
        Err(error) => Err(error.into()),
    }
}

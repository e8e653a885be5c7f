//! `quorate cluster show`, `adopt` and `reset`: the record.

mod adopt;
mod agree;
mod reset;
mod traces;

use std::io::{BufRead, IsTerminal, Write};

pub(super) use adopt::run as adopt;
use clap::ArgMatches;
pub(super) use reset::run as reset;

use super::resolve;
use crate::{
    cli,
    config::{self, Common, Sources},
    exit::{Exit, Failure},
    model::{ClaimId, ClusterRecord, RecordState},
    output,
    registry::Registry,
    view::ClusterView,
};

/// Prints the record.
pub(super) async fn show(matches: &ArgMatches, sources: &Sources) -> Result<Exit, Failure> {
    let common = resolve(sources, config::common)?;
    let view = read(&Registry::new(common.registry.clone())?, &common).await?;
    let record = view.record.as_ref();
    if cli::wants_json(matches) {
        let revision = record.map(|stored| stored.mod_revision);
        output::json(&serde_json::json!({
            "record": record.map(|stored| &stored.value),
            "revision": revision,
            "reset_claims": view.voids,
        }))?;
    } else {
        match record {
            None => output::line("none: no cluster was formed under this service yet")?,
            Some(stored) => output::table(&["FIELD", "VALUE"], &fields(&stored.value))?,
        }
        if !view.voids.is_empty() {
            let claims: Vec<&str> = view.voids.iter().map(ClaimId::as_str).collect();
            output::line(&format!("\nclaims that were reset: {}", claims.join(", ")))?;
        }
    }
    Ok(Exit::Done)
}

fn fields(record: &ClusterRecord) -> Vec<Vec<String>> {
    let masters: Vec<String> = record
        .masters
        .iter()
        .map(|master| format!("{} ({})", master.name, master.id))
        .collect();
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    [
        ("state", record.state.as_str().to_owned()),
        ("meaning", meaning(record).to_owned()),
        ("cluster", record.cluster.clone()),
        (
            "cluster_uuid",
            text(record.cluster_uuid.as_ref().map(ToString::to_string)),
        ),
        ("claim", record.claim.to_string()),
        ("claimant", text(record.claimant.as_ref().map(ToString::to_string))),
        ("disk", text(record.disk.as_ref().map(ToString::to_string))),
        (
            "masters",
            text(Some(masters.join(", ")).filter(|text| !text.is_empty())),
        ),
    ]
    .map(|(field, value)| vec![field.to_owned(), value])
    .to_vec()
}

/// What the state says to a person.
fn meaning(record: &ClusterRecord) -> &'static str {
    match (record.state, &record.cluster_uuid) {
        (RecordState::Claimed, _) => "the claimant may form the cluster; the claim goes with its lease",
        (RecordState::Armed, None) => "the claimant may have formed the cluster; no node has reported its UUID yet",
        (RecordState::Armed, Some(_)) => "the claimant has formed the cluster",
        (RecordState::Formed, Some(_)) => "the cluster exists: only nodes of this UUID are ready",
        (RecordState::Formed, None) => "the cluster exists; its line reports no UUID, so its name counts",
    }
}

async fn read(registry: &Registry, common: &Common) -> Result<ClusterView, Failure> {
    let reading = registry.read(&common.keys.all()).await?;
    let view = ClusterView::of(&common.keys, &reading);
    match view.record_unreadable(&common.keys) {
        Some(why) => Err(Failure::with_hint(
            Exit::Failed,
            format!("the record at {} cannot be read: {why}", common.keys.record()),
            "update quorate, or look at the key with etcdctl",
        )),
        None => Ok(view),
    }
}

/// Goes on only when `--yes` or a person says so.
fn confirm(matches: &ArgMatches, question: &str, unasked: &str) -> Result<(), Failure> {
    if matches.get_flag("yes") {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        let hint = "give `--yes` where nobody can be asked";
        return Err(Failure::with_hint(Exit::Refused, unasked, hint));
    }
    let mut error = std::io::stderr().lock();
    write!(error, "{question} [y/N] ").and_then(|()| error.flush())?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Refused, "nothing was written")),
    }
}

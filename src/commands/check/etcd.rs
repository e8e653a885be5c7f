//! What etcd says to this host: whether it answers at every endpoint, lets us read and write, and what a start would do now.
//!
//! Only `check` asks: a launcher waits for an etcd that is away. Writes nothing: the right to is asked for by a transaction whose
//! condition cannot hold.

use tokio::task::JoinSet;

use crate::{
    exit::Failure,
    launcher::{
        decide::{Decision, Disk, Situation, decide, is_emptied},
        formation,
        host_cache::HostCache,
        plan::Plan,
        preflight::{self, Check},
    },
    model::{DiskId, Incarnation, Marker},
    registry::{Compare, Op, Reading, Registry, RegistryError, RegistrySettings, Txn},
    view::{ClusterView, Stored},
};

/// No key was ever written at this revision, so a transaction that wants it changes nothing.
const NEVER: i64 = i64::MAX;

/// All checks that need etcd.
pub(super) async fn checks(plan: &Plan) -> Vec<Check> {
    let settings = &plan.settings.common.registry;
    let reading = match read(plan, settings).await {
        Ok(reading) => reading,
        Err(error) => return vec![Check::fail("etcd", error.to_string(), error.hint())],
    };
    let mut checks = vec![endpoints(plan, reading.revision).await, writable(plan, settings).await];
    checks.push(match record(plan, &reading) {
        Ok(check) => check,
        Err(failure) => Check::warn(RECORD, "what a start would do was not looked at", failure.to_string()),
    });
    checks
}

async fn read(plan: &Plan, settings: &RegistrySettings) -> Result<Reading, RegistryError> {
    let registry = Registry::new(settings.clone())?;
    registry.read(&plan.settings.common.keys.all()).await
}

/// The registry goes on with the endpoints that answer; those that do not are found here, before they are needed.
async fn endpoints(plan: &Plan, revision: i64) -> Check {
    const NAME: &str = "etcd";
    let settings = &plan.settings.common.registry;
    let mut tasks = JoinSet::new();
    for (index, endpoint) in settings.endpoints.iter().enumerate() {
        let one = RegistrySettings {
            endpoints: vec![endpoint.clone()],
            ..settings.clone()
        };
        let plan = plan.clone();
        tasks.spawn(async move { (index, read(&plan, &one).await.err()) });
    }
    let all = settings.endpoints.len();
    let mut silent = tasks.join_all().await;
    silent.sort_by_key(|(index, _)| *index);
    let silent: Vec<String> = silent
        .into_iter()
        .filter_map(|(_, error)| Some(error?.to_string()))
        .collect();
    let answers = format!(
        "{} of {all} endpoints answer, at revision {revision}",
        all - silent.len()
    );
    if silent.is_empty() {
        Check::ok(NAME, answers)
    } else {
        let what = format!("{answers}; {}", silent.join("; "));
        Check::warn(
            NAME,
            what,
            "when the others fail too, no change is heard of: mend these, or take them out of `--endpoints`",
        )
    }
}

async fn writable(plan: &Plan, settings: &RegistrySettings) -> Check {
    const NAME: &str = "etcd-write";
    let keys = &plan.settings.common.keys;
    let id = &plan.settings.node.id;
    let put = |key: String| Op::Put {
        key,
        value: Vec::new(),
        lease: None,
    };
    let txn = Txn {
        when: vec![Compare::ModRevision(keys.record(), NEVER)],
        then: vec![put(keys.record()), put(keys.seed(id))],
    };
    let asked = async { Registry::new(settings.clone())?.commit(&txn).await };
    match asked.await {
        Ok(_) => Check::ok(NAME, format!("{} and {} may be written", keys.record(), keys.seed(id))),
        Err(error) => Check::fail(NAME, error.to_string(), error.hint()),
    }
}

const RECORD: &str = "record";

/// The launcher's own decision, with the seed that it would publish first.
fn record(plan: &Plan, reading: &Reading) -> Result<Check, Failure> {
    let common = &plan.settings.common;
    let candidate = plan.candidate(Vec::new());
    let disk = preflight::look(plan)?;
    let fresh = || {
        Ok::<_, std::io::Error>(Marker::new(
            DiskId::random()?,
            &common.service,
            &candidate.cluster,
            &candidate.name,
        ))
    };
    let disk = match disk {
        // The launcher would give it a new marker.
        Some(Disk::Marked { marker, files }) if is_emptied(&marker, files) => Disk::Marked {
            marker: fresh()?,
            files,
        },
        Some(disk) => disk,
        None => Disk::Marked {
            marker: fresh()?,
            files: false,
        },
    };
    let mut view = ClusterView::of(&common.keys, reading);
    if let Disk::Marked { marker, .. } = &disk {
        let seed = formation::seed(&candidate, plan.settings.node.http_port, Incarnation::random()?, marker);
        view.seeds.entry(candidate.id.clone()).or_insert(Stored {
            value: seed,
            mod_revision: reading.revision,
            create_revision: reading.revision,
            lease: None,
        });
    }
    let decision = decide(&Situation {
        candidate: &candidate,
        disk: &disk,
        keys: &common.keys,
        view: Ok(&view),
        memory: &HostCache::read(&plan.layout.cache)?,
        claim: None,
        unpublished: None,
    });
    Ok(foretell(
        &decision,
        matches!(disk, Disk::Marked { marker, .. } if marker.claim.is_some()),
    ))
}

fn foretell(decision: &Decision, used: bool) -> Check {
    match decision {
        Decision::Start(_) if used => Check::ok(RECORD, "a start would go back to the recorded cluster"),
        Decision::Start(_) => Check::ok(RECORD, "a start would join the recorded cluster"),
        Decision::Claim { masters } => {
            let names: Vec<String> = masters.iter().map(|master| master.id.to_string()).collect();
            Check::ok(
                RECORD,
                format!(
                    "no cluster is recorded: a start would form it, with {}",
                    names.join(", ")
                ),
            )
        }
        Decision::Release(reason) | Decision::Wait(reason) => {
            Check::ok(RECORD, format!("a start would wait: {reason}"))
        }
        Decision::Operator(reason) => Check {
            hint: None,
            ..Check::warn(RECORD, format!("a start would wait: {reason}"), "")
        },
        Decision::Refuse(reason) => Check {
            hint: None,
            ..Check::fail(RECORD, format!("a start would be refused: {reason}"), "")
        },
    }
}

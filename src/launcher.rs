//! The launcher: starts one node so that it joins the one right cluster, and stays with it.

pub mod decide;
pub mod distribution;
pub mod dry_run;
pub mod formation;
pub mod host_cache;
pub mod java;
pub mod layout;
pub mod leftover;
pub mod marker_file;
pub mod plan;
pub mod preflight;
pub mod prepare;
pub mod process;
pub mod product;
pub mod protocol;
pub mod render;
pub mod runtime;
pub mod seed_file;
pub mod supervise;
pub mod user;

use crate::{
    exit::{Exit, Failure},
    nodefile::{NodeFile, ProcessId},
};

/// The node of an earlier launcher, if it still lives.
pub fn own_node(plan: &plan::Plan) -> Result<Option<ProcessId>, Failure> {
    Ok(leftover(plan)?.map(|leftover| leftover.process))
}

fn leftover(plan: &plan::Plan) -> Result<Option<leftover::Leftover>, Failure> {
    let path = plan.settings.node.run_file(&plan.settings.common.service);
    let found = NodeFile::read(&path).and_then(|file| leftover::find(file.as_ref(), &plan.layout));
    found.map_err(|error| {
        let hint = "delete the file if no node runs on this host under this address";
        Failure::with_hint(
            Exit::Config,
            format!("cannot tell whether a node runs already: {error}"),
            hint,
        )
    })
}

//! docs/compatibility.md.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::results::{Passed, Results};
use crate::lines::cell::Cell;

const HEAD: &str = "# What was run

Written by `make lines`: real nodes, three at a time on one machine, each with a real launcher and a real sidecar, and a real etcd. Nothing
stands here that was not run, with the versions that stand here; what a launcher accepts beside it (other versions of these lines) follows
from the same table of settings. Every step ends with three members of the cluster of before, with one UUID (Elasticsearch 1 reports none:
one name and one master), and with every document that was acknowledged in every copy. Times are in seconds.

";

const NOTHING: &str = "- –: the line has nothing of the kind. Freezing is for the lines in which any node may found a cluster at any start; there a node that
  stands still is missed after two attempts of 2 s, in place of three of 30 s, and news wait 3 s for it, in place of 30 s.";

/// Writes the page from what was kept.
pub(crate) fn write(cells: &[Cell]) {
    let passed: Vec<(Cell, Passed)> = cells
        .iter()
        .filter_map(|cell| Some((*cell, Results::of(*cell).read()?)))
        .collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md");
    std::fs::write(path, page(&passed)).expect("written");
}

fn page(passed: &[(Cell, Passed)]) -> String {
    let steps = Cell::STEPS.map(|(name, _)| name);
    let columns = "---:|".repeat(steps.len());
    let mut lines = vec![
        format!("| nodes | Java | etcd | date | {} |", steps.join(" | ")),
        format!("|---|---|---|---|{columns}"),
    ];
    lines.extend(passed.iter().map(|(cell, passed)| line(*cell, passed)));
    lines.extend([String::new(), "The steps:".to_owned(), String::new()]);
    lines.extend(Cell::STEPS.map(|(name, meaning)| format!("- *{name}*: {meaning}.")));
    lines.extend([NOTHING.to_owned(), String::new()]);
    lines.extend(warnings(passed));
    HEAD.to_owned() + &lines.join("\n") + "\n"
}

fn line(cell: Cell, passed: &Passed) -> String {
    let Passed { date, java, row, .. } = passed;
    let time = |seconds: Option<f64>| seconds.map_or("–".to_owned(), |seconds| format!("{seconds:.1}"));
    let times: Vec<String> = row.steps.iter().map(|step| time(step.seconds)).collect();
    let (nodes, times) = (nodes(cell, passed), times.join(" | "));
    format!("| {nodes} | {java} | {} | {date} | {times} |", row.etcd)
}

fn nodes(cell: Cell, passed: &Passed) -> String {
    let (product, _) = cell.distribution.identity();
    format!("{} {}", product.title(), passed.row.node)
}

/// What the nodes' deprecation logs hold, and why.
fn warnings(passed: &[(Cell, Passed)]) -> Vec<String> {
    let mut warned: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (cell, passed) in passed {
        for warning in &passed.row.complaints {
            warned.entry(warning).or_default().insert(nodes(*cell, passed));
        }
    }
    if warned.is_empty() {
        return vec!["No node warned of anything deprecated.".to_owned()];
    }
    let list = |nodes: BTreeSet<String>| nodes.into_iter().collect::<Vec<_>>().join(", ");
    let but = "No node warned of a setting that quorate had written. What else their deprecation logs hold:".to_owned();
    let warned = warned
        .into_iter()
        .map(|(warning, nodes)| format!("- {}: {warning}", list(nodes)));
    [but, String::new()].into_iter().chain(warned).collect()
}

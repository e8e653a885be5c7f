//! Whether the node's roles mean something, and fit what earlier roles have left in the data directory.

use std::{fs, path::Path};

use super::Check;
use crate::launcher::{plan::Plan, product::Formation};

/// Where the directories of indices are: since Elasticsearch 8, and before.
const INDICES: [&str; 2] = ["indices", "nodes/0/indices"];
/// A start does not wait for a look at everything.
const MOST: usize = 1000;

/// What earlier runs have left in a data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    /// Copies of shards.
    shards: bool,
    /// Knowledge of indices, which masters and nodes with data keep.
    indices: bool,
}

pub(super) fn check(plan: &Plan) -> Option<Check> {
    const NAME: &str = "roles";
    let setup = &plan.setup;
    let said = setup.roles.as_ref()?.join(",");
    // Before 7 such files are left alone.
    if let Formation::Bootstrap { .. } = plan.line.formation
        && let Some(what) = in_the_way(look(&plan.layout.data), setup.holds_data(), setup.master_eligible())
    {
        let what = format!("`--roles` is {said}, and {} holds {what}", plan.layout.data.display());
        let tool = format!("{}-node repurpose", plan.line.product.name());
        let hint =
            format!("the node would refuse to start: let another node take them first, or delete them with `{tool}`");
        return Some(Check::fail(NAME, what, hint));
    }
    let unknown = setup.roles_of_plugins();
    let Some(first) = unknown.first() else {
        return Some(Check::ok(NAME, if said.is_empty() { "none".to_owned() } else { said }));
    };
    let hint = setup
        .meant(first)
        .unwrap_or_else(|| "is that plugin installed?".to_owned());
    let what = format!(
        "`{}` in `--roles` means nothing to {}: only a plugin could look for it",
        unknown.join("`, `"),
        plan.line.label
    );
    Some(Check::warn(NAME, what, hint))
}

/// What a node with such roles refuses to start on.
fn in_the_way(left: Left, data: bool, master: bool) -> Option<&'static str> {
    match (left, data, master) {
        (Left { shards: true, .. }, false, _) => {
            Some("copies of shards, which a node without a data role does not keep")
        }
        (Left { indices: true, .. }, false, false) => {
            Some("metadata of indices, which only masters and nodes with data keep")
        }
        (Left { .. }, ..) => None,
    }
}

fn look(data: &Path) -> Left {
    let names = |dir: &Path| {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect::<Vec<_>>()
    };
    let mut left = Left {
        shards: false,
        indices: false,
    };
    for root in INDICES.map(|path| data.join(path)) {
        for index in names(&root).into_iter().take(MOST) {
            for part in names(&root.join(&index)) {
                left.shards |= part.parse::<u32>().is_ok();
                left.indices |= part == "_state";
            }
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_want_a_role_for_data_and_metadata_one_of_two() {
        let shards = Left {
            shards: true,
            indices: true,
        };
        let metadata = Left {
            shards: false,
            indices: true,
        };
        for (left, data, master, refused) in [
            (shards, true, false, false),
            (shards, false, true, true),
            (shards, false, false, true),
            (metadata, false, true, false),
            (metadata, false, false, true),
            (
                Left {
                    shards: false,
                    indices: false,
                },
                false,
                false,
                false,
            ),
        ] {
            assert_eq!(
                in_the_way(left, data, master).is_some(),
                refused,
                "{left:?} {data} {master}"
            );
        }
    }

    #[test]
    fn what_is_left_is_found_in_both_layouts() {
        for root in INDICES {
            let dir = tempfile::tempdir().expect("directory");
            assert_eq!(
                look(dir.path()),
                Left {
                    shards: false,
                    indices: false
                }
            );
            fs::create_dir_all(dir.path().join(root).join("uuid/_state")).expect("state");
            assert_eq!(
                look(dir.path()),
                Left {
                    shards: false,
                    indices: true
                }
            );
            fs::create_dir_all(dir.path().join(root).join("uuid/0")).expect("shard");
            assert_eq!(
                look(dir.path()),
                Left {
                    shards: true,
                    indices: true
                }
            );
        }
    }
}

//! The other nodes of this host, as their launchers tell of them: each has a name of its own.

use std::{fs, path::Path};

use super::Check;
use crate::{host::FileLock, launcher::plan::Plan, nodefile::NodeFile};

pub(super) fn name(plan: &Plan) -> Check {
    const NAME: &str = "name";
    let own = plan.settings.node.run_file(&plan.settings.common.service);
    let name = &plan.settings.name;
    match own.parent().and_then(|dir| namesake(dir, &own, name)) {
        Some(other) => Check::fail(
            NAME,
            format!("the node {other} of this host is called `{name}` too"),
            "give each node a `--name` of its own",
        ),
        None => Check::ok(NAME, format!("no other node of this host is called `{name}`")),
    }
}

/// The id of another node of the same service, alive or about to be, with this name.
fn namesake(dir: &Path, own: &Path, name: &str) -> Option<String> {
    let files = fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
    let others = files.filter(|path| path != own && path.extension().is_some_and(|end| end == "json"));
    let mut namesakes = others.filter(|path| {
        let file = NodeFile::read(path).ok().flatten().filter(|file| file.name == name);
        file.is_some_and(|file| {
            let node = file.process.is_some_and(crate::nodefile::ProcessId::is_alive);
            node || FileLock::is_held(&path.with_extension("lock")).unwrap_or(false)
        })
    });
    Some(namesakes.next()?.file_stem()?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodefile::{Phase, ProcessId};

    #[test]
    fn only_a_living_node_has_its_name() {
        let dir = tempfile::tempdir().expect("directory");
        let path = |name: &str| dir.path().join(name);
        let mut file = NodeFile {
            format: 1,
            engine: "process".to_owned(),
            container: None,
            process: ProcessId::of(std::process::id()),
            server: None,
            name: "a".to_owned(),
            cluster: "c".to_owned(),
            phase: Phase::Running,
            data: "/d".to_owned(),
            claim: None,
            with_setting: false,
            boot: "b".to_owned(),
            reason: None,
            skipped_checks: Vec::new(),
            disk: None,
        };
        let found = |name: &str| namesake(dir.path(), &path("10.0.0.1.json"), name);
        file.write(&path("10.0.0.1.json")).expect("written");
        assert_eq!(found("a"), None, "the own file");
        file.write(&path("10.0.0.1:9301.json")).expect("written");
        assert_eq!(found("a").as_deref(), Some("10.0.0.1:9301"));
        assert_eq!(found("b"), None);
        file.process = None;
        file.write(&path("10.0.0.1:9301.json")).expect("written");
        assert_eq!(found("a"), None, "neither node nor launcher");
        let _lock = FileLock::take(&path("10.0.0.1:9301.lock")).expect("a lock");
        assert_eq!(found("a").as_deref(), Some("10.0.0.1:9301"), "a launcher that waits");
    }
}

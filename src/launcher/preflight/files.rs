//! Whether launcher and node can use the files and directories they need, seen with the rights of each.

use std::{
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

use super::{Check, Grade};
use crate::{
    host::FileLock,
    launcher::{
        marker_file,
        plan::{Plan, Unpacked},
        user::with_rights_of,
    },
    nodefile::ProcessId,
};

/// How deep the data directory is looked at: `nodes/0/indices` and what lies beside it.
const LEVELS: u32 = 3;
/// A start does not wait for a look at everything.
const MOST: u32 = 500;

/// What the node's user can do with the files, seen with its rights.
pub(super) fn rights(plan: &Plan, unpacked: &Unpacked) -> Vec<Check> {
    let look = || {
        let mut checks = vec![program(plan, unpacked), data(plan)];
        // What lies in a directory that cannot be used is not worth a second complaint.
        if checks.iter().all(|check| check.result == Grade::Ok) {
            checks.push(data_files(plan));
        }
        checks.push(state(plan));
        checks
    };
    match with_rights_of(plan.user.as_ref(), look) {
        Ok(checks) => checks,
        Err(error) => vec![Check::fail(
            "user",
            format!("the rights of `{}` cannot be taken on: {error}", whose(plan)),
            "start the launcher as root, or leave `--user` out",
        )],
    }
}

fn program(plan: &Plan, unpacked: &Unpacked) -> Check {
    const NAME: &str = "home";
    let Unpacked { distribution, java } = unpacked;
    let config = distribution.config();
    let wanted = [
        (distribution.program(), Access::READ_OK | Access::EXEC_OK),
        (java.home.join("bin/java"), Access::EXEC_OK),
        (distribution.home.join("lib"), Access::READ_OK | Access::EXEC_OK),
        (config, Access::READ_OK | Access::EXEC_OK),
    ];
    for (path, rights) in wanted {
        if let Err(error) = access(&path, rights) {
            return Check::fail(
                NAME,
                format!("{} cannot use {}: {error}", whose(plan), path.display()),
                "look at its modes and at those of every directory above it",
            );
        }
    }
    let (title, version) = (plan.line.product.title(), plan.version);
    Check::ok(NAME, format!("{title} {version} in {}", distribution.home.display()))
}

fn data(plan: &Plan) -> Check {
    const NAME: &str = "data";
    let data = &plan.layout.data;
    match writable(data, plan) {
        Ok(true) => Check::ok(NAME, format!("{} can be written by {}", data.display(), whose(plan))),
        Ok(false) => Check::ok(NAME, format!("{} will be made", data.display())),
        Err(error) => Check::fail(
            NAME,
            format!(
                "{} cannot write the data directory {}: {error}",
                whose(plan),
                data.display()
            ),
            data_hint(plan, error.kind()),
        ),
    }
}

fn data_hint(plan: &Plan, kind: io::ErrorKind) -> String {
    if kind == io::ErrorKind::ReadOnlyFilesystem {
        return "mount its file system writable, and look in the kernel's log why it is not".to_owned();
    }
    if kind == io::ErrorKind::NotADirectory {
        return "point `--data` at a directory, or at a path where one can be made".to_owned();
    }
    let data = plan.layout.data.display();
    format!(
        "give it away, `chown -R {} {data}`, and look at the modes of the directories above it",
        owner(plan)
    )
}

/// A look at the upper levels: a node that was once started as another user leaves such files behind, and fails on the first.
fn data_files(plan: &Plan) -> Check {
    const NAME: &str = "data-files";
    let data = &plan.layout.data;
    match foreign(data, LEVELS, &mut { MOST }) {
        None => Check::ok(NAME, format!("{} can use what is there", whose(plan))),
        Some((path, error)) => Check::fail(
            NAME,
            format!("{} cannot use {}: {error}", whose(plan), path.display()),
            format!("give it all away, `chown -R {} {}`", owner(plan), data.display()),
        ),
    }
}

/// The first file or directory that cannot be read and written, `levels` deep, and at most `left` looks.
fn foreign(dir: &Path, levels: u32, left: &mut u32) -> Option<(PathBuf, io::Error)> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries.flatten(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some((dir.to_owned(), error)),
    };
    for entry in entries {
        // Ours are root's, and so is that of a fresh file system.
        if marker_file::is_of_no_node(&entry.file_name()) {
            continue;
        }
        *left = left.checked_sub(1)?;
        let path = entry.path();
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let enter = if is_dir { Access::EXEC_OK } else { Access::empty() };
        if let Err(error) = access(&path, Access::READ_OK | Access::WRITE_OK | enter) {
            return Some((path, error.into()));
        }
        if is_dir
            && levels > 1
            && let Some(found) = foreign(&path, levels - 1, left)
        {
            return Some(found);
        }
    }
    None
}

/// The directory under `--state-dir` holds files that the launcher makes for the node: the node has to reach it.
fn state(plan: &Plan) -> Check {
    const NAME: &str = "state-dir";
    let dir = existing(&plan.layout.dir);
    match access(dir, to_make(plan)) {
        Ok(()) => Check::ok(NAME, format!("{} is within reach", plan.layout.dir.display())),
        Err(error) => Check::fail(
            NAME,
            format!("{} cannot use {}: {error}", whose(plan), dir.display()),
            "look at the modes of the directories above it, or choose another `--state-dir`",
        ),
    }
}

/// The launcher's own word to the sidecar: no business of the node's user.
pub(super) fn run_dir(plan: &Plan) -> Check {
    const NAME: &str = "run-dir";
    let dir = &plan.settings.node.run_dir;
    match access(existing(dir), Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Check::ok(NAME, format!("{} can be written by the launcher", dir.display())),
        Err(error) => Check::fail(
            NAME,
            format!("the launcher cannot write {}: {error}", dir.display()),
            "choose another `--run-dir`, the same for the sidecar, or make this one writable",
        ),
    }
}

/// Whether `dir` is there and can be written; an error when it is there and cannot, or when it cannot be made.
fn writable(dir: &Path, plan: &Plan) -> io::Result<bool> {
    let there = existing(dir);
    if !there.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    access(
        there,
        if there == dir {
            Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK
        } else {
            to_make(plan)
        },
    )?;
    Ok(there == dir)
}

/// The right to a directory in which others are to be made: as root the launcher makes them, and the node only goes through.
fn to_make(plan: &Plan) -> Access {
    match plan.user {
        Some(_) => Access::EXEC_OK,
        None => Access::WRITE_OK | Access::EXEC_OK,
    }
}

/// The part of `path` that is there.
pub(super) fn existing(path: &Path) -> &Path {
    path.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("/"))
}

pub(super) fn lock(plan: &Plan, own: Option<ProcessId>) -> Check {
    const NAME: &str = "data-lock";
    let data = plan.layout.data.display();
    match (FileLock::is_held(&plan.layout.lock), own) {
        (Ok(true), Some(process)) => Check::ok(
            NAME,
            format!("held by the node that runs already, process {}", process.pid),
        ),
        (Ok(true), None) => in_use(plan),
        (Ok(false), _) => Check::ok(NAME, format!("{data} is used by nobody")),
        (Err(error), _) if error.kind() == io::ErrorKind::NotADirectory => no_directory(NAME),
        (Err(error), _) => Check::fail(
            NAME,
            format!("{} cannot be opened: {error}", plan.layout.lock.display()),
            "start the launcher as the user that owns it, or as root",
        ),
    }
}

/// What is wrong with a data directory that is none is said once, by its own check.
pub(super) fn no_directory(name: &'static str) -> Check {
    Check::warn(name, "not looked at: the data directory is no directory", "see `data`")
}

/// What is said of a data directory that another launcher or node holds.
pub fn in_use(plan: &Plan) -> Check {
    let who = FileLock::holder(&plan.layout.lock).map_or_else(String::new, |pid| format!(", process {pid}"));
    Check::fail(
        "data-lock",
        format!(
            "the data directory {} is in use by another launcher or node{who}",
            plan.layout.data.display()
        ),
        "each node needs a `--data` of its own; stop the other one first if it is this node",
    )
}

/// The distribution's own settings file is replaced: whoever wrote into it should know.
pub(super) fn settings_by_hand(plan: &Plan, unpacked: &Unpacked) -> Option<Check> {
    let path = unpacked.distribution.config().join(plan.line.settings_file());
    let text = std::fs::read_to_string(&path).ok()?;
    let written = text
        .lines()
        .map(str::trim)
        .any(|line| !line.is_empty() && !line.starts_with('#'));
    written.then(|| {
        Check::warn(
            "settings",
            format!("settings in {} are not used", path.display()),
            "give them as `--set KEY=VALUE`, or under `[set]` in quorate's configuration file",
        )
    })
}

/// The node's user in sentences.
fn whose(plan: &Plan) -> String {
    match &plan.user {
        Some(user) => user.name.clone(),
        None => format!("user {}", owner(plan)),
    }
}

/// The same as `chown` wants it.
fn owner(plan: &Plan) -> String {
    match &plan.user {
        Some(user) => user.name.clone(),
        None => rustix::process::geteuid().as_raw().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_launcher_left_keeps_no_node_from_its_data() {
        let dir = tempfile::tempdir().expect("directory");
        for name in [".quorate.json", "..quorate.json.4711.tmp", "lost+found"] {
            std::fs::write(dir.path().join(name), b"").expect("written");
        }
        let mut left = MOST;
        assert!(foreign(dir.path(), LEVELS, &mut left).is_none());
        assert_eq!(left, MOST, "they were looked at");
    }
}

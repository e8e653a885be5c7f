//! What `quorate check --fix` mends: the kernel's setting, at once and for every boot, and directories that are missing.
//!
//! Nothing else is touched, nothing is lowered, nothing that somebody made is given away; doing it again does nothing.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use super::{Check, Grade, host};
use crate::{
    host::write_atomic,
    launcher::{
        plan::{Node, Plan},
        prepare,
    },
};

/// The setting's file below `/proc/sys`, and its name.
const SETTING: (&str, &str) = ("vm/max_map_count", "vm.max_map_count");
/// Ours: after what distributions bring, before what an operator calls 99.
const FILE: &str = "60-quorate.conf";
/// Where such files are read from, in the order of precedence.
const PLACES: [&str; 4] = [
    "etc/sysctl.d",
    "run/sysctl.d",
    "usr/local/lib/sysctl.d",
    "usr/lib/sysctl.d",
];

/// What was done about a check, or why not.
pub type Done = (&'static str, String);

/// Mends what can be mended of `checks`; what was done, each with the name of its check.
pub fn run(plan: &Plan, checks: &[Check]) -> Vec<Done> {
    let mut done = Vec::new();
    let maps = checks
        .iter()
        .find(|check| check.name == SETTING.1 && check.result != Grade::Ok);
    if maps.is_some() {
        let wanted = plan.line.map_count.max(host::MAP_COUNT);
        done.push((SETTING.1, said(raise(Path::new("/"), wanted))));
    }
    done.extend(make_directories(plan));
    done
}

/// Notes at each check what was done about it.
pub fn note(checks: &mut [Check], done: Vec<Done>) {
    for (name, text) in done {
        if let Some(check) = checks.iter_mut().find(|check| check.name == name) {
            check.fixed = Some(text);
        }
    }
}

fn said(result: io::Result<String>) -> String {
    result.unwrap_or_else(|error| format!("nothing: {error}"))
}

/// Sets the kernel's value and writes it down for every boot, below `root`. Never lowers it.
fn raise(root: &Path, wanted: u64) -> io::Result<String> {
    let live = root.join("proc/sys").join(SETTING.0);
    let at = |path: &Path, error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let before = fs::read_to_string(&live).map_err(|error| at(&live, error))?;
    if before.trim().parse::<u64>().is_ok_and(|now| now >= wanted) {
        return Ok("nothing: it is high enough".to_owned());
    }
    // The kernel first: where it may not be set, a file would promise what no boot keeps.
    fs::write(&live, format!("{wanted}\n")).map_err(|error| at(&live, error))?;
    let file = root.join(PLACES[0]).join(FILE);
    let name = SETTING.1;
    let text = format!(
        "# Written by `quorate check --fix`: search nodes map their index files into memory.\n{name} = {wanted}\n"
    );
    write_atomic(&file, text.as_bytes(), 0o644).map_err(|error| at(&file, error))?;
    let mut sentence = format!(
        "{name} was {} and is {wanted}, now and in {}",
        before.trim(),
        file.display()
    );
    if let Some((other, value)) = read_later(root).filter(|(_, value)| *value < wanted) {
        let _ = write!(
            sentence,
            "; but {} sets {value} and is read later at a boot: change it there",
            other.display()
        );
    }
    Ok(sentence)
}

/// The last file after ours that sets the same, and its value.
fn read_later(root: &Path) -> Option<(PathBuf, u64)> {
    let files = PLACES
        .iter()
        .flat_map(|place| fs::read_dir(root.join(place)).into_iter().flatten().flatten());
    let mut files: Vec<PathBuf> = files.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "conf") && path.file_name() > Some(FILE.as_ref()));
    files.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    files.push(root.join("etc/sysctl.conf"));
    let mut set = files.into_iter().filter_map(|path| {
        let value = setting(&fs::read_to_string(&path).ok()?)?;
        Some((path, value))
    });
    set.next_back()
}

/// The last value that a text of the form of `sysctl.conf` gives the setting.
fn setting(text: &str) -> Option<u64> {
    let value = |line: &str| {
        let (name, value) = line.trim().trim_start_matches('-').split_once('=')?;
        let name = name.trim().replace('/', ".");
        (name == SETTING.1).then(|| value.trim().parse().ok()).flatten()
    };
    text.lines().filter_map(value).next_back()
}

/// Makes what a start would make, with the same owners and modes. Whose the data of a container is, its image says: that is left to
/// the start.
fn make_directories(plan: &Plan) -> Vec<Done> {
    let (layout, node) = (&plan.layout, &plan.settings.node);
    let run = node.run_dir.join(plan.settings.common.service.as_str());
    if let Node::Container(_) = plan.node {
        return if run.is_dir() {
            Vec::new()
        } else {
            let made = prepare::open_to_all(&run).map(|()| format!("made {}", run.display()));
            vec![("run-dir", said(made))]
        };
    }
    let wanted = [
        ("state-dir", layout.dir.clone()),
        ("data", layout.data.clone()),
        ("run-dir", run.clone()),
    ];
    let missing: Vec<_> = wanted.into_iter().filter(|(_, path)| !path.is_dir()).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let made = prepare::directories(layout, plan.user.as_ref()).and_then(|()| prepare::open_to_all(&run));
    let sentence = |path: &Path| match &made {
        Err(error) if !path.is_dir() => format!("nothing: {error}"),
        Ok(()) | Err(_) => format!("made {}", path.display()),
    };
    missing
        .into_iter()
        .map(|(name, path)| (name, sentence(&path)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(now: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a directory");
        for dir in ["proc/sys/vm", "etc/sysctl.d", "usr/lib/sysctl.d"] {
            fs::create_dir_all(root.path().join(dir)).expect("a directory");
        }
        fs::write(root.path().join("proc/sys/vm/max_map_count"), now).expect("written");
        root
    }

    fn read(root: &Path, path: &str) -> String {
        fs::read_to_string(root.join(path)).unwrap_or_default()
    }

    #[test]
    fn the_kernel_and_the_next_boot_get_the_same_value_and_doing_it_again_does_nothing() {
        let root = host("65530\n");
        let root = root.path();
        let first = raise(root, 262_144).expect("raised");
        assert!(
            first.starts_with("vm.max_map_count was 65530 and is 262144, now and in "),
            "{first}"
        );
        assert_eq!(read(root, "proc/sys/vm/max_map_count"), "262144\n");
        let file = read(root, "etc/sysctl.d/60-quorate.conf");
        assert_eq!(setting(&file), Some(262_144), "{file}");
        assert_eq!(raise(root, 262_144).expect("nothing"), "nothing: it is high enough");
        assert_eq!(read(root, "etc/sysctl.d/60-quorate.conf"), file);
    }

    #[test]
    fn nothing_is_ever_lowered() {
        let root = host("2000000\n");
        assert_eq!(
            raise(root.path(), 262_144).expect("nothing"),
            "nothing: it is high enough"
        );
        assert_eq!(read(root.path(), "proc/sys/vm/max_map_count"), "2000000\n");
        assert!(!root.path().join("etc/sysctl.d/60-quorate.conf").exists());
    }

    #[test]
    fn a_file_that_is_read_later_and_says_less_is_named() {
        let root = host("65530\n");
        fs::write(root.path().join("etc/sysctl.d/10-x.conf"), "vm.max_map_count=1\n").expect("written");
        assert!(!raise(root.path(), 300_000).expect("raised").contains("read later"));
        fs::write(
            root.path().join("usr/lib/sysctl.d/99-x.conf"),
            "# x\nvm/max_map_count = 65530\n",
        )
        .expect("written");
        let said = raise(root.path(), 400_000).expect("raised");
        assert!(said.contains("99-x.conf sets 65530 and is read later"), "{said}");
    }

    #[test]
    fn a_kernel_that_refuses_gets_no_promise_on_disk() {
        let root = host("65530\n");
        fs::remove_file(root.path().join("proc/sys/vm/max_map_count")).expect("removed");
        let error = raise(root.path(), 262_144).expect_err("refused");
        assert!(error.to_string().contains("max_map_count"), "{error}");
        assert!(!root.path().join("etc/sysctl.d/60-quorate.conf").exists());
    }
}

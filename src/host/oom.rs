//! Whether the kernel has killed for want of memory in the control group of a process: version 2 counts in `memory.events`, version 1
//! in `memory.oom_control`. Where neither can be read nothing is said.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where control groups are mounted everywhere.
const MOUNT: &str = "/sys/fs/cgroup";

/// The count of such kills in one control group, from when it was looked at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OomKills {
    file: PathBuf,
    before: u64,
}

impl OomKills {
    /// In the control group of a process that lives.
    pub fn of(pid: u32) -> Option<Self> {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let file = files(&groups).find(|file| count(file).is_some())?;
        Some(Self {
            before: count(&file)?,
            file,
        })
    }

    /// Whether there was one since.
    pub fn happened(&self) -> bool {
        count(&self.file).is_some_and(|now| now > self.before)
    }
}

/// The files that may count, the one of version 1 first: where both are mounted, it is the one that has memory.
fn files(groups: &str) -> impl Iterator<Item = PathBuf> {
    let lines = groups.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        rest.split_once(':')
    });
    let below = |controller: &str, path: &str, file: &str| {
        Path::new(MOUNT)
            .join(controller)
            .join(path.trim_start_matches('/'))
            .join(file)
    };
    let old = lines
        .clone()
        .filter(|(controllers, _)| controllers.split(',').any(|name| name == "memory"))
        .map(move |(_, path)| below("memory", path, "memory.oom_control"));
    let new = lines
        .filter(|(controllers, _)| controllers.is_empty())
        .map(move |(_, path)| below("", path, "memory.events"));
    old.chain(new)
}

fn count(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_looked_for() {
        let found = |groups: &str| files(groups).map(|file| file.display().to_string()).collect::<Vec<_>>();
        assert_eq!(
            found("0::/system.slice/es.service\n"),
            ["/sys/fs/cgroup/system.slice/es.service/memory.events"]
        );
        assert_eq!(
            found("9:name=systemd:/\n4:cpu,memory:/a/b\n0::/\n"),
            [
                "/sys/fs/cgroup/memory/a/b/memory.oom_control",
                "/sys/fs/cgroup/memory.events"
            ]
        );
        assert!(found("garbage\n").is_empty());
    }

    #[test]
    fn a_kill_is_seen_by_its_count() {
        let dir = tempfile::tempdir().expect("directory");
        let file = dir.path().join("memory.events");
        fs::write(&file, "low 0\noom 1\noom_kill 3\noom_group_kill 0\n").expect("written");
        let kills = OomKills {
            before: count(&file).expect("counted"),
            file: file.clone(),
        };
        assert!(!kills.happened());
        fs::write(&file, "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n").expect("written");
        assert!(kills.happened());
        fs::remove_file(&file).expect("gone");
        assert!(!kills.happened(), "a group that is gone tells nothing");
    }

    #[test]
    fn no_damaged_line_of_groups_leads_out_of_the_mount() {
        crate::fuzz::fuzz("proc", |bytes| {
            let text = String::from_utf8_lossy(bytes);
            assert!(files(&text).all(|file| file.starts_with(MOUNT)));
        });
    }
}

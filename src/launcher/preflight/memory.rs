//! How much memory the node may use, and whether it may be swapped out.

use std::{fs, path::Path};

use super::{
    Check,
    java::{Heap, shown},
};

/// What the node has, and what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Memory {
    bytes: u64,
    of: String,
}

/// The heap against the memory of the host or the control group, whichever is less.
pub(super) fn heap_fits(heap: Heap) -> Option<Check> {
    const NAME: &str = "memory";
    let max = heap.max?;
    let Some(memory) = available() else {
        return Some(Check::warn(
            NAME,
            "/proc/meminfo cannot be read",
            "the heap should be at most half of the memory",
        ));
    };
    Some(judge(NAME, max, &memory))
}

fn judge(name: &'static str, heap: u64, memory: &Memory) -> Check {
    let what = format!(
        "a heap of {} and {} of memory ({})",
        shown(heap),
        shown(memory.bytes),
        memory.of
    );
    let half = format!(
        "leave half to the file cache and Java itself: `--heap {}m` or less",
        memory.bytes >> 21
    );
    if heap >= memory.bytes {
        Check::fail(name, format!("{what}: the node would be killed"), half)
    } else if heap > memory.bytes / 2 {
        Check::warn(name, format!("{what}: more than half"), half)
    } else {
        Check::ok(name, what)
    }
}

fn available() -> Option<Memory> {
    let host = Memory {
        bytes: total(&fs::read_to_string("/proc/meminfo").ok()?)?,
        of: "the host's".to_owned(),
    };
    // The node is started in the launcher's own control group.
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = limit_files(&groups).into_iter().filter_map(|file| {
        let bytes = fs::read_to_string(&file).ok()?.trim().parse().ok()?;
        Some(Memory {
            bytes,
            of: format!("{file} says so"),
        })
    });
    std::iter::once(host).chain(limits).min_by_key(|memory| memory.bytes)
}

/// The total in a text of the form of `/proc/meminfo`.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// Where the limits of these groups and of all above them stand, from a text of the form of `/proc/self/cgroup`.
fn limit_files(groups: &str) -> Vec<String> {
    let of_line = |line: &str| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let (root, file) = match controllers.as_str() {
            "" => ("/sys/fs/cgroup", "memory.max"),
            list if list.split(',').any(|name| name == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => return None,
        };
        let above = Path::new(&path)
            .ancestors()
            .map(|dir| format!("{root}{}", dir.display()));
        Some(
            above
                .map(|dir| format!("{}/{file}", dir.trim_end_matches('/')))
                .collect::<Vec<_>>(),
        )
    };
    groups.lines().filter_map(of_line).flatten().collect()
}

/// A node of which a part is on disk answers late, or is taken for dead.
pub(super) fn swap(memory_lock: bool) -> Check {
    let swaps = fs::read_to_string("/proc/swaps").unwrap_or_default();
    let swappiness = fs::read_to_string("/proc/sys/vm/swappiness")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    judge_swap(&swaps, swappiness, memory_lock)
}

fn judge_swap(swaps: &str, swappiness: Option<u32>, memory_lock: bool) -> Check {
    const NAME: &str = "swap";
    let first = swaps.lines().nth(1).and_then(|line| line.split_whitespace().next());
    match (first, swappiness) {
        (None, _) => Check::ok(NAME, "the host has none"),
        (Some(_), _) if memory_lock => Check::ok(NAME, "the node's memory is locked"),
        (Some(_), Some(0 | 1)) => Check::ok(NAME, "vm.swappiness keeps it for emergencies"),
        (Some(place), _) => Check::warn(
            NAME,
            format!("the node's memory may be swapped out to {place}"),
            "`swapoff -a` and out of /etc/fstab with it, or `vm.swappiness = 1` in /etc/sysctl.d, or `--set bootstrap.memory_lock=true`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launcher::preflight::Grade;

    #[test]
    fn half_of_the_memory_is_the_measure() {
        let memory = Memory {
            bytes: 8 << 30,
            of: "the host's".to_owned(),
        };
        for (gib, expected) in [
            (1, Grade::Ok),
            (4, Grade::Ok),
            (5, Grade::Warn),
            (8, Grade::Fail),
            (64, Grade::Fail),
        ] {
            assert_eq!(judge("memory", gib << 30, &memory).result, expected, "{gib}");
        }
        let check = judge("memory", 6 << 30, &memory);
        assert_eq!(
            check.what,
            "a heap of 6.0 GiB and 8.0 GiB of memory (the host's): more than half"
        );
        assert!(check.hint.is_some_and(|hint| hint.contains("`--heap 4096m`")));
    }

    #[test]
    fn the_limits_of_every_group_above_count_in_both_hierarchies() {
        let both = "12:memory,hugetlb:/a/b\n3:cpu:/a\n0::/x.slice\n";
        assert_eq!(
            limit_files(both),
            [
                "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/a/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes",
                "/sys/fs/cgroup/x.slice/memory.max",
                "/sys/fs/cgroup/memory.max",
            ]
        );
        assert!(limit_files("nonsense\n\n:").is_empty());
        assert_eq!(total("MemFree: 1 kB\nMemTotal:       2048 kB\n"), Some(2 << 20));
        assert_eq!(total("MemTotal: many"), None);
    }

    #[test]
    fn swap_is_fine_where_it_is_not_used() {
        let swaps = "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n";
        for (swaps, swappiness, locked, expected) in [
            ("Filename\n", Some(60), false, Grade::Ok),
            (swaps, Some(60), false, Grade::Warn),
            (swaps, None, false, Grade::Warn),
            (swaps, Some(1), false, Grade::Ok),
            (swaps, Some(60), true, Grade::Ok),
        ] {
            assert_eq!(judge_swap(swaps, swappiness, locked).result, expected);
        }
    }
}

//! What the kernel grants: memory maps and limits. The node has the launcher's limits, raised as far as they may be.

use std::fs;

use rustix::process::{Resource, getrlimit};

use super::Check;
use crate::launcher::plan::Plan;

/// What the nodes of every line ask for.
pub(super) const MAP_COUNT: u64 = 262_144;
/// The same.
const OPEN_FILES: u64 = 65_535;
/// The same.
const THREADS: u64 = 4096;
/// The setting without which a node needs no more maps than the default.
const NO_MMAP: &str = "node.store.allow_mmap";

/// Memory maps: the node opens its index files by them.
pub(super) fn map_count(plan: &Plan) -> Check {
    let now = read_map_count();
    let without_mmap = plan.setup.set.get(NO_MMAP).is_some_and(|value| value == "false");
    judge_map_count(now, plan.line.map_count, without_mmap)
}

pub(super) fn read_map_count() -> Option<u64> {
    fs::read_to_string("/proc/sys/vm/max_map_count")
        .ok()?
        .trim()
        .parse()
        .ok()
}

fn judge_map_count(now: Option<u64>, advised: u64, without_mmap: bool) -> Check {
    const NAME: &str = "vm.max_map_count";
    const FIX: &str = "`quorate check --fix` sets it, now and in /etc/sysctl.d/60-quorate.conf";
    match now {
        Some(count) if without_mmap => Check::ok(NAME, format!("{count}, and the node maps no files")),
        Some(count) if count < MAP_COUNT => Check::fail(
            NAME,
            format!("vm.max_map_count is {count}, the node wants at least {MAP_COUNT}"),
            format!("{FIX}; without the right to: `--set {NO_MMAP}=false`"),
        ),
        Some(count) if count < advised => Check::warn(
            NAME,
            format!("vm.max_map_count is {count}: enough to start, {advised} is advised for this version"),
            FIX,
        ),
        Some(count) => Check::ok(NAME, format!("{count}")),
        None => Check::warn(
            NAME,
            "vm.max_map_count cannot be read",
            format!("the node wants {MAP_COUNT}"),
        ),
    }
}

/// The limits that decide, none: unlimited. The hard ones: the launcher raises the soft ones to them, and Java those of open files.
#[derive(Debug, Clone, Copy)]
struct Limits {
    open_files: Option<u64>,
    threads: Option<u64>,
    address_space: Option<u64>,
    file_size: Option<u64>,
    memory_lock: Option<u64>,
}

/// What the node itself looks at before it goes where others can reach it.
pub(super) fn limits(memory_lock: bool) -> Vec<Check> {
    let hard = |resource| getrlimit(resource).maximum;
    let limits = Limits {
        open_files: hard(Resource::Nofile),
        threads: hard(Resource::Nproc),
        address_space: hard(Resource::As),
        file_size: hard(Resource::Fsize),
        memory_lock: hard(Resource::Memlock),
    };
    judge_limits(limits, memory_lock)
}

fn judge_limits(limits: Limits, memory_lock: bool) -> Vec<Check> {
    let at_least = |name, limit: Option<u64>, wanted: u64, what: &str, unit: &str, shell: &str| match limit {
        Some(limit) if limit < wanted => Check::fail(
            name,
            format!("at most {limit} {what}, the node wants {wanted}"),
            format!(
                "in the unit `{unit}={wanted}`, in a shell `ulimit {shell} {wanted}`, for a login /etc/security/limits.conf"
            ),
        ),
        limit => Check::ok(
            name,
            limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string()),
        ),
    };
    let unlimited = |name, limit: Option<u64>, what: &str, unit: &str, shell: &str| match limit {
        Some(limit) => Check::fail(
            name,
            format!("{what} at most {limit} bytes, the node wants no limit"),
            format!(
                "in the unit `{unit}=infinity`, in a shell `ulimit {shell} unlimited`, for a login /etc/security/limits.conf"
            ),
        ),
        None => Check::ok(name, "unlimited"),
    };
    let mut checks = vec![
        at_least(
            "open-files",
            limits.open_files,
            OPEN_FILES,
            "files may be open",
            "LimitNOFILE",
            "-Hn",
        ),
        at_least(
            "threads",
            limits.threads,
            THREADS,
            "threads for the node's user",
            "LimitNPROC",
            "-Hu",
        ),
        unlimited(
            "address-space",
            limits.address_space,
            "the address space may have",
            "LimitAS",
            "-Hv",
        ),
        unlimited("file-size", limits.file_size, "a file may have", "LimitFSIZE", "-Hf"),
    ];
    if memory_lock {
        let what = "`bootstrap.memory_lock` is on, and the memory that may be locked is";
        checks.push(unlimited(
            "memory-lock",
            limits.memory_lock,
            what,
            "LimitMEMLOCK",
            "-Hl",
        ));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launcher::preflight::Grade;

    #[test]
    fn too_few_maps_fail_and_fewer_than_advised_warn() {
        let judge = |now, without| judge_map_count(now, 1_048_576, without).result;
        for (now, without_mmap, expected) in [
            (Some(65_530), false, Grade::Fail),
            (Some(65_530), true, Grade::Ok),
            (Some(262_144), false, Grade::Warn),
            (Some(1_048_576), false, Grade::Ok),
            (None, false, Grade::Warn),
        ] {
            assert_eq!(judge(now, without_mmap), expected, "{now:?}");
        }
        assert_eq!(judge_map_count(Some(262_144), MAP_COUNT, false).result, Grade::Ok);
    }

    #[test]
    fn each_limit_is_judged_by_itself() {
        let none = Limits {
            open_files: None,
            threads: None,
            address_space: None,
            file_size: None,
            memory_lock: None,
        };
        let failed = |limits, lock| -> Vec<&str> {
            let checks = judge_limits(limits, lock);
            checks
                .iter()
                .filter(|check| check.result == Grade::Fail)
                .map(|check| check.name)
                .collect()
        };
        assert!(failed(none, true).is_empty());
        let low = Some(4095);
        let all = Limits {
            open_files: low,
            threads: low,
            address_space: low,
            file_size: low,
            memory_lock: low,
        };
        let names = ["open-files", "threads", "address-space", "file-size"];
        assert_eq!(failed(all, false), names);
        assert_eq!(failed(all, true), [&names[..], &["memory-lock"]].concat());
        let enough = Limits {
            open_files: Some(65_535),
            threads: Some(4096),
            ..none
        };
        assert!(failed(enough, false).is_empty());
    }
}

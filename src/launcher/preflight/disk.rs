//! The disk under the data directory: what kind it is, how much room it has, and what its marker says.

use std::{io, path::Path};

use rustix::fs::{statfs, statvfs};

use super::{
    Check,
    files::{existing, no_directory},
    java::shown,
};
use crate::launcher::{
    decide::{Disk, Reason, usable_marker},
    marker_file,
    plan::Plan,
};

/// At this share of a disk the node makes its indices read-only.
const FLOOD_STAGE_FREE: u64 = 20;
/// The setting that says otherwise.
const WATERMARK: &str = "cluster.routing.allocation.disk.watermark.flood_stage";
/// The same, all watermarks together.
const THRESHOLD: &str = "cluster.routing.allocation.disk.threshold_enabled";

/// File systems, by the number in `statfs`, on which data is lost or late.
const UNFIT: &[(u32, &str, &str)] = &[
    (0x0102_1994, "tmpfs", "it is gone after a reboot"),
    (0x8584_58f6, "ramfs", "it is gone after a reboot"),
    (
        0x6969,
        "NFS",
        "a server that hangs or a lock that is not kept damages it",
    ),
    (
        0xff53_4d42,
        "CIFS",
        "a server that hangs or a lock that is not kept damages it",
    ),
    (
        0xfe53_4d42,
        "SMB",
        "a server that hangs or a lock that is not kept damages it",
    ),
];

/// Room for the data, as the file system says.
#[derive(Debug, Clone, Copy)]
struct Room {
    total: u64,
    free: u64,
    /// None: the file system does not count them.
    free_files: Option<u64>,
}

impl Room {
    fn lacks(self) -> Option<&'static str> {
        match (self.free, self.free_files) {
            // One without any blocks is none that keeps files.
            _ if self.total == 0 => None,
            (0, _) => Some("space"),
            (_, Some(0)) => Some("files (inodes)"),
            (_, Some(_) | None) => None,
        }
    }
}

fn room(dir: &Path) -> io::Result<Room> {
    let stat = statvfs(dir)?;
    Ok(Room {
        total: stat.f_blocks * stat.f_frsize,
        free: stat.f_bavail * stat.f_frsize,
        free_files: (stat.f_files > 0).then_some(stat.f_favail),
    })
}

pub(super) fn space(plan: &Plan) -> Check {
    const NAME: &str = "disk-space";
    // The launcher's own files are small, but it writes them at every start.
    for dir in [&plan.layout.dir, &plan.settings.node.run_dir] {
        let dir = existing(dir);
        if let Some(what) = room(dir).ok().and_then(Room::lacks) {
            return Check::fail(NAME, format!("no {what} left at {}", dir.display()), "make room there");
        }
    }
    let data = existing(&plan.layout.data);
    let room = match room(data) {
        Ok(room) => room,
        Err(error) => return unseen(NAME, data, &error),
    };
    let set = &plan.setup.set;
    let own_rule = set.contains_key(WATERMARK) || set.get(THRESHOLD).is_some_and(|value| value == "false");
    judge_space(NAME, data, room, plan.line.flood_headroom, own_rule)
}

fn judge_space(name: &'static str, data: &Path, room: Room, headroom: Option<u64>, own_rule: bool) -> Check {
    let data = data.display();
    let what = format!("{} of {} free at {data}", shown(room.free), shown(room.total));
    if let Some(of) = room.lacks() {
        return Check::fail(
            name,
            format!("no {of} left at {data}"),
            "make room, or point `--data` at another disk",
        );
    }
    let enough = (room.total / FLOOD_STAGE_FREE).min(headroom.unwrap_or(u64::MAX));
    if room.free < enough && !own_rule {
        let hint = format!(
            "make room: {} must be free, or set `--set {WATERMARK}=…`",
            shown(enough)
        );
        return Check::warn(name, format!("{what}: the node makes its indices read-only"), hint);
    }
    Check::ok(name, what)
}

pub(super) fn filesystem(plan: &Plan) -> Check {
    const NAME: &str = "filesystem";
    let data = existing(&plan.layout.data);
    match statfs(data) {
        // The type of the field differs between C libraries, the number does not.
        Ok(stat) => judge_kind(NAME, data, u32::try_from(stat.f_type & 0xffff_ffff).unwrap_or(0)),
        Err(error) => unseen(NAME, data, &error.into()),
    }
}

fn judge_kind(name: &'static str, data: &Path, number: u32) -> Check {
    let data = data.display();
    match UNFIT.iter().find(|(own, ..)| *own == number) {
        Some((_, kind, why)) => Check::warn(
            name,
            format!("{data} is on {kind}: {why}"),
            "point `--data` at a directory on a local disk",
        ),
        None => Check::ok(name, format!("{data} is on a local disk")),
    }
}

fn unseen(name: &'static str, path: &Path, error: &io::Error) -> Check {
    Check::warn(
        name,
        format!("{} cannot be looked at: {error}", path.display()),
        "look at its file system",
    )
}

/// What the decision would refuse whatever etcd says, said before etcd is asked.
pub(super) fn marker(plan: &Plan) -> Check {
    const NAME: &str = "marker";
    let path = plan.layout.marker.display();
    let disk = match look(plan) {
        Ok(Some(disk)) => disk,
        Ok(None) => return Check::ok(NAME, "none yet: the data directory was never used"),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return no_directory(NAME),
        Err(error) => {
            let hint = format!("bring {path} back from a copy; or empty the directory if its data is worthless");
            return Check::fail(NAME, error.to_string(), hint);
        }
    };
    match usable_marker(&plan.settings.common.service, &disk) {
        Ok(marker) => match marker.joined_cluster() {
            Some(cluster) => Check::ok(NAME, format!("of this service, {cluster}")),
            None => Check::ok(NAME, "of this service, no cluster yet"),
        },
        Err(reason) => judge_marker(NAME, *reason),
    }
}

fn judge_marker(name: &'static str, reason: Reason) -> Check {
    if let Reason::Emptied { disk, belongs } = reason {
        let what = format!("the data directory (disk {disk}, {belongs}) was emptied around its marker");
        let hint = "if that was not meant, bring the data back before a start: it counts as a fresh disk then";
        return Check::warn(name, what, hint);
    }
    Check {
        hint: None,
        ..Check::fail(name, reason.to_string(), "")
    }
}

/// The data directory as the decision sees it; none while nothing is there.
pub fn look(plan: &Plan) -> io::Result<Option<Disk>> {
    let files = marker_file::has_files(&plan.layout.data)?;
    Ok(match marker_file::read(&plan.layout.marker)? {
        Some(marker) => Some(Disk::Marked { marker, files }),
        None => files.then_some(Disk::Unmarked),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launcher::preflight::Grade;

    #[test]
    fn a_full_disk_fails_and_one_above_the_flood_stage_warns() {
        const GIB: u64 = 1 << 30;
        let judge = |total, free, free_files, headroom, own_rule| {
            let room = Room {
                total,
                free,
                free_files,
            };
            judge_space("disk-space", Path::new("/d"), room, headroom, own_rule).result
        };
        assert_eq!(judge(100 * GIB, 6 * GIB, Some(9), None, false), Grade::Ok);
        assert_eq!(judge(100 * GIB, 4 * GIB, Some(9), None, false), Grade::Warn);
        assert_eq!(judge(100 * GIB, 4 * GIB, Some(9), None, true), Grade::Ok);
        assert_eq!(judge(100 * GIB, 0, Some(9), None, true), Grade::Fail);
        assert_eq!(judge(100 * GIB, 50 * GIB, Some(0), None, false), Grade::Fail);
        assert_eq!(judge(100 * GIB, 50 * GIB, None, None, false), Grade::Ok);
        assert_eq!(judge(8000 * GIB, 120 * GIB, None, Some(100 * GIB), false), Grade::Ok);
        assert_eq!(judge(8000 * GIB, 120 * GIB, None, None, false), Grade::Warn);
    }

    #[test]
    fn memory_and_network_are_no_place_for_data() {
        assert_eq!(judge_kind("filesystem", Path::new("/d"), 0xef53).result, Grade::Ok);
        for (number, kind, _) in UNFIT {
            let check = judge_kind("filesystem", Path::new("/d"), *number);
            assert!(check.result == Grade::Warn && check.what.contains(kind), "{check:?}");
        }
    }
}

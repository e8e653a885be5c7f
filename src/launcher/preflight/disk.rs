//! The disk under the data directory: what kind it is, how much room it has, and what its marker says.

use std::{io, path::Path};

use rustix::fs::statfs;

use super::{
    Check,
    files::{existing, no_directory},
    java::shown,
};
use crate::launcher::{
    decide::{Disk, Reason, usable_marker},
    disk::room::{Room, Watermarks},
    marker_file,
    plan::Plan,
};

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

pub(super) fn space(plan: &Plan) -> Check {
    const NAME: &str = "disk-space";
    // The launcher's own files are small, but it writes them at every start.
    for dir in [&plan.layout.dir, &plan.settings.node.run_dir] {
        let dir = existing(dir);
        if let Some(what) = Room::of(dir).ok().and_then(Room::lacks) {
            return Check::fail(NAME, format!("no {what} left at {}", dir.display()), "make room there");
        }
    }
    let data = existing(&plan.layout.data);
    let room = match Room::of(data) {
        Ok(room) => room,
        Err(error) => return unseen(NAME, data, &error),
    };
    judge_space(NAME, data, room, &plan.watermarks())
}

fn judge_space(name: &'static str, data: &Path, room: Room, marks: &Watermarks) -> Check {
    let data = data.display();
    let what = format!("{} of {} free at {data}", shown(room.free), shown(room.total));
    let passed = match (room.lacks(), marks.passed(room)) {
        (Some(of), _) => {
            return Check::fail(
                name,
                format!("no {of} left at {data}"),
                "make room, or point `--data` at another disk",
            );
        }
        (None, None) => return Check::ok(name, what),
        (None, Some(passed)) => passed,
    };
    let needed = marks.needed(passed, room.total).unwrap_or_default();
    let hint = format!(
        "make room: {} must be free, or set `--set {}=…`",
        shown(needed),
        passed.setting()
    );
    Check::warn(name, format!("{what}: {}", passed.meaning()), hint)
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
    use std::collections::BTreeMap;

    use super::*;
    use crate::launcher::preflight::Grade;

    #[test]
    fn a_full_disk_fails_and_one_past_a_watermark_warns() {
        let marks = Watermarks::new(&BTreeMap::new(), None);
        let judge = |free: u64, free_files| {
            let room = Room {
                total: 100_u64 << 30,
                free: free << 30,
                free_files,
            };
            judge_space("disk-space", Path::new("/d"), room, &marks)
        };
        assert_eq!(judge(16, Some(9)).result, Grade::Ok);
        let flood = judge(4, None);
        assert!(
            flood.result == Grade::Warn && flood.what.contains("read-only"),
            "{flood:?}"
        );
        assert_eq!(judge(0, Some(9)).result, Grade::Fail);
        assert_eq!(judge(50, Some(0)).result, Grade::Fail);
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

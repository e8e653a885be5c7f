//! Disks: swapped, full, read-only, hung.

use super::{Chapter, Fault};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Disks",
    faults: &[Fault {
        name: "the disk of another cluster",
        seen: "the node is not started: exit 78, both UUIDs in the message; nothing is lost",
        tests: &["disks::swapped::a_disk_of_another_service_is_refused_and_nothing_is_lost"],
        broken: None,
    }],
};

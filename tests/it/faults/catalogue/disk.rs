//! Disks: swapped, full, read-only, hung.

use super::{Chapter, Fault};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Disks",
    faults: &[
        Fault {
            name: "the disk of another cluster",
            seen: "the node is not started: exit 78, both UUIDs in the message; nothing is lost",
            tests: &["disks::swapped::a_disk_of_another_service_is_refused_and_nothing_is_lost"],
            broken: None,
        },
        Fault {
            name: "no room, or read-only: the launcher's state",
            seen: "the seed file and what the host remembers stay whole as they were; `file not written, trying again` once; both are written within 1 s of room",
            tests: &["host_faults::disk::seed_file_and_memory_of_a_launcher_wait_for_room"],
            broken: None,
        },
        Fault {
            name: "no room, or read-only: the run directory",
            seen: "what the launcher tells stays whole as it was, and is told within 1 s of room",
            tests: &["host_faults::disk::what_a_launcher_tells_waits_for_room"],
            broken: None,
        },
        Fault {
            name: "no room, or read-only: the data directory, before the cluster is known",
            seen: "the node's cluster is not recorded, and the launcher says why; it is within seconds of room",
            tests: &["host_faults::disk::a_marker_that_finds_no_room_is_written_later_and_the_cluster_recorded_then"],
            broken: None,
        },
        Fault {
            name: "no room, or read-only: the sidecar's state",
            seen: "a key that is there stays; none is put that the next run would not know; `registry.obstacle` says why",
            tests: &["host_faults::disk::a_sidecar_puts_no_key_that_the_next_run_would_not_know"],
            broken: None,
        },
        Fault {
            name: "no room, or read-only: the file of `seeds --output`",
            seen: "it stays whole as it was, said once; written within 1 s of room",
            tests: &[
                "host_faults::disk::a_file_of_seeds_stays_whole_until_there_is_room",
                "bad_input::disk::a_seed_file_on_a_full_disk_stays_as_it_is",
            ],
            broken: None,
        },
        Fault {
            name: "a disk under the data that hangs",
            seen: "warnings within 15 s; the node is `unready` with illness `disk_stalled` 30 s after the write began, and its key goes; \
                   launcher and sidecar go on, and all comes back with the disk",
            tests: &["hung_host::a_node_on_a_disk_that_hangs_leaves_and_comes_back_and_nobody_hangs_with_it"],
            broken: Some("no illness of a disk ever lasts too long"),
        },
        Fault {
            name: "a disk that becomes read-only, or answers writes with errors",
            seen: "the node is `unready` after 30 s, illness `disk_read_only` or `disk_failing` with the system's words; back with the disk",
            tests: &["hung_host::a_disk_that_is_full_warns_and_one_that_is_read_only_takes_the_node_out"],
            broken: Some("no illness of a disk ever lasts too long"),
        },
        Fault {
            name: "a disk that fills up under a node",
            seen: "a warning with the watermark in both daemons' status, `quorate status` and metrics; the node stays registered",
            tests: &["hung_host::a_disk_that_is_full_warns_and_one_that_is_read_only_takes_the_node_out"],
            broken: None,
        },
        Fault {
            name: "SIGKILL or SIGSTOP of the helper that tries the disk, SIGSTOP of the launcher",
            seen: "nothing: the helper is replaced within two intervals, and what is not known costs no key",
            tests: &[
                "hung_host::a_helper_that_is_killed_or_stopped_is_replaced",
                "hung_host::a_disk_that_is_full_warns_and_one_that_is_read_only_takes_the_node_out",
            ],
            broken: None,
        },
    ],
};

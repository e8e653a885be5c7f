//! Processes that end, stand still or lie.

use super::{Chapter, Fault};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Processes",
    faults: &[
        Fault {
            name: "SIGKILL of a node",
            seen: "its key is gone within milliseconds where the kernel tells of its threads, else when its sockets close; verdict `down`; \
                   the launcher ends with the node's code, and the service manager starts it again",
            tests: &[
                "sidecar::member_key::a_dead_a_frozen_and_a_thawed_node_are_told_from_each_other",
                "sidecar_death::the_threads_of_a_killed_node_tell_of_its_death",
                "faults::sequences::no_sequence_of_faults_breaks_an_invariant",
            ],
            broken: None,
        },
        Fault {
            name: "SIGSTOP of a node, SIGCONT later",
            seen: "its key is gone within 9 s, verdict `unready`; back at the second good answer, within 6 s of SIGCONT",
            tests: &[
                "sidecar::member_key::a_dead_a_frozen_and_a_thawed_node_are_told_from_each_other",
                "faults::sequences::no_sequence_of_faults_breaks_an_invariant",
            ],
            broken: Some("a sidecar keeps its key while its node is unready"),
        },
        Fault {
            name: "a node that answers nonsense, slowly or not at all, or another service on its port",
            seen: "no key within 9 s, verdict `unready` or `impostor` with the reason",
            tests: &[
                "sidecar::answers::every_way_to_misbehave_leads_to_its_verdict",
                "faults::sequences::no_sequence_of_faults_breaks_an_invariant",
            ],
            broken: None,
        },
        Fault {
            name: "SIGKILL of a sidecar",
            seen: "nothing, when it starts again within 30 s: it takes its key over; else the key ends with its lease",
            tests: &[
                "registration::late_writes_of_the_former_run_change_nothing",
                "faults::sequences::no_sequence_of_faults_breaks_an_invariant",
            ],
            broken: None,
        },
        Fault {
            name: "SIGSTOP of a sidecar, SIGCONT later",
            seen: "nothing within 30 s; then its key has ended with its lease, and is back within 15 s of SIGCONT",
            tests: &["faults::sequences::no_sequence_of_faults_breaks_an_invariant"],
            broken: None,
        },
        Fault {
            name: "SIGTERM of a sidecar",
            seen: "its key is gone at once, exit 0, within 3 s without etcd",
            tests: &[
                "sidecar::answers::sighup_is_no_reason_to_end_and_sigterm_ends_in_time_without_etcd",
                "faults::sequences::no_sequence_of_faults_breaks_an_invariant",
            ],
            broken: None,
        },
        Fault {
            name: "a second sidecar of the same node, with files of its own",
            seen: "it waits until the lease of the first has ended, and says so; neither touches the key of the other",
            tests: &["faults::sequences::no_sequence_of_faults_breaks_an_invariant"],
            broken: Some("a sidecar deletes whatever key it finds at its id while its own node is unready"),
        },
        Fault {
            name: "a second sidecar of the same node",
            seen: "it ends at once with 78 and says who is there",
            tests: &["sidecar::answers::a_second_sidecar_for_the_same_node_is_refused"],
            broken: None,
        },
        Fault {
            name: "SIGKILL of a launcher",
            seen: "nothing: the node lives on, and the next run adopts it",
            tests: &["launch::a_node_outlives_its_launcher_and_is_adopted_by_the_next"],
            broken: None,
        },
        Fault {
            name: "launchers, nodes and etcd that die at any step of the formation",
            seen: "one cluster with one UUID, as soon as everybody is started again",
            tests: &[
                "formation::deaths::launchers_and_etcd_that_die_at_any_step_form_one_cluster_all_the_same",
                "node_races::real_nodes_that_are_killed_on_the_way_form_one_cluster",
            ],
            broken: None,
        },
        Fault {
            name: "nodes, launchers, sidecars and members of etcd killed, frozen or stopped in any sequence, on real nodes",
            seen: "a service manager starts what has ended; one UUID, every document, every key, without a hand",
            tests: &["faults::sequences::no_sequence_of_faults_breaks_an_invariant"],
            broken: None,
        },
        Fault {
            name: "everything at once: power off, stop, in any order",
            seen: "hosts start in any order, with or without etcd, and are the same cluster with all documents",
            tests: &["outage::a_full_outage_heals_in_any_order"],
            broken: None,
        },
    ],
};

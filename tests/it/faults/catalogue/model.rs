//! Everything at once, in virtual time: the real machines over a modelled world.

use super::{Chapter, Fault};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Anything in any order, in virtual time",
    faults: &[
        Fault {
            name: "any sequence of faults of one sidecar: its node dies, hangs, restarts, changes its name or cluster; calls to etcd are lost, late, \
                   unanswered or refused; etcd goes and comes back; leases end; runs are killed, frozen, stopped, reloaded; hosts boot or are cloned",
            seen: "no key of a node that is not well for longer than 9 s, or than a TTL after the last sign of its sidecar; no key of another run changed; \
                   the key back within 15 s of the end of the faults; then nothing is written",
            tests: &["sidecar_model::no_sequence_of_faults_leaves_a_key_without_its_node_or_a_node_without_its_key"],
            broken: Some("each of thirteen rules in turn: `sidecar_model::sabotage`"),
        },
        Fault {
            name: "a reload of the sidecar while the launcher takes back its word that the node leaves",
            seen: "the next good probe makes it ready",
            tests: &["sidecar::machine::tests::a_node_whose_launcher_goes_on_during_a_reload_does_not_leave_for_ever"],
            broken: Some("a leaving node stays so until the launcher says something new"),
        },
        Fault {
            name: "any sequence of crashes, lost and late answers and changed disks while a cluster forms",
            seen: "one cluster; whoever waits says why",
            tests: &["formation_model::no_schedule_founds_two_clusters_or_loses_the_claim"],
            broken: Some("each rule of the protocol in turn: `formation_model::sabotage`"),
        },
    ],
};

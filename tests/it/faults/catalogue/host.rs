//! The host: its clock, its numbers, its other programs.

use super::{Chapter, Fault};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Host",
    faults: &[
        Fault {
            name: "a port that another program has",
            seen: "exit 78, with the port and the flag",
            tests: &["sidecar::answers::a_taken_port_is_a_configuration_error_that_says_what_to_do"],
            broken: None,
        },
        Fault {
            name: "a second sidecar with the same id on another host",
            seen: "it puts no key and says whose lease is in the way; when the first one dies it takes over, one lease later",
            tests: &[
                "host_faults::identity::a_second_sidecar_with_the_same_id_elsewhere_waits_for_the_first_ones_lease",
            ],
            broken: Some("a key under the lease of another owner counts as one's own"),
        },
        Fault {
            name: "a second sidecar with the same id on the same host",
            seen: "it is refused",
            tests: &["sidecar::answers::a_second_sidecar_for_the_same_node_is_refused"],
            broken: None,
        },
        Fault {
            name: "another node takes the port of a dead one",
            seen: "`impostor`: the key goes and does not come back before the expected node does",
            tests: &["sidecar::member_key::a_node_that_is_not_the_expected_one_gets_no_key"],
            broken: None,
        },
    ],
};

//! The host: its clock, its numbers, its other programs.

use super::{Chapter, Fault};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Host",
    faults: &[Fault {
        name: "a port that another program has",
        seen: "exit 78, with the port and the flag",
        tests: &["sidecar::answers::a_taken_port_is_a_configuration_error_that_says_what_to_do"],
        broken: None,
    }],
};

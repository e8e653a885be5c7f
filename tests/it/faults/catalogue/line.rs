//! The network between a sidecar and etcd, and between a sidecar and its node.

use super::{Chapter, Fault};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Network",
    faults: &[
        Fault {
            name: "slow clients of a sidecar's HTTP answers",
            seen: "nothing: everybody else is answered, and they are closed after their time",
            tests: &["sidecar::answers::slow_clients_hold_nothing"],
            broken: None,
        },
        Fault {
            name: "etcd: connections reset, new ones refused",
            seen: "nothing while another member is reached; else `registry: away since …`, and the key after its lease, back within 15 s of healing",
            tests: &["faults::sequences::no_sequence_of_faults_breaks_an_invariant"],
            broken: None,
        },
        Fault {
            name: "etcd: a partition, in one direction or both, what was sent arrives when it heals",
            seen: "the same",
            tests: &["faults::sequences::no_sequence_of_faults_breaks_an_invariant"],
            broken: None,
        },
        Fault {
            name: "etcd: bytes lost, in one direction or both, while the connection seems to live",
            seen: "the same; the connection is given up after 3 s, that to a single endpoint after a second attempt of 6 s",
            tests: &["faults::sequences::no_sequence_of_faults_breaks_an_invariant"],
            broken: Some("a lease is never renewed"),
        },
        Fault {
            name: "etcd: everything late, or a byte at a time",
            seen: "nothing as long as answers come within 8 s, the first ones within 3 s; else the same",
            tests: &["faults::sequences::no_sequence_of_faults_breaks_an_invariant"],
            broken: None,
        },
        Fault {
            name: "node: connections reset, held, lost or slow",
            seen: "no key within 9 s, verdict `unready` with the probe's words; back at the second good answer",
            tests: &["faults::sequences::no_sequence_of_faults_breaks_an_invariant"],
            broken: Some("a sidecar keeps its key while its node is unready"),
        },
    ],
};

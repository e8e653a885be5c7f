//! The network between a sidecar and etcd, and between a sidecar and its node.

use super::{Chapter, Fault};

pub(super) const CHAPTER: Chapter = Chapter {
    title: "Network",
    faults: &[Fault {
        name: "slow clients of a sidecar's HTTP answers",
        seen: "nothing: everybody else is answered, and they are closed after their time",
        tests: &["sidecar::answers::slow_clients_hold_nothing"],
        broken: None,
    }],
};

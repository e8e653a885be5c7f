//! What befalls an etcd, one kind a test, under everybody who lives on it: real etcds, of three members where it matters.
#![expect(clippy::indexing_slicing, reason = "what is not there fails the test")]

mod certificates;
mod leader;
mod replaced;
mod upkeep;

use crate::support::{etcd::Version, setting};

/// The variable that names another version than 3.5.
const VERSION: &str = "QUORATE_TEST_FAULTS_ETCD";

fn version() -> Version {
    match setting(VERSION).as_deref() {
        None | Some("3.5") => Version::V35,
        Some("3.4") => Version::V34,
        Some("3.6") => Version::V36,
        Some("3.7") => Version::V37,
        Some(other) => panic!("{VERSION} is `{other}`: 3.4, 3.5, 3.6 or 3.7 are expected"),
    }
}

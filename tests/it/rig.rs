//! Whole hosts: real systemd, an etcd member and a container engine on each, a real search node under the units (`scripts/rig`). What
//! happens to a host happens here: its power is cut, it reboots, hangs, loses the network.
//!
//! Each scenario is a file with its assertions, and stands on its own: it makes what it needs. `rig_cut.rs` is the part that every run of
//! the tests makes; `rig_all.rs` (`make rig`) runs all of them.
#![expect(
    clippy::indexing_slicing,
    reason = "there are three hosts, and a field that is missing is a failure"
)]

pub(crate) mod book;
mod cluster;
mod host;
mod hosts;
mod keys;
mod scenarios;
mod settings;

pub(crate) use hosts::Rig;
pub(crate) use scenarios::SCENARIOS;

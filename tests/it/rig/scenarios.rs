//! The scenarios, in the order in which they are played.

mod crashes;
mod engine;
mod etcd;
mod members;
mod network;
mod package;
mod power;
mod starts;
mod units;

use std::pin::Pin;

use tokio::time::Duration;

use super::hosts::Rig;

/// What the operator's page promises for a host or a sidecar that falls silent: its lease, an election, and the lease again.
const SILENT: Duration = Duration::from_secs(65);
/// And for a node that answers no more, or never did: interval, and three probes of 2 s.
const HANGS: Duration = Duration::from_secs(9);

/// A host of three that is not the master's. Without a master the others are ready for no more than a few seconds, and it may take them
/// longer to find a new one; where they must lose nothing, he stays.
fn follower(master: usize) -> usize {
    (master + 1) % 3
}

/// A scenario: what is played, and how.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What happens in it.
    pub(crate) what: &'static str,
    /// Plays it; panics at the first thing that is wrong.
    pub(crate) play: for<'a> fn(&'a mut Rig) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
}

macro_rules! scenarios {
    ($($name:literal $function:path: $what:literal)*) => {
        /// All of them.
        pub(crate) const SCENARIOS: &[Scenario] = &[
            $(Scenario { name: $name, what: $what, play: |rig| Box::pin($function(rig)) }),*
        ];
    };
}

scenarios! {
    "first-start" starts::one_then_the_others: "host 1 is installed and enabled, waits for another; then 2, then 3"
    "units" units::stand_every_look: "systemd-analyze finds no fault with the installed units, and the sidecar's is shut in"
    "node-crash" crashes::of_the_node: "SIGKILL to the node of the master"
    "sidecar-crash" crashes::of_the_sidecar: "SIGKILL to a sidecar"
    "launcher-crash" crashes::of_the_launcher: "SIGKILL to a launcher"
    "power-cut" power::is_cut: "the master's host loses its power, and is booted again"
    "reboot" power::of_a_reboot: "`systemctl reboot` on a host"
    "freeze" power::of_a_frozen_host: "a whole host stands still, and goes on"
    "partition" network::parts_the_master: "the master's host loses its network, and has it back"
    "etcd-leader" etcd::loses_its_leader: "SIGKILL to the leader of etcd, which stays away"
    "engine-restart" engine::starts_again: "`systemctl restart docker`, then SIGKILL to dockerd"
    "image-upgrade" engine::gets_a_new_image: "one host's node is started anew from another image"
    "package" package::is_upgraded_and_removed: "the package is upgraded under a running cluster, then removed from a host and installed again"
    "join" members::somebody_joins: "a fourth host joins the standing cluster"
    "leave" members::somebody_leaves: "that host leaves for good"
    "outage" power::of_everybody: "every host loses its power at once, and is booted again"
    "all-at-once" starts::everybody_at_once: "three clean hosts are enabled at the same instant"
}

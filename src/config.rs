//! Settings: where values come from, and the validated form in which the rest of the program gets them.
//!
//! Precedence: flag > `QUORATE_*` > the other variables of the option (`ETCDCTL_*`) > file > default. The table of all options
//! is [`OPTIONS`]; [`Sources`] collects what was said where; [`Resolver`] reads one value at a time and collects every problem;
//! the settings types below are what comes out, valid as a whole or not at all.

mod access;
mod address;
mod change;
mod common;
mod engine;
mod launch;
mod node;
mod options;
mod resolver;
mod sample;
mod secret;
mod sidecar;
mod sources;
mod suggest;
#[cfg(test)]
mod tests;
mod time;

pub use access::access;
pub use change::{Change, Kept};
pub use common::{Common, common};
pub use engine::{Cli, ContainerSettings, Engine, Network};
pub use launch::{LaunchSettings, launch};
pub use node::{NodeSettings, own_id, run_dir};
pub use options::{Acts, Group, Kind, OPTIONS, Opt, option};
pub use resolver::{Resolver, Source};
pub use sample::sample;
pub use secret::{NoSecret, Secret, SecretSource, holds_secret, shown_of};
pub use sidecar::{ReadyWhen, SidecarSettings, sidecar};
pub use sources::{HANDOVER, Sources};
pub(crate) use suggest::nearest;
pub use time::time;

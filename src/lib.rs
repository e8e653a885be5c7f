//! `quorate` forms and keeps search clusters (Elasticsearch, OpenSearch) on plain Linux hosts, through etcd.
//!
//! The map, in reading order. *Core* files decide and do no I/O; *shell* files select, call the core and act; *adapters* are the
//! only ones that know a foreign program.
//!
//! | module | what it is | layer |
//! |---|---|---|
//! | [`model`] | ids, the values of the keys, the marker | core |
//! | [`registry`] | keys, transactions and leases as data; etcd behind them | core, one adapter |
//! | [`registration`] | keeps one key true under one lease | core, shell |
//! | [`view`] | the cluster as the registry shows it | core |
//! | [`config`] | settings and where they come from | core |
//! | [`launcher`] | starts the node so that it joins the one right cluster | core, shell, two adapters |
//! | [`probe`] | asks a node whether it is up, joined, and who it is | one adapter |
//! | [`backoff`] | how long to wait after a failure | core |
//! | [`sidecar`] | keeps the member key equal to what the probe finds | core, shell |
//! | [`status`] | what the registry and the nodes say, side by side | core |
//! | `units` | the systemd units, made to fit a host | core |
//! | `demo` | etcd and a real cluster on one machine, with a story | core, shell, one adapter |
//! | [`reload`] | new settings and a new executable without a gap, for both daemons | core, shell |
//! | [`nodefile`] | what launcher and sidecar tell each other | shell |
//! | [`host`] | log, signals, service manager, files | shell |
//! | [`cli`], [`commands`], [`output`], [`exit`] | the command line | shell |
//!
//! Words: see `docs/design/glossary.md`; one word for one thing in code, keys, flags, metrics, log and documentation.

pub mod backoff;
pub mod cli;
pub mod commands;
pub mod config;
mod demo;
pub mod exit;
#[cfg(test)]
mod fuzz;
pub mod host;
pub mod launcher;
pub mod model;
pub mod nodefile;
pub mod output;
pub mod probe;
pub mod registration;
pub mod registry;
pub mod reload;
pub mod sidecar;
pub mod status;
mod units;
pub mod view;

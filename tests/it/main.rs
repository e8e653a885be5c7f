//! Integration tests: the real binary, real etcd, real nodes.
#![expect(clippy::panic, reason = "a test says by panicking what it found")]

mod bad_input;
mod cli;
mod cluster_reset;
mod commands;
mod demo;
mod engine;
mod etcd_renewal;
mod etcd_roles;
mod formation;
mod formation_model;
mod generated_docs;
mod launch;
mod launch_container;
mod lines;
mod lines_cut;
mod node_certificates;
mod node_security;
mod node_tls;
mod probe;
mod registration;
mod registration_outage;
mod registry;
mod registry_access;
mod registry_watch;
mod reload;
mod reload_launcher;
mod same_host;
mod secrets;
mod seed_lists;
mod seeds_exec;
mod sidecar;
mod sidecar_death;
mod support;
mod units;
mod uuid_guard;

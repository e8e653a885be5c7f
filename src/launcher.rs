//! The launcher: starts one node so that it joins the one right cluster, and stays with it.

pub mod decide;
pub mod distribution;
pub mod dry_run;
pub mod host_cache;
pub mod java;
pub mod layout;
pub mod leftover;
pub mod marker_file;
pub mod plan;
pub mod preflight;
pub mod prepare;
pub mod process;
pub mod product;
pub mod protocol;
pub mod render;
pub mod runtime;
pub mod seed_file;
pub mod supervise;
pub mod user;

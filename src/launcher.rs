//! The launcher: starts one node so that it joins the one right cluster, and stays with it.

pub mod decide;
pub mod distribution;
pub mod host_cache;
pub mod java;
pub mod product;
pub mod protocol;
pub mod render;
pub mod user;

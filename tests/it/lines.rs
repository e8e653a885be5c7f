//! One version of every line of both products, run through the same steps on real nodes, with real launchers and sidecars.
//!
//! Here is the cut that every run of the tests makes; `matrix.rs` runs all of it.
#![expect(
    clippy::indexing_slicing,
    reason = "there are three seats, and a field that is missing is a failure"
)]

pub(crate) mod cell;
mod complaints;
pub(crate) mod distribution;
mod freeze;
mod steps;
mod trio;

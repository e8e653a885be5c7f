//! The list of other masters that the node is given: with what it starts, and the file that stays true for as long as it lives.
//!
//! Three sources: etcd, what the living nodes say of their own cluster, and what was good before. [`list`] decides who is in, [`mod@file`]
//! when it is written; the rest asks and acts.

mod asking;
mod dials;
pub mod file;
pub mod keeper;
pub mod list;
pub mod live;
mod sources;
mod start;
pub mod told;

pub use sources::registered;
pub use start::at_start;

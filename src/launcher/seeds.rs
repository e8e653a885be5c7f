//! The list of other masters that the node is given: with what it starts, and the file that stays true for as long as it lives.

pub mod file;
pub mod live;
mod start;

pub use start::at_start;

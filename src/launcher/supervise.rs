//! Stays with a started node.

pub mod machine;

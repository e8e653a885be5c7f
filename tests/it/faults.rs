//! Faults: what they do to a user, and which tests survive them.

pub(crate) mod catalogue;
mod guard;
mod judge;
mod nodes;
mod observer;
mod plan;
mod sequences;
mod sky;
mod world;

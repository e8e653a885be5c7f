//! Faults: what they do to a user, and which tests survive them.

pub(crate) mod catalogue;

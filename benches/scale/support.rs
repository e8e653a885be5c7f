//! The real etcd of the tests, as benchmarks use it.

#[path = "../../tests/it/support/etcd.rs"]
pub(crate) mod etcd;
#[path = "../../tests/it/support/parts.rs"]
mod parts;
#[path = "../../tests/it/support/still.rs"]
mod still;
#[path = "../../tests/it/support/wait.rs"]
mod wait;

pub(crate) use parts::part;
pub(crate) use wait::{LONG, eventually};

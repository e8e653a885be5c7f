//! A registration: keeps one fenced key true under one own lease. The sidecar's member key and the launcher's seed key.
//!
//! One task owns everything that is written: it grants and renews the lease, takes over the key of this host's former run,
//! puts and deletes the key as it is wanted, and reads it whenever a watch says that it is not what it was, and as often as it renews
//! the lease while no watch lives. What it decides stands in `machine`, which is pure. It must never touch a key that is not this
//! host's, and an etcd that is away changes nothing here: the wish stays, and is made true when etcd is back.
//!
//! Invariant: every write is compared with the revision it replaces, so a write that arrives late changes nothing.

mod handle;
pub mod machine;
mod standing;
mod state_file;
mod task;
mod value;

pub use handle::{CommitError, LeaveError, Registration, Spec, StartError, Want};
pub use standing::{Counters, Obstacle, Standing};
pub use state_file::Run;
pub use value::Value;

//! The disk under the data: tried by one helper process, judged by a pure machine, told in the launcher's file.
//!
//! A disk that hangs holds whoever writes to it in a sleep that nothing ends, SIGKILL included. So only the helper ever writes here to
//! find out, and the launcher only reads a pipe. Invariant: there is never more than one helper per node on this host, however often
//! launchers start or die meanwhile: a lock in the run directory, which is in memory, lives as long as the helper does.

pub mod helper;
pub mod line;
pub mod machine;
pub mod room;
mod watch;

pub use watch::{DiskNews, DiskWatch};

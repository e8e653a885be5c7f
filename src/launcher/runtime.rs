//! The seam to whatever runs a node. An engine starts, signals and waits; it decides nothing.

use std::{fmt, io, time::Duration};

use super::leftover::{Label, Leftover};
use crate::{
    exit::Failure,
    host::FileLock,
    nodefile::{ContainerId, ProcessId},
};

/// What the formation's word adds to what was known before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The node's settings file, whole.
    pub settings: String,
    /// What tells later whose the node is.
    pub label: Label,
}

/// A node that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Its main process, as this host sees it.
    pub process: ProcessId,
    /// Its container, where it has one.
    pub container: Option<ContainerId>,
}

/// How a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With this exit code.
    Code(u8),
    /// Killed by this signal.
    Signal(u8),
    /// It is gone, and nobody told us how: it was not our child, or somebody has taken its container away.
    Unknown,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "with exit code {code}"),
            Self::Signal(signal) => write!(f, "by signal {signal}"),
            Self::Unknown => f.write_str("nobody knows how"),
        }
    }
}

/// Runs one node, which it was made for. After an error of `start` or `adopt` there is none.
pub trait Runtime {
    /// Its name in the launcher's file and in flags.
    fn name(&self) -> &'static str;

    /// Starts the node. Where the engine can, `lock` is held for as long as the node lives, whatever becomes of this process.
    fn start(&mut self, order: &Order, lock: &FileLock) -> impl Future<Output = Result<Started, Failure>>;

    /// Takes over a node that outlived its launcher.
    fn adopt(&mut self, leftover: &Leftover) -> impl Future<Output = Result<(), Failure>>;

    /// Asks the node to end in order, and does not wait for it. Whoever asks may kill it after `grace`. A node that is gone is no
    /// error.
    fn terminate(&mut self, grace: Duration) -> io::Result<()>;

    /// Ends the node and everything it started, now, and does not wait for it. A node that is gone is no error.
    fn kill(&mut self) -> io::Result<()>;

    /// Ends what only helps this program to hear of the node: the next program in this process begins anew. The node runs on, and so
    /// does the waiting for its end if there is no next program after all.
    fn let_go(&mut self) -> impl Future<Output = ()>;

    /// Waits for the end of the node and of everything it started; nothing of it is left then. Cancel safety: can be asked again.
    fn ended(&mut self) -> impl Future<Output = Ending>;
}

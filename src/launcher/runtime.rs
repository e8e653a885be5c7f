//! The seam to whatever runs a node: a plain process now, containers later. An engine starts, signals and waits; it decides nothing.

use std::{collections::BTreeMap, fmt, io, path::PathBuf};

use super::user::User;
use crate::{host::FileLock, nodefile::ProcessId};

/// A node that is to be started, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment.
    pub environment: BTreeMap<String, String>,
    /// Where it is started.
    pub directory: PathBuf,
    /// Whose rights it gets; none: the launcher's.
    pub user: Option<User>,
}

/// How a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With this exit code.
    Code(u8),
    /// Killed by this signal.
    Signal(u8),
    /// It is gone; it was not our child, so nobody told us how.
    Unknown,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "with exit code {code}"),
            Self::Signal(signal) => write!(f, "by signal {signal}"),
            Self::Unknown => f.write_str("nobody knows how: it was another launcher's child"),
        }
    }
}

/// Runs one node. After an error of `start` or `adopt` there is none.
pub trait Runtime {
    /// Its name in the launcher's file and in flags.
    fn name(&self) -> &'static str;

    /// Starts the node. `lock` is held for as long as the node lives, whatever becomes of this process.
    fn start(&mut self, spec: &Spec, lock: &FileLock) -> io::Result<ProcessId>;

    /// Takes over a node that outlived its launcher.
    fn adopt(&mut self, process: ProcessId) -> io::Result<()>;

    /// Asks the node to end in order. A node that is gone is no error.
    fn terminate(&self) -> io::Result<()>;

    /// Ends the node and everything it started, now. A node that is gone is no error.
    fn kill(&self) -> io::Result<()>;

    /// Waits for the end of the node and of everything it started. Cancel safety: can be asked again.
    fn ended(&mut self) -> impl Future<Output = Ending>;
}

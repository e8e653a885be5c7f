//! How a run ends: the exit codes and the error that a person reads.

use std::{fmt, process::ExitCode};

use crate::registry::RegistryError;

/// The exit codes; scripts and units rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: failed.
    Failed,
    /// 2: the command line is wrong.
    Usage,
    /// 3: refused as unsafe.
    Refused,
    /// 4: timed out waiting.
    TimedOut,
    /// 75: the registry cannot be reached.
    Unreachable,
    /// 78: wrong configuration, a data directory of another cluster included.
    Config,
    /// What the node ended with, passed on.
    Node(u8),
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::TimedOut => 4,
            Self::Unreachable => 75,
            Self::Config => 78,
            Self::Node(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// One thing that is wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A lowercase sentence without period that names the value and what was expected.
    pub what: String,
    /// The next thing to do.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem that says by itself what to do.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: None,
        }
    }

    /// A problem with the next thing to do.
    pub fn with_hint(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: Some(hint.into()),
        }
    }
}

/// Why a command ends early: an exit code and all problems that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// Empty only when there is nobody to tell.
    pub problems: Vec<Problem>,
}

impl Failure {
    /// A failure with one problem.
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self {
            exit,
            problems: vec![Problem::new(what)],
        }
    }

    /// Whoever read our output has enough of it: the end, and no failure.
    pub const fn reader_gone() -> Self {
        Self {
            exit: Exit::Done,
            problems: Vec::new(),
        }
    }

    /// A failure with one problem and the next thing to do.
    pub fn with_hint(exit: Exit, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            exit,
            problems: vec![Problem::with_hint(what, hint)],
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}error: {}", problem.what)?;
            if let Some(hint) = &problem.hint {
                write!(f, "\n hint: {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        let hint = error.hint();
        let exit = match &error {
            RegistryError::Away { .. } | RegistryError::Busy { .. } => Exit::Unreachable,
            RegistryError::LeaseGone => Exit::Failed,
            RegistryError::Refused { .. }
            | RegistryError::Denied { .. }
            | RegistryError::Tls { .. }
            | RegistryError::Settings { .. } => Exit::Config,
        };
        Self::with_hint(exit, error.to_string(), hint)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let hints = [
            (StorageFull, "make room on that file system, and run it again"),
            (QuotaExceeded, "make room for that user, and run it again"),
            (
                ReadOnlyFilesystem,
                "mount that file system writable, or choose another directory",
            ),
            (
                PermissionDenied,
                "look at the modes of it and of the directories above it",
            ),
        ];
        let known = hints.iter().find(|(kind, _)| *kind == error.kind());
        Self {
            exit: Exit::Failed,
            problems: vec![Problem {
                what: error.to_string(),
                hint: known.map(|(_, hint)| (*hint).to_owned()),
            }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_promised_ones() {
        let codes = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::Refused,
            Exit::TimedOut,
            Exit::Unreachable,
            Exit::Config,
        ];
        assert_eq!(codes.map(Exit::code), [0, 1, 2, 3, 4, 75, 78]);
        assert_eq!(Exit::Node(137).code(), 137);
    }

    #[test]
    fn every_problem_is_shown_with_its_hint() {
        let failure = Failure {
            exit: Exit::Config,
            problems: vec![
                Problem::with_hint("`x` is no port", "use 1 to 65535"),
                Problem::new("`y` is missing"),
            ],
        };
        assert_eq!(
            failure.to_string(),
            "error: `x` is no port\n hint: use 1 to 65535\nerror: `y` is missing"
        );
    }
}

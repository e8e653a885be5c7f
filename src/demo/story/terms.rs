//! What the story is told, and what it wants done.

use tokio::time::Instant;

use crate::{
    demo::{cast::Who, scene::How},
    nodefile::NodeFile,
    probe::{ProbeFailure, Report},
    view::ClusterView,
};

/// How it is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::demo) enum Mode {
    /// The story without a person.
    Script,
    /// A person plays.
    Play,
}

/// What happened.
#[derive(Debug, Clone)]
pub(in crate::demo) enum Event {
    /// A process was started.
    Started { who: Who, pid: u32 },
    /// A process ended.
    Ended { who: Who, how: How },
    /// The registry shows this.
    Viewed(ClusterView),
    /// The registry does not answer.
    Away,
    /// What a launcher's file says, and who owns the node's port.
    Filed {
        node: usize,
        file: Option<NodeFile>,
        search: Option<u32>,
    },
    /// A node's answer.
    Answered {
        node: usize,
        answer: Result<Report, ProbeFailure>,
    },
    /// A node's connection ended.
    Closed { node: usize },
    /// SIGKILL was sent to the search process of a node; no number: there was no such process.
    Signalled { node: usize, pid: Option<u32> },
    /// Keys that are still there.
    KeysLeft(Vec<String>),
    /// Processes that are still there.
    ProcessesLeft(Vec<String>),
    /// Something could not be done.
    Failed(String),
    /// Ctrl-C.
    Stop,
    /// The time asked for has come.
    Woke,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::demo) enum Effect {
    /// Tell this.
    Say(String),
    /// Show the table.
    ShowTable,
    /// Show the end of the log of a process.
    ShowLog(Who),
    /// Start a process.
    Start(Who),
    /// SIGTERM.
    Terminate(Who),
    /// SIGKILL to the search process of a node.
    KillNode(usize),
    /// SIGKILL to a process, and to nothing that it has started.
    Kill(Who),
    /// SIGKILL to everything.
    KillAll,
    /// Say [`Event::KeysLeft`].
    CheckKeys,
    /// Say [`Event::ProcessesLeft`].
    CheckProcesses,
    /// The end.
    Finish,
}

/// Where the story stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::demo) enum Stage {
    /// etcd was started.
    Opening,
    /// The launchers and sidecars were started.
    Forming {
        /// When.
        since: Instant,
    },
    /// A node was killed; its key is to go.
    Killing {
        /// Which one.
        node: usize,
    },
    /// The launcher of the killed node is to end.
    Mourning {
        /// Which one.
        node: usize,
    },
    /// It was started again, and is to come back into the cluster.
    Returning {
        /// Which one.
        node: usize,
        /// When.
        since: Instant,
    },
    /// A launcher was killed, and is to end.
    Orphaning {
        /// Whose.
        node: usize,
    },
    /// It was started again, and is to adopt its node.
    Adopting {
        /// Whose.
        node: usize,
        /// When.
        since: Instant,
    },
    /// A person plays.
    Playing,
    /// The launchers stop their nodes.
    Stopping {
        /// When they were told.
        since: Instant,
    },
    /// The keys are looked at.
    Checking,
    /// The sidecars stop.
    Closing,
    /// etcd stops.
    Dimming,
    /// The processes are looked for.
    Searching,
    /// Nothing is left to do.
    Over,
}

impl Stage {
    /// Whether the end has begun.
    pub(in crate::demo) const fn is_ending(self) -> bool {
        match self {
            Self::Opening
            | Self::Forming { .. }
            | Self::Killing { .. }
            | Self::Mourning { .. }
            | Self::Returning { .. }
            | Self::Orphaning { .. }
            | Self::Adopting { .. }
            | Self::Playing => false,
            Self::Stopping { .. } | Self::Checking | Self::Closing | Self::Dimming | Self::Searching | Self::Over => {
                true
            }
        }
    }
}

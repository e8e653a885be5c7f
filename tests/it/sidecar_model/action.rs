//! Everything that can befall a sidecar, and the rules that can be taken away from it.

use std::time::Duration;

use quorate::nodefile::Phase;

/// What listens on the node's HTTP port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing.
    Off,
    /// The expected node, and it never joined.
    Joining,
    /// The expected node, joined.
    Ready,
    /// The expected node, joined, and it takes most of the time that a probe has.
    Slow,
    /// The expected node, without its master.
    Masterless,
    /// It accepts connections and never answers.
    Hung,
    /// It refuses to say.
    Denied,
    /// No search node.
    Stranger,
    /// A node of another name.
    Renamed,
    /// The expected node in another cluster.
    Moved,
    /// It was killed, and its sockets are open until its memory is given back.
    Dying,
}

impl Kind {
    /// A process that is one of these is never the others; a hung one may be anybody.
    pub(super) const fn who(self) -> Option<u8> {
        match self {
            Self::Off | Self::Dying | Self::Hung => None,
            Self::Joining | Self::Ready | Self::Slow | Self::Masterless | Self::Denied => Some(0),
            Self::Stranger => Some(1),
            Self::Renamed => Some(2),
            Self::Moved => Some(3),
        }
    }
}

/// The cluster record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorded {
    Nothing,
    /// A claim: no UUID yet.
    Unnamed,
    Ours,
    Theirs,
}

/// What becomes of the next call that a host makes to etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It does not arrive.
    Lost,
    /// It takes effect, and the answer does not come back.
    Unanswered,
    /// It counts as failed, and arrives after so many milliseconds.
    Late(u64),
    /// etcd says no.
    Refused,
}

/// What happens. A number is that of the host: 0 is the node's own, 1 another one with a second sidecar of the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// From now on this listens; after nothing, as a new process.
    Node(Kind),
    /// A new process takes the port of the old one at once.
    Restart(Kind),
    /// The node closes a connection that is idle.
    CloseIdle,
    /// The launcher's file says so, and names the process or not.
    Launcher(Option<(Phase, bool)>),
    Record(Recorded),
    Start(usize),
    Kill(usize),
    /// SIGTERM.
    Stop(usize),
    /// A reload that becomes the next program.
    Exec(usize),
    Freeze(usize),
    Thaw(usize),
    /// The host is gone at once, and back as if it had taken no time.
    Reboot(usize),
    /// The other host gets the state directory of the first one, as a clone of a machine has it.
    Clone,
    /// Nothing passes between host and etcd.
    Cut(usize),
    /// What the host says arrives, and nothing comes back.
    Deafen(usize),
    Heal(usize),
    Call(usize, Fate),
    FillDisk(usize),
    FreeDisk(usize),
    EtcdDown,
    EtcdUp,
    /// A script writes the key unless it is there, with a lease or without one.
    Script(bool),
    /// Somebody deletes the key, whosever it is.
    Delete,
    /// Somebody ends the lease under which the host's sidecar keeps the key.
    EndLease(usize),
}

/// An action and how long after the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Move(pub(super) Duration, pub(super) Action);

/// A rule that is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    Nothing,
    /// A change of the key is compared with nothing.
    NoFence,
    /// The state file is never written.
    NoStateFile,
    /// The leases of former runs are not ended.
    NoRevoke,
    /// A lease of another boot is believed to be ours.
    NoUptime,
    /// The key is never read again.
    NoVerification,
    /// A key that is not wanted any more stays.
    NoDeletion,
    /// What the cluster record says is not heard.
    NoRecord,
    /// A closed port is taken for a slow node.
    NoRefusal,
    /// Nobody watches the process.
    NoVigil,
    /// What the launcher says is not heard.
    NoLauncher,
    /// A sidecar that is told to stop just ends.
    NoLeaving,
    /// After a reload the verdict begins again.
    NoResume,
    /// A probe has no deadline.
    NoDeadline,
    /// The key is put without a lease.
    NoLease,
}

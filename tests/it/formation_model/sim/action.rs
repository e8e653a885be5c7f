//! What happens, one thing at a time.

use super::{Sim, Way};

/// One thing that happens. What does not apply is skipped, so that every list of actions is a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The service manager starts a launcher.
    Start(usize),
    /// A launcher does what it wants to do next, and gets its answer.
    Step(usize),
    /// It does it, but the answer is lost; a read fails.
    Lose(usize),
    /// Its transaction is on the way and takes effect later, or never; the launcher gets no answer.
    Delay(usize),
    /// A transaction on the way arrives.
    Land(usize),
    /// A node discovers the running nodes of this set and goes on.
    Discover(usize, usize),
    /// A sidecar makes the member key true.
    Probe(usize),
    /// A launcher dies, its node lives.
    KillLauncher(usize),
    /// A node dies, its launcher leaves.
    KillNode(usize),
    /// Both die at once.
    KillHost(usize),
    /// The leases of a host end, though their owner may live.
    Lapse(usize),
    /// A data directory is emptied.
    Wipe(usize),
    /// It is emptied around its marker, which knows its cluster.
    Empty(usize),
    /// Node and launcher die with their disk; the host comes back with an empty one.
    LoseDisk(usize),
    /// A host loses everything it knows.
    Reinstall(usize),
    /// Two hosts exchange their disks.
    Swap(usize, usize),
    /// A disk moves to another host, whose own goes away.
    Move(usize, usize),
    /// From now on etcd is like this.
    Etcd(Weather),
    /// Somebody deletes the record.
    DeleteRecord,
    /// `cluster reset` of the recorded claim, or of the one that this host knows.
    Reset(usize),
    /// The same as the hint has it: everything is stopped, the claim is reset, disks are emptied.
    GiveUp(usize),
    /// `cluster adopt` of what the node of this host says.
    Adopt(usize),
    /// A refused disk is emptied, as the refusal says.
    Obey(usize),
}

/// What etcd does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    Fine,
    /// It answers reads and lets leases end.
    ReadOnly,
    /// It answers nothing.
    Away,
}

/// What is taken away from the protocol, to see that the model notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    Nothing,
    /// Claim and arm no longer compare seeds and members.
    NoQuiet,
    /// An announcement no longer compares the seeds.
    NoCount,
    /// A start does not make the seed a used one.
    NoUsed,
    /// A wiped disk gets the id it had.
    SameDisk,
    /// Nobody sees or compares tombstones.
    NoTombstone,
    /// A node that runs without its cluster brings a lost record back.
    RestoreUnjoined,
    /// A node that outlived its launcher is adopted whatever its label says.
    NoLabel,
    /// A host forgets the record that it saw.
    NoMemory,
    /// Nobody brings a lost record back.
    NoRestore,
    /// A directory that was emptied around its marker counts as the disk it was.
    EmptiedIsUsed,
}

impl Sim {
    /// Does it; whether it applied.
    pub(crate) fn act(&mut self, action: Action) -> bool {
        let known = |host: usize| host < self.hosts.len();
        match action {
            Action::Start(host) => known(host) && self.start(host),
            Action::Step(host) => known(host) && self.step(host, &Way::Answered),
            Action::Lose(host) => known(host) && self.step(host, &Way::Lost),
            Action::Delay(host) => known(host) && self.step(host, &Way::Late),
            Action::Land(flight) => self.land(flight),
            Action::Discover(host, mask) => known(host) && self.discover(host, mask),
            Action::Probe(host) => known(host) && self.probe(host),
            Action::KillLauncher(host) => known(host) && self.kill_launcher(host),
            Action::KillNode(host) => known(host) && self.kill_node(host),
            Action::KillHost(host) => known(host) && self.kill_host(host),
            Action::Lapse(host) => known(host) && self.lapse(host),
            Action::Wipe(host) => known(host) && self.wipe(host),
            Action::Empty(host) => known(host) && self.empty(host),
            Action::LoseDisk(host) => known(host) && (self.kill_host(host) | self.wipe(host)),
            Action::Reinstall(host) => known(host) && self.reinstall(host),
            Action::Swap(a, b) => known(a) && known(b) && self.swap(a, b),
            Action::Move(from, to) => known(from) && known(to) && self.move_disk(from, to),
            Action::Etcd(weather) => std::mem::replace(&mut self.weather, weather) != weather,
            Action::DeleteRecord => self.delete_record(),
            Action::Reset(host) => known(host) && self.reset(host),
            Action::GiveUp(host) => known(host) && self.give_up(host),
            Action::Adopt(host) => known(host) && self.adopt(host),
            Action::Obey(host) => known(host) && self.obey(host),
        }
    }
}

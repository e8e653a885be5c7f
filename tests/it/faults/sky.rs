//! The etcd above the worlds: three real members, and what is done to them.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use etcd_client::{AlarmAction, AlarmType, Client, ConnectOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{
    judge::{Since, Sky, Works},
    observer::Observer,
    plan::{NODES, Plan, Process, Weather},
};
use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
};

/// A member that does not answer for so long does not answer.
const ANSWER: Duration = Duration::from_secs(2);

/// The state of the three members, for everybody under them.
#[derive(Debug)]
pub(crate) struct Climate {
    /// Whether a member serves; `Perhaps`: it runs, and nobody has seen an answer yet.
    pub(crate) members: [Works; NODES],
    pub(crate) sky: Sky,
}

/// What worlds see of their etcd.
#[derive(Debug)]
pub(crate) struct Above {
    /// Where its members are.
    pub(crate) members: [std::net::SocketAddr; NODES],
    pub(crate) observer: Observer,
    pub(crate) climate: Mutex<Climate>,
    /// Whether the weather is over and everything healed.
    pub(crate) fair: watch::Sender<bool>,
}

/// The etcd, which somebody has to drive.
pub(crate) struct Heaven {
    members: [Etcd; NODES],
    processes: [Process; NODES],
    spares_quorum: bool,
    pub(crate) above: Arc<Above>,
    _looking: JoinSet<()>,
}

impl Above {
    pub(crate) fn climate(&self) -> MutexGuard<'_, Climate> {
        self.climate.lock().expect("no task panicked with it")
    }
}

impl Climate {
    /// A member has become like this; with fewer than two there is no quorum.
    fn member(&mut self, at: usize, works: Works, now: Instant) {
        if let Some(member) = self.members.get_mut(at) {
            *member = works;
        }
        let serving = self.members.iter().filter(|member| **member == Works::Yes).count();
        self.sky.quorum.becomes(serving >= 2, now);
        self.sky.election = now;
    }
}

impl Heaven {
    pub(crate) async fn start(version: Version) -> Self {
        let members = Etcd::start_three(version).await;
        let endpoints = members.each_ref().map(Etcd::endpoint);
        let now = Instant::now();
        let sky = Sky {
            quorum: Since::new(true, now),
            election: now,
            no_space: Since::new(false, now),
        };
        let above = Arc::new(Above {
            members: members.each_ref().map(|member| member.address().into()),
            observer: Observer::start(&endpoints),
            climate: Mutex::new(Climate {
                members: [Works::Yes; NODES],
                sky,
            }),
            fair: watch::Sender::new(false),
        });
        let mut looking = JoinSet::new();
        for at in 0..NODES {
            looking.spawn(look(at, Arc::clone(&above)));
        }
        Self {
            members,
            processes: [Process::Runs; NODES],
            spares_quorum: false,
            above,
            _looking: looking,
        }
    }

    /// Does what was planned, heals everything and says so.
    pub(crate) async fn go_through(&mut self, plan: &Plan) {
        self.spares_quorum = plan.spares_quorum;
        for step in &plan.weather {
            tokio::time::sleep(step.after).await;
            match step.what {
                Weather::Member(at, process) => self.member(at, process).await,
                Weather::Leader(process) => {
                    if let Some(leader) = self.leader().await {
                        self.member(leader, process).await;
                    }
                }
                Weather::All(process) => self.all(process).await,
                Weather::NoSpace(alarm) => {
                    let _ = self.alarm(alarm).await;
                }
                Weather::Compaction => self.compact().await,
                Weather::Defragmentation(at) => self.defragment(at).await,
            }
        }
        self.heal().await;
    }

    async fn heal(&mut self) {
        self.all(Process::Runs).await;
        let serves = || async {
            self.above
                .climate()
                .members
                .iter()
                .all(|member| *member == Works::Yes)
                .then_some(())
        };
        eventually("every member of etcd serves again", LONG, serves).await;
        eventually("there is space again", LONG, || async { self.alarm(false).await }).await;
        self.above.fair.send_replace(true);
    }

    async fn all(&mut self, process: Process) {
        for at in 0..NODES {
            self.member(at, process).await;
        }
    }

    async fn member(&mut self, at: usize, process: Process) {
        let others = self.serving().filter(|(serving, _)| *serving != at).count();
        if self.spares_quorum && process != Process::Runs && others < 2 {
            return;
        }
        let (Some(member), Some(state)) = (self.members.get_mut(at), self.processes.get_mut(at)) else {
            return;
        };
        let is = |works: Works| self.above.climate().member(at, works, Instant::now());
        let runs = member.lives();
        match process {
            Process::Runs if *state == Process::Frozen => member.thaw(),
            Process::Runs if runs => return,
            Process::Runs | Process::Restarted => member.start_again(),
            Process::Killed => member.kill(),
            Process::Frozen if runs => member.freeze(),
            Process::Told if runs => {
                is(Works::No);
                member.stop().await;
            }
            Process::Frozen | Process::Told => return,
        }
        *state = process;
        is(match process {
            Process::Runs | Process::Restarted => Works::Perhaps,
            Process::Killed | Process::Frozen | Process::Told => Works::No,
        });
    }

    /// The member that says that it leads.
    async fn leader(&self) -> Option<usize> {
        for (at, _) in self.serving() {
            let status = async { self.client(at).await?.maintenance_client().status().await.ok() };
            let status = timeout(ANSWER, status).await.ok().flatten();
            let leads = |status: etcd_client::StatusResponse| Some(status.leader() == status.header()?.member_id());
            if status.and_then(leads) == Some(true) {
                return Some(at);
            }
        }
        None
    }

    /// Raises the alarm or ends it; none when etcd did not say that it has.
    async fn alarm(&self, alarm: bool) -> Option<()> {
        if alarm {
            self.above.climate().sky.no_space.becomes(true, Instant::now());
        }
        let action = if alarm {
            AlarmAction::Activate
        } else {
            AlarmAction::Deactivate
        };
        let (at, _) = self.serving().next()?;
        let call = async {
            self.client(at)
                .await?
                .maintenance_client()
                .alarm(action, AlarmType::Nospace, None)
                .await
                .ok()
        };
        timeout(ANSWER, call).await.ok()??;
        self.above.climate().sky.no_space.becomes(alarm, Instant::now());
        Some(())
    }

    /// Forgets what everybody here has seen, and what a sidecar perhaps has not.
    async fn compact(&self) {
        let revision = self.above.observer.revision();
        if let Some((at, _)) = self.serving().next() {
            let call = async { self.client(at).await?.compact(revision, None).await.ok() };
            let _ = timeout(ANSWER, call).await;
        }
    }

    /// The member does nothing else meanwhile.
    async fn defragment(&self, at: usize) {
        if self.serving().any(|(serving, _)| serving == at) {
            let call = async { self.client(at).await?.maintenance_client().defragment().await.ok() };
            let _ = timeout(ANSWER, call).await;
            self.above.climate().sky.election = Instant::now();
        }
    }

    fn serving(&self) -> impl Iterator<Item = (usize, &Etcd)> {
        let works = self.above.climate().members;
        let all = self.members.iter().enumerate();
        all.filter(move |(at, _)| works.get(*at) == Some(&Works::Yes))
    }

    async fn client(&self, at: usize) -> Option<Client> {
        let options = ConnectOptions::new().with_connect_timeout(ANSWER);
        let endpoint = self.members.get(at)?.endpoint();
        Client::connect([endpoint], Some(options)).await.ok()
    }
}

/// Looks whether a member that runs again serves again.
async fn look(at: usize, above: Arc<Above>) {
    let address = above.members.get(at).copied().expect("a member");
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let is_open = |above: &Above| above.climate().members.get(at) == Some(&Works::Perhaps);
        // While it was asked it may have been killed again.
        if is_open(&above) && timeout(ANSWER, is_healthy(address)).await == Ok(Some(true)) && is_open(&above) {
            above.climate().member(at, Works::Yes, Instant::now());
        }
    }
}

async fn is_healthy(address: std::net::SocketAddr) -> Option<bool> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = b"GET /health?exclude=NOSPACE HTTP/1.0\r\nHost: etcd\r\n\r\n";
    stream.write_all(request).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer.contains("\"true\""))
}

//! One sidecar of a world: its process, its lines to the node and to etcd, and what can be said of them.

use std::{net::SocketAddr, os::unix::process::ExitStatusExt};

use rustix::process::Signal;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    judge::{Keeper, PROBES, Since, TTL, Works},
    plan::{NODES, Node, Process, RIVAL, SIDECARS},
};
use crate::support::{
    address::Address,
    proxy::{Line, Proxy, Way},
    sidecar::Sidecar,
};

/// A sidecar, its lines, and what can be said of them.
pub(super) struct Guard {
    pub(super) sidecar: Option<Sidecar>,
    pub(super) process: Process,
    /// The proxy to the node; gone while the node is dead.
    pub(super) to_node: Option<Proxy>,
    pub(super) node_line: Line,
    pub(super) to_etcd: [Proxy; NODES],
    pub(super) etcd_lines: [Line; NODES],
    pub(super) judged: Keeper,
}

/// The node that a sidecar looks after.
pub(super) const fn node_of(guard: usize) -> usize {
    guard % NODES
}

/// The HTTP port under which a sidecar knows its node, by which its keys are told from those of the other one.
pub(super) const fn port_of(guard: usize) -> u16 {
    if guard == RIVAL { 9201 } else { 9200 }
}

impl Guard {
    /// Not started yet; every line to these members of etcd is fine.
    pub(super) fn new(members: [SocketAddr; NODES]) -> Self {
        let well = Since::new(Works::Yes, Instant::now());
        Self {
            sidecar: None,
            process: Process::Killed,
            to_node: None,
            node_line: Line::Fine,
            to_etcd: members.map(Proxy::to),
            etcd_lines: [Line::Fine; NODES],
            judged: Keeper {
                node: well,
                process: Since::new(Works::No, well.since),
                reach: well,
            },
        }
    }

    pub(super) fn etcd_line(&mut self, at: usize, line: Line) {
        if let (Some(proxy), Some(state)) = (self.to_etcd.get(at), self.etcd_lines.get_mut(at)) {
            proxy.is(line);
            *state = line;
        }
    }

    /// One that was started is told what becomes of it. What ends or stands still already does not do so again.
    pub(super) async fn becomes(&mut self, process: Process) -> Result<(), String> {
        let was = self.process;
        let restarts = matches!(process, Process::Runs | Process::Restarted);
        if restarts && was == Process::Told {
            self.ended().await?;
        }
        let Some(sidecar) = &mut self.sidecar else {
            return Ok(());
        };
        match (process, was) {
            (Process::Runs, Process::Frozen) => sidecar.signal(Signal::CONT),
            (Process::Runs | Process::Restarted, Process::Killed | Process::Told) => sidecar.start_again(),
            (Process::Restarted, Process::Runs | Process::Frozen) => {
                sidecar.kill();
                sidecar.start_again();
            }
            (Process::Killed, Process::Runs | Process::Frozen) => sidecar.kill(),
            (Process::Frozen, Process::Runs) => sidecar.signal(Signal::STOP),
            (Process::Told, Process::Runs | Process::Frozen) => {
                sidecar.signal(Signal::TERM);
                sidecar.signal(Signal::CONT);
            }
            (Process::Runs, Process::Runs)
            | (Process::Killed | Process::Frozen | Process::Told, Process::Killed | Process::Told)
            | (Process::Frozen, Process::Frozen)
            | (_, Process::Restarted) => return Ok(()),
        }
        self.is(if process == Process::Restarted {
            Process::Runs
        } else {
            process
        });
        Ok(())
    }

    pub(super) fn is(&mut self, process: Process) {
        self.process = process;
        let works = if process == Process::Runs {
            Works::Yes
        } else {
            Works::No
        };
        self.judged.process = Since::new(works, Instant::now());
    }

    /// Waits for the end of one that was told to leave.
    pub(super) async fn ended(&mut self) -> Result<(), String> {
        let Some(sidecar) = self.sidecar.as_mut().filter(|_| self.process == Process::Told) else {
            return Ok(());
        };
        self.process = Process::Killed;
        let status = sidecar.ends().await;
        let logged = sidecar.logged();
        // Before its first word nobody hears signals yet, and nothing is there to be cleared away.
        let unheard = logged.is_empty() && status.signal() == Some(Signal::TERM.as_raw());
        if !(status.success() || unheard) || logged.contains("panicked") {
            return Err(format!("a sidecar that was told to leave ended with {status}"));
        }
        Ok(())
    }
}

/// Starts a sidecar with quick probes.
pub(super) fn start(guard: usize, endpoints: &str, address: &Address, service: &str) -> Sidecar {
    let (ttl, port) = (format!("{}s", TTL.as_secs()), port_of(guard).to_string());
    let listen = format!("{address}:{}", if guard == RIVAL { 9191 } else { 9190 });
    let more = [
        "--ttl",
        &ttl,
        "--http-port",
        &port,
        "--listen",
        &listen,
        "--service",
        service,
    ];
    let roots = ["--prefix", "/storm/services", "--control-prefix", "/storm/quorate"];
    Sidecar::start(endpoints, address, &[&more[..], &roots, &PROBES].concat())
}

/// Which sidecar of a node wrote this; none: nobody here.
pub(super) fn writer(node: usize, value: &str) -> Option<usize> {
    let value: Value = serde_json::from_str(value).ok()?;
    let port = value.get("http_port")?.as_u64()?;
    (0..SIDECARS).find(|guard| node_of(*guard) == node && u64::from(port_of(*guard)) == port)
}

/// What a sidecar can see of its node.
pub(super) const fn seen_through(node: Node, line: Line) -> Works {
    match (node, line) {
        (Node::Fine, Line::Fine) => Works::Yes,
        (Node::Fine, Line::Delayed(_)) => Works::Perhaps,
        (Node::Dead | Node::Hangs | Node::Masterless | Node::Trickles, _)
        | (_, Line::Cut | Line::Held(_) | Line::Lost(_) | Line::Trickle(_)) => Works::No,
    }
}

/// Whether a member of etcd hears a sidecar.
pub(super) const fn heard_through(member: Works, line: Line) -> Works {
    match (member, line) {
        (Works::No, _)
        | (_, Line::Cut | Line::Held(Way::ToServer | Way::Both) | Line::Lost(Way::ToServer | Way::Both)) => Works::No,
        (Works::Yes, Line::Fine | Line::Delayed(_)) => Works::Yes,
        (Works::Perhaps, _) | (_, Line::Trickle(_) | Line::Held(Way::ToClient) | Line::Lost(Way::ToClient)) => {
            Works::Perhaps
        }
    }
}

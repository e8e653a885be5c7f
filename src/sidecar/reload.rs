//! What the sidecar does about SIGHUP: looks, and becomes the next program where there is something new. Shell.
//!
//! Until the very last step everything goes on, and when that step fails too: the probe, the key, the answers.

use std::os::fd::AsFd;

use tokio::net::TcpListener;

use super::{LISTENER, LOCK, listen, resumed::Resumed, shell::Shell, step::Event};
use crate::{
    commands::resolve,
    config::{self, Kept},
    host,
    reload::{Found, in_one_line},
};

/// The socket that answers HTTP from then on.
enum Socket {
    /// The one that answers now, if any.
    Same,
    /// Another one.
    Other(TcpListener),
    /// None.
    Off,
}

impl Shell {
    /// SIGHUP came.
    pub(super) fn reload_asked(&mut self) {
        self.told.reloading();
        self.looking.ask();
    }

    /// The settings were looked at; what is to be become, if anything.
    pub(super) fn looked(&mut self, looked: Result<Found, String>) -> Option<Box<Found>> {
        match looked {
            Ok(found) if found.is_new() => return Some(Box::new(found)),
            settled => self.settle(settled),
        }
        None
    }

    /// Becomes the next program. When this returns, that was impossible, or somebody told us to stop: whether to leave.
    pub(super) async fn become_next(&mut self, found: &Found) -> bool {
        let kept = self.looking.reload.kept(self.node.address);
        let socket = match self.socket(found, &kept).await {
            Ok(socket) => socket,
            Err(why) => {
                self.settle(Err(why));
                return false;
            }
        };
        if let Some(server) = self.sources.server() {
            server.pause().await;
        }
        let leaving = self.sources.signals().hold().await;
        if !leaving {
            let error = self.exec(found, kept, &socket);
            self.settle(Err(format!("cannot become the next program: {error}")));
        }
        host::let_signals_in();
        if let Some(server) = self.sources.server() {
            server.go_on();
        }
        leaving && self.feed(Event::Stopped)
    }

    fn exec(&mut self, found: &Found, kept: Kept, socket: &Socket) -> std::io::Error {
        let (state, decided) = self.machine.state();
        let snapshot = self.told.snapshot();
        let resumed = Resumed::new(
            state,
            decided,
            &snapshot.conclusion,
            snapshot.since,
            tokio::time::Instant::now(),
        );
        // Plain data: there is no way to fail.
        let state = serde_json::to_value(resumed).unwrap_or_default();
        let listener = match socket {
            Socket::Same => self.sources.server().map(|server| server.socket()),
            Socket::Other(listener) => Some(listener.as_fd()),
            Socket::Off => None,
        };
        let mut files = vec![(LOCK, self.registration.lock())];
        files.extend(listener.map(|listener| (LISTENER, listener)));
        self.looking.reload.become_next(found, kept, state, &files)
    }

    /// A socket on another address is opened before anything is given up for it.
    async fn socket(&self, found: &Found, kept: &Kept) -> Result<Socket, String> {
        let Some(next) = found.settings(kept) else {
            return Ok(Socket::Same);
        };
        let next = resolve(&next, config::sidecar).map_err(|failure| in_one_line(&failure))?;
        if next.listen == self.listen {
            return Ok(Socket::Same);
        }
        let opened = listen(next.listen).await.map_err(|failure| in_one_line(&failure))?;
        Ok(opened.map_or(Socket::Off, Socket::Other))
    }

    fn settle(&mut self, looked: Result<Found, String>) {
        self.told.settings(self.looking.reload.settled(looked));
        if self.looking.is_over() {
            self.told.ready();
        }
    }
}

//! What the sidecar does about SIGHUP: looks, and becomes the next program where there is something new. Shell.
//!
//! Until the very last step everything goes on, and when that step fails too: the probe, the key, the answers.

use std::os::fd::AsFd;

use tokio::net::TcpListener;

use super::{listen, resumed::Resumed, shell::Shell, snapshot::Reading, step::Event};
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
    /// SIGHUP came. One that comes while the last one is worked on is worked on afterwards.
    pub(super) fn reload_asked(&mut self) {
        self.told.reloading();
        self.seen.reload_again = !self.sources.look(self.reload.clone());
    }

    /// The settings were looked at; what is to be become, if anything.
    pub(super) fn looked(&mut self, looked: Result<Found, String>) -> Option<Box<Found>> {
        let found = match looked {
            Ok(found) if found.is_new() => return Some(Box::new(found)),
            found => found,
        };
        match found {
            Ok(found) => {
                let later = found.change.later;
                tracing::info!(restart_needed = ?later, "settings read again, none of them acts now");
                self.read_settings(Reading { refused: None, later });
            }
            Err(why) => self.refuse(why),
        }
        None
    }

    /// Becomes the next program. When this returns, that was impossible, or somebody told us to stop: whether to leave.
    pub(super) async fn become_next(&mut self, found: &Found) -> bool {
        let kept = self.reload.kept(self.node.address);
        let socket = match self.socket(found, &kept).await {
            Ok(socket) => socket,
            Err(why) => {
                self.refuse(why);
                return false;
            }
        };
        if let Some(server) = self.sources.server() {
            server.pause().await;
        }
        let leaving = self.sources.told_to_stop().await;
        if !leaving {
            let error = self.exec(found, kept, &socket);
            self.refuse(format!("cannot become the next program: {error}"));
        }
        host::let_signals_in();
        if let Some(server) = self.sources.server() {
            server.go_on();
        }
        leaving && self.feed(Event::Stopped)
    }

    fn exec(&mut self, found: &Found, kept: Kept, socket: &Socket) -> std::io::Error {
        let upgrade = found.upgrade.as_deref().unwrap_or_default();
        tracing::info!(upgrade, changed = ?found.change.now, "goes on in place as the next program");
        let (state, decided) = self.machine.state();
        let resumed = Resumed::new(state, decided, &self.told.snapshot(), tokio::time::Instant::now());
        // Plain data: there is no way to fail.
        let state = serde_json::to_value(resumed).unwrap_or_default();
        let listener = match socket {
            Socket::Same => self.sources.server().map(|server| server.socket()),
            Socket::Other(listener) => Some(listener.as_fd()),
            Socket::Off => None,
        };
        self.reload.become_next(kept, state, self.registration.lock(), listener)
    }

    /// A socket on another address is opened before anything is given up for it.
    async fn socket(&self, found: &Found, kept: &Kept) -> Result<Socket, String> {
        let next = self.reload.next(found, kept);
        let Some(Ok(next)) = next.map(|sources| resolve(&sources, config::sidecar)) else {
            return Ok(Socket::Same);
        };
        if next.listen == self.listen {
            return Ok(Socket::Same);
        }
        let opened = listen(next.listen).await.map_err(|failure| in_one_line(&failure))?;
        Ok(opened.map_or(Socket::Off, Socket::Other))
    }

    fn refuse(&mut self, why: String) {
        tracing::error!(cause = why, "settings not reloaded, everything goes on as before");
        let later = self.reload.later().to_vec();
        self.read_settings(Reading {
            refused: Some(why),
            later,
        });
    }

    fn read_settings(&mut self, reading: Reading) {
        self.told.settings(reading);
        if std::mem::take(&mut self.seen.reload_again) {
            self.reload_asked();
        } else {
            self.told.ready();
        }
    }
}

//! A service manager that listens to what a launcher says of itself.

use tokio::net::UnixDatagram;

use super::{LONG, launcher::Host};

/// One that was told nothing yet.
pub(crate) struct Manager(UnixDatagram);

impl Manager {
    /// Of this host's launcher; there before it starts.
    pub(crate) fn of(host: &Host) -> Self {
        Self(UnixDatagram::bind(host.path("notify")).expect("a socket"))
    }

    /// What it is told until it hears `last`.
    pub(crate) async fn until(&self, last: &str) -> String {
        let mut all = String::new();
        while !all.contains(last) {
            let mut bytes = Vec::with_capacity(4096);
            let received = tokio::time::timeout(LONG, self.0.recv_buf(&mut bytes)).await;
            let received = received.unwrap_or_else(|_| panic!("no {last} in {all}"));
            received.expect("received");
            all.push_str(&String::from_utf8_lossy(&bytes));
            all.push('\n');
        }
        all
    }
}

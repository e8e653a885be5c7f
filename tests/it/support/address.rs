//! Loopback addresses, each for one test at a time: nodes then have their usual ports, however many tests run on the machine.

use std::{
    fmt,
    net::{Ipv4Addr, TcpListener},
};

use quorate::host::FileLock;

/// An address that is ours until dropped.
#[derive(Debug)]
pub(crate) struct Address {
    ip: Ipv4Addr,
    _lock: FileLock,
}

impl Address {
    /// Takes one whose ports 9190, 9200 and 9300 are free.
    pub(crate) fn take() -> Self {
        let user = rustix::process::geteuid().as_raw();
        let locks = std::env::temp_dir().join(format!("quorate-test-addresses-{user}"));
        let free = |last: u8| {
            let ip = Ipv4Addr::new(127, 0, 12, last);
            let lock = FileLock::take(&locks.join(ip.to_string())).ok()?;
            let is_free = |port| TcpListener::bind((ip, port)).is_ok();
            [9190, 9200, 9300]
                .into_iter()
                .all(is_free)
                .then_some(Self { ip, _lock: lock })
        };
        (1..200).find_map(free).expect("a free address in 127.0.12.0/24")
    }

    /// The address itself.
    pub(crate) fn ip(&self) -> Ipv4Addr {
        self.ip
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ip.fmt(f)
    }
}

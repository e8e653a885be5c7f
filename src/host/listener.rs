//! Which process listens where: the kernel's table of sockets, then the open files of processes. Reads only. The open files of other
//! users' processes are for root alone.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use super::process::{process_tree, processes};

/// The state of a listening socket in the kernel's table.
const LISTEN: &str = "0A";

/// The process that listens on exactly `address`; none when there is none, or when its open files may not be seen.
pub fn listener(address: SocketAddr) -> Option<u32> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    // Java binds IPv4 addresses through IPv6 sockets.
    let wanted = [hex(address), hex(SocketAddr::new(mapped(address.ip()), address.port()))];
    let sockets = sockets(&tables, |local| wanted.iter().any(|wanted| wanted == local));
    owner(processes(), &sockets)
}

/// The process among `root` and everything below it that listens on this port, in the network that `root` sees.
pub fn listener_below(root: u32, port: u16) -> Option<u32> {
    let tables = [format!("/proc/{root}/net/tcp"), format!("/proc/{root}/net/tcp6")];
    let end = format!(":{port:04X}");
    let sockets = sockets(&tables, |local| local.ends_with(&end));
    owner(process_tree(root).into_iter(), &sockets)
}

/// The listening sockets in the kernel's tables, as links in a process's files name them.
fn sockets(tables: &[impl AsRef<Path>], is_wanted: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let tables = tables.iter().filter_map(|table| std::fs::read_to_string(table).ok());
    tables
        .flat_map(|table| {
            let inodes = inodes(&table, &is_wanted);
            inodes.map(|inode| format!("socket:[{inode}]")).collect::<Vec<_>>()
        })
        .collect()
}

fn inodes<'a>(table: &'a str, is_wanted: &impl Fn(&str) -> bool) -> impl Iterator<Item = &'a str> {
    table.lines().filter_map(move |line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, _, _, _, _, _, inode, ..] = *fields else {
            return None;
        };
        (state == LISTEN && is_wanted(local)).then_some(inode)
    })
}

fn mapped(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().into(),
        IpAddr::V6(_) => ip,
    }
}

/// An address as the kernel prints it: 32-bit words in the order of the machine.
fn hex(address: SocketAddr) -> String {
    let octets = match address.ip() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let words = octets.chunks_exact(4).map(|word| {
        let bytes = word.try_into().unwrap_or_default();
        format!("{:08X}", u32::from_ne_bytes(bytes))
    });
    format!("{}:{:04X}", words.collect::<String>(), address.port())
}

fn owner(mut pids: impl Iterator<Item = u32>, sockets: &BTreeSet<String>) -> Option<u32> {
    if sockets.is_empty() {
        return None;
    }
    pids.find(|pid| {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd"));
        let targets = files
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|file| std::fs::read_link(file.path()).ok());
        targets
            .into_iter()
            .any(|target| target.to_str().is_some_and(|target| sockets.contains(target)))
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_listening_socket_leads_to_its_process() {
        for address in ["127.0.0.1:0", "[::1]:0", "[::ffff:127.0.0.1]:0"] {
            let Ok(socket) = TcpListener::bind(address) else {
                // A host without IPv6 has nothing to find there.
                continue;
            };
            let bound = socket.local_addr().expect("an address");
            let asked = SocketAddr::new(bound.ip().to_canonical(), bound.port());
            let own = std::process::id();
            assert_eq!(listener(asked), Some(own), "{address}");
            assert_eq!(listener_below(own, bound.port()), Some(own), "{address}");
            drop(socket);
            assert_eq!(listener(asked), None, "{address}");
        }
    }

    #[test]
    fn a_connection_is_no_listener() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:23F0 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65534 0 111 1 0 100 0 0 10 0\n   \
                     1: 0100007F:23F1 0100007F:9999 01 00000000:00000000 00:00000000 00000000 65534 0 112 1 0 100 0 0 10 0\n";
        let at = |end: &'static str| inodes(table, &move |local: &str| local.ends_with(end)).collect::<Vec<_>>();
        assert_eq!((at(":23F0"), at(":23F1")), (vec!["111"], vec![]));
    }
}

//! Which process listens on an address: the kernel's table of sockets, then the open files of every process. Reads only.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
};

/// The state of a listening socket in the kernel's table.
const LISTEN: &str = "0A";

/// The process that listens on exactly `address`; none when there is none, or when its open files may not be seen.
pub fn listener(address: SocketAddr) -> Option<u32> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let inode = tables
        .iter()
        .find_map(|table| inode(&std::fs::read_to_string(table).ok()?, address).map(str::to_owned))?;
    owner(&format!("socket:[{inode}]"))
}

/// The inode of the listening socket in one of the kernel's tables.
fn inode(table: &str, address: SocketAddr) -> Option<&str> {
    // Java binds IPv4 addresses through IPv6 sockets.
    let wanted = [hex(address), hex(SocketAddr::new(mapped(address.ip()), address.port()))];
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, _, _, _, _, _, inode, ..] = *fields else {
            return None;
        };
        (state == LISTEN && wanted.iter().any(|wanted| wanted == local)).then_some(inode)
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

fn owner(link: &str) -> Option<u32> {
    let pids = std::fs::read_dir("/proc").ok()?.flatten();
    let mut pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.find(|pid| {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd"))
            .into_iter()
            .flatten()
            .flatten();
        files
            .filter_map(|file| std::fs::read_link(file.path()).ok())
            .any(|target| target == Path::new(link))
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
            assert_eq!(listener(asked), Some(std::process::id()), "{address}");
            drop(socket);
            assert_eq!(listener(asked), None, "{address}");
        }
    }

    #[test]
    fn a_connection_is_no_listener() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:23F0 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65534 0 111 1 0 100 0 0 10 0\n   \
                     1: 0100007F:23F1 0100007F:9999 01 00000000:00000000 00:00000000 00000000 65534 0 112 1 0 100 0 0 10 0\n";
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!((inode(table, at(9200)), inode(table, at(9201))), (Some("111"), None));
    }
}

//! The address and the ports: whether they are this host's and free, and who has them if not. Reads `/proc` and `/sys`.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener},
    path::Path,
};

use super::Check;
use crate::{launcher::plan::Plan, nodefile::ProcessId};

/// Binding a port that the system chooses proves that the address is on an interface, but for hosts that may bind any address.
pub(super) fn address(plan: &Plan) -> Check {
    const NAME: &str = "address";
    const HINT: &str = "name an address that `ip addr` shows";
    let node = &plan.settings.node;
    let address = node.address;
    if let Err(error) = TcpListener::bind((address, 0)) {
        let what = format!("`--address` is {address}, which is on no interface of this host: {error}");
        return Check::fail(NAME, what, HINT);
    }
    if binds_any(address) && !is_local(address) {
        let what = format!("`--address` is {address}, which is on no interface of this host, though it may be bound");
        return Check::fail(NAME, what, HINT);
    }
    match engine_bridge(address).filter(|_| !node.address_given) {
        Some(bridge) => Check::fail(
            NAME,
            format!("no `--address` is given and {address} belongs to {bridge}, which other hosts cannot reach"),
            "name the address that other nodes reach: `--address IP`",
        ),
        None => Check::ok(NAME, format!("{address} is on this host")),
    }
}

/// Whether programs here may bind addresses of other hosts, as those may that take over an address.
fn binds_any(address: IpAddr) -> bool {
    let family = if address.is_ipv4() { "ipv4" } else { "ipv6" };
    let text = fs::read_to_string(format!("/proc/sys/net/{family}/ip_nonlocal_bind"));
    text.is_ok_and(|text| text.trim() != "0")
}

fn is_local(address: IpAddr) -> bool {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    match address {
        IpAddr::V4(address) => address.is_loopback() || is_local_v4(&read("/proc/net/fib_trie"), address),
        IpAddr::V6(address) => interface_v6(&read("/proc/net/if_inet6"), address).is_some(),
    }
}

/// Whether a text of the form of `/proc/net/fib_trie` has `address` as one of the host's own.
fn is_local_v4(trie: &str, address: Ipv4Addr) -> bool {
    let wanted = format!("|-- {address}");
    let mut lines = trie.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if line == wanted && lines.next().is_some_and(|kind| kind.ends_with("host LOCAL")) {
            return true;
        }
    }
    false
}

pub(super) fn port(name: &'static str, plan: &Plan, port: u16, own: Option<ProcessId>) -> Check {
    let address = plan.settings.node.address;
    if let Some(process) = own {
        let what = format!(
            "port {port} belongs to the node that runs already, process {}",
            process.pid
        );
        return Check::ok(name, what);
    }
    match TcpListener::bind((address, port)) {
        Ok(_) => Check::ok(name, format!("port {port} on {address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => match holder(address, port) {
            Some((pid, program)) => Check::fail(
                name,
                format!("port {port} on {address} is taken by process {pid} (`{program}`)"),
                format!("stop that process, or choose another `--{name}`"),
            ),
            None => Check::fail(
                name,
                format!("port {port} on {address} is taken by another process"),
                format!("see who it is, as root `ss -ltnp 'sport = :{port}'`, or choose another `--{name}`"),
            ),
        },
        // What is wrong with the address is said once, by its own check.
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
            Check::warn(name, format!("port {port} was not tried: {error}"), "see `address`")
        }
        Err(error) => Check::fail(
            name,
            format!("port {port} on {address} cannot be used: {error}"),
            "ports below 1024 need a privilege",
        ),
    }
}

/// The process that listens there and its program; none where this user cannot see it.
fn holder(address: IpAddr, port: u16) -> Option<(u32, String)> {
    let listening = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .flat_map(|path| listeners(&fs::read_to_string(path).unwrap_or_default(), port));
    let inodes: Vec<String> = listening
        .filter(|(on, _)| on.is_unspecified() || *on == address)
        .map(|(_, inode)| format!("socket:[{inode}]"))
        .collect();
    let has = |pid: u32| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut targets = files.filter_map(|file| fs::read_link(file.path()).ok());
        targets.any(|target| {
            target
                .to_str()
                .is_some_and(|target| inodes.iter().any(|inode| inode == target))
        })
    };
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let pid = processes
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .find(|pid| has(*pid))?;
    let program = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some((pid, program.trim().to_owned()))
}

/// Who listens on `port`, from a text of the form of `/proc/net/tcp` or `/proc/net/tcp6`: address and inode of the socket.
fn listeners(table: &str, port: u16) -> Vec<(IpAddr, u64)> {
    const LISTEN: &str = "0A";
    let listener = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (address, on) = fields.get(1)?.split_once(':')?;
        let is_it = *fields.get(3)? == LISTEN && u16::from_str_radix(on, 16).ok()? == port;
        is_it.then_some((socket_address(address)?, fields.get(9)?.parse().ok()?))
    };
    table.lines().filter_map(listener).collect()
}

/// Words of 32 bits in hexadecimal, each in the host's byte order.
fn socket_address(text: &str) -> Option<IpAddr> {
    let word = |start: usize| {
        let word = u32::from_str_radix(text.get(start..start + 8)?, 16).ok()?;
        Some(u32::from_be_bytes(word.to_ne_bytes()))
    };
    if text.len() == 8 {
        return Some(IpAddr::V4(Ipv4Addr::from_bits(word(0)?)));
    }
    let words = [0, 8, 16, 24].map(word);
    let bits = words
        .into_iter()
        .try_fold(0_u128, |bits, word| Some(bits << 32 | u128::from(word?)))?;
    // A socket for both families names an IPv4 address in IPv6's form.
    Some(Ipv6Addr::from_bits(bits).to_canonical())
}

/// The container engine's bridge that has this address, if one has: no other host can reach it there.
fn engine_bridge(address: IpAddr) -> Option<String> {
    let interface = match address {
        IpAddr::V4(address) => interface_v4(&fs::read_to_string("/proc/net/route").ok()?, address),
        IpAddr::V6(address) => interface_v6(&fs::read_to_string("/proc/net/if_inet6").ok()?, address),
    }?;
    let is_bridge = Path::new("/sys/class/net").join(&interface).join("bridge").is_dir();
    (is_bridge && is_engines(&interface)).then_some(interface)
}

fn is_engines(interface: &str) -> bool {
    let hexadecimal = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_hexdigit());
    ["docker", "podman", "cni", "lxc", "lxd", "virbr"]
        .iter()
        .any(|start| interface.starts_with(start))
        || interface.strip_prefix("br-").is_some_and(hexadecimal)
}

/// The interface of the narrowest network that holds `address`, from a text of the form of `/proc/net/route`.
fn interface_v4(routes: &str, address: Ipv4Addr) -> Option<String> {
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // The numbers are in the host's byte order.
        let number = |text: &&str| {
            u32::from_str_radix(text, 16)
                .ok()
                .map(|n| u32::from_be_bytes(n.to_ne_bytes()))
        };
        let (network, mask) = (number(fields.get(1)?)?, number(fields.get(7)?)?);
        (mask != 0 && address.to_bits() & mask == network).then(|| (mask, (*fields.first().unwrap_or(&"")).to_owned()))
    };
    let narrowest = routes.lines().filter_map(route).max_by_key(|(mask, _)| *mask)?;
    Some(narrowest.1)
}

/// The interface that has `address`, from a text of the form of `/proc/net/if_inet6`.
fn interface_v6(addresses: &str, address: Ipv6Addr) -> Option<String> {
    let wanted = format!("{:032x}", address.to_bits());
    let line = addresses.lines().find(|line| line.starts_with(&wanted))?;
    line.split_whitespace().last().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
        br-0123456789ab\t000112AC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";

    #[test]
    fn the_interface_of_an_address_is_that_of_its_narrowest_network() {
        let find = |text: &str| interface_v4(ROUTES, text.parse().expect("address"));
        assert_eq!(find("172.17.0.1").as_deref(), Some("docker0"));
        assert_eq!(find("172.18.1.1").as_deref(), Some("br-0123456789ab"));
        assert_eq!(find("10.0.0.1"), None);
        let six = "fd000000000000000000000000000001 02 40 00 80   docker0\n";
        assert_eq!(
            interface_v6(six, "fd00::1".parse().expect("address")).as_deref(),
            Some("docker0")
        );
    }

    #[test]
    fn only_bridges_of_engines_are_meant() {
        for (name, expected) in [
            ("docker0", true),
            ("br-0123456789ab", true),
            ("br-lan", false),
            ("br0", false),
            ("cni0", true),
        ] {
            assert_eq!(is_engines(name), expected, "{name}");
        }
    }

    #[test]
    fn only_the_hosts_own_addresses_are_local() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.0.0.0\n        /24 link UNICAST\nLocal:\n     |-- 10.0.0.5\n        \
                    /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link BROADCAST\n";
        let local = |text: &str| is_local_v4(trie, text.parse().expect("address"));
        assert!(local("10.0.0.5"));
        assert!(!local("10.0.0.255") && !local("10.0.0.0") && !local("10.0.0.6"));
        assert!(is_local("127.0.35.9".parse().expect("address")));
    }

    #[test]
    fn who_listens_is_found_whatever_the_family() {
        let v4 = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
                  0: 0100007F:23F0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 x\n\
                  1: 0100007F:23F0 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 x\n";
        assert_eq!(listeners(v4, 9200), [("127.0.0.1".parse().expect("address"), 4711)]);
        assert_eq!(listeners(v4, 9300), []);
        let v6 = "0: 00000000000000000000000000000000:23F0 00000000000000000000000000000000:0000 0A a b c 0 0 5 1\n\
                  1: 0000000000000000FFFF00000100007F:23F0 00000000000000000000000000000000:0000 0A a b c 0 0 6 1\n";
        let found = listeners(v6, 9200);
        assert!(
            found
                .iter()
                .any(|(address, inode)| address.is_unspecified() && *inode == 5),
            "{found:?}"
        );
        assert!(found.contains(&("127.0.0.1".parse().expect("address"), 6)), "{found:?}");
        for text in ["", "x", "0: 1 2 0A", "0: zz:23F0 0 0A 0 0 0 0 0 1"] {
            assert_eq!(listeners(text, 9200), [], "{text}");
        }
    }

    #[test]
    fn the_holder_of_a_port_is_named() {
        let listener = TcpListener::bind("127.0.35.250:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let found = holder(address.ip(), address.port());
        assert_eq!(found.map(|(pid, _)| pid), Some(std::process::id()));
    }
}

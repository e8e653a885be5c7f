//! What the kernel says about this host, read from `/proc` and `/sys`.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

use rustix::process::{Resource, getrlimit};

use super::Check;
use crate::launcher::plan::Plan;

/// What the nodes of every line ask for.
const MAP_COUNT: u64 = 262_144;
/// The same.
const OPEN_FILES: u64 = 65_535;
/// The setting without which a node needs no more maps than the default.
const NO_MMAP: &str = "node.store.allow_mmap";

/// Memory maps: the node opens its index files by them.
pub(super) fn map_count(plan: &Plan) -> Check {
    const NAME: &str = "vm.max_map_count";
    let text = fs::read_to_string("/proc/sys/vm/max_map_count").unwrap_or_default();
    let without_mmap = plan.setup.set.get(NO_MMAP).is_some_and(|value| value == "false");
    match text.trim().parse::<u64>() {
        Ok(count) if count >= MAP_COUNT || without_mmap => Check::ok(NAME, format!("{count}")),
        Ok(count) => Check::fail(
            NAME,
            format!("vm.max_map_count is {count}, the node wants {MAP_COUNT}"),
            format!("`sysctl -w vm.max_map_count={MAP_COUNT}` and a file in /etc/sysctl.d, or `--set {NO_MMAP}=false`"),
        ),
        Err(_) => Check::warn(
            NAME,
            "vm.max_map_count cannot be read",
            format!("the node wants {MAP_COUNT}"),
        ),
    }
}

/// Open files: Java raises the soft limit to the hard one by itself.
pub(super) fn open_files() -> Check {
    const NAME: &str = "open-files";
    let shown = |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    let hard = getrlimit(Resource::Nofile).maximum;
    if hard.is_none_or(|hard| hard >= OPEN_FILES) {
        return Check::ok(NAME, shown(hard));
    }
    Check::fail(
        NAME,
        format!("at most {} files may be open, the node wants {OPEN_FILES}", shown(hard)),
        format!("in the unit `LimitNOFILE={OPEN_FILES}`, in a shell `ulimit -Hn {OPEN_FILES}`"),
    )
}

/// The container engine's bridge that has this address, if one has: no other host can reach it there.
pub(super) fn engine_bridge(address: IpAddr) -> Option<String> {
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
}

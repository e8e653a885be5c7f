//! The publish address when nobody names one: the one address from which the host reaches etcd.

use std::{
    collections::BTreeSet,
    net::{IpAddr, ToSocketAddrs, UdpSocket},
};

/// Why no address could be guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoAddress {
    /// No endpoint can be routed to.
    NoRoute,
    /// More than one address routes to etcd.
    Ambiguous(BTreeSet<IpAddr>),
    /// The only one is loopback, which no other host can reach.
    Loopback(IpAddr),
}

/// The local address of the route to the endpoints. Connecting a UDP socket asks the routing table and sends nothing.
pub(super) fn guess(endpoints: &[String]) -> Result<IpAddr, NoAddress> {
    let local = |endpoint: &String| -> Option<IpAddr> {
        let host_port = endpoint.split_once("://").map_or(endpoint.as_str(), |(_, rest)| rest);
        let target = host_port.to_socket_addrs().ok()?.next()?;
        let any = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any).ok()?;
        socket.connect(target).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    choose(&endpoints.iter().filter_map(local).collect())
}

fn choose(found: &BTreeSet<IpAddr>) -> Result<IpAddr, NoAddress> {
    let reachable: BTreeSet<IpAddr> = found.iter().copied().filter(|address| !address.is_loopback()).collect();
    match (reachable.len(), reachable.first(), found.first()) {
        (1, Some(address), _) => Ok(*address),
        (0, _, Some(address)) => Err(NoAddress::Loopback(*address)),
        (0, _, None) => Err(NoAddress::NoRoute),
        _ => Err(NoAddress::Ambiguous(reachable)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_reachable_address_is_good_enough() {
        let set = |texts: &[&str]| {
            texts
                .iter()
                .map(|t| t.parse().expect("address"))
                .collect::<BTreeSet<IpAddr>>()
        };
        let ip = |text: &str| text.parse::<IpAddr>().expect("address");
        assert_eq!(choose(&set(&["10.0.0.1"])), Ok(ip("10.0.0.1")));
        assert_eq!(choose(&set(&["10.0.0.1", "127.0.0.1"])), Ok(ip("10.0.0.1")));
        assert_eq!(choose(&set(&["127.0.0.1"])), Err(NoAddress::Loopback(ip("127.0.0.1"))));
        assert_eq!(choose(&set(&[])), Err(NoAddress::NoRoute));
        assert_eq!(
            choose(&set(&["10.0.0.1", "10.0.1.1"])),
            Err(NoAddress::Ambiguous(set(&["10.0.0.1", "10.0.1.1"])))
        );
    }
}

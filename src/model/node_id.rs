//! The id of a node: its publish address, and its transport port where that is not the usual one.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use super::IdError;

/// The transport port that an id leaves out.
pub const DEFAULT_TRANSPORT_PORT: u16 = 9300;

/// A node: its publish address when its transport port is 9300, else `address:port` (IPv6: bare, or `[address]:port`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId {
    host: String,
    transport_port: u16,
}

impl NodeId {
    /// The id of the node that publishes `address` and `transport_port`.
    pub fn new(address: IpAddr, transport_port: u16) -> Self {
        Self {
            host: address.to_string(),
            transport_port,
        }
    }

    /// The address or host name without port and brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The transport port; 9300 where the id shows none.
    pub fn transport_port(&self) -> u16 {
        self.transport_port
    }

    /// The address, where it is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// `host:port`, IPv6 in brackets: the form seed lists and URLs want.
    pub fn host_port(&self, port: u16) -> String {
        if self.host.contains(':') {
            format!("[{}]:{port}", self.host)
        } else {
            format!("{}:{port}", self.host)
        }
    }

    /// A name for directories: like the id, without the characters that mount options and class paths trip over.
    pub fn dir_name(&self) -> String {
        self.to_string().replace(['[', ']'], "").replace(':', "-")
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.transport_port == DEFAULT_TRANSPORT_PORT {
            f.write_str(&self.host)
        } else {
            f.write_str(&self.host_port(self.transport_port))
        }
    }
}

impl FromStr for NodeId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = || IdError {
            text: text.to_owned(),
            what: "node id",
            expected: "an address or host name, with `:port` when the transport port is not 9300",
        };
        let (host, port) = split_port(text).ok_or_else(error)?;
        let is_host = host.parse::<IpAddr>().is_ok() || is_host_name(host);
        if !is_host || port == Some(0) {
            return Err(error());
        }
        Ok(Self {
            host: host.to_owned(),
            transport_port: port.unwrap_or(DEFAULT_TRANSPORT_PORT),
        })
    }
}

impl TryFrom<String> for NodeId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<NodeId> for String {
    fn from(id: NodeId) -> Self {
        id.to_string()
    }
}

impl Serialize for NodeId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// `host`, `host:port`, `v6`, `[v6]` or `[v6]:port` taken apart.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) => Some((host, Some(port.parse().ok()?))),
            None if after.is_empty() => Some((host, None)),
            None => None,
        };
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => Some((text, None)),
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((text, None)),
    }
}

fn is_host_name(text: &str) -> bool {
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !part.starts_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_shows_its_port_only_when_it_is_not_9300() {
        for (text, host, port, shown) in [
            ("10.0.0.1", "10.0.0.1", 9300, "10.0.0.1"),
            ("10.0.0.1:9300", "10.0.0.1", 9300, "10.0.0.1"),
            ("10.0.0.1:9301", "10.0.0.1", 9301, "10.0.0.1:9301"),
            ("fd00::1", "fd00::1", 9300, "fd00::1"),
            ("[fd00::1]", "fd00::1", 9300, "fd00::1"),
            ("[fd00::1]:9301", "fd00::1", 9301, "[fd00::1]:9301"),
            ("search-1.example", "search-1.example", 9300, "search-1.example"),
        ] {
            let id: NodeId = text.parse().expect(text);
            assert_eq!(
                (id.host(), id.transport_port(), id.to_string().as_str()),
                (host, port, shown)
            );
            assert_eq!(id.to_string().parse::<NodeId>().as_ref(), Ok(&id));
        }
    }

    #[test]
    fn what_is_no_id_is_refused_with_its_text() {
        for text in [
            "",
            "a b",
            "10.0.0.1:",
            "10.0.0.1:x",
            "10.0.0.1:70000",
            "10.0.0.1:0",
            "[fd00::1",
            "../x",
            "-a",
            "a/b",
        ] {
            let error = text.parse::<NodeId>().expect_err(text);
            assert_eq!(error.text, text);
        }
    }
}

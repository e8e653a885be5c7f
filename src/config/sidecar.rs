//! Settings of the sidecar.

use std::{net::SocketAddr, time::Duration};

use super::{Common, NodeSettings, Resolver, common::common, node::node};

/// When a node is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadyWhen {
    /// It names a master and belongs to the expected cluster.
    Joined,
    /// It answers and belongs to the expected cluster.
    Up,
}

/// Settings of `quorate sidecar`.
#[derive(Debug, Clone)]
pub struct SidecarSettings {
    /// Registry and service.
    pub common: Common,
    /// The node.
    pub node: NodeSettings,
    /// The name the node must have; none: what the launcher's file says, else unchecked.
    pub name: Option<String>,
    /// The cluster name the node must have; none: what launcher and record say.
    pub cluster: Option<String>,
    /// Time between two probes.
    pub interval: Duration,
    /// The longest that one probe may take.
    pub timeout: Duration,
    /// Good probes in a row until ready again.
    pub rise: u32,
    /// Bad probes in a row until unready.
    pub fall: u32,
    /// What ready means.
    pub ready_when: ReadyWhen,
    /// How long its disk may be ill; none: as long as the node answers.
    pub disk_patience: Option<Duration>,
    /// Where the HTTP answers are; none: off.
    pub listen: Option<SocketAddr>,
}

/// Settings of `quorate sidecar`, or none when something is wrong (the resolver then knows what).
pub fn sidecar(r: &mut Resolver<'_>) -> Option<SidecarSettings> {
    let common = common(r);
    let endpoints = common
        .as_ref()
        .map(|c| c.registry.endpoints.clone())
        .unwrap_or_default();
    let node = node(r, &endpoints, "/var/lib/quorate-sidecar");
    let (name, cluster) = (r.text("name"), r.text("cluster"));
    let (interval, timeout) = (r.duration("interval"), r.duration("timeout"));
    if let (Some(interval), Some(timeout)) = (interval, timeout)
        && timeout >= interval
    {
        let shown = humantime::format_duration(timeout).to_string();
        r.complain(
            "timeout",
            &shown,
            &format!("less than `--interval` ({})", humantime::format_duration(interval)),
        );
    }
    let count = |text: &str| text.parse().ok().filter(|n| (1..=100).contains(n));
    let rise = r.parse_with("rise", "a number from 1 to 100", count);
    let fall = r.parse_with("fall", "a number from 1 to 100", count);
    let ready_when = r.parse_with("ready-when", "`joined` or `up`", |text| match text {
        "joined" => Some(ReadyWhen::Joined),
        "up" => Some(ReadyWhen::Up),
        _ => None,
    });
    let disk_patience = r.duration_or_off("disk-patience");
    let listen = r.parse_with("listen", "`ADDRESS:PORT` or `off`", |text| {
        if text == "off" {
            Some(None)
        } else {
            text.parse().ok().map(Some)
        }
    });
    Some(SidecarSettings {
        common: common?,
        node: node?,
        name,
        cluster,
        interval: interval?,
        timeout: timeout?,
        rise: rise?,
        fall: fall?,
        ready_when: ready_when?,
        disk_patience: disk_patience?,
        listen: listen?,
    })
}

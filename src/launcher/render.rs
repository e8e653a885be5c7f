//! The node's settings as one file. Pure.
//!
//! Everything goes into the file and nothing onto a command line: an empty seed list can be said nowhere else. What decides which
//! cluster the node joins belongs to the launcher and is refused as `--set`; everything else said there wins.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    java,
    product::{Formation, Line, Seeds, TlsLayer, Version},
};
use crate::exit::Problem;

mod by_hand;
mod roles;

use by_hand::{attribute_problem, said, set_problem};

/// Where a node finds its certificates, in its config directory.
pub const CERTIFICATES: &str = "certs";

/// How others get to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It listens on its publish address.
    OnHost,
    /// It listens where only its engine gets, which publishes its ports on that address.
    Published,
}

/// What the settings of a node say, apart from the order to bootstrap.
#[derive(Debug, Clone)]
pub struct NodeSetup {
    /// The names of settings.
    pub line: &'static Line,
    /// The version, which decides what roles there are.
    pub version: Version,
    /// The cluster's name.
    pub cluster: String,
    /// The node's name.
    pub name: String,
    /// What it publishes.
    pub address: IpAddr,
    /// Where it listens.
    pub reach: Reach,
    /// Its HTTP port.
    pub http_port: u16,
    /// Its transport port.
    pub transport_port: u16,
    /// The data directory.
    pub data: PathBuf,
    /// Where it writes log files.
    pub logs: PathBuf,
    /// Its roles; none: the product's default.
    pub roles: Option<Vec<String>>,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
    /// Masters it takes to elect one, where the line wants to know.
    pub minimum_masters: Option<usize>,
    /// Whether the module that secures the node is there.
    pub has_security: bool,
    /// Where its certificates are on this host, when said.
    pub certificates: Option<PathBuf>,
    /// What was said by `--set`.
    pub set: BTreeMap<String, String>,
}

impl NodeSetup {
    /// What is wrong with roles, attributes and `--set`.
    pub fn problems(&self) -> Vec<Problem> {
        let attributes = self.attributes.iter();
        let attributes = attributes.filter_map(|(name, value)| attribute_problem(self.line, name, value));
        let set = self.set.iter().filter_map(|(key, value)| set_problem(key, value));
        self.role_problems()
            .into_iter()
            .chain(attributes)
            .chain(set)
            .chain(self.certificates_problem())
            .collect()
    }

    fn certificates_problem(&self) -> Option<Problem> {
        let (dir, security) = (self.certificates.as_ref()?, &self.line.security);
        let (why, hint) = if !self.has_security {
            (
                format!("the node has no {} that could use them", security.module),
                "leave it out, or start a distribution with that module",
            )
        } else if !security.takes_pem {
            (
                format!("{} takes no files of the PEM form", self.line.label),
                "leave it out, and name the node's keystore by `--set`",
            )
        } else {
            return None;
        };
        let what = format!("`--certificates` is {}, and {why}", dir.display());
        Some(Problem::with_hint(what, hint))
    }

    /// Whether the node will be without the protection that its distribution could give it.
    pub fn unprotected(&self) -> bool {
        let namespace = self.line.security.namespace;
        self.has_security && self.certificates.is_none() && !self.set.keys().any(|key| key.starts_with(namespace))
    }

    /// Whether the node is to keep its heap out of swap.
    pub fn locks_memory(&self) -> bool {
        self.set.get(self.line.memory_lock).is_some_and(|value| value == "true")
    }

    /// Whether the node will speak TLS to its clients.
    pub fn speaks_tls(&self) -> bool {
        self.value(&self.line.security.http.switch()).as_deref() == Some("true")
    }

    /// The text of one setting as the node will read it.
    pub fn value(&self, key: &str) -> Option<String> {
        let value = match self.set.get(key) {
            Some(value) => said(value)?,
            None => self.own(&[]).remove(key)?,
        };
        Some(serde_json::from_str(&value).unwrap_or(value))
    }

    /// The settings file; `first_masters` only for the node that is to form the cluster. `seeds` is what is known of the others, for
    /// lines that are told in no other way.
    pub fn render(&self, first_masters: Option<&[String]>, seeds: &[String]) -> String {
        let mut settings = self.own(seeds);
        if let (Some(masters), Formation::Bootstrap { setting }) = (first_masters, self.line.formation) {
            settings.insert(setting.to_owned(), yaml(masters));
        }
        for (key, value) in &self.set {
            settings.insert(key.clone(), said(value).unwrap_or_else(|| yaml(value)));
        }
        let lines: Vec<String> = settings
            .iter()
            .map(|(key, value)| format!("{key}: {value}\n"))
            .collect();
        lines.concat()
    }

    fn own(&self, seeds: &[String]) -> BTreeMap<String, String> {
        let line = self.line;
        let mut settings: BTreeMap<String, String> = [
            ("cluster.name", yaml(&self.cluster)),
            ("node.name", yaml(&self.name)),
            ("http.port", yaml(&self.http_port)),
            (line.transport_port, yaml(&self.transport_port)),
            // Two copies on one host would go down together. Says nothing where each node has a host of its own.
            ("cluster.routing.allocation.same_shard.host", "true".to_owned()),
            ("path.data", yaml(&self.data)),
            ("path.logs", yaml(&self.logs)),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        settings.extend(
            line.always
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        );
        let list = match line.seeds {
            Seeds::File { provider, .. } => {
                settings.insert(provider.to_owned(), yaml("file"));
                "[]".to_owned()
            }
            Seeds::Fixed => yaml(seeds),
        };
        settings.insert(line.seed_hosts.to_owned(), list);
        settings.extend(self.network());
        if let (Formation::Quorum { setting }, Some(masters)) = (line.formation, self.minimum_masters) {
            settings.insert(setting.to_owned(), yaml(&masters));
        }
        settings.extend(self.role_settings());
        for (name, value) in &self.attributes {
            settings.insert(format!("{}{name}", line.attribute), yaml(value));
        }
        if self.unprotected() {
            let (key, value) = line.security.off;
            settings.insert(key.to_owned(), value.to_owned());
        }
        if self.certificates.is_some() {
            let security = &line.security;
            settings.extend(
                security
                    .on
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
            );
            settings.extend(self.tls(&security.transport));
            settings.extend(self.tls(&security.http));
        }
        settings
    }

    /// One layer of TLS from the files in the certificates' directory, unless the layer was told to take a store of another form.
    fn tls(&self, layer: &TlsLayer) -> Vec<(String, String)> {
        let other_form = |key: &String| {
            let rest = key.strip_prefix(layer.prefix);
            rest.is_some_and(|rest| rest.starts_with("keystore") || rest.starts_with("truststore"))
        };
        let mut settings = vec![(layer.enabled, "true".to_owned())];
        settings.extend(
            layer
                .names
                .map(|(name, value, _)| (name, said(value).unwrap_or_default())),
        );
        if !self.set.keys().any(other_form) {
            let file = |name: &str| yaml(&format!("{CERTIFICATES}/{name}"));
            settings.extend([
                (layer.authorities, file("ca.pem")),
                (layer.certificate, file("node.pem")),
                (layer.key, file("node.key")),
            ]);
        }
        settings
            .into_iter()
            .map(|(name, value)| (layer.setting(name), value))
            .collect()
    }

    fn network(&self) -> Vec<(String, String)> {
        let publish = |key: &str| (key.to_owned(), yaml(&self.address));
        let everywhere = if self.address.is_ipv4() { "0.0.0.0" } else { "::" };
        match self.reach {
            Reach::OnHost => vec![publish("network.host")],
            Reach::Published => vec![
                ("network.bind_host".to_owned(), yaml(everywhere)),
                publish("network.publish_host"),
            ],
        }
    }
}

/// JSON is YAML that leaves nothing to interpretation.
fn yaml<T: Serialize + ?Sized>(value: &T) -> String {
    // Texts, numbers and lists of them: they have no way to fail but a path that is not UTF-8, which no setting can be.
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// The Java options of a distribution, with files that would lie in its home put where the node may write: the home stays
/// read-only, and two nodes may share it. What a newer Java refuses is left out.
pub fn java_options(text: &str, java: Option<u32>, logs: &Path, data: &Path) -> String {
    let (logs, data) = (logs.display(), data.display());
    let line = |line: &str| {
        if line.starts_with('#') {
            return line.to_owned();
        }
        line.replace("=logs/", &format!("={logs}/"))
            .replace("-Xloggc:logs/", &format!("-Xloggc:{logs}/"))
            .replace("-XX:HeapDumpPath=data", &format!("-XX:HeapDumpPath={data}"))
    };
    let taken = text
        .lines()
        .filter(|line| !java.is_some_and(|java| java::refuses(java, line)));
    taken.map(|text| line(text) + "\n").collect()
}

#[cfg(test)]
mod tests;

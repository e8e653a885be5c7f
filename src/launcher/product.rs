//! What each product line wants: one table from product and version to the names of settings, files and variables. Pure data.
//!
//! Whatever differs between lines stands here; the code that renders and starts asks its row and never compares versions.

mod image;
mod lines;
mod roles;
mod said;
mod script;
mod security;

use std::{fmt, str::FromStr};

pub use image::ImageShape;
pub use lines::LINES;
pub use roles::{Company, ROLES, Role, Telling};
pub use said::{Said, line_of};
pub use script::{Collector, ConfigDir, Heap, StartScript};
pub use security::{Security, TlsLayer};

/// A search engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Elasticsearch.
    Elasticsearch,
    /// OpenSearch.
    OpenSearch,
}

impl Product {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Elasticsearch, Self::OpenSearch];

    /// Its name in flags, file names and as a user: `elasticsearch`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Elasticsearch => "elasticsearch",
            Self::OpenSearch => "opensearch",
        }
    }

    /// Its name in sentences.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Elasticsearch => "Elasticsearch",
            Self::OpenSearch => "OpenSearch",
        }
    }

    /// How its variables begin: `ES` for `ES_PATH_CONF`.
    pub const fn variable_prefix(self) -> &'static str {
        match self {
            Self::Elasticsearch => "ES",
            Self::OpenSearch => "OPENSEARCH",
        }
    }

    /// The product with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|product| product.name() == name)
    }
}

/// A version, ordered as one expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u16,
    minor: u16,
    patch: u16,
}

impl Version {
    /// `major.minor.0`, as a bound of a line.
    pub const fn at(major: u16, minor: u16) -> Self {
        Self { major, minor, patch: 0 }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A text that is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no version of the form X.Y.Z")]
pub struct NoVersion;

impl FromStr for Version {
    type Err = NoVersion;

    /// `X.Y.Z`; what follows a `-` (`-SNAPSHOT`) is ignored.
    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let numbers = text.split_once('-').map_or(text, |(numbers, _)| numbers);
        let parts: Vec<u16> = numbers
            .split('.')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|_| NoVersion)?;
        match *parts {
            [major, minor, patch] => Ok(Self { major, minor, patch }),
            _ => Err(NoVersion),
        }
    }
}

/// How a line forms its first cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formation {
    /// Any node may found a cluster at any start; this setting, at every start, says how many masters it takes.
    Quorum {
        /// The setting.
        setting: &'static str,
    },
    /// Only nodes with this setting, the list of the first masters, may found a cluster.
    Bootstrap {
        /// The setting.
        setting: &'static str,
    },
}

/// How a line learns where the others are, beside the fixed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeds {
    /// From a file that it reads again and again while it has no master; the fixed list is written empty.
    File {
        /// The setting that makes it do so.
        provider: &'static str,
        /// The file, in the node's config directory.
        name: &'static str,
    },
    /// In no other way: the fixed list holds everybody who is known at the start.
    Fixed,
}

/// The Java versions a line runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JavaRange {
    /// The oldest.
    pub from: u32,
    /// The newest; none where newer ones may be hoped for.
    pub to: Option<u32>,
}

impl JavaRange {
    /// Whether the line starts on this Java.
    pub fn contains(self, major: u32) -> bool {
        major >= self.from && self.to.is_none_or(|to| major <= to)
    }
}

impl fmt::Display for JavaRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to {
            Some(to) => write!(f, "Java {} to {to}", self.from),
            None => write!(f, "Java {} or later", self.from),
        }
    }
}

/// Versions of a product that take the same settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Its name in sentences, e.g. `Elasticsearch 6`.
    pub label: &'static str,
    /// The product.
    pub product: Product,
    /// The first version.
    pub from: Version,
    /// The first version after it.
    pub below: Version,
    /// How the first cluster is formed.
    pub formation: Formation,
    /// The setting of the fixed seed list, which is always written: unset means "this host".
    pub seed_hosts: &'static str,
    /// What comes beside it.
    pub seeds: Seeds,
    /// Settings that every node has, and their values.
    pub always: &'static [(&'static str, &'static str)],
    /// What it calls the role of nodes that may be elected.
    pub master_role: &'static str,
    /// Whether it takes names of roles that mean nothing to it, for plugins to look for.
    pub any_role: bool,
    /// How the settings of attributes begin.
    pub attribute: &'static str,
    /// The setting of the transport port.
    pub transport_port: &'static str,
    /// The setting that locks the heap in memory.
    pub memory_lock: &'static str,
    /// What its start script wants to be told.
    pub script: StartScript,
    /// The variable from which the start script takes its Java.
    pub java_variable: &'static str,
    /// Where a distribution brings its own Java, under the home.
    pub bundled_java: &'static [&'static str],
    /// The Java it runs on.
    pub java: JavaRange,
    /// The module that secures the node.
    pub security: Security,
    /// What its documentation advises for `vm.max_map_count`.
    pub map_count: u64,
    /// With this many bytes free its disk is never too full, whatever the share; none: the share alone counts.
    pub flood_headroom: Option<u64>,
    /// Its official images.
    pub image: ImageShape,
}

impl Line {
    /// The line of a version.
    pub fn of(product: Product, version: Version) -> Option<&'static Self> {
        LINES
            .iter()
            .find(|line| line.product == product && line.from <= version && version < line.below)
    }

    /// The line of `product` that is nearest to a version that has none.
    pub fn nearest(product: Product, version: Version) -> Option<&'static Self> {
        let of = |line: &&Self| line.product == product;
        let older = LINES.iter().filter(of).rfind(|line| line.from <= version);
        older.or_else(|| LINES.iter().find(of))
    }

    /// All lines in words.
    pub fn known() -> String {
        let mut labels: Vec<&str> = LINES.iter().map(|line| line.label).collect();
        labels.dedup();
        labels.join(", ")
    }

    /// A variable of this product, e.g. `ES_PATH_CONF`.
    pub fn variable(&self, name: &str) -> String {
        format!("{}_{name}", self.product.variable_prefix())
    }

    /// Where the node finds its seed file, in its config directory; none for lines that read none.
    pub fn seed_link(&self) -> Option<&'static str> {
        match self.seeds {
            Seeds::File { name, .. } => Some(name),
            Seeds::Fixed => None,
        }
    }

    /// The settings file in the config directory.
    pub fn settings_file(&self) -> String {
        format!("{}.yml", self.product.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().expect("version")
    }

    #[test]
    fn a_version_falls_into_at_most_one_line() {
        for (product, text, label) in [
            (Product::Elasticsearch, "0.90.13", None),
            (Product::Elasticsearch, "1.7.6", Some("Elasticsearch 1")),
            (Product::Elasticsearch, "2.4.6", Some("Elasticsearch 2")),
            (Product::Elasticsearch, "3.0.0", None),
            (Product::Elasticsearch, "5.6.16", Some("Elasticsearch 5")),
            (Product::Elasticsearch, "6.0.1", Some("Elasticsearch 6")),
            (Product::Elasticsearch, "6.2.4", Some("Elasticsearch 6")),
            (Product::Elasticsearch, "6.3.2", Some("Elasticsearch 6")),
            (Product::Elasticsearch, "6.4.3", Some("Elasticsearch 6")),
            (Product::Elasticsearch, "6.5.0", Some("Elasticsearch 6")),
            (Product::Elasticsearch, "6.7.2", Some("Elasticsearch 6")),
            (Product::Elasticsearch, "6.8.23", Some("Elasticsearch 6")),
            (Product::Elasticsearch, "7.8.1", Some("Elasticsearch 7")),
            (Product::Elasticsearch, "7.9.0", Some("Elasticsearch 7")),
            (Product::Elasticsearch, "7.17.29", Some("Elasticsearch 7")),
            (Product::Elasticsearch, "8.0.0", Some("Elasticsearch 8")),
            (Product::Elasticsearch, "8.17.4", Some("Elasticsearch 8")),
            (Product::Elasticsearch, "8.19.21", Some("Elasticsearch 8")),
            (Product::Elasticsearch, "9.1.9", Some("Elasticsearch 9")),
            (Product::Elasticsearch, "9.5.3", Some("Elasticsearch 9")),
            (Product::Elasticsearch, "10.0.0", None),
            (Product::OpenSearch, "1.3.20", Some("OpenSearch 1")),
            (Product::OpenSearch, "2.19.6", Some("OpenSearch 2")),
            (Product::OpenSearch, "3.6.0", Some("OpenSearch 3")),
            (Product::OpenSearch, "3.6.0-SNAPSHOT", Some("OpenSearch 3")),
            (Product::OpenSearch, "9.5.3", None),
        ] {
            let lines: Vec<&Line> = LINES
                .iter()
                .filter(|line| line.product == product && line.from <= version(text) && version(text) < line.below)
                .collect();
            assert!(lines.len() <= 1, "{text}");
            assert_eq!(Line::of(product, version(text)).map(|line| line.label), label, "{text}");
        }
    }

    #[test]
    fn what_is_no_version_is_none() {
        for text in ["", "9", "9.5", "9.5.x", "a.b.c", "9.5.3.1", "9..3"] {
            assert_eq!(text.parse::<Version>(), Err(NoVersion), "{text}");
        }
    }

    #[test]
    fn newer_java_is_refused_only_where_it_is_known_to_fail() {
        let java = |text: &str, major| {
            Line::of(Product::Elasticsearch, version(text)).is_some_and(|line| line.java.contains(major))
        };
        assert!(java("9.5.3", 25) && java("9.5.3", 26) && !java("9.5.3", 17));
        assert!(java("9.1.0", 24) && !java("9.1.0", 25));
        assert!(java("8.0.0", 17) && !java("8.0.0", 24) && java("8.19.21", 24) && !java("8.19.21", 11));
        assert!(java("6.8.23", 8) && java("6.8.23", 17) && !java("6.8.23", 21));
    }

    #[test]
    fn each_line_is_named_once() {
        assert_eq!(
            Line::known(),
            "Elasticsearch 1, Elasticsearch 2, Elasticsearch 5, Elasticsearch 6, Elasticsearch 7, Elasticsearch 8, Elasticsearch 9, \
             OpenSearch 1, OpenSearch 2, OpenSearch 3"
        );
    }
}

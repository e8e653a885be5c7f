//! What is run, and what differs between lines when they are seen from outside.

use std::path::PathBuf;

use quorate::launcher::product::{Formation, Line, Product};

use crate::support::{launcher::Stock, part};

/// A version of a search engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Distribution {
    /// Its name among the parts: product and version.
    pub(crate) name: &'static str,
    home: &'static str,
    java: &'static str,
}

/// One that is run on Java 17; `home` is the variable that says where it is.
pub(crate) const fn on_java_17(name: &'static str, home: &'static str) -> Distribution {
    let java = "QUORATE_TEST_JAVA17";
    Distribution { name, home, java }
}

/// One that is run on Java 25.
pub(crate) const fn on_java_25(name: &'static str, home: &'static str) -> Distribution {
    let java = "QUORATE_TEST_JAVA25";
    Distribution { name, home, java }
}

/// The cheapest one.
pub(crate) const ELASTICSEARCH_6: Distribution = on_java_17("elasticsearch-6.8.23", "QUORATE_TEST_ES6_HOME");
/// The newest one.
pub(crate) const ELASTICSEARCH_9: Distribution = on_java_25("elasticsearch-9.5.3", "QUORATE_TEST_ES9_HOME");

impl Distribution {
    /// The product and the version.
    pub(crate) fn identity(self) -> (Product, &'static str) {
        let (product, version) = self.name.split_once('-').expect("product-version");
        (Product::named(product).expect("a product"), version)
    }

    fn major(self) -> u32 {
        let major = self.identity().1.split('.').next().and_then(|major| major.parse().ok());
        major.expect("a number")
    }

    fn line(self) -> &'static Line {
        let (product, version) = self.identity();
        let line = Line::of(product, version.parse().expect("a version"));
        line.unwrap_or_else(|| panic!("quorate does not know the line of {}", self.name))
    }

    /// Where it is.
    pub(crate) fn home(self) -> PathBuf {
        part(self.home).into()
    }

    /// The home of its Java.
    pub(crate) fn java(self) -> PathBuf {
        part(self.java).into()
    }

    pub(crate) fn stock(self) -> Stock {
        Stock {
            home: self.home(),
            java: format!("{}={}", self.line().java_variable, self.java().display()),
        }
    }

    /// Whether any of its nodes may found a cluster at any start.
    pub(crate) fn is_zen(self) -> bool {
        match self.line().formation {
            Formation::Quorum { .. } => true,
            Formation::Bootstrap { .. } => false,
        }
    }

    /// Whether it can read its seeds from a file while it runs: since Elasticsearch 6.5.
    pub(crate) fn has_seed_file(self) -> bool {
        match self.identity().0 {
            Product::Elasticsearch => self.major() >= 6,
            Product::OpenSearch => true,
        }
    }

    /// The type of documents, where there are some, or the word in its place.
    pub(crate) fn document_type(self) -> &'static str {
        match self.identity().0 {
            Product::Elasticsearch if self.major() < 7 => "doc",
            Product::Elasticsearch | Product::OpenSearch => "_doc",
        }
    }
}

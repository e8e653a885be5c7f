//! Which product and version an image holds, and what else a start has to know of it. Pure; [`look`](fn@super::look) asks the engine.

use std::collections::BTreeMap;

use crate::{
    exit::Problem,
    launcher::product::{Line, Product, Said, Version, line_of},
};

/// An image that a node can be made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// As it was named.
    pub reference: String,
    /// What this is known from.
    pub from: Knowledge,
    /// Its version.
    pub version: Version,
    /// What its version wants.
    pub line: &'static Line,
    /// Whether the module that secures the node is in it.
    pub has_security: bool,
}

/// What tells about an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knowledge {
    /// What lies in it.
    Inside,
    /// The labels of the node that runs already: nothing is going to be made of it.
    Running,
    /// Its name: it is not here. The module that secures the node is taken for granted.
    Name,
}

/// What is known of an image, the better before the worse.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hints<'a> {
    /// The properties of one of the server's own modules, which name the server's version.
    pub(super) module: Option<&'a str>,
    /// The image's labels.
    pub(super) labels: &'a BTreeMap<String, String>,
    /// The image as it was named.
    pub(super) reference: &'a str,
}

/// Product and version: what lies in the image is the truth and must agree with what was said; labels and tag are only a guess.
pub(super) fn identify(said: Said<'_>, hints: Hints<'_>) -> Result<(Version, &'static Line), Problem> {
    let inside = hints.module.and_then(of_module);
    let place = format!("the image {}", hints.reference);
    let line = |product, version| line_of(product, version, &place).map(|line| (version, line));
    if let Some(found) = inside {
        said.agrees(found, &place, "name the image you mean")?;
        return line(found.0, found.1);
    }
    let labels = of_labels(hints.labels);
    let product = said.product()?.or(labels.0).or_else(|| of_name(hints.reference));
    let version = said.version()?.or(labels.1).or_else(|| of_tag(hints.reference));
    match (product, version) {
        (Some(product), Some(version)) => line(product, version),
        (None, _) => Err(unknown("product", hints.reference)),
        (_, None) => Err(unknown("version", hints.reference)),
    }
}

/// The product that the name speaks of, to look for it first.
pub(super) fn likely(hints: &Hints<'_>) -> [Product; 2] {
    let guess = of_labels(hints.labels).0.or_else(|| of_name(hints.reference));
    match guess {
        Some(Product::OpenSearch) => [Product::OpenSearch, Product::Elasticsearch],
        Some(Product::Elasticsearch) | None => [Product::Elasticsearch, Product::OpenSearch],
    }
}

fn unknown(what: &str, image: &str) -> Problem {
    Problem::with_hint(
        format!("which {what} is in the image {image} is told neither by what lies in it nor by its labels or tag"),
        "say it: `--product elasticsearch|opensearch --version X.Y.Z`",
    )
}

/// A server module's `plugin-descriptor.properties`: `elasticsearch.version=9.5.3`.
fn of_module(text: &str) -> Option<(Product, Version)> {
    text.lines().find_map(|line| {
        let (name, version) = line.split_once(".version=")?;
        // Headers of a tar stream may stand before the first line.
        let product = Product::ALL
            .into_iter()
            .find(|product| name.ends_with(product.name()))?;
        Some((product, version.trim().parse().ok()?))
    })
}

fn of_labels(labels: &BTreeMap<String, String>) -> (Option<Product>, Option<Version>) {
    let first = |names: &[&str]| names.iter().find_map(|name| labels.get(*name));
    let title = first(&["org.opencontainers.image.title", "org.label-schema.name"]);
    let version = first(&["org.opencontainers.image.version", "org.label-schema.version"]);
    (
        title.and_then(|title| Product::named(&title.to_lowercase())),
        version.and_then(|version| version.parse().ok()),
    )
}

/// `docker.elastic.co/elasticsearch/elasticsearch-oss:6.8.23`: the last part of the name begins with the product.
fn of_name(reference: &str) -> Option<Product> {
    let name = reference.split('@').next()?.rsplit('/').next()?;
    Product::ALL
        .into_iter()
        .find(|product| name.starts_with(product.name()))
}

fn of_tag(reference: &str) -> Option<Version> {
    let name = reference.split('@').next()?.rsplit('/').next()?;
    name.split_once(':')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(said: (Option<&str>, Option<&str>), module: Option<&str>, labels: &[(&str, &str)], name: &str) -> String {
        let labels = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let said = Said {
            product: said.0,
            version: said.1,
        };
        let hints = Hints {
            module,
            labels: &labels,
            reference: name,
        };
        match identify(said, hints) {
            Ok((version, line)) => format!("{} {version}", line.product.name()),
            Err(problem) => problem.what,
        }
    }

    const OS: &str = "description=Netty\nversion=3.6.0\nopensearch.version=3.6.0\njava.version=21\n";

    #[test]
    fn what_lies_in_the_image_beats_labels_beat_the_tag() {
        let labels = [
            ("org.opencontainers.image.title", "Elasticsearch"),
            ("org.opencontainers.image.version", "9.5.3"),
        ];
        let schema = [
            ("org.label-schema.name", "opensearch"),
            ("org.label-schema.version", "3.6.0"),
        ];
        for (module, labels, name, expected) in [
            (Some(OS), &labels[..], "elasticsearch:6.8.23", "opensearch 3.6.0"),
            (None, &labels, "reg:5000/search@sha256:00", "elasticsearch 9.5.3"),
            (None, &schema, "search:latest", "opensearch 3.6.0"),
            (
                None,
                &[],
                "docker.elastic.co/elasticsearch/elasticsearch:9.5.3",
                "elasticsearch 9.5.3",
            ),
            (
                None,
                &[],
                "docker.elastic.co/elasticsearch/elasticsearch-oss:6.8.23",
                "elasticsearch 6.8.23",
            ),
            (None, &[], "reg:5000/opensearch:3.6.0@sha256:00", "opensearch 3.6.0"),
        ] {
            assert_eq!(found((None, None), module, labels, name), expected, "{name}");
        }
    }

    #[test]
    fn what_was_said_fills_what_nothing_tells_and_contradicts_nothing_that_is_sure() {
        let (es, os) = (Some("elasticsearch"), Some("opensearch"));
        for (said, module, name, expected) in [
            ((os, Some("3.6.0")), None, "search:latest", "opensearch 3.6.0"),
            (
                (None, Some("9.5.3")),
                None,
                "elasticsearch:latest",
                "elasticsearch 9.5.3",
            ),
            (
                (es, None),
                Some(OS),
                "x",
                "`--product` is `elasticsearch`, but the image x holds opensearch",
            ),
            (
                (os, Some("3.5.0")),
                Some(OS),
                "x",
                "`--version` is `3.5.0`, but the image x holds 3.6.0",
            ),
            ((Some("solr"), None), None, "x", "`--product` is `solr`"),
            (
                (es, Some("9.5")),
                None,
                "x",
                "`--version` is `9.5`: no version of the form X.Y.Z",
            ),
            (
                (None, None),
                None,
                "search:1",
                "which product is in the image search:1 is told neither by what lies in it nor by its labels or tag",
            ),
            (
                (None, None),
                None,
                "elasticsearch@sha256:00",
                "which version is in the image elasticsearch@sha256:00 is told neither by what lies in it nor by its labels or tag",
            ),
            (
                (None, None),
                None,
                "elasticsearch:0.90.13",
                "the image elasticsearch:0.90.13 holds Elasticsearch 0.90.13, which this version of quorate does not start",
            ),
        ] {
            assert_eq!(found(said, module, &[], name), expected, "{name}");
        }
    }

    #[test]
    fn no_damaged_reference_or_module_panics() {
        crate::fuzz::fuzz("images", |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let _ = of_module(&text);
            for reference in text.lines() {
                let _ = (of_name(reference), of_tag(reference));
            }
        });
    }
}

//! What somebody said of product and version, against what is known and what was found. Pure.

use super::{Line, Product, Version};
use crate::{config::nearest, exit::Problem};

/// `--product` and `--version`.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The product, when said.
    pub product: Option<&'a str>,
    /// The version, when said.
    pub version: Option<&'a str>,
}

impl Said<'_> {
    /// The product that was said.
    pub fn product(&self) -> Result<Option<Product>, Problem> {
        let Some(name) = self.product else { return Ok(None) };
        let known = Product::named(name);
        known.map(Some).ok_or_else(|| {
            let names = Product::ALL.map(Product::name);
            let hint = nearest(&name.to_lowercase(), names.into_iter()).map_or_else(
                || format!("expected {}", names.join(" or ")),
                |near| format!("did you mean `{near}`?"),
            );
            Problem::with_hint(format!("`--product` is `{name}`"), hint)
        })
    }

    /// The version that was said.
    pub fn version(&self) -> Result<Option<Version>, Problem> {
        let Some(text) = self.version else { return Ok(None) };
        text.parse().map(Some).map_err(|error| {
            let bare = text
                .strip_prefix(['v', 'V'])
                .and_then(|bare| bare.parse::<Version>().ok());
            let hint = bare.map_or_else(
                || "give all three numbers, e.g. `9.5.3`: lines of a product differ within its first one".to_owned(),
                |version| format!("did you mean `{version}`?"),
            );
            Problem::with_hint(format!("`--version` is `{text}`: {error}"), hint)
        })
    }

    /// What was found in `place` is the truth; whoever says otherwise means something else, so nothing starts.
    pub fn agrees(&self, (product, version): (Product, Version), place: &str, remedy: &str) -> Result<(), Problem> {
        let differs = |flag: &str, said: &str, found: &str| {
            Err(Problem::with_hint(
                format!("`--{flag}` is `{said}`, but {place} holds {found}"),
                format!("leave `--{flag}` out, or {remedy}"),
            ))
        };
        match self.product()? {
            Some(said) if said != product => return differs("product", said.name(), product.name()),
            Some(_) | None => {}
        }
        match self.version()? {
            Some(said) if said != version => differs("version", &said.to_string(), &version.to_string()),
            Some(_) | None => Ok(()),
        }
    }
}

/// The line of a version; one that is unknown is refused with the nearest that is not.
pub fn line_of(product: Product, version: Version, place: &str) -> Result<&'static Line, Problem> {
    Line::of(product, version).ok_or_else(|| {
        let title = product.title();
        let other = Product::ALL.into_iter().find(|other| *other != product);
        let mistaken = other.filter(|other| Line::of(*other, version).is_some());
        let hint = match (mistaken, Line::nearest(product, version)) {
            (Some(other), _) => format!(
                "{version} is a version of {}: `--product {}`",
                other.title(),
                other.name()
            ),
            (None, Some(line)) => format!("the nearest is {}; it starts {}", line.label, Line::known()),
            (None, None) => format!("it starts {}", Line::known()),
        };
        Problem::with_hint(
            format!("{place} holds {title} {version}, which this version of quorate does not start"),
            hint,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_said_in_full() {
        for (text, expected) in [
            ("9.5.3", "9.5.3"),
            ("9.5.3-SNAPSHOT", "9.5.3"),
            (
                "9",
                "give all three numbers, e.g. `9.5.3`: lines of a product differ within its first one",
            ),
            (
                "9.5",
                "give all three numbers, e.g. `9.5.3`: lines of a product differ within its first one",
            ),
            ("v9.5.3", "did you mean `9.5.3`?"),
            (
                "latest",
                "give all three numbers, e.g. `9.5.3`: lines of a product differ within its first one",
            ),
            (
                "9.5.3.1",
                "give all three numbers, e.g. `9.5.3`: lines of a product differ within its first one",
            ),
        ] {
            let said = Said {
                product: None,
                version: Some(text),
            };
            let found = match said.version() {
                Ok(version) => version.map(|version| version.to_string()),
                Err(problem) => problem.hint,
            };
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_product_that_does_not_exist_is_refused_with_the_one_that_is_meant() {
        for (name, hint) in [
            ("elasticsearc", "did you mean `elasticsearch`?"),
            ("OpenSearch", "did you mean `opensearch`?"),
            ("solr", "expected elasticsearch or opensearch"),
        ] {
            let said = Said {
                product: Some(name),
                version: None,
            };
            assert_eq!(said.product().expect_err(name).hint.as_deref(), Some(hint));
        }
    }

    #[test]
    fn what_is_found_must_be_what_was_said() {
        let found = (Product::OpenSearch, "3.6.0".parse().expect("version"));
        let agrees = |product, version| Said { product, version }.agrees(found, "`--home`", "point elsewhere");
        for (product, version) in [
            (None, None),
            (Some("opensearch"), Some("3.6.0")),
            (None, Some("3.6.0-SNAPSHOT")),
        ] {
            assert_eq!(agrees(product, version), Ok(()));
        }
        for (product, version, what) in [
            (
                Some("elasticsearch"),
                None,
                "`--product` is `elasticsearch`, but `--home` holds opensearch",
            ),
            (None, Some("3.5.0"), "`--version` is `3.5.0`, but `--home` holds 3.6.0"),
            (None, Some("3.6"), "`--version` is `3.6`: no version of the form X.Y.Z"),
        ] {
            assert_eq!(agrees(product, version).expect_err(what).what, what);
        }
    }

    #[test]
    fn an_unknown_version_is_refused_with_the_nearest_that_works() {
        for (product, version, hint) in [
            (
                Product::Elasticsearch,
                "10.0.0",
                "the nearest is Elasticsearch 9; it starts ",
            ),
            (Product::Elasticsearch, "0.90.13", "the nearest is Elasticsearch "),
            (Product::OpenSearch, "4.0.0", "the nearest is OpenSearch 3; it starts "),
            (
                Product::OpenSearch,
                "9.5.3",
                "9.5.3 is a version of Elasticsearch: `--product elasticsearch`",
            ),
        ] {
            let version = version.parse().expect("version");
            let problem = line_of(product, version, "/opt/x").expect_err(hint);
            assert!(
                problem.hint.as_deref().is_some_and(|said| said.starts_with(hint)),
                "{problem:?}"
            );
        }
    }
}

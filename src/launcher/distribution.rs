//! The unpacked distribution at `--home`: which product and version it is, and what lies in it. Reads only.

use std::path::{Path, PathBuf};

use super::product::{Line, Product, Said, Version, line_of};
use crate::exit::Problem;

/// A distribution that this program can start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// Where it lies.
    pub home: PathBuf,
    /// Its version.
    pub version: Version,
    /// What its versions want.
    pub line: &'static Line,
    /// Whether the module that secures the node is in it.
    pub has_security: bool,
}

impl Distribution {
    /// Looks into `home`; what the flags say must agree with what is found.
    pub fn find(home: &Path, product: Option<&str>, version: Option<&str>) -> Result<Self, Problem> {
        let (found, found_version) = identify(home)?;
        let said = Said { product, version };
        said.agrees(
            (found, found_version),
            "`--home`",
            "point `--home` at the distribution you mean",
        )?;
        let line = line_of(found, found_version, &home.display().to_string())?;
        Ok(Self {
            has_security: home.join(line.security.module).is_dir(),
            home: home.to_owned(),
            version: found_version,
            line,
        })
    }

    /// The program that becomes the node.
    pub fn program(&self) -> PathBuf {
        self.home.join("bin").join(self.line.product.name())
    }

    /// The settings, logging and Java options as they came or were changed by hand.
    pub fn config(&self) -> PathBuf {
        self.home.join("config")
    }
}

/// Product and version by the server's own jar, `lib/<product>-<version>.jar`.
fn identify(home: &Path) -> Result<(Product, Version), Problem> {
    let lib = home.join("lib");
    let entries = std::fs::read_dir(&lib).map_err(|error| {
        Problem::with_hint(
            format!(
                "`--home` is `{}`, which is no distribution: {}: {error}",
                home.display(),
                lib.display()
            ),
            "name the directory that holds `bin`, `config` and `lib`",
        )
    })?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let found: Vec<(Product, Version)> = names.filter_map(|name| server_jar(&name)).collect();
    match *found {
        [one] => Ok(one),
        [] => Err(Problem::with_hint(
            format!("{} holds no server jar, e.g. `elasticsearch-9.5.3.jar`", lib.display()),
            "name the directory of an unpacked Elasticsearch or OpenSearch",
        )),
        _ => Err(Problem::with_hint(
            format!("{} holds the jars of several versions", lib.display()),
            "unpack each version into a directory of its own",
        )),
    }
}

fn server_jar(name: &str) -> Option<(Product, Version)> {
    let stem = name.strip_suffix(".jar")?;
    Product::ALL.into_iter().find_map(|product| {
        let version = stem.strip_prefix(product.name())?.strip_prefix('-')?;
        Some((product, version.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(jars: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("directory");
        std::fs::create_dir(dir.path().join("lib")).expect("lib");
        for jar in jars {
            std::fs::write(dir.path().join("lib").join(jar), b"").expect("jar");
        }
        dir
    }

    fn find(jars: &[&str], product: Option<&str>, version: Option<&str>) -> Result<Distribution, Problem> {
        Distribution::find(home(jars).path(), product, version)
    }

    #[test]
    fn the_server_jar_says_product_and_version() {
        let jars = [
            "elasticsearch-cli-6.8.23.jar",
            "elasticsearch-6.8.23.jar",
            "lucene-core-7.7.3.jar",
        ];
        let found = find(&jars, None, None).expect("found");
        assert_eq!(
            (found.line.label, found.version.to_string().as_str()),
            ("Elasticsearch 6", "6.8.23")
        );
        let found = find(
            &["opensearch-3.6.0.jar", "opensearch-core-3.6.0.jar"],
            Some("opensearch"),
            Some("3.6.0"),
        );
        assert_eq!(found.expect("found").line.label, "OpenSearch 3");
    }

    #[test]
    fn flags_that_say_something_else_are_refused() {
        let problem = find(&["opensearch-3.6.0.jar"], Some("elasticsearch"), None).expect_err("refused");
        assert_eq!(
            problem.what,
            "`--product` is `elasticsearch`, but `--home` holds opensearch"
        );
        let problem = find(&["opensearch-3.6.0.jar"], None, Some("3.5.0")).expect_err("refused");
        assert_eq!(problem.what, "`--version` is `3.5.0`, but `--home` holds 3.6.0");
    }

    #[test]
    fn other_versions_are_refused_with_the_known_ones() {
        let problem = find(&["elasticsearch-0.90.13.jar"], None, None).expect_err("refused");
        assert!(
            problem
                .what
                .ends_with("holds Elasticsearch 0.90.13, which this version of quorate does not start")
        );
        assert!(
            problem
                .hint
                .expect("hint")
                .ends_with(&format!("it starts {}", Line::known()))
        );
    }

    #[test]
    fn a_directory_that_is_no_distribution_is_refused() {
        assert!(find(&[], None, None).is_err());
        assert!(find(&["elasticsearch-9.5.3.jar", "elasticsearch-9.5.2.jar"], None, None).is_err());
        assert!(Distribution::find(Path::new("/nonexistent"), None, None).is_err());
    }
}

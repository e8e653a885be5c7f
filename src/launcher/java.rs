//! The Java that the node runs on: where it is, and which version. Reads only; nothing is started to find out.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use super::distribution::Distribution;
use crate::exit::Problem;

/// A Java and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Java {
    /// Its home.
    pub home: PathBuf,
    /// What named it.
    pub from: JavaSource,
    /// Its major version; none where its `release` file does not say.
    pub major: Option<u32>,
}

/// What named a Java.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JavaSource {
    /// A variable given for the node (`--env`).
    Given(String),
    /// A variable of the launcher itself.
    Inherited(String),
    /// The distribution brings it.
    Bundled,
    /// The first one in `PATH`.
    Path,
}

impl fmt::Display for JavaSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(name) => write!(f, "`--env {name}`"),
            Self::Inherited(name) => f.write_str(name),
            Self::Bundled => f.write_str("the distribution"),
            Self::Path => f.write_str("PATH"),
        }
    }
}

impl Java {
    /// The Java for `distribution`: what was given for the node, then the line's own variable, then the one that the distribution
    /// brings, then `JAVA_HOME` and `PATH`, which belong to the whole host. A variable that names none is an error, not a gap.
    pub fn find(
        distribution: &Distribution,
        given: &BTreeMap<String, String>,
        inherited: &BTreeMap<String, String>,
    ) -> Result<Self, Problem> {
        let own = distribution.line.java_variable;
        let given = [own, "JAVA_HOME"]
            .into_iter()
            .find_map(|name| Some((JavaSource::Given(name.to_owned()), PathBuf::from(given.get(name)?))));
        let variable = |name: &str| {
            Some((
                JavaSource::Inherited(name.to_owned()),
                PathBuf::from(inherited.get(name)?),
            ))
        };
        let named = |found: Option<(JavaSource, PathBuf)>| found.map(|(from, home)| Self::at(from, &home));
        named(given)
            .or_else(|| named(variable(own)))
            .or_else(|| named(bundled(distribution)))
            .or_else(|| named(variable("JAVA_HOME")))
            .or_else(|| named(in_path(inherited.get("PATH").map_or("", String::as_str))))
            .unwrap_or_else(|| {
                Err(Problem::with_hint(
                    format!(
                        "no Java for {}: neither {own}, nor JAVA_HOME, nor PATH names one",
                        distribution.line.label
                    ),
                    format!("install {} and name it: `--env {own}=DIR`", distribution.line.java),
                ))
            })
    }

    fn at(from: JavaSource, home: &Path) -> Result<Self, Problem> {
        if home.join("bin/java").is_file() {
            return Ok(Self {
                major: major(home),
                home: home.to_owned(),
                from,
            });
        }
        Err(Problem::with_hint(
            format!("no Java in {} (from {from})", home.display()),
            "name the directory that holds `bin/java`",
        ))
    }
}

/// Options of old distributions, and the first Java that does not start with them.
const DROPPED: &[(&str, u32)] = &[
    ("-XX:+UseParNewGC", 10),
    ("-XX:+UseConcMarkSweepGC", 14),
    ("-XX:CMSInitiatingOccupancyFraction=", 14),
    ("-XX:+UseCMSInitiatingOccupancyOnly", 14),
];

/// Whether this Java does not start with `option`. Lines that name the Java they are for are no options here.
pub fn refuses(java: u32, option: &str) -> bool {
    DROPPED
        .iter()
        .any(|(dropped, since)| java >= *since && option.starts_with(dropped))
}

/// Whether this Java has lost a collector that old distributions ask for.
pub fn refuses_old_collectors(java: u32) -> bool {
    DROPPED.iter().any(|(_, since)| java >= *since)
}

fn bundled(distribution: &Distribution) -> Option<(JavaSource, PathBuf)> {
    let places = distribution.line.bundled_java.iter();
    let home = places
        .map(|place| distribution.home.join(place))
        .find(|home| home.join("bin/java").is_file())?;
    Some((JavaSource::Bundled, home))
}

/// The home behind the first `java` in `path`; it is usually reached through several links.
fn in_path(path: &str) -> Option<(JavaSource, PathBuf)> {
    let mut places = path.split(':').filter(|place| place.starts_with('/'));
    let program = places.find_map(|place| Path::new(place).join("java").canonicalize().ok())?;
    Some((JavaSource::Path, program.parent()?.parent()?.to_owned()))
}

/// The major version in the `release` file, which every Java since 7 has.
fn major(home: &Path) -> Option<u32> {
    let release = std::fs::read_to_string(home.join("release")).ok()?;
    let version = release.lines().find_map(|line| line.strip_prefix("JAVA_VERSION=\""))?;
    let mut numbers = version.split(['.', '_', '"', '-', '+']);
    match numbers.next()?.parse().ok()? {
        // Up to Java 8 the version was 1.8.
        1 => numbers.next()?.parse().ok(),
        major => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn java(dir: &Path, release: &str) {
        std::fs::create_dir_all(dir.join("bin")).expect("bin");
        std::fs::write(dir.join("bin/java"), b"").expect("java");
        std::fs::write(dir.join("release"), release).expect("release");
    }

    fn variables(pairs: &[(&str, &Path)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, path)| ((*name).to_owned(), path.display().to_string()))
            .collect()
    }

    #[test]
    fn what_is_said_for_the_node_beats_what_the_host_says() {
        let dir = tempfile::tempdir().expect("directory");
        let place = |name: &str| dir.path().join(name);
        for (name, version) in [
            ("given", "21"),
            ("own", "25"),
            ("host", "17"),
            ("path", "11"),
            ("home/jdk", "24"),
        ] {
            java(&place(name), &format!("X=\"y\"\nJAVA_VERSION=\"{version}.0.1\"\n"));
        }
        std::fs::create_dir_all(place("home/lib")).expect("lib");
        std::fs::write(place("home/lib/elasticsearch-9.5.3.jar"), b"").expect("jar");
        let distribution = Distribution::find(&place("home"), None, None).expect("distribution");
        let find = |given: &[(&str, &Path)], inherited: &[(&str, &Path)]| {
            Java::find(&distribution, &variables(given), &variables(inherited)).map(|java| (java.from, java.major))
        };
        let (given, own, host, path) = (place("given"), place("own"), place("host"), place("path/bin"));
        let all: &[(&str, &Path)] = &[("ES_JAVA_HOME", &own), ("JAVA_HOME", &host), ("PATH", &path)];
        assert_eq!(
            find(&[("ES_JAVA_HOME", &given)], all),
            Ok((JavaSource::Given("ES_JAVA_HOME".to_owned()), Some(21)))
        );
        assert_eq!(
            find(&[], all),
            Ok((JavaSource::Inherited("ES_JAVA_HOME".to_owned()), Some(25)))
        );
        assert_eq!(find(&[], &all[1..]), Ok((JavaSource::Bundled, Some(24))));
        std::fs::remove_dir_all(place("home/jdk")).expect("removed");
        assert_eq!(
            find(&[], &all[1..]),
            Ok((JavaSource::Inherited("JAVA_HOME".to_owned()), Some(17)))
        );
        assert_eq!(find(&[], &all[2..]), Ok((JavaSource::Path, Some(11))));
        assert!(find(&[], &[]).is_err());
        assert!(
            find(&[("JAVA_HOME", Path::new("/nonexistent"))], all).is_err(),
            "a wrong name is no gap"
        );
    }

    #[test]
    fn old_and_new_version_texts_are_understood() {
        let dir = tempfile::tempdir().expect("directory");
        for (text, expected) in [
            ("1.8.0_292", Some(8)),
            ("17", Some(17)),
            ("25.0.3", Some(25)),
            ("27-ea", Some(27)),
            ("x", None),
        ] {
            java(dir.path(), &format!("JAVA_VERSION=\"{text}\"\n"));
            assert_eq!(major(dir.path()), expected, "{text}");
        }
    }
}

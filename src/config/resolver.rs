//! Reads one setting at a time from the [`Sources`], in the order of precedence, and collects every problem on the way.

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Kind, OPTIONS, Opt, Sources, option, shown_of, time};
use crate::{
    exit::{Exit, Failure, Problem},
    model::brief,
};

/// Where the service manager puts the credentials of a unit.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// Where a value was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The command line.
    Flag,
    /// A variable.
    Environment(String),
    /// A configuration file.
    File(PathBuf),
    /// A file that the service manager gave.
    Credential,
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Credential => f.write_str(CREDENTIALS),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The distance of the files: beyond any number of variables.
const FILES: usize = 100;

/// Reads settings and remembers what was wrong with them.
#[derive(Debug)]
pub struct Resolver<'a> {
    sources: &'a Sources,
    problems: Vec<Problem>,
}

impl<'a> Resolver<'a> {
    /// A resolver without problems so far.
    pub fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            problems: Vec::new(),
        }
    }

    /// What was said.
    pub fn sources(&self) -> &'a Sources {
        self.sources
    }

    /// The values of a setting and where they were found; none when nobody says anything and there is no default.
    pub fn raw(&mut self, key: &str) -> Option<(Vec<String>, Source)> {
        let opt = option(key)?;
        if let Some(kept) = self.sources.kept.get(opt.key) {
            return kept.as_ref().map(|said| (said.values.clone(), said.source.clone()));
        }
        if let Some(values) = self.sources.flags.get(opt.key) {
            return Some((split(opt, values), Source::Flag));
        }
        let own = opt.env();
        let stated = std::iter::once(own.as_str()).chain(opt.also_env.iter().copied());
        if let Some(found) = self.variable(opt, stated) {
            return Some(found);
        }
        for (path, table) in self.sources.files.iter().rev() {
            if let Some(value) = table.get(opt.key) {
                return match from_toml(opt, value) {
                    Ok(values) => Some((values, Source::File(path.clone()))),
                    Err(expected) => {
                        let what = format!("`{}` in {} has the type {}", opt.key, path.display(), value.type_str());
                        self.problem(Problem::with_hint(what, format!("expected {expected}")));
                        None
                    }
                };
            }
        }
        if let Some(path) = self.credential(opt) {
            return Some((vec![path], Source::Credential));
        }
        self.variable(opt, opt.host_env.iter().copied()).or_else(|| {
            let text = opt.default?;
            Some((split(opt, &[text.to_owned()]), Source::Default))
        })
    }

    fn credential(&self, opt: &Opt) -> Option<String> {
        let path = PathBuf::from(self.sources.variable(CREDENTIALS)?).join(opt.credential?);
        path.is_file().then(|| path.display().to_string())
    }

    /// Whether anybody says this setting.
    pub(super) fn says(&mut self, key: &str) -> bool {
        self.raw(key).is_some_and(|(_, source)| source != Source::Default)
    }

    /// How far from the command line a setting is said: the place with the smaller number wins; none when nobody says it.
    pub(super) fn distance(&mut self, key: &str) -> Option<usize> {
        let (_, source) = self.raw(key)?;
        let files = self.sources.files.len();
        Some(match source {
            Source::Flag => 0,
            Source::Environment(name) => 1 + option(key)?.variables().iter().position(|known| *known == name)?,
            // The last file is the nearest one.
            Source::File(path) => FILES + files - self.sources.files.iter().position(|(known, _)| *known == path)?,
            Source::Credential => FILES + files + 1,
            Source::Default => FILES + files + 2,
        })
    }

    fn variable<'n>(&self, opt: &Opt, mut names: impl Iterator<Item = &'n str>) -> Option<(Vec<String>, Source)> {
        names.find_map(|name| {
            let text = self.sources.variable(name)?.to_owned();
            Some((split(opt, &[text]), Source::Environment(name.to_owned())))
        })
    }

    /// One text. Nothing between the quotes is a mistake, most often a variable that was not set, and never a value.
    pub fn text(&mut self, key: &str) -> Option<String> {
        let (values, source) = self.raw(key)?;
        let text = values.into_iter().next()?;
        if text.trim().is_empty() {
            let what = format!("`--{key}` is empty (from {source})");
            self.problem(Problem::with_hint(what, "give it a value, or leave it out"));
            return None;
        }
        // It would go into files of lines, keys and log messages.
        if text.contains(char::is_control) && !option(key).is_some_and(|opt| opt.secret) {
            self.complain(key, &text, "a text without control characters");
            return None;
        }
        Some(text)
    }

    /// A comma list; empty when nobody says anything.
    pub fn list(&mut self, key: &str) -> Vec<String> {
        self.raw(key).map(|(values, _)| values).unwrap_or_default()
    }

    /// On or off.
    pub fn switch(&mut self, key: &str) -> bool {
        self.parse_with(key, "true or false", |text| text.parse::<bool>().ok())
            .unwrap_or(false)
    }

    /// `KEY=VALUE` pairs.
    pub fn pairs(&mut self, key: &str) -> BTreeMap<String, String> {
        let mut pairs = BTreeMap::new();
        for text in self.list(key) {
            match text.split_once('=') {
                Some((name, value)) if !name.trim().is_empty() => {
                    pairs.insert(name.trim().to_owned(), value.to_owned());
                }
                _ => self.complain(key, &text, "KEY=VALUE"),
            }
        }
        pairs
    }

    /// A text that must read as `T`.
    pub fn parse<T: FromStr>(&mut self, key: &str, expected: &str) -> Option<T> {
        self.parse_with(key, expected, |text| text.parse().ok())
    }

    /// A text that `read` must understand.
    pub fn parse_with<T>(&mut self, key: &str, expected: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(key)?;
        let value = read(&text);
        if value.is_none() {
            self.complain(key, &text, expected);
        }
        value
    }

    /// A port, 1 to 65535.
    pub fn port(&mut self, key: &str) -> Option<u16> {
        self.parse_with(key, "a port from 1 to 65535", |text| {
            text.parse().ok().filter(|port| *port != 0)
        })
    }

    /// A time with its unit, longer than nothing.
    pub fn duration(&mut self, key: &str) -> Option<Duration> {
        self.parse_with(
            key,
            "a time with its unit, e.g. `3s`, `500ms`, `5m`, at most a year",
            |text| time(text).filter(|time| !time.is_zero()),
        )
    }

    /// The same, or `off`.
    pub fn duration_or_off(&mut self, key: &str) -> Option<Option<Duration>> {
        let expected = "a time with its unit, e.g. `10s`, at most a year, or `off`";
        self.parse_with(key, expected, |text| match text {
            "off" => Some(None),
            text => time(text).filter(|time| !time.is_zero()).map(Some),
        })
    }

    /// Notes a wrong value.
    pub fn complain(&mut self, key: &str, value: &str, expected: &str) {
        let shown = option(key).map_or_else(|| value.to_owned(), |opt| shown(opt, &[value.to_owned()]));
        let source = self.raw(key).map_or(Source::Default, |(_, source)| source);
        self.problem(Problem::with_hint(
            format!("`--{key}` is `{}` (from {source})", brief(&shown)),
            format!("expected {expected}"),
        ));
    }

    /// Notes any other problem; a setting that is read twice is complained about once.
    pub fn problem(&mut self, problem: Problem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// All problems, or none.
    pub fn finish(self) -> Result<(), Failure> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(Failure {
                exit: Exit::Config,
                problems: self.problems,
            })
        }
    }

    /// Every setting with its value and source, secrets hidden: what `config show` prints.
    pub fn show_all(&mut self) -> Vec<(&'static Opt, Option<String>, Source)> {
        let all = OPTIONS.iter().map(|opt| match self.raw(opt.key) {
            Some((values, source)) => (opt, Some(shown(opt, &values)), source),
            None => (opt, None, Source::Default),
        });
        all.collect()
    }
}

/// A value as it may be seen by others.
fn shown(opt: &Opt, values: &[String]) -> String {
    if opt.secret {
        return "(set)".to_owned();
    }
    if opt.kind == Kind::Pairs {
        let pair = |text: &String| match text.split_once('=') {
            Some((name, value)) => format!("{name}={}", shown_of(name, value)),
            None => text.clone(),
        };
        return values.iter().map(pair).collect::<Vec<_>>().join(",");
    }
    let text = values.join(",");
    match text.split_once(':') {
        // etcdctl takes `name:password` for the first; for the other it is a mistake that must not be repeated aloud.
        Some((user, _)) if ["etcd-user", "node-user"].contains(&opt.key) => format!("{user}:(hidden)"),
        Some(_) | None => text,
    }
}

/// Texts from flag or environment as values of the option's kind.
fn split(opt: &Opt, texts: &[String]) -> Vec<String> {
    let separator = match opt.kind {
        Kind::List => ',',
        // Values may hold commas, so the environment has one a line.
        Kind::Pairs | Kind::Lines => '\n',
        Kind::Text | Kind::Switch => return texts.to_vec(),
    };
    let parts = texts.iter().flat_map(|text| text.split(separator)).map(str::trim);
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn from_toml(opt: &Opt, value: &toml::Value) -> Result<Vec<String>, &'static str> {
    use toml::Value::{Array, Boolean, Integer, String, Table};
    let plain = |value: &toml::Value| match value {
        String(text) => Some(text.clone()),
        Integer(number) => Some(number.to_string()),
        Boolean(flag) => Some(flag.to_string()),
        Array(_) | Table(_) | toml::Value::Float(_) | toml::Value::Datetime(_) => None,
    };
    match (opt.kind, value) {
        (Kind::List | Kind::Lines, Array(items)) => items
            .iter()
            .map(plain)
            .collect::<Option<_>>()
            .ok_or("an array of texts"),
        (Kind::List | Kind::Lines, String(text)) => Ok(split(opt, std::slice::from_ref(text))),
        (Kind::List | Kind::Lines, _) => Err("an array of texts"),
        (Kind::Pairs, Table(table)) => {
            let pair = |(name, value): (&std::string::String, &toml::Value)| Some(format!("{name}={}", plain(value)?));
            table.iter().map(pair).collect::<Option<_>>().ok_or("a table of texts")
        }
        (Kind::Pairs, _) => Err("a table, e.g. `{ zone = \"a\" }`"),
        (Kind::Text | Kind::Switch, value) => plain(value).map(|text| vec![text]).ok_or("one text"),
    }
}

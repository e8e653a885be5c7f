//! What was said where: flags, environment, files. The only place that reads the environment.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::ArgMatches;

use super::{Kept, Kind, OPTIONS, Opt, option, suggest::nearest};
use crate::exit::{Exit, Failure, Problem};

/// The configuration file that is read when no other is named; files of instances lie beside it.
const DEFAULT_FILE: &str = "/etc/quorate/quorate.toml";

/// Set by a daemon for the program that it becomes: which open file holds what it passes on.
pub const HANDOVER: &str = "QUORATE_HANDOVER";

/// Beginnings of variables that are settings: ours, etcd's, and what the service manager says to this process alone.
const SETTINGS: [&str; 9] = [
    "QUORATE_",
    "ETCDCTL_",
    "ETCD_",
    "COREOS_",
    "FLATCAR_",
    "NOTIFY_SOCKET",
    "WATCHDOG_",
    "JOURNAL_STREAM",
    "CREDENTIALS_DIRECTORY",
];

/// Everything that was said, unparsed.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    pub(super) flags: BTreeMap<&'static str, Vec<String>>,
    pub(super) environment: BTreeMap<String, String>,
    /// Later files win.
    pub(super) files: Vec<(PathBuf, toml::Table)>,
    /// Wins over everything.
    pub(super) kept: Kept,
}

impl Sources {
    /// The environment alone, for commands that take no settings.
    pub fn without_files() -> Self {
        Self {
            environment: environment(),
            ..Self::default()
        }
    }

    /// Flags of this command line, the process's environment and the configuration files.
    pub fn collect(matches: &ArgMatches) -> Result<Self, Failure> {
        let environment = environment();
        let flags = OPTIONS
            .iter()
            .filter_map(|opt| Some((opt.key, flag_values(opt, matches)?)))
            .collect();
        let said = |name: &str, variable: &str| {
            let flag = matches.try_get_one::<String>(name).ok().flatten().cloned();
            flag.or_else(|| environment.get(variable).cloned())
                .filter(|text| !text.is_empty())
        };
        let config = said("config", "QUORATE_CONFIG").map(PathBuf::from);
        let instance = said("instance", "QUORATE_INSTANCE");
        let files = read_files(config, instance.as_deref())?;
        let sources = Self {
            flags,
            environment,
            files,
            kept: Kept::default(),
        };
        sources.refuse_unknown_keys()?;
        Ok(sources)
    }

    /// Sources made by hand: environment and one file's text.
    pub fn from_parts(
        flags: &[(&'static str, &str)],
        environment: &[(&str, &str)],
        file: &str,
    ) -> Result<Self, Failure> {
        let path = PathBuf::from("quorate.toml");
        let table = parse_file(&path, file)?;
        let sources = Self {
            flags: flags.iter().map(|(k, v)| (*k, vec![(*v).to_owned()])).collect(),
            environment: environment
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            files: vec![(path, table)],
            kept: Kept::default(),
        };
        sources.refuse_unknown_keys()?;
        Ok(sources)
    }

    /// A variable of the environment that is no setting, e.g. `NOTIFY_SOCKET`.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment
            .get(name)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    }

    /// The environment without anything that is a setting of ours or of etcd: for children that are told everything by flags.
    pub fn neutral_environment(&self) -> BTreeMap<String, String> {
        let neutral = |name: &str| !SETTINGS.iter().any(|prefix| name.starts_with(prefix));
        let kept = self.environment.iter().filter(|(name, _)| neutral(name));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// What a program reads that is started with these flags in the [neutral environment](Self::neutral_environment).
    #[must_use]
    pub fn neutral(&self, flags: &[(&'static str, String)]) -> Self {
        Self {
            flags: flags.iter().map(|(key, value)| (*key, vec![value.clone()])).collect(),
            environment: self.neutral_environment(),
            files: Vec::new(),
            kept: Kept::default(),
        }
    }

    /// The same for a daemon that runs already and keeps some values until it is started anew.
    #[must_use]
    pub fn keeping(mut self, kept: Kept) -> Self {
        self.kept = kept;
        self
    }

    fn refuse_unknown_keys(&self) -> Result<(), Failure> {
        let mut problems = Vec::new();
        for (path, table) in &self.files {
            for key in table.keys().filter(|key| option(key).is_none()) {
                let near = nearest(key, OPTIONS.iter().map(|opt| opt.key)).map(str::to_owned);
                problems.push(unknown(&format!("key `{key}` in {}", path.display()), near));
            }
        }
        // A misspelt QUORATE_ variable would be a setting that silently does nothing.
        let known = |name: &str| {
            OPTIONS.iter().any(|opt| opt.env() == name)
                || ["QUORATE_CONFIG", "QUORATE_INSTANCE", "QUORATE_LOG", HANDOVER].contains(&name)
        };
        let reserved = |name: &str| name.starts_with("QUORATE_TEST_") || name == "QUORATE_PARTS";
        for name in self
            .environment
            .keys()
            .filter(|name| name.starts_with("QUORATE_") && !known(name) && !reserved(name))
        {
            let names: Vec<String> = OPTIONS.iter().map(Opt::env).collect();
            let near = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
            problems.push(unknown(&format!("variable {name}"), near));
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Failure {
                exit: Exit::Config,
                problems,
            })
        }
    }
}

/// All variables that are UTF-8; others can be none of ours.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn unknown(what: &str, near: Option<String>) -> Problem {
    let hint = near.map_or_else(
        || "`quorate config show` lists all settings".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Problem::with_hint(format!("unknown {what}"), hint)
}

fn flag_values(opt: &Opt, matches: &ArgMatches) -> Option<Vec<String>> {
    if !matches.try_contains_id(opt.key).unwrap_or(false)
        || matches.value_source(opt.key) != Some(clap::parser::ValueSource::CommandLine)
    {
        return None;
    }
    if opt.kind == Kind::Switch {
        return matches.get_flag(opt.key).then(|| vec!["true".to_owned()]);
    }
    matches
        .get_many::<String>(opt.key)
        .map(|values| values.cloned().collect())
}

fn read_files(config: Option<PathBuf>, instance: Option<&str>) -> Result<Vec<(PathBuf, toml::Table)>, Failure> {
    let named = config.is_some();
    let main = config.unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    let mut files = Vec::new();
    match std::fs::read_to_string(&main) {
        Ok(text) => files.push((main.clone(), parse_file(&main, &text)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => {}
        Err(error) => return Err(unreadable(&main, &error)),
    }
    if let Some(instance) = instance {
        if instance.contains('/') || instance.starts_with('.') {
            return Err(Failure::with_hint(
                Exit::Usage,
                format!("`{instance}` is no instance name"),
                "it names a file beside the other one, e.g. `--instance a` reads /etc/quorate/a.toml",
            ));
        }
        let path = main.with_file_name(format!("{instance}.toml"));
        match std::fs::read_to_string(&path) {
            Ok(text) => files.push((path.clone(), parse_file(&path, &text)?)),
            // A single instance needs no file of its own.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&path, &error)),
        }
    }
    Ok(files)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let hints = [
        (std::io::ErrorKind::InvalidData, "save it in UTF-8"),
        (std::io::ErrorKind::IsADirectory, "name a file in it"),
    ];
    let known = hints.iter().find(|(kind, _)| *kind == error.kind());
    let hint = known.map_or("check its path and modes", |(_, hint)| hint);
    let what = format!("cannot read the configuration file {}: {error}", path.display());
    Failure::with_hint(Exit::Config, what, hint)
}

fn parse_file(path: &Path, text: &str) -> Result<toml::Table, Failure> {
    text.parse().map_err(|error: toml::de::Error| {
        let what = format!(
            "{} is no TOML: {}",
            path.display(),
            error.to_string().trim_end().replace('\n', "\n    ")
        );
        Failure::with_hint(Exit::Config, what, "one `key = value` a line; texts in double quotes")
    })
}

//! Reload and upgrade, the same for both daemons: SIGHUP reads the settings again, and what changed acts without a gap.
//!
//! A daemon takes new settings, and a new executable, in one way: it becomes the program that lies in its place, in the same process
//! and with the same command line, and hands over what must not be let go for an instant: the lock of its id, the socket that answers
//! HTTP, where it stands. The key moves as at any start. So there is nothing that acts after a restart and not after a reload, and
//! nothing half applied. Before that the program is asked whether it can run with these settings; if not, what runs goes on.
//!
//! Invariant: what cannot be read, started or listened on never ends a daemon that runs.

mod handover;
mod looking;
mod trial;

use std::{collections::BTreeMap, io, os::fd::BorrowedFd, path::Path};

use clap::ArgMatches;
pub use handover::Handover;
use handover::Letter;
pub use looking::Looking;

use crate::{
    config::{Change, Group, HANDOVER, Kept, OPTIONS, Resolver, Sources},
    exit::Failure,
    host::{self, Executable, Stamp},
};

/// How a daemon was started, and the settings that it runs with.
#[derive(Debug, Clone)]
pub struct Reload {
    matches: ArgMatches,
    groups: &'static [Group],
    running: Sources,
    executable: Executable,
    later: Vec<&'static str>,
    /// The files that settings name, as they were when they were read.
    files: Files,
}

/// What tells one version of a file from the next, by the setting that names it.
type Files = BTreeMap<&'static str, Option<Stamp>>;

/// What a reload found. It can run.
#[derive(Debug, Clone)]
pub struct Found {
    /// The version of another executable that lies in the place of the one that runs.
    pub upgrade: Option<String>,
    /// Which settings act now, and which wait for a restart.
    pub change: Change,
    /// The settings; none when only the other executable understands them.
    said: Option<Sources>,
}

/// What came of reading the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Why the last reload changed nothing.
    pub refused: Option<String>,
    /// Settings that are said differently and wait for a restart.
    pub later: Vec<&'static str>,
}

impl Reading {
    /// Something to be told along with the rest; nothing when all is well.
    pub fn words(&self) -> String {
        let refused = self.refused.iter().map(|why| format!("; settings not reloaded: {why}"));
        let later = (!self.later.is_empty()).then(|| format!("; to be restarted for: {}", self.later.join(", ")));
        refused.chain(later).collect()
    }
}

impl Found {
    /// The settings with which the next program will run, as far as this one understands them.
    pub fn settings(&self, kept: &Kept) -> Option<Sources> {
        self.said.clone().map(|said| said.keeping(kept.clone()))
    }

    /// Whether there is anything to become.
    pub fn is_new(&self) -> bool {
        self.upgrade.is_some() || !self.change.now.is_empty()
    }
}

impl Reload {
    /// To be made at the start of a daemon that takes the settings of `groups`, with what was `said` and what it keeps of the program
    /// before it.
    pub fn new(
        matches: &ArgMatches,
        groups: &'static [Group],
        said: &Sources,
        handover: Option<&Handover>,
    ) -> io::Result<Self> {
        let running = said
            .clone()
            .keeping(handover.map(|h| h.kept.clone()).unwrap_or_default());
        let change = Change::between(&running, said, groups);
        if !change.later.is_empty() {
            tracing::warn!(settings = ?change.later, "changed settings wait for a restart");
        }
        Ok(Self {
            matches: matches.clone(),
            groups,
            files: files(said, groups),
            running,
            executable: Executable::of_this_process()?,
            later: change.later,
        })
    }

    /// The settings to run with.
    pub fn running(&self) -> &Sources {
        &self.running
    }

    /// What came of reading the settings at the start.
    pub fn reading(&self) -> Reading {
        self.refused_reading(None)
    }

    /// What came of a reload that found nothing to become.
    pub fn settled(&self, looked: Result<Found, String>) -> Reading {
        match looked {
            Ok(found) => {
                let later = found.change.later;
                tracing::info!(restart_needed = ?later, "settings read again, none of them acts now");
                Reading { refused: None, later }
            }
            Err(why) => {
                tracing::error!(cause = why, "settings not reloaded, everything goes on as before");
                self.refused_reading(Some(why))
            }
        }
    }

    fn refused_reading(&self, refused: Option<String>) -> Reading {
        let later = self.later.clone();
        Reading { refused, later }
    }

    /// Reads the settings again and asks the program that would run next whether it can; else why not.
    pub async fn look(self) -> Result<Found, String> {
        let upgrade = if self.executable.is_replaced() {
            Some(trial::version(&self.executable).await?)
        } else {
            None
        };
        trial::settings(&self.executable).await?;
        let said = match Sources::collect(&self.matches) {
            Ok(said) => Some(said),
            // A new version may have settings that this one does not know.
            Err(_) if upgrade.is_some() => None,
            Err(failure) => return Err(in_one_line(&failure)),
        };
        let change = said.as_ref().map(|said| self.change(said));
        Ok(Found {
            upgrade,
            change: change.unwrap_or_default(),
            said,
        })
    }

    /// A file with another content is a change as well, whoever reads it and when.
    fn change(&self, said: &Sources) -> Change {
        let mut change = Change::between(&self.running, said, self.groups);
        let now = files(said, self.groups);
        let changed = now
            .into_iter()
            .filter(|(key, stamp)| self.files.get(key) != Some(stamp));
        for (key, _) in changed {
            if !change.now.contains(&key) {
                change.now.push(key);
            }
        }
        change
    }

    /// What is kept whatever the settings say, by a daemon whose node has this address.
    pub fn kept(&self, address: std::net::IpAddr) -> Kept {
        Kept::of(&self.running, self.groups, address)
    }

    /// Becomes the next program, which is given these files. Returns only when that is impossible; then everything is as before.
    pub fn become_next(
        &self,
        found: &Found,
        kept: Kept,
        state: serde_json::Value,
        files: &[(&str, BorrowedFd<'_>)],
    ) -> io::Error {
        let upgrade = found.upgrade.as_deref().unwrap_or_default();
        tracing::info!(upgrade, changed = ?found.change.now, "goes on in place as the next program");
        let letter = Letter::new(files, kept, state).to_bytes();
        let files: Vec<_> = files.iter().map(|&(_, file)| file).collect();
        host::exec(&self.executable, HANDOVER, &letter, &files)
    }
}

/// Settings that name a file which is read together with them.
fn files(said: &Sources, groups: &[Group]) -> Files {
    let mut resolver = Resolver::new(said);
    let named = OPTIONS
        .iter()
        .filter(|opt| groups.contains(&opt.group) && opt.value == "FILE");
    named
        .filter_map(|opt| {
            let (paths, _) = resolver.raw(opt.key)?;
            Some((
                opt.key,
                paths.first().and_then(|path| host::stamp(Path::new(path)).ok()),
            ))
        })
        .collect()
}

/// All that is wrong, as one sentence.
pub fn in_one_line(failure: &Failure) -> String {
    trial::complaint(&failure.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    #[test]
    fn a_file_that_was_written_anew_is_a_change() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("ca.pem");
        std::fs::write(&path, "one").expect("written");
        let said = format!("address = \"10.0.0.1\"\ncacert = \"{}\"\n", path.display());
        let said = Sources::from_parts(&[], &[], &said).expect("good");
        let matches = cli::command().get_matches_from(["quorate", "sidecar"]);
        let reload = Reload::new(&matches, &cli::SIDECAR, &said, None).expect("a daemon");
        assert_eq!(reload.change(&said), Change::default());
        host::write_atomic(&path, b"two", 0o600).expect("written");
        assert_eq!(reload.change(&said).now, ["cacert"]);
    }
}

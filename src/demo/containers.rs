//! The containers of a demo: found by the data directories in its folder, so that those of a demo that was killed are found too.
//!
//! Invariant: no container is touched whose data lies elsewhere.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use crate::{config::Cli, exit::Failure, host, launcher::container};

/// Names the engine's program; not there when the nodes are processes.
pub(super) const ENGINE: &str = "engine";

/// What is needed to end them.
#[derive(Debug, Clone)]
pub(super) struct Containers {
    dir: PathBuf,
    /// The environment of the engine's program.
    environment: BTreeMap<String, String>,
}

/// What it means that they could not be removed.
pub(super) fn may_be_left(failure: &Failure) -> String {
    let why: Vec<&str> = failure.problems.iter().map(|problem| problem.what.as_str()).collect();
    format!("containers of a demo may be left: {}", why.join("; "))
}

impl Containers {
    pub(super) fn new(dir: &Path, environment: BTreeMap<String, String>) -> Self {
        Self {
            dir: dir.to_owned(),
            environment,
        }
    }

    /// Notes who runs them, before there is one.
    pub(super) fn note(&self, cli: Cli) -> io::Result<()> {
        std::fs::write(self.dir.join(ENGINE), cli.program())
    }

    /// Removes them, whatever they do, and the note with them. Their names.
    pub(super) async fn remove(&self) -> Result<Vec<String>, Failure> {
        let noted = host::read_optional(&self.dir.join(ENGINE))?.unwrap_or_default();
        let noted = [Cli::Docker, Cli::Podman]
            .into_iter()
            .find(|cli| cli.program().as_bytes() == noted);
        let Some(cli) = noted else {
            return Ok(Vec::new());
        };
        let removed = container::remove_on(cli, self.environment.clone(), &self.data()).await?;
        std::fs::remove_file(self.dir.join(ENGINE))?;
        Ok(removed)
    }

    /// The data directories: `launcher/<service>/<id>/data`.
    fn data(&self) -> Vec<PathBuf> {
        let inside = |dir: PathBuf| {
            std::fs::read_dir(dir)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path())
        };
        let nodes = inside(self.dir.join("launcher")).flat_map(inside);
        nodes.map(|node| node.join("data")).collect()
    }
}

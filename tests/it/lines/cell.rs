//! A cell of the matrix: one distribution on one etcd, through every step; what it took.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{distribution::Distribution, trio::Trio};
use crate::support::etcd::Version;

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) distribution: Distribution,
    pub(crate) etcd: Version,
}

/// A step and what it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// What it is called, in [`Cell::STEPS`].
    pub(crate) name: String,
    /// None where the line has nothing of the kind.
    pub(crate) seconds: Option<f64>,
}

/// What a cell brought: it stood every step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// The version that the nodes gave.
    pub(crate) node: String,
    /// The version that etcd gave.
    pub(crate) etcd: String,
    pub(crate) steps: Vec<Step>,
    /// Deprecations of what is no setting of quorate's, each with its reason.
    pub(crate) complaints: Vec<String>,
}

impl Cell {
    /// Every step, with what its time is.
    pub(crate) const STEPS: [(&'static str, &'static str); 6] = [
        (
            "formed",
            "three that start at the same instant are one cluster, with one UUID in its record and in every member key",
        ),
        (
            "one restarted",
            "one, the master, is stopped in order and started again on its disk, while the two others go on",
        ),
        (
            "two killed",
            "two nodes, the master among them, and their launchers get SIGKILL; the third founds nothing and accepts no document; they are \
             started again",
        ),
        (
            "master frozen",
            "the master stands still (SIGSTOP): the two others have another one, the only one; it wakes up and joins them",
        ),
        (
            "two frozen",
            "two stand still, the master among them: the third has no master and accepts no document; time from their waking up",
        ),
        (
            "seed file",
            "a node starts without etcd, knowing only addresses at which nobody is any more; time from etcd's answer, by way of the seed \
             file, to its joining without a restart",
        ),
    ];

    /// Runs every step, and tells each one when it is over; panics at the first thing that is wrong.
    pub(crate) async fn run(self, tell: impl FnMut(&Step)) -> Row {
        let mut trio = Trio::new(self.distribution, self.etcd).await;
        let (zen, file) = (self.distribution.is_zen(), self.distribution.has_seed_file());
        let mut book = Book {
            tell,
            steps: Vec::new(),
        };
        book.over(Some(trio.forms().await));
        book.over(Some(trio.restarts_one().await));
        book.over(Some(trio.loses_two().await));
        book.over(if zen {
            Some(trio.freezes_the_master().await)
        } else {
            None
        });
        book.over(if zen { Some(trio.freezes_two().await) } else { None });
        book.over(if file {
            Some(trio.is_rescued_by_the_seed_file().await)
        } else {
            None
        });
        Row {
            node: trio.version().await,
            etcd: trio.etcd.full_version().await,
            steps: book.steps,
            complaints: trio.explained_complaints(),
        }
    }
}

/// The steps that are over.
struct Book<T> {
    tell: T,
    steps: Vec<Step>,
}

impl<T: FnMut(&Step)> Book<T> {
    fn over(&mut self, took: Option<Duration>) {
        let (name, _) = Cell::STEPS[self.steps.len()];
        let step = Step {
            name: name.to_owned(),
            seconds: took.map(|took| took.as_secs_f64()),
        };
        (self.tell)(&step);
        self.steps.push(step);
    }
}

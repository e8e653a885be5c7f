//! What is asked for on the command line: `make bench ARGS='--only death --rounds 50'`.

use std::{path::PathBuf, time::Duration};

/// What can be measured, in the order in which it is.
pub(crate) const TOPICS: [&str; 8] = [
    "binary",
    "death",
    "real",
    "seeds",
    "launcher",
    "formation",
    "slow",
    "steady",
];

const USAGE: &str = "\
options of this benchmark, all with a default:
  --only TOPIC,..     binary, death, real, seeds, launcher, formation, slow, steady
  --rounds N          how often a fast thing is measured (20)
  --window SECONDS    how long the steady state is looked at (60)
  --heaps MB,..       memory of the stand-in that is killed (256,2048,8192)
  --kills N           how often a real node is killed (3)
  --watchers N        how many `quorate seeds --output` follow one change (100)
  --formations N      how many clusters are formed in either way (3)
  --binary PATH       the quorate to measure; else QUORATE_TEST_PROGRAM, else the one that cargo has built";

/// Names the executable: `make bench` takes the static one that is shipped.
const PROGRAM: &str = "QUORATE_TEST_PROGRAM";

/// From this many MB on, touching and giving back the memory takes seconds.
const LARGE: usize = 1024;
/// So often such a node is killed.
const LARGE_ROUNDS: u64 = 5;

/// How much of what is measured.
pub(crate) struct Options {
    only: Option<Vec<String>>,
    pub(crate) rounds: u64,
    pub(crate) window: Duration,
    pub(crate) heaps: Vec<usize>,
    pub(crate) kills: u64,
    pub(crate) watchers: usize,
    pub(crate) formations: usize,
    pub(crate) program: PathBuf,
}

impl Options {
    /// Reads the arguments; what is wrong with them in words.
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            only: None,
            rounds: 20,
            window: Duration::from_mins(1),
            heaps: vec![256, 2048, 8192],
            kills: 3,
            watchers: 100,
            formations: 3,
            program: std::env::var_os(PROGRAM).map_or_else(|| env!("CARGO_BIN_EXE_quorate").into(), PathBuf::from),
        };
        while let Some(name) = arguments.next() {
            match name.as_str() {
                // Cargo's own.
                "--bench" => continue,
                "--help" => return Err(USAGE.to_owned()),
                _ => {}
            }
            let value = arguments
                .next()
                .ok_or_else(|| format!("`{name}` stands alone\n{USAGE}"))?;
            match name.as_str() {
                "--only" => options.only = Some(topics(&value)?),
                "--rounds" => options.rounds = number(&name, &value)?,
                "--window" => options.window = Duration::from_secs(number(&name, &value)?),
                "--kills" => options.kills = number(&name, &value)?,
                "--watchers" => options.watchers = number(&name, &value)?,
                "--formations" => options.formations = number(&name, &value)?,
                "--binary" => options.program = value.into(),
                "--heaps" => {
                    options.heaps = value
                        .split(',')
                        .map(|heap| number(&name, heap))
                        .collect::<Result<_, _>>()?;
                }
                _ => return Err(format!("there is no `{name}`\n{USAGE}")),
            }
        }
        Ok(options)
    }

    /// Whether this topic is wanted.
    pub(crate) fn wants(&self, topic: &str) -> bool {
        let named = |only: &Vec<String>| only.iter().any(|one| one == topic);
        self.only.as_ref().is_none_or(named)
    }

    /// How often a node of this size is killed.
    pub(crate) fn rounds_with(&self, heap: usize) -> u64 {
        if heap < LARGE {
            self.rounds
        } else {
            self.rounds.min(LARGE_ROUNDS)
        }
    }
}

fn topics(list: &str) -> Result<Vec<String>, String> {
    let known = |topic: &str| {
        let is_known = TOPICS.contains(&topic);
        is_known
            .then(|| topic.to_owned())
            .ok_or_else(|| format!("there is no topic `{topic}`\n{USAGE}"))
    };
    list.split(',').map(known).collect()
}

fn number<N: std::str::FromStr>(name: &str, value: &str) -> Result<N, String> {
    let wrong = |_| format!("`{name} {value}`: expected a number\n{USAGE}");
    value.parse().map_err(wrong)
}

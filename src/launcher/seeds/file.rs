//! The live seed file: which list stands in it, and when it is rewritten. The decision is pure; [`write()`] is the shell.
//!
//! Invariant: a list that was good is never replaced by an empty one. A node reads the file when it has lost its master, which is just
//! when etcd may be in trouble too; an address too many costs it a refused connection. Who is in it is the [list](super::list)'s matter.

use std::{collections::BTreeSet, io, path::Path, time::Duration};

use tokio::time::Instant;

use crate::host;

/// Its name. Nodes of most lines read it by a link; it is also what the launcher remembers.
pub const NAME: &str = "unicast_hosts.txt";
/// Changes that follow a change are written together after this long.
const COALESCE: Duration = Duration::from_millis(50);
/// A file that could not be written is tried again after this long.
const RETRY: Duration = Duration::from_secs(1);

/// The seed file's content and what is to become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedFile {
    /// What stands in the file, sorted.
    written: Vec<String>,
    /// What came since.
    pending: Option<Vec<String>>,
    /// Until then changes are collected.
    quiet_until: Option<Instant>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeedEvent {
    /// The list is this now.
    Seen(Vec<String>),
    /// The time asked for has come.
    Woke,
    /// The list could not be written; the file holds what it held before.
    WriteFailed {
        /// What it holds.
        still: Vec<String>,
    },
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeedEffect {
    /// Replace the file by this list.
    Write {
        /// The new content.
        seeds: Vec<String>,
        /// The old content.
        before: Vec<String>,
    },
    /// Say [`SeedEvent::Woke`] then. Said with every list that waits: a step without it takes the last one back.
    WakeAt(Instant),
}

impl SeedFile {
    /// A file that holds `seeds` already.
    pub fn holding(seeds: Vec<String>) -> Self {
        Self {
            written: sorted(seeds),
            pending: None,
            quiet_until: None,
        }
    }

    /// What stands in the file.
    pub fn seeds(&self) -> &[String] {
        &self.written
    }

    /// Takes in `event`.
    #[must_use]
    pub fn step(&mut self, now: Instant, event: SeedEvent) -> Vec<SeedEffect> {
        match event {
            SeedEvent::Seen(seeds) => match self.quiet_until.filter(|until| now < *until) {
                None => {
                    // An alarm that is late must not bring back what was waiting for it.
                    self.pending = None;
                    self.write(now, seeds)
                }
                Some(until) => {
                    self.pending = Some(seeds);
                    vec![SeedEffect::WakeAt(until)]
                }
            },
            SeedEvent::Woke => match self.pending.take() {
                Some(seeds) => self.write(now, seeds),
                None => Vec::new(),
            },
            SeedEvent::WriteFailed { still } => {
                let failed = std::mem::replace(&mut self.written, still);
                self.pending.get_or_insert(failed);
                self.quiet_until = Some(now + RETRY);
                vec![SeedEffect::WakeAt(now + RETRY)]
            }
        }
    }

    fn write(&mut self, now: Instant, seeds: Vec<String>) -> Vec<SeedEffect> {
        let seeds = sorted(seeds);
        if seeds == self.written || seeds.is_empty() {
            return Vec::new();
        }
        self.quiet_until = Some(now + COALESCE);
        let before = std::mem::replace(&mut self.written, seeds.clone());
        vec![SeedEffect::Write { seeds, before }]
    }
}

fn sorted(seeds: impl IntoIterator<Item = String>) -> Vec<String> {
    seeds.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Writes the file: one `host:port` a line, no blank line, whole or not at all.
pub fn write(path: &Path, seeds: &[String]) -> io::Result<()> {
    let text: String = seeds.iter().flat_map(|seed| [seed, "\n"]).collect();
    host::write_atomic(path, text.as_bytes(), 0o644)
}

/// Reads the file; nothing when there is none.
pub fn read(path: &Path) -> io::Result<Vec<String>> {
    let bytes = host::read_optional(path)?.unwrap_or_default();
    let text = String::from_utf8(bytes).map_err(io::Error::other)?;
    Ok(text.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(seeds: &[&str]) -> Vec<String> {
        seeds.iter().map(|seed| (*seed).to_owned()).collect()
    }

    fn written(effects: &[SeedEffect]) -> Option<Vec<String>> {
        effects.iter().find_map(|effect| match effect {
            SeedEffect::Write { seeds, .. } => Some(seeds.clone()),
            SeedEffect::WakeAt(_) => None,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_change_is_written_at_once_and_what_follows_together() {
        let mut file = SeedFile::holding(Vec::new());
        let start = Instant::now();
        assert_eq!(
            written(&file.step(start, SeedEvent::Seen(list(&["b", "a"])))),
            Some(list(&["a", "b"]))
        );
        let soon = start + Duration::from_millis(5);
        assert_eq!(
            file.step(soon, SeedEvent::Seen(list(&["a", "b", "c"]))),
            [SeedEffect::WakeAt(start + COALESCE)]
        );
        assert_eq!(
            file.step(soon, SeedEvent::Seen(list(&["a", "b", "d"]))),
            [SeedEffect::WakeAt(start + COALESCE)]
        );
        assert_eq!(
            written(&file.step(start + COALESCE, SeedEvent::Woke)),
            Some(list(&["a", "b", "d"]))
        );
        assert_eq!(
            file.step(start + 9 * COALESCE, SeedEvent::Seen(list(&["d", "b", "a"]))),
            [],
            "no change, no write"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_failed_is_tried_again() {
        let mut file = SeedFile::holding(list(&["a"]));
        let now = Instant::now();
        assert_eq!(
            written(&file.step(now, SeedEvent::Seen(list(&["a", "b"])))),
            Some(list(&["a", "b"]))
        );
        let failed = SeedEvent::WriteFailed { still: list(&["a"]) };
        assert_eq!(file.step(now, failed), [SeedEffect::WakeAt(now + RETRY)]);
        assert_eq!(file.seeds(), ["a"]);
        assert_eq!(
            written(&file.step(now + RETRY, SeedEvent::Woke)),
            Some(list(&["a", "b"]))
        );
    }

    #[test]
    fn the_file_has_no_blank_line() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("unicast_hosts.txt");
        for (seeds, text) in [(&["a:1", "b:2"][..], "a:1\nb:2\n"), (&[], "")] {
            write(&path, &list(seeds)).expect("written");
            assert_eq!(std::fs::read_to_string(&path).expect("read"), text);
            assert_eq!(read(&path).expect("read"), list(seeds));
        }
    }

    proptest! {
        /// The shell keeps the last alarm it was told of and none when it was told of none; it may be late.
        #[test]
        fn the_last_list_stands_in_the_file_in_the_end(steps in proptest::collection::vec((0_u64..80, 0_u64..30), 1..20)) {
            let mut file = SeedFile::holding(Vec::new());
            let (mut now, mut wake) = (Instant::now(), None);
            let alarm = |effects: Vec<SeedEffect>| effects.into_iter().find_map(|effect| match effect {
                SeedEffect::WakeAt(at) => Some(at),
                SeedEffect::Write { .. } => None,
            });
            let mut seen = Vec::new();
            for (index, (pause, late)) in steps.into_iter().enumerate() {
                now += Duration::from_millis(pause);
                if let Some(at) = wake.filter(|at| *at + Duration::from_millis(late) <= now) {
                    let _ = file.step(at + Duration::from_millis(late), SeedEvent::Woke);
                }
                // Only ever more, so that nothing is held back.
                seen.push(index.to_string());
                wake = alarm(file.step(now, SeedEvent::Seen(seen.clone())));
            }
            if let Some(at) = wake {
                let _ = file.step(at.max(now), SeedEvent::Woke);
            }
            prop_assert_eq!(file.seeds(), &sorted(seen)[..]);
        }

        #[test]
        fn whatever_is_seen_the_list_is_never_emptied(lists in proptest::collection::vec(
            (0_u64..200, proptest::collection::vec("[a-f]", 0..5)), 1..20,
        )) {
            let mut file = SeedFile::holding(Vec::new());
            let mut now = Instant::now();
            let mut had_some = false;
            for (pause, seeds) in lists {
                now += Duration::from_millis(pause);
                had_some |= !seeds.is_empty() && now >= file.quiet_until.unwrap_or(now);
                let _ = file.step(now, SeedEvent::Seen(seeds));
                prop_assert!(!had_some || !file.seeds().is_empty());
            }
        }
    }

    #[test]
    fn no_damaged_seed_file_panics() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("unicast_hosts.txt");
        crate::fuzz::fuzz("seeds", |bytes| {
            std::fs::write(&path, bytes).expect("written");
            let lines = read(&path).map(|seeds| seeds.len());
            assert!(lines.is_err() || lines.is_ok_and(|lines| lines <= bytes.len()));
            let _ = crate::launcher::seeds::told::SeedsTold::read(&path);
            let _ = crate::launcher::host_cache::HostCache::read(&path);
        });
    }
}

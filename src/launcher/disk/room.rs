//! How much room a file system has, and what the node makes of that. One source for the pre-flight and for a node that runs.

use std::{collections::BTreeMap, io, path::Path};

use rustix::fs::statvfs;
use serde::{Deserialize, Serialize};

/// The setting that switches all watermarks.
const THRESHOLD: &str = "cluster.routing.allocation.disk.threshold_enabled";
/// The namespace of the watermarks.
const WATERMARK: &str = "cluster.routing.allocation.disk.watermark.";

/// Room for the data, as the file system says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// Bytes.
    pub total: u64,
    /// Bytes that the node may use.
    pub free: u64,
    /// None: the file system does not count them.
    pub free_files: Option<u64>,
}

impl Room {
    /// Asks the file system, which may hang.
    pub fn of(dir: &Path) -> io::Result<Self> {
        let stat = statvfs(dir)?;
        Ok(Self {
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
            free_files: (stat.f_files > 0).then_some(stat.f_favail),
        })
    }

    /// What there is nothing left of.
    pub fn lacks(self) -> Option<&'static str> {
        match (self.free, self.free_files) {
            // One without any blocks is none that keeps files.
            _ if self.total == 0 => None,
            (0, _) => Some("space"),
            (_, Some(0)) => Some("files (inodes)"),
            (_, Some(_) | None) => None,
        }
    }

    /// The used share, rounded up: nothing is called free that is not.
    pub fn used_percent(self) -> u8 {
        let used = u128::from(self.total.saturating_sub(self.free)) * 100;
        let total = u128::from(self.total.max(1));
        u8::try_from(used.div_ceil(total)).unwrap_or(100).min(100)
    }
}

/// What the node does with a disk that is as full as this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Watermark {
    /// It gets no new shards.
    Low,
    /// Its shards are moved to others.
    High,
    /// Its indices become read-only.
    Flood,
    /// Nothing can be written.
    Full,
}

impl Watermark {
    /// All of them, the worst last.
    pub const ALL: [Self; 4] = [Self::Low, Self::High, Self::Flood, Self::Full];

    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::High => "high",
            Self::Flood => "flood",
            Self::Full => "full",
        }
    }

    /// The node's setting that says where it is.
    pub fn setting(self) -> String {
        let name = match self {
            Self::Low => "low",
            Self::High => "high",
            Self::Flood | Self::Full => "flood_stage",
        };
        format!("{WATERMARK}{name}")
    }

    /// What a disk is that has passed it, for people: goes after its name.
    pub fn is_passed(self, used_percent: Option<u8>) -> String {
        let (word, meaning) = (self.word(), self.meaning());
        match used_percent {
            Some(percent) => format!("is {percent}% full, beyond the watermark `{word}`: {meaning}"),
            None => format!("is full beyond the watermark `{word}`: {meaning}"),
        }
    }

    /// What it means, for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Low => "the node gets no new shards",
            Self::High => "the node's shards are moved to others",
            Self::Flood => "the node makes its indices read-only",
            Self::Full => "nothing can be written",
        }
    }
}

/// How much must be free.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Must {
    /// This share, and no more than so many bytes.
    Share(f64, Option<u64>),
    /// So many bytes.
    Bytes(u64),
}

/// The watermarks of one node: those of its product unless its own settings say others.
#[derive(Debug, Clone, PartialEq)]
pub struct Watermarks {
    /// The mildest first; none: the node looks at none.
    must: Vec<(Watermark, Must)>,
}

impl Watermarks {
    /// Of a node with these settings; `headroom` is what its line asks for at most at the flood stage, and more before.
    pub fn new(set: &BTreeMap<String, String>, headroom: Option<u64>) -> Self {
        if set.get(THRESHOLD).is_some_and(|value| value == "false") {
            return Self { must: Vec::new() };
        }
        // The product's own figures.
        let usual = [
            (Watermark::Low, 0.15),
            (Watermark::High, 0.10),
            (Watermark::Flood, 0.05),
        ];
        let must = usual.into_iter().map(|(level, share)| {
            let most = headroom.map(|bytes| match level {
                Watermark::Low => bytes * 2,
                Watermark::High => bytes / 2 * 3,
                Watermark::Flood | Watermark::Full => bytes,
            });
            let said = set.get(&level.setting()).and_then(|text| must_be_free(text));
            (level, said.unwrap_or(Must::Share(share, most)))
        });
        Self { must: must.collect() }
    }

    /// The worst that a disk with this room has passed.
    pub fn passed(&self, room: Room) -> Option<Watermark> {
        if room.lacks().is_some() {
            return Some(Watermark::Full);
        }
        let passed = self
            .must
            .iter()
            .filter(|(level, _)| self.needed(*level, room.total).is_some_and(|must| room.free < must));
        passed.map(|(level, _)| *level).max()
    }

    /// How many bytes must be free for this one not to be passed.
    pub fn needed(&self, level: Watermark, total: u64) -> Option<u64> {
        let (_, must) = self.must.iter().find(|(own, _)| *own == level)?;
        Some(match must {
            Must::Bytes(bytes) => *bytes,
            Must::Share(share, most) => share_of(total, *share).min(most.unwrap_or(u64::MAX)),
        })
    }
}

/// Whole per mille are exact enough, and whole numbers do not overflow.
fn share_of(total: u64, share: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 100 000"
    )]
    let parts = (share.clamp(0.0, 1.0) * 1e5).round() as u64;
    u64::try_from(u128::from(total) * u128::from(parts) / 100_000).unwrap_or(u64::MAX)
}

/// `85%` and `0.85` say how much may be used, `50gb` how much must be free; none: not understood, the node will complain.
fn must_be_free(text: &str) -> Option<Must> {
    let text = text.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
    if let Some(percent) = text.strip_suffix('%') {
        let used: f64 = percent.trim().parse().ok()?;
        return Some(Must::Share(1.0 - used / 100.0, None));
    }
    if let Ok(used) = text.parse::<f64>() {
        return (0.0..=1.0).contains(&used).then_some(Must::Share(1.0 - used, None));
    }
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(split);
    let power = ["b", "kb", "mb", "gb", "tb", "pb"]
        .iter()
        .position(|name| *name == unit.trim())?;
    let factor = 1024_u64.checked_pow(u32::try_from(power).ok()?)?;
    Some(Must::Bytes(number.parse::<u64>().ok()?.checked_mul(factor)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn room(total: u64, free: u64) -> Room {
        Room {
            total,
            free,
            free_files: Some(9),
        }
    }

    fn set(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|&(key, value)| (format!("{WATERMARK}{key}"), value.to_owned()))
            .collect()
    }

    #[test]
    fn the_products_own_watermarks() {
        let marks = Watermarks::new(&BTreeMap::new(), None);
        for (free, passed) in [
            (16, None),
            (14, Some(Watermark::Low)),
            (9, Some(Watermark::High)),
            (4, Some(Watermark::Flood)),
            (0, Some(Watermark::Full)),
        ] {
            assert_eq!(marks.passed(room(100 * GIB, free * GIB)), passed, "{free} of 100 free");
        }
        let no_files = Room {
            free_files: Some(0),
            ..room(100, 90)
        };
        assert_eq!(marks.passed(no_files), Some(Watermark::Full));
        assert_eq!(marks.passed(Room::default()), None, "what has no blocks keeps no files");
    }

    #[test]
    fn a_large_disk_may_be_fuller_where_the_line_says_so() {
        let marks = Watermarks::new(&BTreeMap::new(), Some(100 * GIB));
        for (free, passed) in [
            (201, None),
            (199, Some(Watermark::Low)),
            (149, Some(Watermark::High)),
            (99, Some(Watermark::Flood)),
        ] {
            assert_eq!(
                marks.passed(room(8000 * GIB, free * GIB)),
                passed,
                "{free} of 8000 free"
            );
        }
    }

    #[test]
    fn the_nodes_own_settings_win() {
        let of = |pairs: &[(&str, &str)], free: u64| {
            Watermarks::new(&set(pairs), Some(100 * GIB)).passed(room(1000 * GIB, free * GIB))
        };
        assert_eq!(of(&[("low", "50%")], 499), Some(Watermark::Low));
        assert_eq!(of(&[("low", "0.99")], 140), None);
        assert_eq!(of(&[("flood_stage", "\"300gb\"")], 299), Some(Watermark::Flood));
        assert_eq!(
            of(&[("low", "much")], 149),
            Some(Watermark::Low),
            "what the node refuses changes nothing"
        );
        let off = BTreeMap::from([(THRESHOLD.to_owned(), "false".to_owned())]);
        let off = Watermarks::new(&off, None);
        assert_eq!(off.passed(room(100, 1)), None);
        assert_eq!(off.passed(room(100, 0)), Some(Watermark::Full));
    }

    #[test]
    fn the_used_share_is_rounded_up() {
        for (total, free, percent) in [
            (100, 100, 0),
            (100, 15, 85),
            (1000, 149, 86),
            (100, 0, 100),
            (0, 0, 0),
            (10, 20, 0),
        ] {
            assert_eq!(room(total, free).used_percent(), percent, "{free} of {total}");
        }
    }
}

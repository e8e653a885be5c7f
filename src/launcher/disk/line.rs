//! What the helper says through its pipe: one line when a round begins, one when it has ended. Both ends are the same executable.

use rustix::io::Errno;

use super::room::Room;

/// What one write came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// The error of the system; none: written, and on the disk.
    pub error: Option<Errno>,
    /// How much room there is, where the system said it.
    pub room: Option<Room>,
}

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// A write is about to begin.
    Begun,
    /// It has ended.
    Ended(Round),
}

impl Line {
    /// The line, with its end.
    pub fn text(&self) -> String {
        match self {
            Self::Begun => "begun\n".to_owned(),
            Self::Ended(Round { error, room }) => {
                let error = error.map_or(0, Errno::raw_os_error);
                let Room {
                    total,
                    free,
                    free_files,
                } = room.unwrap_or_default();
                format!(
                    "ended {error} {total} {free} {}\n",
                    free_files.map_or(-1, |count| i64::try_from(count).unwrap_or(i64::MAX))
                )
            }
        }
    }

    /// Reads a line; none when it is none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        match words.next()? {
            "begun" => Some(Self::Begun),
            "ended" => {
                let error: i32 = words.next()?.parse().ok()?;
                let (total, free) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
                let files: i64 = words.next()?.parse().ok()?;
                let room = Room {
                    total,
                    free,
                    free_files: u64::try_from(files).ok(),
                };
                Some(Self::Ended(Round {
                    error: (error > 0).then(|| Errno::from_raw_os_error(error)),
                    room: (total > 0).then_some(room),
                }))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        let room = Room {
            total: 100,
            free: 7,
            free_files: Some(3),
        };
        for line in [
            Line::Begun,
            Line::Ended(Round {
                error: None,
                room: Some(room),
            }),
            Line::Ended(Round {
                error: Some(Errno::ROFS),
                room: Some(Room {
                    free_files: None,
                    ..room
                }),
            }),
            Line::Ended(Round {
                error: Some(Errno::IO),
                room: None,
            }),
        ] {
            assert_eq!(Line::parse(&line.text()), Some(line));
        }
    }

    proptest! {
        #[test]
        fn no_line_does_harm(text in ".{0,60}") {
            let _ = Line::parse(&text);
            let _ = Line::parse(&format!("ended {text}"));
        }
    }
}

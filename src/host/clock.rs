//! The wall clock as text. It may be set to anything, back to where it begins too; nothing is ever decided by it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second that a text of four digits for the year can name, counted from 1970.
const LAST: u64 = 253_402_300_799;

/// A time in UTC to the second, as in RFC 3339; the nearest that can be written, where a clock was set beyond that.
pub fn utc(time: SystemTime) -> String {
    let time = time.clamp(UNIX_EPOCH, UNIX_EPOCH + Duration::from_secs(LAST));
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_set_to_anything() {
        let hour = Duration::from_hours(1);
        for (time, expected) in [
            (UNIX_EPOCH + hour, "1970-01-01T01:00:00Z"),
            // A clock that was set back to its beginning, and an hour before that.
            (UNIX_EPOCH - hour, "1970-01-01T00:00:00Z"),
            (UNIX_EPOCH + Duration::from_secs(LAST) + hour, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(utc(time), expected);
        }
    }
}

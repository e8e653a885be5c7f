//! Times as people write them. Pure.

use std::time::Duration;

/// Longer than anybody means, and short enough to be added to a clock.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// A time with its unit, `0s` included; none when it is no time, or longer than a year.
pub fn time(text: &str) -> Option<Duration> {
    humantime::parse_duration(text).ok().filter(|time| *time <= LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_and_an_end() {
        assert_eq!(time("90s"), Some(Duration::from_secs(90)));
        assert_eq!(time("0s"), Some(Duration::ZERO));
        for text in [
            "",
            "5",
            "-5s",
            "5parsecs",
            "2years",
            "9000000000000000000s",
            "500000000000y",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}

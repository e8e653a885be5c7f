//! Text of others as it may stand in a sentence: on one line, without what a terminal would obey, and not longer than anybody reads. Pure.

use std::borrow::Cow;

/// More of a foreign text tells nobody more.
const LONGEST: usize = 200;
/// The same in a column of a table.
const WIDEST: usize = 64;

/// `text` with control characters shown as escapes, and its middle left out where it is long.
pub fn brief(text: &str) -> String {
    at_most(LONGEST, text)
}

/// The same for a column of a table.
pub fn narrow(text: &str) -> String {
    at_most(WIDEST, text)
}

fn at_most(longest: usize, text: &str) -> String {
    let text = plain(text);
    let count = text.chars().count();
    if count <= longest {
        return text.into_owned();
    }
    let head: String = text.chars().take(longest / 2).collect();
    let tail: String = text.chars().skip(count - longest / 2).collect();
    format!("{head}…{tail}")
}

/// `text` with control characters shown as escapes.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().map(|c| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    });
    Cow::Owned(escaped.collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_short_and_plain_stays_as_it_is() {
        for text in ["", "expected value at line 1 column 1", "é, 日本"] {
            assert_eq!(brief(text), text);
        }
        assert_eq!(brief("a\x1b[2J\nb"), "a\\u{1b}[2J\\nb");
    }

    proptest! {
        #[test]
        fn nothing_makes_it_long_or_lets_it_control_a_terminal(text: String, times in 1_usize..200) {
            let short = brief(&text.repeat(times));
            prop_assert!(short.chars().count() <= LONGEST + 1);
            prop_assert!(!short.chars().any(char::is_control));
        }
    }
}

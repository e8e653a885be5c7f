//! What is different between two texts, line by line, in the unified form.

use std::fmt::Write as _;

use crate::model::plain;

/// Equal lines that are shown around each difference.
const AROUND: usize = 3;

/// What becomes of a line: `' '` it stays, `'-'` it goes, `'+'` it comes.
type Edit<'a> = (char, &'a str);

/// The way from `old` to `new`; empty when they are the same. Control characters are shown and not obeyed.
pub(crate) fn unified(old: &str, new: &str) -> String {
    let edits = edits(&lines(old), &lines(new));
    let mut text = String::new();
    for (start, end) in hunks(&edits) {
        let before = edits.get(..start).unwrap_or_default();
        let hunk = edits.get(start..end).unwrap_or_default();
        let of_old = place(count(before, '+'), count(hunk, '+'));
        let of_new = place(count(before, '-'), count(hunk, '-'));
        let _ = writeln!(text, "@@ -{of_old} +{of_new} @@");
        for (mark, line) in hunk {
            let (line, end) = line
                .strip_suffix('\n')
                .map_or((*line, "\n\\ No newline at end of file\n"), |line| (line, "\n"));
            let _ = write!(text, "{mark}{}{end}", plain(line));
        }
    }
    text
}

/// Each with its newline, so that one which lacks it is another line.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// How many of these lines are not of that kind.
fn count(edits: &[Edit<'_>], not: char) -> usize {
    edits.iter().filter(|(mark, _)| *mark != not).count()
}

/// First line and number of lines; no line at all is said to come after the one before.
fn place(before: usize, lines: usize) -> String {
    format!("{},{lines}", before + usize::from(lines > 0))
}

/// The shortest way, by the longest common subsequence.
fn edits<'a>(mut old: &[&'a str], mut new: &[&'a str]) -> Vec<Edit<'a>> {
    let common = common(old, new);
    // Of the last lines, so many of each.
    let of = |old: usize, new: usize| common.get(old).and_then(|row| row.get(new)).copied().unwrap_or(0);
    let mut edits = Vec::new();
    loop {
        match (old, new) {
            ([first, rest @ ..], [other, others @ ..]) if first == other => {
                edits.push((' ', *first));
                (old, new) = (rest, others);
            }
            // What goes stands before what comes.
            ([first, rest @ ..], _) if new.is_empty() || of(rest.len(), new.len()) >= of(old.len(), new.len() - 1) => {
                edits.push(('-', *first));
                old = rest;
            }
            (_, [other, others @ ..]) => {
                edits.push(('+', *other));
                new = others;
            }
            (_, []) => return edits,
        }
    }
}

/// How long the longest common subsequence of the last lines of both is, by their numbers.
fn common(old: &[&str], new: &[&str]) -> Vec<Vec<usize>> {
    let mut rows = vec![vec![0; new.len() + 1]];
    for line in old.iter().rev() {
        let mut row = vec![0];
        if let Some(shorter) = rows.last() {
            let mut longest = 0;
            let pairs = shorter.iter().zip(shorter.iter().skip(1));
            for (other, (without_both, without_line)) in new.iter().rev().zip(pairs) {
                longest = if line == other {
                    without_both + 1
                } else {
                    longest.max(*without_line)
                };
                row.push(longest);
            }
        }
        rows.push(row);
    }
    rows
}

/// The parts to show: every change with what is around it, and those that would touch as one.
fn hunks(edits: &[Edit<'_>]) -> Vec<(usize, usize)> {
    let mut hunks: Vec<(usize, usize)> = Vec::new();
    let changed = edits.iter().enumerate().filter(|(_, (mark, _))| *mark != ' ');
    for (at, _) in changed {
        let (start, end) = (at.saturating_sub(AROUND), (at + AROUND + 1).min(edits.len()));
        match hunks.last_mut() {
            Some(last) if start <= last.1 => last.1 = end,
            _ => hunks.push((start, end)),
        }
    }
    hunks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn differences_are_shown_as_everybody_knows_them() {
        let ten = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";
        let twelve = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
        for (old, new, expected) in [
            ("", "", ""),
            (ten, ten, ""),
            ("a\n", "b\n", "@@ -1,1 +1,1 @@\n-a\n+b\n"),
            ("", "a\n", "@@ -0,0 +1,1 @@\n+a\n"),
            ("a\n", "", "@@ -1,1 +0,0 @@\n-a\n"),
            ("a\nb\n", "a\n", "@@ -1,2 +1,1 @@\n a\n-b\n"),
            ("a\nb\nc\n", "a\nx\ny\nc\n", "@@ -1,3 +1,4 @@\n a\n-b\n+x\n+y\n c\n"),
            ("a", "a\n", "@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n"),
            (
                ten,
                ten.replace("5\n", "").as_str(),
                "@@ -2,7 +2,6 @@\n 2\n 3\n 4\n-5\n 6\n 7\n 8\n",
            ),
            // Six equal lines between them are shown, seven are not.
            (
                ten,
                ten.replace("2\n", "x\n").replace("9\n", "y\n").as_str(),
                "@@ -1,10 +1,10 @@\n 1\n-2\n+x\n 3\n 4\n 5\n 6\n 7\n 8\n-9\n+y\n 10\n",
            ),
            (
                twelve,
                twelve.replace("2\n3", "x\n3").replace("\n10\n", "\ny\n").as_str(),
                "@@ -1,5 +1,5 @@\n 1\n-2\n+x\n 3\n 4\n 5\n@@ -7,6 +7,6 @@\n 7\n 8\n 9\n-10\n+y\n 11\n 12\n",
            ),
            ("a\x1b[2J\n", "", "@@ -1,1 +0,0 @@\n-a\\u{1b}[2J\n"),
        ] {
            assert_eq!(unified(old, new), expected, "{old:?} {new:?}");
        }
    }

    proptest! {
        #[test]
        fn a_way_leads_from_one_text_to_the_other(old in "[ab\n]{0,20}", new in "[ab\n]{0,20}") {
            let edits = edits(&lines(&old), &lines(&new));
            let side = |not: char| -> String {
                edits.iter().filter(|(mark, _)| *mark != not).map(|(_, line)| *line).collect()
            };
            prop_assert_eq!(side('+'), old.as_str());
            prop_assert_eq!(side('-'), new.as_str());
        }
    }
}

//! What commands print: tables for people, JSON for programs. A reader that has gone away is no failure.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::{
    exit::{Exit, Failure},
    model::plain,
};

/// Writes bytes to stdout. When the reader has gone away the command ends there, without a word and with success.
pub fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::reader_gone()
        } else {
            Failure::new(Exit::Failed, format!("cannot write to standard output: {error}"))
        }
    })
}

/// Writes a line to stdout.
pub fn line(text: &str) -> Result<(), Failure> {
    bytes(format!("{text}\n").as_bytes())
}

/// Writes indented JSON to stdout.
pub fn json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let mut text = serde_json::to_vec_pretty(value).map_err(io::Error::other)?;
    text.push(b'\n');
    bytes(&text)
}

/// Writes JSON on one line to stdout, as a stream of values wants it.
pub fn json_line<T: Serialize>(value: &T) -> Result<(), Failure> {
    line(&serde_json::to_string(value).map_err(io::Error::other)?)
}

/// Writes aligned columns to stdout.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    bytes(render_table(head, rows).as_bytes())
}

/// Writes a line for people to stderr, beside the data on stdout.
pub fn note(text: &str) {
    // Nobody who could be told is left when this fails.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Aligned columns, two spaces apart, no space at the end of a line.
pub fn render_table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    // Cells hold what others wrote, and a terminal obeys control characters.
    let clean = |row: &Vec<String>| row.iter().map(|cell| plain(cell).into_owned()).collect();
    let all: Vec<Vec<String>> = std::iter::once(&head).chain(rows).map(clean).collect();
    let width = |column: usize| {
        all.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for row in &all {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Whether stdout is a terminal.
pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_clean() {
        let rows = [
            vec!["a".to_owned(), "long value".to_owned(), String::new()],
            vec!["bbb".to_owned(), "x".to_owned(), "y".to_owned()],
        ];
        assert_eq!(
            render_table(&["K", "V", "W"], &rows),
            "K    V           W\na    long value\nbbb  x           y\n"
        );
    }
}

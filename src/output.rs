//! What commands print: tables for people, JSON for programs. A reader that has gone away is no failure.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

/// Writes bytes to stdout.
pub fn bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a line to stdout.
pub fn line(text: &str) -> io::Result<()> {
    bytes(format!("{text}\n").as_bytes())
}

/// Writes indented JSON to stdout.
pub fn json<T: Serialize>(value: &T) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(value).map_err(io::Error::other)?;
    text.push(b'\n');
    bytes(&text)
}

/// Writes aligned columns to stdout.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    bytes(render_table(head, rows).as_bytes())
}

/// Aligned columns, two spaces apart, no space at the end of a line.
pub fn render_table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&head).chain(rows).collect();
    let width = |column: usize| {
        all.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for row in all {
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

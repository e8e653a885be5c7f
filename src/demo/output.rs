//! What a person sees: sentences one below the other, or a screen that is drawn anew.

use std::{
    io::{self, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{
    cast::Cast,
    scene::Scene,
    screen::{View, screen, table},
};

/// Moves to the top of the screen.
const HOME: &str = "\x1b[H";
/// Clears the rest of a line, of the screen.
const REST: (&str, &str) = ("\x1b[K", "\x1b[J");
/// Clears the screen.
const CLEAR: &str = "\x1b[2J";
/// A terminal that does not say how high it is.
const ROWS: usize = 24;
/// How much of a log is shown.
const TAIL: usize = 15;

/// What may wait to be written; beyond that a terminal that stands still misses some frames.
const WAITING: usize = 64;
/// The longest that the end waits for a reader who does not read.
const FLUSH: Duration = Duration::from_secs(2);

/// Where it all goes. A thread writes, so that a terminal that stands still (Ctrl-S) stops nothing but itself.
#[derive(Debug)]
pub(super) struct Output {
    begun: Instant,
    /// How this program is called in the commands to try.
    program: String,
    /// What was said while a screen is drawn; none: it is written at once.
    told: Option<Vec<String>>,
    /// What is written below the last screen.
    after: String,
    writer: SyncSender<String>,
    /// Ends when everything is written.
    written: Receiver<()>,
    /// Whether nobody reads any more.
    gone: Arc<AtomicBool>,
    /// Whether that was told.
    told_gone: bool,
}

impl Output {
    /// One sentence below the other.
    pub(super) fn lines() -> Self {
        let (writer, texts) = sync_channel::<String>(WAITING);
        let (end, written) = sync_channel(0);
        let gone = Arc::new(AtomicBool::new(false));
        let failed = Arc::clone(&gone);
        std::thread::spawn(move || {
            let _end: SyncSender<()> = end;
            let mut out = io::stdout();
            for text in texts {
                if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
                    failed.store(true, Ordering::Relaxed);
                    return;
                }
            }
        });
        Self {
            begun: Instant::now(),
            program: String::new(),
            told: None,
            after: String::new(),
            writer,
            written,
            gone,
            told_gone: false,
        }
    }

    /// A screen.
    pub(super) fn screen(program: String) -> Self {
        let output = Self {
            program,
            told: Some(Vec::new()),
            ..Self::lines()
        };
        output.write(CLEAR.to_owned());
        output
    }

    /// Whether the reader has gone away; said once.
    pub(super) fn is_lost(&mut self) -> bool {
        let gone = self.gone.load(Ordering::Relaxed);
        gone && !std::mem::replace(&mut self.told_gone, true)
    }

    pub(super) fn say(&mut self, text: &str) {
        let line = format!("[{:6.1} s] {text}", self.begun.elapsed().as_secs_f64());
        match &mut self.told {
            Some(told) => told.push(line),
            None => self.write(format!("{line}\n")),
        }
    }

    /// The table as part of the story; on a screen it stands anyway.
    pub(super) fn show_table(&mut self, scene: &Scene) {
        if self.told.is_none() {
            self.write(format!("\n{}\n", table(scene)));
        }
    }

    /// The end of a log.
    pub(super) fn show_log(&mut self, who: &str, path: &Path) {
        let bytes = std::fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines.iter().skip(lines.len().saturating_sub(TAIL));
        let tail: String = tail.flat_map(|line| ["  | ", line, "\n"]).collect();
        let text = format!("\nlast lines of {who}, {}:\n{tail}\n", path.display());
        if self.told.is_some() {
            self.after += &text;
        } else {
            self.write(text);
        }
    }

    /// Draws the screen anew.
    pub(super) fn draw(&mut self, cast: &Cast, scene: &Scene) {
        let Some(told) = &self.told else {
            return;
        };
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
        let [rows, width] = size.map_or([0, 0], |size| [size.ws_row, size.ws_col].map(usize::from));
        let view = View {
            program: self.program.clone(),
            since: self.begun.elapsed(),
            rows: if rows == 0 { ROWS } else { rows },
        };
        let text = screen(cast, scene, told, &view);
        // A line that wraps would push the others off their places.
        let fit = |line: &str| match width {
            0 => line.to_owned(),
            width => line.chars().take(width).collect(),
        };
        let lines: String = text
            .lines()
            .take(view.rows.saturating_sub(1))
            .flat_map(|line| [fit(line).as_str(), REST.0, "\r\n"].map(str::to_owned))
            .collect();
        self.write(format!("{HOME}{lines}{}", REST.1));
    }

    /// The last words, below the screen; returns when they are written.
    pub(super) fn end(self) {
        self.write(self.after.clone());
        drop(self.writer);
        // Nothing is ever sent: the other end goes when all is written.
        let _ = self.written.recv_timeout(FLUSH);
    }

    fn write(&self, text: String) {
        // A thread that has ended has noted why.
        let _ = match self.told {
            Some(_) => self.writer.try_send(text).map_err(|_| ()),
            None => self.writer.send(text).map_err(|_| ()),
        };
    }
}

//! The program itself: run to its end, or followed line by line and ended on drop.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::mpsc;

use super::{LONG, small_disk::SmallDisk};

/// How a run ended and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The command without anything of the environment it would otherwise read.
#[expect(clippy::disallowed_methods, reason = "the program is a process")]
fn command(args: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quorate"));
    command
        .args(args)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn quorate(args: &[&str]) -> Run {
    quorate_with(args, &[])
}

/// Runs it to its end with these variables; one that does not end has failed.
#[expect(clippy::disallowed_methods, reason = "the program is a process")]
pub(crate) fn quorate_with(args: &[&str], environment: &[(&str, &str)]) -> Run {
    let mut bounded = Command::new("/usr/bin/timeout");
    bounded.arg("60").arg(env!("CARGO_BIN_EXE_quorate")).args(args);
    let output = bounded
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output();
    let output = output.expect("it runs");
    assert_ne!(output.status.code(), Some(124), "it does not end: {args:?}");
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// A run that is not over.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    out: mpsc::UnboundedReceiver<String>,
    err: mpsc::UnboundedReceiver<String>,
}

impl Running {
    /// Starts it.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_with(args, &[])
    }

    /// Starts it with these variables.
    pub(crate) fn start_with(args: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::spawn(command(args, environment))
    }

    /// Starts it where a directory is a small disk.
    pub(crate) fn start_on(disk: &SmallDisk, args: &[&str]) -> Self {
        Self::spawn(disk.on(&command(args, &[])))
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        Self {
            out: lines(child.stdout.take().expect("a pipe")),
            err: lines(child.stderr.take().expect("a pipe")),
            child,
        }
    }

    /// Starts it with this as its stdout.
    pub(crate) fn on(out: File, args: &[&str]) -> Self {
        let mut child = command(args, &[])
            .stdout(out)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        Self {
            out: mpsc::unbounded_channel().1,
            err: lines(child.stderr.take().expect("a pipe")),
            child,
        }
    }

    /// The next line on stdout.
    pub(crate) async fn line(&mut self) -> String {
        next(&mut self.out, "a line on stdout").await
    }

    /// The next line on stderr.
    pub(crate) async fn complaint(&mut self) -> String {
        next(&mut self.err, "a line on stderr").await
    }

    /// Lines on stdout until one satisfies `look`; all of them.
    pub(crate) async fn lines_until(&mut self, what: &str, max: Duration, look: impl Fn(&str) -> bool) -> Vec<String> {
        let mut seen = Vec::new();
        let wait = async {
            while let Some(line) = self.out.recv().await {
                seen.push(line);
                if seen.last().is_some_and(|line| look(line)) {
                    return true;
                }
            }
            false
        };
        let found = tokio::time::timeout(max, wait).await;
        if found != Ok(true) {
            let complaints: Vec<String> = std::iter::from_fn(|| self.err.try_recv().ok()).collect();
            let (said, complaints) = (seen.join("\n"), complaints.join("\n"));
            panic!("not within {max:?}: {what}; it said\n{said}\n{complaints}");
        }
        seen
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to it alone.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("a signal");
    }

    /// Waits for its end; its exit code, none after a signal.
    pub(crate) async fn code(&mut self) -> Option<i32> {
        let start = tokio::time::Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a state") {
                return status.code();
            }
            assert!(start.elapsed() < 3 * LONG, "it does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn next(lines: &mut mpsc::UnboundedReceiver<String>, what: &str) -> String {
    let line = tokio::time::timeout(LONG, lines.recv()).await;
    line.unwrap_or_else(|_| panic!("not within {LONG:?}: {what}"))
        .unwrap_or_else(|| panic!("it has ended without {what}"))
}

fn lines(pipe: impl std::io::Read + Send + 'static) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

//! Runs the command-line program of a container engine. The only place that starts one.
//!
//! A program runs in a process group of its own, so that no signal to the launcher's reaches it, and with an environment that holds no
//! secret of the launcher. Invariant: what changes something at the engine is never cut off by the end of the launcher.

use std::{
    collections::BTreeMap,
    io::{self, PipeReader},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
    time::timeout,
};

use super::refusal::Refusal;
use crate::config::{Cli, ContainerSettings};

/// A program that only looks answers within this time, on a busy machine too.
const LOOK: Duration = Duration::from_secs(30);
/// One that makes, starts or removes.
const CHANGE: Duration = Duration::from_mins(3);

/// What becomes of a program when nobody waits for it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// It is ended: it only looks.
    Ended,
    /// It goes on: it changes something.
    Alone,
}

/// The program, ready to be told something.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) cli: Cli,
    pub(super) environment: BTreeMap<String, String>,
}

impl Program {
    /// As the settings say.
    pub(super) fn new(settings: &ContainerSettings) -> Self {
        Self {
            cli: settings.cli,
            environment: settings.environment.clone(),
        }
    }

    /// What it says when it is only asked.
    pub(super) async fn ask(&self, arguments: &[String]) -> Result<Vec<u8>, Refusal> {
        let child = self.spawn(arguments, Left::Ended)?;
        self.answer(child, LOOK).await
    }

    /// What it says when it has changed something.
    pub(super) async fn change(&self, arguments: &[String]) -> Result<Vec<u8>, Refusal> {
        let child = self.spawn(arguments, Left::Alone)?;
        self.answer(child, CHANGE).await
    }

    /// The same for one that is given `input`.
    pub(super) async fn give(&self, arguments: &[String], input: &[u8]) -> Result<Vec<u8>, Refusal> {
        let mut child = self.spawn(arguments, Left::Alone)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that has ended early says why on its own.
            let _ = stdin.write_all(input).await;
        }
        self.answer(child, CHANGE).await
    }

    /// Runs it for as long as it takes: it ends when what it waits for does.
    pub(super) async fn last(&self, arguments: &[String]) -> Result<Vec<u8>, Refusal> {
        let child = self.spawn(arguments, Left::Ended)?;
        self.answer(child, Duration::MAX).await
    }

    /// Asks for something that takes as long as it takes, and goes on without us.
    pub(super) async fn order(&self, arguments: &[String]) -> Result<Vec<u8>, Refusal> {
        let child = self.spawn(arguments, Left::Alone)?;
        self.answer(child, Duration::MAX).await
    }

    /// Starts it with its output and errors in pipes that somebody else reads.
    pub(super) fn piped(&self, arguments: &[String]) -> io::Result<(Child, PipeReader, PipeReader)> {
        let (output, to_output) = io::pipe()?;
        let (errors, to_errors) = io::pipe()?;
        let mut command = self.command(arguments, Left::Ended);
        let child = command
            .stdin(Stdio::null())
            .stdout(to_output)
            .stderr(to_errors)
            .spawn()?;
        Ok((child, output, errors))
    }

    fn spawn(&self, arguments: &[String], left: Left) -> Result<Child, Refusal> {
        tracing::debug!(arguments = arguments.join(" "), "{} is run", self.cli.program());
        self.command(arguments, left)
            .spawn()
            .map_err(|error| Refusal::of_error(self.cli, &error))
    }

    fn command(&self, arguments: &[String], left: Left) -> Command {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the adapter that runs the engines' programs"
        )]
        let mut command = Command::new(self.cli.program());
        command
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(left == Left::Ended);
        command
    }

    async fn answer(&self, mut child: Child, within: Duration) -> Result<Vec<u8>, Refusal> {
        drop(child.stdin.take());
        let failed = |error: &io::Error| Refusal::of_error(self.cli, error);
        let output = match timeout(within, child.wait_with_output()).await {
            Ok(output) => output.map_err(|error| failed(&error))?,
            Err(_) => return Err(failed(&io::ErrorKind::TimedOut.into())),
        };
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(Refusal::of_text(self.cli, &String::from_utf8_lossy(&output.stderr)))
    }
}

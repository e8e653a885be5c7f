//! Starts the processes of the demo and tells of their ends. The only place that does.
//!
//! Each is in a process group of its own: Ctrl-C reaches the demo alone, and what a process has started can be ended with it.

use std::{collections::BTreeMap, fs::OpenOptions, io, os::unix::process::ExitStatusExt, process::Stdio};

use tokio::process::Child;

use super::{cast::Command, scene::How};

/// Starts a process; its output goes to the end of its log.
pub(super) fn spawn(command: &Command, environment: &BTreeMap<String, String>) -> io::Result<Child> {
    let log = OpenOptions::new().create(true).append(true).open(&command.log)?;
    #[expect(clippy::disallowed_methods, reason = "this is the adapter of the demo")]
    let mut process = tokio::process::Command::new(&command.program);
    process
        .args(&command.args)
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
}

/// Waits for the end.
pub(super) async fn end(mut child: Child) -> How {
    match child.wait().await {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => How::Code(code),
            (None, signal) => How::Signal(signal.unwrap_or(0)),
        },
        // Nobody else can have waited for our child, so this is never seen.
        Err(_) => How::Code(-1),
    }
}

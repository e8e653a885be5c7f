//! Asks the program that would run next whether it can: a broken file must not end what runs. The only place that starts one.

use std::{
    ffi::OsStr,
    process::{Output, Stdio},
    time::Duration,
};

use tokio::{process::Command, time::timeout};

use crate::host::Executable;

/// The longest that an answer may take; it takes milliseconds.
const BOUND: Duration = Duration::from_secs(10);
/// The longest complaint that is passed on.
const LONGEST: usize = 500;

/// Its version, if it is this program at all.
pub(super) async fn version(executable: &Executable) -> Result<String, String> {
    let program = executable.path().display();
    let output = run(executable, [OsStr::new("--version")]).await?;
    let said = String::from_utf8_lossy(&output.stdout);
    match said.trim().strip_prefix(concat!(env!("CARGO_PKG_NAME"), " ")) {
        Some(version) if output.status.success() => Ok(version.to_owned()),
        Some(_) | None => Err(format!(
            "{program} does not say its version: it is no {} that runs here",
            env!("CARGO_PKG_NAME")
        )),
    }
}

/// Whether it takes this process's command line, environment and files.
pub(super) async fn settings(executable: &Executable) -> Result<(), String> {
    let own = executable.arguments().iter().map(|argument| &**argument);
    let output = run(executable, own.chain([OsStr::new("--dry-run")])).await?;
    if output.status.success() {
        return Ok(());
    }
    let said = complaint(&String::from_utf8_lossy(&output.stderr));
    if said.is_empty() {
        return Err(format!("{} failed with {}", executable.path().display(), output.status));
    }
    Err(said)
}

#[expect(clippy::disallowed_methods, reason = "a program is tried by running it")]
async fn run<'a>(executable: &Executable, arguments: impl IntoIterator<Item = &'a OsStr>) -> Result<Output, String> {
    let program = executable.path().display();
    let child = Command::new(executable.program())
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match timeout(BOUND, child).await {
        Ok(output) => output.map_err(|error| format!("{program} cannot be started: {error}")),
        Err(_) => Err(format!(
            "{program} does not end within {BOUND:?} when it is asked about the settings"
        )),
    }
}

/// What a failed run said, as one line.
pub(super) fn complaint(text: &str) -> String {
    let lines = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:"));
    let lines = lines.map(|line| line.strip_prefix("error: ").unwrap_or(line));
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("; ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::complaint;

    #[test]
    fn a_complaint_is_one_line() {
        for (text, line) in [
            ("", ""),
            (
                "error: `--fall` is `0` (from flag)\n hint: expected a number\nerror: `--x` is bad\n",
                "`--fall` is `0` (from flag); hint: expected a number; `--x` is bad",
            ),
            (
                "error: unexpected argument '--dry-run' found\n\nUsage: quorate sidecar\n\nFor more\n",
                "unexpected argument '--dry-run' found",
            ),
        ] {
            assert_eq!(complaint(text), line);
        }
        assert_eq!(complaint(&"ä".repeat(1000)).chars().count(), 500);
    }
}

//! What the service manager is told: ready, one status sentence, the watchdog. Silent where there is none.

use std::time::Duration;

use sd_notify::NotifyState;

/// Tells systemd; does nothing outside of it.
#[derive(Debug, Default)]
pub struct Notifier {
    status: String,
}

impl Notifier {
    /// A notifier that has said nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The unit is started, or a reload is over.
    pub fn ready(&self) {
        send(&[NotifyState::Ready]);
    }

    /// A reload has begun; it ends with [`ready`](Self::ready).
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => send(&[NotifyState::Reloading, now]),
            Err(error) => tracing::debug!(%error, "the service manager was not told"),
        }
    }

    /// One sentence with the reason, shown by `systemctl status`; only changes are sent.
    pub fn status(&mut self, sentence: &str) {
        if self.status != sentence {
            sentence.clone_into(&mut self.status);
            send(&[NotifyState::Status(sentence)]);
        }
    }

    /// The loop has turned.
    pub fn alive(&self) {
        send(&[NotifyState::Watchdog]);
    }

    /// The stop has begun.
    pub fn stopping(&self) {
        send(&[NotifyState::Stopping]);
    }

    /// Start or stop may take this much longer, counted from now.
    pub fn extend(&self, by: Duration) {
        send(&[NotifyState::ExtendTimeoutUsec(
            u32::try_from(by.as_micros()).unwrap_or(u32::MAX),
        )]);
    }

    /// How often [`alive`](Self::alive) must be said: half of what systemd wants. None: nobody waits for it.
    pub fn watchdog_period() -> Option<Duration> {
        sd_notify::watchdog_enabled().map(|limit| limit / 2)
    }
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}

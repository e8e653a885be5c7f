//! A file that could not be written: said once, tried again until it is. Its owner writes; this knows when and what to say.
//!
//! Invariant: what a file should say is in it in the end, however long its disk is full or read-only.

use std::{future::pending, io, path::Path, time::Duration};

use tokio::time::{Instant, sleep_until};

/// Between attempts: soon enough for whoever makes room, and no load.
const RETRY: Duration = Duration::from_secs(1);

/// What is known of the last attempt.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    /// When to try again, while the last attempt has failed.
    again: Option<Instant>,
}

impl Unwritten {
    /// Takes in how an attempt ended; whether it was a success.
    pub(super) fn tried(&mut self, path: &Path, written: &io::Result<()>) -> bool {
        let path = path.display();
        match written {
            Ok(()) if self.again.is_some() => tracing::info!(%path, "file written at last"),
            Ok(()) => {}
            Err(error) if self.again.is_some() => tracing::debug!(%path, cause = %error, "file still not written"),
            Err(error) => tracing::warn!(%path, cause = %error, "file not written, trying again"),
        }
        self.again = written.is_err().then(|| Instant::now() + RETRY);
        written.is_ok()
    }

    /// When the next attempt is due; none when the last one was good.
    pub(super) const fn again(&self) -> Option<Instant> {
        self.again
    }

    /// Waits until an attempt is due, for ever when none is. Cancel safety: can be asked again.
    pub(super) async fn due(&self) {
        match self.again {
            Some(again) => sleep_until(again).await,
            None => pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_failed_is_tried_again() {
        let (path, mut unwritten) = (Path::new("/x"), Unwritten::default());
        assert!(unwritten.tried(path, &Ok(())));
        assert_eq!(unwritten.again(), None);
        for _ in 0..2 {
            assert!(!unwritten.tried(path, &Err(io::ErrorKind::StorageFull.into())));
            let start = Instant::now();
            unwritten.due().await;
            assert_eq!(start.elapsed(), RETRY);
        }
        assert!(unwritten.tried(path, &Ok(())));
        assert_eq!(unwritten.again(), None);
    }
}

//! Waiting for a condition, never for a time.

use std::{fmt::Debug, future::Future, time::Duration};

use tokio::time::Instant;

/// Long enough for a busy machine; a test that waits this long has failed.
pub(crate) const LONG: Duration = Duration::from_mins(1);
/// Three nodes are one cluster after this long, on a busy machine too.
pub(crate) const SETTLED: Duration = Duration::from_mins(4);

/// Waits until `look` gives a value; looks every 20 ms. Panics with `what` after `max`.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    max: Duration,
    mut look: impl FnMut() -> F,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = look().await {
            return value;
        }
        assert!(start.elapsed() < max, "not within {max:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until a watch channel holds what `look` wants.
pub(crate) async fn standing_until<T: Clone + Debug>(
    what: &str,
    receiver: &mut tokio::sync::watch::Receiver<T>,
    look: impl FnMut(&T) -> bool,
) -> T {
    let found = tokio::time::timeout(LONG, receiver.wait_for(look)).await.map(|found| {
        found
            .unwrap_or_else(|_| panic!("the sender is gone, waiting for: {what}"))
            .clone()
    });
    found.unwrap_or_else(|_| panic!("not within {LONG:?}: {what}; it is {:?}", *receiver.borrow()))
}

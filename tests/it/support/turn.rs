//! Search nodes take a core each while they start: whoever starts some waits for its turn, so that none of them starves.

use tokio::sync::{Semaphore, SemaphorePermit};

/// What two cores can start without missing a deadline.
static NODES: Semaphore = Semaphore::const_new(3);

/// The right to run so many nodes, until dropped. Taken once by a test, before it starts anything.
pub(crate) async fn turn(nodes: u32) -> SemaphorePermit<'static> {
    NODES.acquire_many(nodes).await.expect("never closed")
}

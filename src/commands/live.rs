//! A view that follows the registry, for commands that stay.

use crate::{
    exit::{Exit, Failure},
    host,
    registry::{Keys, Registry, WatchEvent, Watcher},
    view::ClusterView,
};

/// What there is, and its changes.
#[derive(Debug)]
pub(crate) struct Live {
    keys: Keys,
    watcher: Watcher,
    view: ClusterView,
    /// Whether the view can be relied on: it was listed, and etcd has not gone away since.
    current: bool,
}

/// What a follower is told.
#[derive(Debug)]
pub(crate) enum News {
    /// The view has changed, or is there for the first time, or again after an outage.
    Changed,
    /// etcd is away; the view stays as it is.
    Away {
        /// Why, in words.
        cause: String,
    },
}

impl Live {
    /// Follows the keys of one service.
    pub(crate) fn follow(registry: &Registry, keys: &Keys) -> Self {
        Self {
            keys: keys.clone(),
            watcher: registry.watch(keys.all()),
            view: ClusterView::default(),
            current: false,
        }
    }

    /// What is known.
    pub(crate) fn view(&self) -> &ClusterView {
        &self.view
    }

    /// The next news. Cancel safety: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<News, Failure> {
        loop {
            let Some(event) = self.watcher.next().await else {
                return Err(Failure::new(
                    Exit::Failed,
                    "the watch on etcd has ended, which is a bug",
                ));
            };
            if let WatchEvent::Away { cause } = event {
                self.current = false;
                return Ok(News::Away { cause });
            }
            if self.view.apply(&self.keys, &event) || !self.current {
                if !std::mem::replace(&mut self.current, true) {
                    host::settle();
                }
                return Ok(News::Changed);
            }
        }
    }
}

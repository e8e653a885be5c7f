//! A view that follows the registry, for commands that stay.
//!
//! Changes that come together are told as one: a mass expiry among thousands of keys is thousands of events, and whoever is told prints all
//! of them each time.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::{
    exit::{Exit, Failure},
    host,
    registry::{Keys, Registry, WatchEvent, Watcher},
    view::ClusterView,
};

/// Between two tellings of changes; nobody reads faster.
const APART: Duration = Duration::from_millis(50);
/// The longest that a slow listener is left alone.
const LONGEST: Duration = Duration::from_secs(1);

/// What there is, and its changes.
#[derive(Debug)]
pub(crate) struct Live {
    keys: Keys,
    watcher: Watcher,
    view: ClusterView,
    /// Whether the view can be relied on: it was listed, and etcd has not gone away since.
    current: bool,
    /// Whether there is something to tell.
    changed: bool,
    /// When changes were told last.
    told: Option<Instant>,
    /// When the next may be; none: whoever was told is not back yet.
    due: Option<Instant>,
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
            changed: false,
            told: None,
            due: None,
        }
    }

    /// What is known.
    pub(crate) fn view(&self) -> &ClusterView {
        &self.view
    }

    /// The next news: the first change at once, those right after it together. Cancel safety: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<News, Failure> {
        let due = *self.due.get_or_insert_with(|| due(self.told, Instant::now()));
        loop {
            let event = if self.changed {
                let Ok(event) = timeout_at(due, self.watcher.next()).await else {
                    self.changed = false;
                    self.told = Some(Instant::now());
                    self.due = None;
                    return Ok(News::Changed);
                };
                event
            } else {
                self.watcher.next().await
            };
            match event {
                None => {
                    let what = "the watch on etcd has ended, which is a bug";
                    return Err(Failure::new(Exit::Failed, what));
                }
                Some(WatchEvent::Away { cause }) => {
                    self.current = false;
                    return Ok(News::Away { cause });
                }
                Some(event) => {
                    self.changed |= self.view.apply(&self.keys, &event) || !self.current;
                    if !std::mem::replace(&mut self.current, true) {
                        host::settle();
                    }
                }
            }
        }
    }
}

/// When a change may be told to a listener who was told at `told` and is back `now`: one that takes long gets more at a time.
fn due(told: Option<Instant>, now: Instant) -> Instant {
    told.map_or(now, |told| {
        let took = now - told;
        if took < APART {
            told + APART
        } else {
            now + took.min(LONGEST)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_change_is_told_at_once_and_whoever_is_slow_is_told_less_often() {
        let told = Instant::now();
        let ms = Duration::from_millis;
        assert_eq!(due(None, told), told);
        for (took, expected) in [(0, 50), (49, 50), (50, 100), (400, 800), (5000, 6000)] {
            assert_eq!(due(Some(told), told + ms(took)) - told, ms(expected), "{took} ms");
        }
    }
}

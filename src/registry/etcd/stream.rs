//! The task behind a watcher: lists, opens one stream with a watch per range, passes on what comes, and starts over when the
//! stream breaks, falls silent or cannot be believed.
//!
//! It never resumes a stream: every new stream begins with a list, so there is one way to be right instead of two.

use std::time::Duration;

use etcd_client::{WatchOptions, WatchResponse, WatchStream};
use tokio::{sync::mpsc, time::Instant};

use super::{
    Registry,
    client::Clients,
    convert::{chain, entry, revision},
};
use crate::{
    backoff::{Backoff, spread},
    host::random_fraction,
    registry::{
        Pace, Range, RegistryError, Revision, WatchEvent,
        tracker::{Message, Tracker, Verdict, listed},
    },
};

/// A stream that lived this long was a good one: the next failure is a new streak.
const GOOD_STREAM: Duration = Duration::from_secs(10);

/// Why a stream came to its end.
enum End {
    /// Nobody reads the events any more.
    Unread,
    /// No endpoint can be read: an outage.
    Away(RegistryError),
    /// This stream is of no use; the endpoint may be.
    Doubt(String),
    /// This stream and its endpoint are of no use.
    Broken { cause: String, generation: u64 },
}

/// Watches until nobody reads.
pub(super) async fn run(registry: Registry, ranges: Vec<Range>, pace: Pace, events: mpsc::Sender<WatchEvent>) {
    let mut backoff = Backoff::new(pace.retry.0, pace.retry.1);
    let mut away = false;
    loop {
        let started = Instant::now();
        let watch = Watch {
            registry: &registry,
            ranges: &ranges,
            pace,
            events: &events,
        };
        let end = watch.follow().await;
        match end {
            End::Unread => return,
            End::Away(error) => {
                // Said once: everything that is sent after it begins with a list, which ends it.
                if !away && !matches!(error, RegistryError::Away { .. }) {
                    // An outage is the readers' to judge; this is for whoever set etcd up.
                    tracing::warn!(cause = %error, hint = error.hint(), "etcd does not let us watch");
                }
                if !away
                    && events
                        .send(WatchEvent::Away {
                            cause: error.to_string(),
                        })
                        .await
                        .is_err()
                {
                    return;
                }
                away = true;
            }
            End::Doubt(cause) => {
                away = false;
                tracing::debug!(cause, "listing again");
            }
            End::Broken { cause, generation } => {
                away = false;
                tracing::debug!(cause, "a watch stream broke");
                registry.connection.leave(generation);
            }
        }
        if started.elapsed() >= GOOD_STREAM {
            backoff.reset();
        }
        tokio::time::sleep(backoff.next(random_fraction())).await;
    }
}

/// One list and the stream after it.
struct Watch<'a> {
    registry: &'a Registry,
    ranges: &'a [Range],
    pace: Pace,
    events: &'a mpsc::Sender<WatchEvent>,
}

impl Watch<'_> {
    /// Lists, then passes on changes until something is wrong.
    async fn follow(&self) -> End {
        let reading = match self.registry.read(self.ranges).await {
            Ok(reading) => reading,
            Err(error) => return End::Away(error),
        };
        let tracker = Tracker::new(reading.revision);
        if let Err(end) = self.send(listed(reading)).await {
            return end;
        }
        match self.open(tracker.first_revision()).await {
            Ok((stream, generation)) => self.pass_on(stream, generation, tracker).await,
            Err(error) => End::Doubt(error.to_string()),
        }
    }

    async fn list_again(&self, tracker: &mut Tracker) -> Result<(), End> {
        let reading = self.registry.read(self.ranges).await.map_err(End::Away)?;
        match tracker.list(reading) {
            Some(listed) => self.send(listed).await,
            None => Err(End::Doubt("the store went back".to_owned())),
        }
    }

    async fn send(&self, event: WatchEvent) -> Result<(), End> {
        self.events.send(event).await.map_err(|_| End::Unread)
    }

    async fn open(&self, from: Revision) -> Result<(WatchStream, u64), RegistryError> {
        let options = || WatchOptions::new().with_start_revision(from);
        let watches = self.ranges.iter().map(|range| match range {
            Range::Key(key) => (key.clone(), options()),
            Range::Prefix(prefix) => (prefix.clone(), options().with_prefix()),
        });
        let watches: Vec<_> = watches.collect();
        let open = |clients: Clients| {
            let mut watches = watches.clone().into_iter();
            async move {
                let mut watch = clients.watch;
                let (key, options) = watches.next().unwrap_or_default();
                let mut stream = watch.watch(key, Some(options)).await?;
                for (key, options) in watches {
                    stream.watch(key, Some(options)).await?;
                }
                Ok(stream)
            }
        };
        self.registry.connection.once(open).await
    }

    async fn pass_on(&self, mut stream: WatchStream, generation: u64, mut tracker: Tracker) -> End {
        let broken = |cause: String| End::Broken { cause, generation };
        let mut ask = Instant::now() + self.pace.ask;
        // An etcd that is slow with answers is slow with these, too.
        let answer = || self.pace.answer.max(self.registry.connection.bound());
        let mut silent = Instant::now() + answer();
        let mut list = Instant::now() + spread(self.pace.list, random_fraction());
        let mut waiting = true;
        loop {
            tokio::select! {
                biased;
                message = stream.message() => {
                    let response = match message {
                        Ok(Some(response)) => response,
                        Ok(None) => return broken("the stream ended".to_owned()),
                        Err(error) => return broken(chain(&error)),
                    };
                    let news = match tracker.judge(message_of(&response)) {
                        Verdict::News(news) => news,
                        Verdict::Doubt(cause) => return End::Doubt(cause),
                    };
                    for event in news {
                        if let Err(end) = self.send(event).await {
                            return end;
                        }
                    }
                    // Any message is a sign of life.
                    waiting = false;
                    ask = Instant::now() + self.pace.ask;
                }
                () = tokio::time::sleep_until(silent), if waiting => {
                    return broken(format!("no sign of life within {:?}", answer()));
                }
                () = tokio::time::sleep_until(ask), if !waiting => {
                    if let Err(error) = stream.request_progress().await {
                        return broken(chain(&error));
                    }
                    waiting = true;
                    silent = Instant::now() + answer();
                }
                () = tokio::time::sleep_until(list) => {
                    if let Err(end) = self.list_again(&mut tracker).await {
                        return end;
                    }
                    list = Instant::now() + spread(self.pace.list, random_fraction());
                }
            }
        }
    }
}

fn message_of(response: &WatchResponse) -> Message {
    let canceled = response.canceled().then(|| match response.compact_revision() {
        0 => format!("the server ended the watch: {}", response.cancel_reason()),
        compacted => format!("the store was compacted up to revision {compacted}"),
    });
    let event = |event: &etcd_client::Event| {
        let kv = event.kv()?;
        // A key that is gone has no version; the type of an event that is not known would be a panic.
        let event = if kv.version() == 0 {
            let key = kv.key_str().ok()?.to_owned();
            let revision = kv.mod_revision();
            WatchEvent::Deleted { key, revision }
        } else {
            WatchEvent::Put(entry(kv)?)
        };
        Some((kv.mod_revision(), event))
    };
    Message {
        revision: revision(response.header()),
        canceled,
        events: response.events().iter().filter_map(event).collect(),
    }
}

//! What the demo looks at while it plays, each in a task of its own that sends events with the time at which it saw them.

use std::{path::PathBuf, time::Duration};

use tokio::{
    net::TcpStream,
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{
    cast::{Cast, Part},
    story::Event,
};
use crate::{
    host,
    nodefile::{NodeFile, Phase, ProcessId},
    probe::{Access, ProbeFailure, Prober},
    registry::{Registry, WatchEvent},
    view::ClusterView,
};

/// Between two looks at something that sends no event.
const LOOK: Duration = Duration::from_millis(100);
/// Between two questions to a node that answers.
const ASK: Duration = Duration::from_secs(1);
/// A node that takes longer to answer hangs.
const PATIENCE: Duration = Duration::from_secs(2);

/// Events with the time at which they were seen.
pub(super) type Events = mpsc::UnboundedSender<(Instant, Event)>;

/// Follows the registry from the moment in which etcd listens.
pub(super) async fn registry(registry: Registry, cast: Cast, events: Events) {
    while TcpStream::connect(&cast.endpoint).await.is_err() {
        sleep(LOOK).await;
    }
    let mut watcher = registry.watch(cast.keys.all());
    let mut view = ClusterView::default();
    while let Some(event) = watcher.next().await {
        let now = Instant::now();
        let event = if let WatchEvent::Away { .. } = event {
            Event::Away
        } else {
            view.apply(&cast.keys, &event);
            Event::Viewed(view.clone())
        };
        if events.send((now, event)).is_err() {
            return;
        }
    }
    let what = "the watch on etcd has ended, which is a bug".to_owned();
    let _ = events.send((Instant::now(), Event::Failed(what)));
}

/// Follows a launcher's file and the process behind it.
pub(super) async fn file(node: usize, path: PathBuf, part: Part, events: Events) {
    let mut last = (None, None);
    loop {
        // A file that is half gone with its directory says as much as none.
        let file = NodeFile::read(&path).ok().flatten();
        let runs = file
            .as_ref()
            .is_some_and(|file| file.phase != Phase::Starting || file.process.is_some());
        let search: Option<ProcessId> = match last.1 {
            Some(process) if ProcessId::is_alive(process) => Some(process),
            _ if runs => host::listener(part.http()).and_then(ProcessId::of),
            _ => None,
        };
        let seen = (file, search);
        if seen != last {
            let event = Event::Filed {
                node,
                file: seen.0.clone(),
                search: search.map(|process| process.pid),
            };
            if events.send((Instant::now(), event)).is_err() {
                return;
            }
            last = seen;
        }
        sleep(LOOK).await;
    }
}

/// Asks a node again and again, and holds a connection to it in between.
pub(super) async fn node(node: usize, part: Part, events: Events) {
    let mut prober = Prober::new(part.address.to_string(), part.http_port, PATIENCE, Access::default());
    let mut held = false;
    loop {
        let answer = prober.probe().await.result;
        let pause = if answer.is_ok() { ASK } else { LOOK };
        // A node that dies while it is asked ends the connection within the question, not in the wait after it.
        let ended = held && answer.as_ref().is_err_and(is_end);
        held = answer.is_ok() || (held && !ended);
        if events.send((Instant::now(), Event::Answered { node, answer })).is_err() {
            return;
        }
        if ended {
            let _ = events.send((Instant::now(), Event::Closed { node }));
        }
        tokio::select! {
            biased;
            () = prober.ended() => {
                held = false;
                let _ = events.send((Instant::now(), Event::Closed { node }));
            }
            () = sleep(pause) => {}
        }
    }
}

/// Whether a failed question shows that the node's sockets are closed. One that is only slow keeps them.
fn is_end(failure: &ProbeFailure) -> bool {
    match failure {
        ProbeFailure::Refused | ProbeFailure::Closed | ProbeFailure::Unreachable(_) => true,
        ProbeFailure::Hung(_)
        | ProbeFailure::TimedOut(_)
        | ProbeFailure::Tls(_)
        | ProbeFailure::Unauthorized { .. }
        | ProbeFailure::Status(_)
        | ProbeFailure::Garbage(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_node_has_not_closed_its_sockets() {
        assert!(is_end(&ProbeFailure::Refused) && is_end(&ProbeFailure::Closed));
        assert!(!is_end(&ProbeFailure::Hung(PATIENCE)));
    }
}

//! `/livez`, `/readyz`, `/status`, `/metrics`. Reads snapshots, decides nothing.
//!
//! One request per connection, a bounded number of connections, a deadline over each: whatever a client does, it holds nothing
//! that the sidecar needs.

use std::{
    convert::Infallible,
    os::fd::{AsFd, BorrowedFd},
    sync::Arc,
    time::Duration,
};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{self, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinHandle,
    time::{Instant, timeout},
};

use super::{
    metrics::Metrics,
    snapshot::{Facts, Snapshot},
};

/// Connections at a time; more wait in the backlog.
const CONNECTIONS: usize = 32;
/// The longest that a client may take to send the head of its request.
const HEAD: Duration = Duration::from_secs(3);
/// The longest that a connection may last.
const WHOLE: Duration = Duration::from_secs(5);
/// Rest after a failed accept: it fails again at once when there are no file descriptors left.
const REST: Duration = Duration::from_millis(100);

/// What is served, and from what.
#[derive(Debug)]
pub(super) struct Pages {
    pub(super) facts: Facts,
    pub(super) snapshots: watch::Receiver<Snapshot>,
    pub(super) metrics: Metrics,
}

/// The longest that clients which are being answered may hold up [`Server::pause`].
const FINISH: Duration = Duration::from_secs(1);

/// The task that answers, and its socket, which stays open when it rests.
#[derive(Debug)]
pub(super) struct Server {
    listener: Arc<TcpListener>,
    pages: Arc<Pages>,
    slots: Arc<Semaphore>,
    task: JoinHandle<Infallible>,
}

impl Server {
    /// Starts to answer.
    pub(super) fn start(listener: TcpListener, pages: Pages) -> Self {
        let (listener, pages) = (Arc::new(listener), Arc::new(pages));
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        let task = tokio::spawn(serve(Arc::clone(&listener), Arc::clone(&pages), Arc::clone(&slots)));
        Self {
            listener,
            pages,
            slots,
            task,
        }
    }

    /// Returns when the task has died, which is a bug.
    pub(super) async fn died(&mut self) {
        // It has no way to end but by dying.
        let _ = (&mut self.task).await;
    }

    /// The socket.
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// Answers who is connected, and lets who comes next wait in the socket's queue: nobody is refused.
    pub(super) async fn pause(&self) {
        self.task.abort();
        let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
        // Who is too slow for that loses an answer, as at any end.
        let _ = timeout(FINISH, self.slots.acquire_many(all)).await;
    }

    /// Answers again.
    pub(super) fn go_on(&mut self) {
        let (listener, pages) = (Arc::clone(&self.listener), Arc::clone(&self.pages));
        self.task = tokio::spawn(serve(listener, pages, Arc::clone(&self.slots)));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: Arc<TcpListener>, pages: Arc<Pages>, slots: Arc<Semaphore>) -> Infallible {
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            // Nobody closes the semaphore.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let pages = Arc::clone(&pages);
                tokio::spawn(async move {
                    // A client that is too slow or goes away is its own affair.
                    let _ = timeout(WHOLE, connection(stream, &pages)).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "no connection accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, pages: &Pages) -> hyper::Result<()> {
    let answer = |request: Request<Incoming>| {
        let page = page(pages, request.method(), request.uri().path());
        async move { Ok::<_, Infallible>(page.into_response()) }
    };
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .await
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    status: StatusCode,
    content_type: &'static str,
    body: String,
}

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl Page {
    fn text(status: StatusCode, body: impl Into<String>) -> Self {
        Self {
            status,
            content_type: TEXT,
            body: body.into() + "\n",
        }
    }

    fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(self.body)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }
}

fn page(pages: &Pages, method: &Method, path: &str) -> Page {
    let known = ["/livez", "/readyz", "/status", "/metrics"].contains(&path);
    if !known {
        return Page::text(StatusCode::NOT_FOUND, "there are /livez, /readyz, /status and /metrics");
    }
    if method != Method::GET && method != Method::HEAD {
        return Page::text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only");
    }
    let now = Instant::now();
    let (facts, snapshot) = (&pages.facts, pages.snapshots.borrow());
    match path {
        "/livez" => match snapshot.alive(facts, now) {
            Ok(()) => Page::text(StatusCode::OK, "alive"),
            Err(quiet) => Page::text(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("the loop has not turned for {}s", quiet.as_secs()),
            ),
        },
        "/readyz" => match snapshot.ready(facts, now) {
            Ok(()) => Page::text(StatusCode::OK, "ready"),
            Err(why) => Page::text(StatusCode::SERVICE_UNAVAILABLE, why),
        },
        "/status" => Page {
            status: StatusCode::OK,
            content_type: JSON,
            body: format!("{:#}\n", snapshot.status(facts, now)),
        },
        _ => Page {
            status: StatusCode::OK,
            content_type: METRICS,
            body: pages.metrics.render(facts, &snapshot, now),
        },
    }
}

//! One HTTP connection to the node, and so to one process: whoever answers here is who answered here before.
//!
//! The connection is also the cheapest witness of the node's death: it is held between the probes, and its end is an event.
//! No redirect is followed, no proxy asked, no body read past its bound.

use std::{error::Error, fmt::Debug, io};

use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::{
    Request, Uri,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{self, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::{
    ProbeFailure,
    access::Pass,
    answer::{self, Answer},
    progress::Progress,
    report::Who,
    tls::TlsFailure,
};

/// The longest body that is read: the answers asked for are hundreds of bytes, with many roles and attributes a few thousand.
const MAX_BODY: usize = 256 * 1024;
/// The most that is buffered for one answer's head.
const MAX_BUFFER: usize = 64 * 1024;

/// A stream of bytes, plain or TLS.
trait Wire: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin> Wire for T {}

type Connection = http1::Connection<TokioIo<Box<dyn Wire>>, Empty<Bytes>>;

/// A connection, driven only while somebody waits for something on it.
#[derive(Debug)]
pub(super) struct Session {
    requests: http1::SendRequest<Empty<Bytes>>,
    /// None once it has ended.
    connection: Option<Connection>,
    /// The value of the `Host` header.
    authority: HeaderValue,
    /// The value of the `Authorization` header.
    authorization: Option<HeaderValue>,
    /// Whose it is.
    who: Who,
    /// How far the probe has come that uses it.
    progress: Progress,
}

impl Session {
    /// Connects.
    pub(super) async fn open(host: &str, port: u16, pass: Pass, progress: Progress) -> Result<Self, ProbeFailure> {
        let stream = connect(host, port).await?;
        progress.connected();
        let stream: Box<dyn Wire> = match &pass.tls {
            Some(client) => Box::new(progress.notes(client.connect(host, stream).await?)),
            None => Box::new(progress.notes(stream)),
        };
        let authority = if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        };
        let authority =
            HeaderValue::try_from(authority).map_err(|error| ProbeFailure::Unreachable(error.to_string()))?;
        let (requests, connection) = http1::Builder::new()
            .max_buf_size(MAX_BUFFER)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failure(&error))?;
        Ok(Self {
            requests,
            connection: Some(connection),
            authority,
            authorization: pass.authorization,
            who: pass.who,
            progress,
        })
    }

    /// Asks one question.
    pub(super) async fn get(&mut self, path: &'static str) -> Result<Answer, ProbeFailure> {
        let answer = self.exchange(path).await?;
        match answer.status {
            status @ (401 | 403) => Err(ProbeFailure::Unauthorized {
                status,
                who: self.who.clone(),
            }),
            _ => Ok(answer),
        }
    }

    async fn exchange(&mut self, path: &'static str) -> Result<Answer, ProbeFailure> {
        let mut request = Request::get(Uri::from_static(path))
            .header(header::HOST, self.authority.clone())
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("quorate/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(|error| ProbeFailure::Unreachable(error.to_string()))?;
        if let Some(authorization) = &self.authorization {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, authorization.clone());
        }
        self.progress.connected();
        let requests = &mut self.requests;
        let exchange = async move {
            requests.ready().await.map_err(|error| failure(&error))?;
            let response = requests.send_request(request).await.map_err(|error| failure(&error))?;
            read(response).await
        };
        let mut exchange = std::pin::pin!(exchange);
        if let Some(connection) = &mut self.connection {
            tokio::select! {
                biased;
                answer = &mut exchange => return answer,
                ended = connection => {
                    self.connection = None;
                    // The node has closed; what it said before that is still there to be read.
                    return match (exchange.await, ended) {
                        (Err(ProbeFailure::Closed), Err(error)) => Err(failure(&error)),
                        (decided, _) => decided,
                    };
                }
            }
        }
        exchange.await
    }

    /// Returns when the connection has ended. Cancel safety: nothing is lost.
    pub(super) async fn ended(&mut self) {
        if let Some(connection) = &mut self.connection {
            // Why it ended does not matter: the next probe finds out what is there now.
            let _ = connection.await;
            self.connection = None;
        }
    }
}

async fn read(response: hyper::Response<Incoming>) -> Result<Answer, ProbeFailure> {
    let status = response.status().as_u16();
    let product = response
        .headers()
        .iter()
        .find_map(|(name, value)| answer::product_header(name.as_str(), value.as_bytes()));
    let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
    let body = body.map_err(|error| match error.downcast::<LengthLimitError>() {
        Ok(_) => ProbeFailure::Garbage(format!("more than {} KiB", MAX_BODY / 1024)),
        Err(error) => error
            .downcast_ref::<hyper::Error>()
            .map_or(ProbeFailure::Closed, failure),
    })?;
    Ok(Answer {
        status,
        product,
        body: body.to_bytes().to_vec(),
    })
}

/// Opens a stream.
pub(super) async fn connect(host: &str, port: u16) -> Result<TcpStream, ProbeFailure> {
    let stream = TcpStream::connect((host, port))
        .await
        .map_err(|error| connect_failure(&error))?;
    // Requests are one small segment each; waiting for more would only add time.
    stream.set_nodelay(true).map_err(|error| connect_failure(&error))?;
    Ok(stream)
}

fn connect_failure(error: &io::Error) -> ProbeFailure {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, NotConnected};
    let kind = error.kind();
    if kind == ConnectionRefused {
        ProbeFailure::Refused
    } else if [ConnectionReset, ConnectionAborted, NotConnected].contains(&kind) {
        ProbeFailure::Closed
    } else {
        ProbeFailure::Unreachable(error.to_string())
    }
}

/// What is no HTTP is garbage; what the node says in words of TLS is that; everything else that goes wrong on an open connection is
/// its end.
fn failure(error: &hyper::Error) -> ProbeFailure {
    let wire = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    if let Some(failure) = wire.and_then(TlsFailure::within) {
        ProbeFailure::Tls(failure)
    } else if error.is_parse() {
        ProbeFailure::Garbage(error.to_string())
    } else {
        ProbeFailure::Closed
    }
}

#[cfg(test)]
mod tests;

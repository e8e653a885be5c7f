//! Plain requests to a search node.

use std::{net::Ipv4Addr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// An answer, read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    /// Whether the node did what it was asked for.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Asks the node at `ip`; none when it has not answered within `max`.
pub(crate) async fn ask(ip: Ipv4Addr, method: &str, path: &str, body: &str, max: Duration) -> Option<Answer> {
    let exchange = async {
        let mut stream = TcpStream::connect((ip, 9200)).await.ok()?;
        // With this version of HTTP the end of the connection is the end of the answer.
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {ip}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some(Answer {
            status: head.split(' ').nth(1)?.parse().ok()?,
            body: body.to_owned(),
        })
    };
    timeout(max, exchange).await.ok()?
}

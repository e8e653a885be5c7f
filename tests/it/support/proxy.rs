//! A TCP proxy that spoils the line between a client and etcd or a node, and heals it.
//!
//! All proxies run in a thread of their own, so that a test may block beside them. Invariant: no connection ever delivers a byte after
//! one that it has lost; a connection that lost some stays silent, as one whose other end was forgotten on the way.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{LazyLock, mpsc},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    runtime::Handle,
    sync::watch,
    task::{AbortHandle, JoinSet},
};

/// The state of a line, for connections that are there and for new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// Everything arrives.
    Fine,
    /// Connections are reset, new ones at once.
    Cut,
    /// Nothing arrives until the line has healed; then everything does, as after a short partition.
    Held(Way),
    /// What is sent is swallowed; the sender sees a connection that stays, after healing too.
    Lost(Way),
    /// Everything arrives so much later.
    Delayed(Duration),
    /// A byte arrives every so often.
    Trickle(Duration),
}

/// Which of the two directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// What clients say.
    ToServer,
    /// What the server says.
    ToClient,
    /// Both.
    Both,
}

/// A proxy; its connections are gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    line: watch::Sender<Line>,
    accepting: AbortHandle,
}

static RUNTIME: LazyLock<Handle> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        sender.send(runtime.handle().clone()).expect("somebody waits");
        runtime.block_on(std::future::pending::<()>());
    });
    receiver.recv().expect("a handle")
});

impl Proxy {
    /// One for `server`, at any port of 127.60.0.1.
    pub(crate) fn to(server: SocketAddr) -> Self {
        Self::between(SocketAddr::from((Ipv4Addr::new(127, 60, 0, 1), 0)), server)
    }

    /// One that listens at `here`, where perhaps an earlier one did.
    pub(crate) fn between(here: SocketAddr, server: SocketAddr) -> Self {
        let _inside = RUNTIME.enter();
        let listener = TcpSocket::new_v4().and_then(|socket| {
            socket.set_reuseaddr(true)?;
            socket.bind(here)?;
            socket.listen(128)
        });
        let listener = listener.unwrap_or_else(|error| panic!("cannot listen on {here}: {error}"));
        let address = listener.local_addr().expect("an address");
        let (line, state) = watch::channel(Line::Fine);
        let accepting = RUNTIME.spawn(accept(listener, server, state)).abort_handle();
        Self {
            address,
            line,
            accepting,
        }
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on the line is like this.
    pub(crate) fn is(&self, line: Line) {
        self.line.send_replace(line);
    }

    /// Everything arrives again; what was lost stays lost.
    pub(crate) fn heal(&self) {
        self.is(Line::Fine);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The set of connections goes with the task, in the other thread; then the port is free.
        self.accepting.abort();
        while !self.accepting.is_finished() {
            std::thread::yield_now();
        }
    }
}

impl Line {
    fn holds(self, way: Way) -> bool {
        matches!(self, Self::Held(held) if held == way || held == Way::Both)
    }

    fn loses(self, way: Way) -> bool {
        matches!(self, Self::Lost(lost) if lost == way || lost == Way::Both)
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, line: watch::Receiver<Line>) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((client, _)) = listener.accept().await {
            connections.spawn(connection(client, server, line.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

/// One connection to its end.
async fn connection(mut client: TcpStream, server: SocketAddr, mut line: watch::Receiver<Line>) {
    let server = tokio::select! {
        biased;
        _ = line.wait_for(|line| *line == Line::Cut) => None,
        server = TcpStream::connect(server) => server.ok(),
    };
    let Some(mut server) = server else {
        let _ = client.set_zero_linger();
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (to_server, to_client) = (line.clone(), line.clone());
    let (client_read, client_write) = client.split();
    let (server_read, server_write) = server.split();
    let both = async {
        tokio::try_join!(
            pump(client_read, server_write, Way::ToServer, to_server),
            pump(server_read, client_write, Way::ToClient, to_client),
        )
    };
    let orderly = tokio::select! {
        biased;
        _ = line.wait_for(|line| *line == Line::Cut) => false,
        ended = both => ended.is_ok(),
    };
    if !orderly {
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

/// Carries one direction to its end. An error: the connection is reset.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    way: Way,
    mut line: watch::Receiver<Line>,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 16 * 1024];
    let mut is_dead = false;
    loop {
        let state = *line.borrow_and_update();
        if state.holds(way) {
            changed(&mut line).await;
            continue;
        }
        let length = tokio::select! {
            biased;
            () = changed(&mut line) => continue,
            length = from.read(&mut bytes) => length?,
        };
        is_dead |= state.loses(way);
        if is_dead {
            if length == 0 {
                // The end is lost as well.
                std::future::pending::<()>().await;
            }
            continue;
        }
        if length == 0 {
            return to.shutdown().await;
        }
        deliver(bytes.get(..length).unwrap_or_default(), &mut to, &mut line).await?;
    }
}

/// Writes what was read, in the time that the line takes for it.
async fn deliver(bytes: &[u8], to: &mut WriteHalf<'_>, line: &mut watch::Receiver<Line>) -> std::io::Result<()> {
    let state = *line.borrow();
    match state {
        Line::Delayed(time) => tokio::time::sleep(time).await,
        Line::Trickle(pause) => {
            for (at, byte) in bytes.iter().enumerate() {
                tokio::select! {
                    // The rest at once.
                    () = changed(line) => return to.write_all(bytes.get(at..).unwrap_or_default()).await,
                    () = tokio::time::sleep(pause) => to.write_all(&[*byte]).await?,
                }
            }
            return Ok(());
        }
        Line::Fine | Line::Cut | Line::Held(_) | Line::Lost(_) => {}
    }
    to.write_all(bytes).await
}

/// Comes back at a change of the line. Never when the proxy is gone, with which its connections go.
async fn changed(line: &mut watch::Receiver<Line>) {
    if line.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

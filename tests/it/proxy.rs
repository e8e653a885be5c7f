//! The proxy does to a line what its words say.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

use crate::support::{
    LONG,
    proxy::{Line, Proxy, Way},
};

/// Nothing has come when nothing came for so long; too short a time can only let a broken proxy through.
const SOON: Duration = Duration::from_millis(100);

/// A server that says everything again, behind a proxy.
async fn echo() -> Proxy {
    let listener = TcpListener::bind("127.60.0.1:0").await.expect("a port");
    let proxy = Proxy::to(listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    proxy
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.expect("a connection")
}

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("sent");
}

async fn hear(stream: &mut TcpStream, text: &str) {
    let mut heard = vec![0; text.len()];
    let read = timeout(LONG, stream.read_exact(&mut heard)).await;
    read.expect("in time").expect("a connection");
    assert_eq!(String::from_utf8_lossy(&heard), text);
}

async fn hear_nothing(stream: &mut TcpStream) {
    let read = timeout(SOON, stream.read_u8()).await;
    assert!(read.is_err(), "it is silent: {read:?}");
}

#[tokio::test]
async fn a_cut_resets_connections_and_refuses_new_ones_until_it_heals() {
    let proxy = echo().await;
    let mut old = connect(&proxy).await;
    say(&mut old, "a").await;
    hear(&mut old, "a").await;
    proxy.is(Line::Cut);
    let reset = |end: std::io::Result<u8>| end.map_err(|error| error.kind()).expect_err("no byte");
    assert_eq!(reset(old.read_u8().await), std::io::ErrorKind::ConnectionReset);
    // The reset may come before the connection is known to be there.
    let late = async { TcpStream::connect(proxy.address()).await?.read_u8().await };
    assert_eq!(reset(late.await), std::io::ErrorKind::ConnectionReset);
    proxy.heal();
    let mut new = connect(&proxy).await;
    say(&mut new, "b").await;
    hear(&mut new, "b").await;
}

#[tokio::test]
async fn what_is_held_arrives_when_the_line_has_healed() {
    for way in [Way::ToServer, Way::ToClient, Way::Both] {
        let proxy = echo().await;
        let mut stream = connect(&proxy).await;
        proxy.is(Line::Held(way));
        say(&mut stream, "held").await;
        hear_nothing(&mut stream).await;
        proxy.heal();
        hear(&mut stream, "held").await;
    }
}

#[tokio::test]
async fn a_connection_that_lost_something_is_silent_for_ever_and_others_are_not() {
    for way in [Way::ToServer, Way::ToClient, Way::Both] {
        let proxy = echo().await;
        let (mut quiet, mut busy) = (connect(&proxy).await, connect(&proxy).await);
        proxy.is(Line::Lost(way));
        say(&mut busy, "lost").await;
        hear_nothing(&mut busy).await;
        proxy.heal();
        say(&mut busy, "late").await;
        hear_nothing(&mut busy).await;
        say(&mut quiet, "heard").await;
        hear(&mut quiet, "heard").await;
    }
}

#[tokio::test]
async fn what_is_delayed_or_trickles_comes_whole_and_late() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    for (line, least) in [
        (Line::Delayed(Duration::from_millis(60)), Duration::from_millis(120)),
        (Line::Trickle(Duration::from_millis(15)), Duration::from_millis(150)),
    ] {
        let begun = Instant::now();
        proxy.is(line);
        say(&mut stream, "ten bytes.").await;
        hear(&mut stream, "ten bytes.").await;
        assert!(begun.elapsed() >= least, "{line:?}: {:?}", begun.elapsed());
    }
    proxy.is(Line::Trickle(LONG));
    say(&mut stream, "slow").await;
    proxy.heal();
    hear(&mut stream, "slow").await;
}

#[tokio::test]
async fn an_end_gets_through_in_both_directions() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    say(&mut stream, "last").await;
    stream.shutdown().await.expect("half closed");
    let mut all = String::new();
    stream.read_to_string(&mut all).await.expect("its end");
    assert_eq!(all, "last");
    drop(proxy);
}

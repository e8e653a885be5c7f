//! A stand-in for a search node: speaks HTTP from recorded answers of every line, or misbehaves as told.
//!
//! Only for what a real node cannot be made to do on demand, and for lines that are not run here. The answers are those of real nodes
//! (`tests/fixtures/answers.json`); names and UUID can be replaced.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::Value;

use super::address::Address;

/// What the stand-in does with the next connection or request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mood {
    /// Answers as the node of a line did in this state: `joined`, `never`, `lost`.
    Line(&'static str),
    /// Reads the request and says nothing.
    Hang,
    /// Says a byte of the right answer every so often.
    Trickle(Duration),
    /// Closes instead of answering.
    Close,
    /// Answers with these bytes, whatever they are, and closes.
    Bytes(Vec<u8>),
    /// Answers with these bytes, and with `x` after them without an end.
    Endless(&'static str),
    /// Answers with this status, these headers and this body.
    Status(u16, &'static str, &'static str),
}

/// A running stand-in. Gone when dropped.
pub(crate) struct StandIn {
    address: SocketAddr,
    /// The address, where it is one that no other test has.
    home: Option<Address>,
    shared: Arc<Shared>,
}

struct Shared {
    answers: Value,
    mood: Mutex<Mood>,
    replaced: Mutex<Vec<(String, String)>>,
    open: Mutex<Vec<TcpStream>>,
    paths: Mutex<Vec<String>>,
    listening: Mutex<Option<u64>>,
    /// The `Authorization` without which everything is 401.
    wanted: Mutex<Option<String>>,
}

impl StandIn {
    /// A stand-in for `line`, e.g. `elasticsearch-6.8.23`, on `address`, port 0 for any. It is in the state `joined`.
    pub(crate) fn start(line: &str, address: &str) -> Self {
        Self::new(line, address.parse().expect("an address with a port"), None)
    }

    /// One at the usual port of an address of its own.
    pub(crate) fn at_home(line: &str) -> Self {
        let home = Address::take();
        Self::new(line, SocketAddr::from((home.ip(), 9200)), Some(home))
    }

    fn new(line: &str, address: SocketAddr, home: Option<Address>) -> Self {
        let all: Value =
            serde_json::from_str(include_str!("../../fixtures/answers.json")).expect("the recorded answers");
        let answers = all
            .get(line)
            .unwrap_or_else(|| panic!("no recorded answers of {line}"))
            .clone();
        let mut stand_in = Self {
            address,
            home,
            shared: Arc::new(Shared {
                answers,
                mood: Mutex::new(Mood::Line("joined")),
                replaced: Mutex::default(),
                open: Mutex::default(),
                paths: Mutex::default(),
                listening: Mutex::new(None),
                wanted: Mutex::default(),
            }),
        };
        stand_in.listen();
        stand_in
    }

    /// Where it answers.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of its own.
    pub(crate) fn home(&self) -> &Address {
        self.home.as_ref().expect("it is at home")
    }

    /// What it does from now on; open connections included.
    pub(crate) fn is(&self, mood: Mood) {
        *lock(&self.shared.mood) = mood;
    }

    /// From now on it answers 401 without this `Authorization`.
    pub(crate) fn wants(&self, authorization: &str) {
        *lock(&self.shared.wanted) = Some(authorization.to_owned());
    }

    /// From now on `text` of the recorded answers reads `by`.
    pub(crate) fn replace(&self, text: &str, by: &str) {
        lock(&self.shared.replaced).push((text.to_owned(), by.to_owned()));
    }

    /// Closes every open connection, as a server does with idle ones. Goes on listening.
    pub(crate) fn close_connections(&self) {
        for stream in lock(&self.shared.open).drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }

    /// Dies: no listening socket, no connection.
    pub(crate) fn die(&self) {
        if lock(&self.shared.listening).take().is_some() {
            // The accepting thread looks at the flag when it gets a connection: this one.
            let _ = TcpStream::connect(self.address);
            while TcpStream::connect(self.address).is_ok() {
                std::thread::yield_now();
            }
        }
        self.close_connections();
    }

    /// Listens, again after it died.
    pub(crate) fn listen(&mut self) {
        let listener =
            TcpListener::bind(self.address).unwrap_or_else(|e| panic!("cannot listen on {}: {e}", self.address));
        self.address = listener.local_addr().expect("an address");
        let run = {
            let mut listening = lock(&self.shared.listening);
            assert!(listening.is_none(), "it listens already");
            let run = lock(&self.shared.paths).len() as u64 + 1;
            *listening = Some(run);
            run
        };
        let shared = Arc::clone(&self.shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if *lock(&shared.listening) != Some(run) {
                    return;
                }
                lock(&shared.open).push(stream.try_clone().expect("a duplicate"));
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
    }

    /// The paths that were asked for so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        lock(&self.shared.paths).clone()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.die();
    }
}

impl Shared {
    #[expect(clippy::disallowed_methods, reason = "a thread of its own, which shall be slow")]
    fn answer_slowly(&self, path: &str, pause: Duration, out: &mut TcpStream) -> Option<()> {
        for byte in self.recorded("joined", path) {
            out.write_all(&[byte]).ok()?;
            std::thread::sleep(pause);
        }
        Some(())
    }

    fn serve(&self, stream: TcpStream) {
        let mut out = stream.try_clone().expect("a duplicate");
        let mut lines = BufReader::new(stream).lines();
        while let Some(Ok(first)) = lines.next() {
            let mut authorization = None;
            while let Some(Ok(header)) = lines.next()
                && !header.is_empty()
            {
                let (name, value) = header.split_once(": ").unwrap_or_default();
                if name.eq_ignore_ascii_case("authorization") {
                    authorization = Some(value.to_owned());
                }
            }
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            lock(&self.paths).push(path.clone());
            let wanted = lock(&self.wanted).clone();
            let mood = if wanted.is_none() || wanted == authorization {
                lock(&self.mood).clone()
            } else {
                Mood::Status(401, "www-authenticate: Basic\r\n", "{}")
            };
            if self.answer(&mood, &path, &mut out).is_none() {
                break;
            }
        }
        let _ = out.shutdown(std::net::Shutdown::Both);
    }

    /// None: the connection is over.
    fn answer(&self, mood: &Mood, path: &str, out: &mut TcpStream) -> Option<()> {
        match mood {
            Mood::Line(state) => out.write_all(&self.recorded(state, path)).ok(),
            Mood::Hang => Some(()),
            Mood::Trickle(pause) => self.answer_slowly(path, *pause, out),
            Mood::Close => None,
            Mood::Bytes(bytes) => {
                let _ = out.write_all(bytes);
                None
            }
            Mood::Endless(start) => {
                out.write_all(start.as_bytes()).ok()?;
                while out.write_all(&[b'x'; 4096]).is_ok() {}
                None
            }
            Mood::Status(status, headers, body) => out.write_all(&http(*status, headers, body)).ok(),
        }
    }

    fn recorded(&self, state: &str, path: &str) -> Vec<u8> {
        let question = match path {
            "/" => "root",
            path if path.starts_with("/_cluster/state/") => "state",
            path if path.starts_with("/_nodes/_local") => "node",
            other => panic!("nobody recorded the answer to {other}"),
        };
        let part = |name: &str| self.answers.pointer(&format!("/{state}/{question}/{name}"));
        // The distributions of which no answer to the root is recorded do not know the question.
        let status = part("status").and_then(Value::as_u64).unwrap_or(405);
        let body = part("body").and_then(Value::as_str);
        let mut body = body
            .unwrap_or(r#"{"error":"Incorrect HTTP method","status":405}"#)
            .to_owned();
        for (text, by) in lock(&self.replaced).iter() {
            body = body.replace(text, by);
        }
        let header = self
            .answers
            .get("header")
            .and_then(Value::as_str)
            .map(|header| format!("{header}\r\n"))
            .unwrap_or_default();
        http(u16::try_from(status).expect("a status"), &header, &body)
    }
}

fn http(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} X\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panicked with it")
}

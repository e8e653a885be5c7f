//! Whatever comes back on the wire is an outcome.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener},
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::probe::{Access, ProbeOutcome, Prober};

/// Answers every question with what is in it at the time, and ends the connection.
fn server() -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.62.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let answer = Arc::new(Mutex::new(Vec::new()));
    let given = Arc::clone(&answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let _ = stream.read(&mut [0; 1024]);
            let bytes = given.lock().expect("the answer").clone();
            // Whoever has heard enough ends the connection.
            let _ = stream.write_all(&bytes);
            let _ = stream.shutdown(Shutdown::Write);
        }
    });
    (port, answer)
}

#[test]
fn whatever_damaged_answer_comes_back_is_an_outcome_that_can_be_said() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (port, answer) = server();
    crate::fuzz::fuzz("http", |bytes| {
        *answer.lock().expect("the answer") = bytes.to_vec();
        let mut prober = Prober::new("127.62.0.1", port, Duration::from_secs(2), Access::default());
        let ProbeOutcome { result, .. } = runtime.block_on(prober.probe());
        let said = result.map_or_else(|failure| failure.to_string(), |report| report.identity.name);
        assert!(said.chars().count() < 70_000 && !said.is_empty());
    });
}

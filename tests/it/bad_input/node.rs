//! A node that is none, or misbehaves: each way is named, nothing waits longer than it may, nothing is written.

use std::time::Duration;

use tokio::time::Instant;

use super::page::Page;
use crate::support::{
    etcd::{Etcd, Version},
    program::{Run, quorate},
    standin::{Mood, StandIn},
};

/// That a node waits 3 s is in its message; this is for whoever waits for ever, and far more than a disk of the test's etcd that is busy
/// with something else takes.
const PATIENCE: Duration = Duration::from_mins(1);

fn moods() -> Vec<(&'static str, Mood)> {
    let bytes = |text: &[u8]| Mood::Bytes(text.to_vec());
    let head = "HTTP/1.1 200 OK\r\n";
    vec![
        ("nobody listens", Mood::Close),
        ("it speaks another protocol", bytes(b"SSH-2.0-OpenSSH_9.2\r\n")),
        ("it speaks TLS", bytes(b"\x15\x03\x03\x00\x02\x02\x16")),
        ("it answers with a page", Mood::Status(200, "", "<html>hello</html>")),
        (
            "it answers with other JSON",
            Mood::Status(200, "", r#"{"cluster_name":7}"#),
        ),
        (
            "it wants a password",
            Mood::Status(401, "www-authenticate: Basic\r\n", "{}"),
        ),
        ("it forbids", Mood::Status(403, "", "{}")),
        (
            "it redirects",
            Mood::Status(302, "location: http://127.0.0.1:1/\r\n", ""),
        ),
        ("it is broken", Mood::Status(500, "", "")),
        ("it never answers", Mood::Hang),
        ("it answers byte by byte", Mood::Trickle(Duration::from_millis(100))),
        ("its body has no end", Mood::Endless("HTTP/1.1 200 OK\r\n\r\n")),
        ("its header has no end", Mood::Endless("HTTP/1.1 200 OK\r\nx: ")),
        (
            "its headers are many",
            bytes(format!("{head}{}\r\n\r\n", "a: b\r\n".repeat(9000)).as_bytes()),
        ),
        ("it closes at once", Mood::Close),
        (
            "it closes in the middle",
            bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"),
        ),
    ]
}

/// Asks a node in this mood, in the two ways in which people ask.
async fn ask(endpoint: String, mood: Mood, dead: bool) -> Vec<(&'static str, String, Run)> {
    let node = StandIn::at_home("elasticsearch-9.5.3");
    node.is(mood);
    if dead {
        node.die();
    }
    let host = node.home().to_string();
    let work = tokio::task::spawn_blocking(move || {
        let from = [
            "cluster",
            "adopt",
            "--yes",
            "--from",
            &host,
            "--endpoints",
            &endpoint,
            "--service",
            "none",
        ];
        let run = quorate(&from);
        let name = |run: Run| Run {
            code: run.code,
            out: run.out.replace(&host, "NODE"),
            err: run.err.replace(&host, "NODE"),
        };
        vec![("adopt", "quorate cluster adopt --yes --from NODE".to_owned(), name(run))]
    });
    let runs = work.await.expect("they end");
    drop(node);
    runs
}

#[tokio::test]
async fn a_node_that_misbehaves_is_named_with_what_it_does() {
    let etcd = Etcd::start(Version::V35).await;
    let mut page = Page::default();
    let begun = Instant::now();
    let asked: Vec<_> = moods()
        .into_iter()
        .enumerate()
        .map(|(index, (title, mood))| (title, tokio::spawn(ask(etcd.endpoint(), mood, index == 0))))
        .collect();
    for (title, runs) in asked {
        for (_, command, run) in runs.await.expect("asked") {
            assert_eq!(run.code, Some(3), "{title}: {}", run.err);
            page.note(title, &command, &run);
        }
        assert!(begun.elapsed() < PATIENCE, "{title}: {:?}", begun.elapsed());
    }
    let written = etcd.etcdctl(&["get", "--prefix", "/", "--keys-only"]);
    assert_eq!(written.trim(), "", "nothing was written");
    insta::assert_snapshot!(page.text());
}

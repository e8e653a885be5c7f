//! Container engines and images that are not there. What the engine says by itself is its own; that it is said, and what was asked for, is ours.

use crate::support::{
    etcd::{Etcd, Version},
    part,
    program::quorate_with,
};

#[tokio::test]
async fn an_image_or_an_engine_that_is_not_there() {
    let etcd = Etcd::start(Version::V35).await;
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (data, state, run) = (path("data"), path("state"), path("run"));
    let endpoint = etcd.endpoint();
    let launch = |host: &str, image: &str| {
        let args = [
            "launch",
            "--engine",
            "docker",
            "--image",
            image,
            "--address",
            "127.0.35.41",
            "--name",
            "n",
        ];
        let more = [
            "--endpoints",
            &endpoint,
            "--expected-masters",
            "1",
            "--data",
            &data,
            "--state-dir",
            &state,
            "--run-dir",
            &run,
        ];
        let environment = [("DOCKER_HOST", host), ("PATH", "/usr/local/bin:/usr/bin:/bin")];
        quorate_with(&[&args[..], &more].concat(), &environment)
    };
    let host = part("QUORATE_TEST_DOCKER_HOST");
    for (title, host, image, code, says) in [
        (
            "an image that is not there",
            host.as_str(),
            "127.0.0.1:1/search:6.8.23",
            1,
            "127.0.0.1:1/search:6.8.23",
        ),
        ("an image that is none", &host, "UPPER/case:1", 78, "UPPER/case:1"),
        (
            "an engine that is not there",
            "unix:///nonexistent/docker.sock",
            "127.0.0.1:1/search:6.8.23",
            1,
            "/nonexistent/docker.sock",
        ),
    ] {
        let run = launch(host, image);
        assert!(run.code == Some(code) && run.err.contains(says), "{title}: {run:?}");
        assert!(
            run.err.contains("error: ") && run.err.contains("hint: "),
            "{title}: {run:?}"
        );
    }
    let left = etcd.etcdctl(&["get", "--prefix", "/quorate/", "--keys-only"]);
    assert_eq!(left.trim(), "", "nothing is left");
    assert!(!dir.path().join("data").exists(), "nothing was made");
}

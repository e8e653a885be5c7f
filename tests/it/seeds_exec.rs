//! `seeds --output FILE --exec COMMAND`: the program against a real etcd, with commands that write down what they were told.

use std::path::Path;

use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    program::{Running, quorate},
};

const BY_HAND: &str = r#"{"http_port":9200,"transport_port":9300}"#;

fn register(etcd: &Etcd, last: u8) {
    etcd.etcdctl(&["put", &format!("/services/elasticsearch/10.0.0.{last}"), BY_HAND]);
}

fn keep(etcd: &Etcd, file: &Path, more: &[&str]) -> Running {
    let (endpoint, file) = (etcd.endpoint(), file.display().to_string());
    let args = ["seeds", "--format", "csv", "--endpoints", &endpoint, "--output", &file];
    Running::start(&[&args[..], more].concat())
}

async fn holds(file: &Path, text: &str) {
    eventually(&format!("{} holds {text:?}", file.display()), LONG, || async {
        (std::fs::read_to_string(file).ok()? == text).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_command_runs_at_the_start_and_once_more_for_all_that_came_while_it_ran() {
    let etcd = Etcd::start(Version::V35).await;
    let dir = tempfile::tempdir().expect("a directory");
    let (file, told, go) = (dir.path().join("hosts"), dir.path().join("told"), dir.path().join("go"));
    register(&etcd, 1);
    // Waits at its first run until it may go on.
    let command = format!(
        "until test -e {go}; do sleep 0.02; done; test \"$QUORATE_SEEDS\" = \"$(cat $QUORATE_SEEDS_FILE)\"; \
         echo \"$? $QUORATE_SEEDS\" >> {told}",
        go = go.display(),
        told = told.display()
    );
    let _keeper = keep(&etcd, &file, &["--exec", &command]);
    holds(&file, "10.0.0.1:9300\n").await;
    for last in 2..=4 {
        register(&etcd, last);
    }
    let all = "10.0.0.1:9300,10.0.0.2:9300,10.0.0.3:9300,10.0.0.4:9300";
    holds(&file, &format!("{all}\n")).await;
    std::fs::write(&go, "").expect("written");
    // The first run was told of the first list, and found another one in the file: more had come meanwhile.
    holds(&told, &format!("1 10.0.0.1:9300\n0 {all}\n")).await;

    register(&etcd, 5);
    holds(&told, &format!("1 10.0.0.1:9300\n0 {all}\n0 {all},10.0.0.5:9300\n")).await;
}

#[tokio::test]
async fn how_the_command_ended_is_said_and_a_hung_one_is_killed_with_all_that_it_started() {
    let etcd = Etcd::start(Version::V35).await;
    let dir = tempfile::tempdir().expect("a directory");
    let (file, pid) = (dir.path().join("hosts"), dir.path().join("pid"));
    let mut keeper = keep(&etcd, &file, &["--exec", "exit 3"]);
    assert!(
        keeper
            .complaint()
            .await
            .contains("`exit 3` ended with exit code 3 after ")
    );

    let command = format!("sleep 1000 & echo $! > {}; wait", pid.display());
    let mut keeper = keep(&etcd, &file, &["--exec", &command, "--exec-timeout", "300ms"]);
    assert!(
        keeper.complaint().await.contains("was killed after 3"),
        "its limit is named"
    );
    let pid = std::fs::read_to_string(&pid).expect("written");
    eventually("the child of the command is gone", LONG, || async {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        (stat.is_empty() || stat.contains(") Z ")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn how_the_command_last_ended_can_be_read_in_a_file() {
    let etcd = Etcd::start(Version::V35).await;
    let dir = tempfile::tempdir().expect("a directory");
    let (file, result) = (dir.path().join("hosts"), dir.path().join("result"));
    register(&etcd, 1);
    let path = result.display().to_string();
    let command = "exit $(tr -dc , < $QUORATE_SEEDS_FILE | wc -c)";
    let _keeper = keep(&etcd, &file, &["--exec", command, "--exec-result", &path]);
    for (last, code) in [(1, 0), (2, 1)] {
        register(&etcd, last);
        let ended = eventually(&format!("a result of {code}"), LONG, || async {
            let ended: serde_json::Value = serde_json::from_slice(&std::fs::read(&result).ok()?).expect("json");
            (ended["code"] == code).then_some(ended)
        })
        .await;
        assert_eq!(ended["command"], command);
        assert_eq!(
            ended["seeds"].as_array().map(Vec::len),
            Some(usize::from(last)),
            "{ended}"
        );
        assert!(
            ended["result"]
                .as_str()
                .is_some_and(|text| text.starts_with("ended with exit code")),
            "{ended}"
        );
    }
}

#[test]
fn a_command_needs_a_file_that_changes() {
    let run = quorate(&["seeds", "--exec", "true"]);
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("--output <FILE>"), "{}", run.err);
}

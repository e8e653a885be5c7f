use std::path::Path;

use super::*;
use crate::launcher::leftover::Label;

fn shell(dir: &Path, script: &str) -> Program {
    Program {
        path: "/bin/sh".into(),
        arguments: vec!["-c".to_owned(), script.to_owned()],
        environment: BTreeMap::from([("ONLY".to_owned(), "this".to_owned())]),
        directory: dir.to_owned(),
        user: None,
        template: None,
    }
}

fn order() -> Order {
    Order {
        settings: String::new(),
        label: Label {
            claim: None,
            with_setting: false,
        },
    }
}

fn empty() -> ProcessRuntime {
    ProcessRuntime::new(shell(Path::new("/"), ""))
}

fn leftover(process: ProcessId) -> Leftover {
    let text = r#"{"format":1,"engine":"process","name":"a","cluster":"b","phase":"running","data":"/d","boot":"c"}"#;
    Leftover {
        process,
        file: serde_json::from_str(text).expect("a launcher's file"),
    }
}

async fn start(dir: &Path, script: &str) -> (ProcessRuntime, ProcessId, FileLock) {
    let lock = FileLock::take(&dir.join("lock")).expect("lock");
    let mut runtime = ProcessRuntime::new(shell(dir, script));
    let process = runtime.start(&order(), &lock).await.expect("started").process;
    (runtime, process, lock)
}

async fn reads(path: &Path, expected: &str) {
    let text = async {
        while std::fs::read_to_string(path).ok().as_deref() != Some(expected) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), text)
        .await
        .expect(expected);
}

#[tokio::test]
async fn how_a_node_ended_is_told() {
    let dir = tempfile::tempdir().expect("directory");
    for (script, ending) in [
        ("exit 0", Ending::Code(0)),
        ("exit 78", Ending::Code(78)),
        ("kill -9 $$", Ending::Signal(9)),
    ] {
        let (mut runtime, ..) = start(dir.path(), script).await;
        assert_eq!(runtime.ended().await, ending, "{script}");
    }
}

#[tokio::test]
async fn a_node_has_its_own_group_a_clean_environment_and_no_input() {
    let dir = tempfile::tempdir().expect("directory");
    let script = "read x; echo \"$? $(cut -d' ' -f5 /proc/$$/stat) $(env | grep -c -v -e PWD -e _ -e SHLVL) $ONLY\" > out.new; mv out.new out";
    let (mut runtime, process, _lock) = start(dir.path(), script).await;
    assert_eq!(runtime.ended().await, Ending::Code(0));
    reads(&dir.path().join("out"), &format!("1 {} 1 this\n", process.pid)).await;
}

#[tokio::test]
async fn the_lock_lives_as_long_as_the_node() {
    let dir = tempfile::tempdir().expect("directory");
    let (mut runtime, process, lock) = start(dir.path(), "exec sleep 1000").await;
    drop(lock);
    assert!(
        FileLock::is_held(&dir.path().join("lock")).expect("looked"),
        "the node holds it"
    );
    assert_eq!(FileLock::holder(&dir.path().join("lock")), Some(process.pid));
    runtime.terminate(Duration::ZERO).expect("sent");
    assert_eq!(runtime.ended().await, Ending::Signal(15));
    assert!(!FileLock::is_held(&dir.path().join("lock")).expect("looked"));
    runtime
        .terminate(Duration::ZERO)
        .expect("a node that is gone is no error");
    runtime.kill().expect("a node that is gone is no error");
}

#[tokio::test]
async fn the_end_is_told_when_everything_the_node_started_is_gone() {
    let dir = tempfile::tempdir().expect("directory");
    // The main process ends at once; what it started follows half a second later.
    let (mut runtime, ..) = start(dir.path(), "(sleep 0.5; echo gone > out) & exit 3").await;
    assert_eq!(runtime.ended().await, Ending::Code(3));
    assert_eq!(
        std::fs::read_to_string(dir.path().join("out")).expect("written before the end"),
        "gone\n"
    );
}

#[tokio::test]
async fn a_node_of_another_run_is_adopted_by_number_and_start_time() {
    let dir = tempfile::tempdir().expect("directory");
    let (mut first, process, _lock) = start(dir.path(), "exec sleep 1000").await;
    let mut second = empty();
    let stale = ProcessId {
        start_time: process.start_time + 1,
        ..process
    };
    assert!(
        second.adopt(&leftover(stale)).await.is_err(),
        "another process with this number"
    );
    second.adopt(&leftover(process)).await.expect("adopted");
    second.kill().expect("sent");
    // It is a child of this very process, whose end is told once: to whoever asks first.
    let endings = tokio::join!(first.ended(), second.ended());
    let once = [
        (Ending::Signal(9), Ending::Unknown),
        (Ending::Unknown, Ending::Signal(9)),
    ];
    assert!(once.contains(&endings), "{endings:?}");
    assert!(empty().adopt(&leftover(process)).await.is_err(), "it is gone");
}

#[tokio::test]
async fn as_root_a_node_runs_as_its_user_without_further_groups() {
    let dir = tempfile::tempdir().expect("directory");
    if !rustix::process::geteuid().is_root() {
        // There is no other user to become; what the launcher itself is, is seen in every other test.
        return;
    }
    let script = "test $(id -u) = 65534 && test $(id -g) = 65533 && test \"$(id -G)\" = 65533";
    let program = Program {
        user: Some(User {
            name: "x".to_owned(),
            uid: 65534,
            gid: 65533,
        }),
        directory: "/".into(),
        ..shell(dir.path(), script)
    };
    let lock = FileLock::take(&dir.path().join("lock")).expect("lock");
    let mut runtime = ProcessRuntime::new(program);
    runtime.start(&order(), &lock).await.expect("started");
    assert_eq!(runtime.ended().await, Ending::Code(0));
}

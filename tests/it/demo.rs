//! `quorate demo` as a person or CI runs it, on real nodes; and what becomes of it when it is interrupted, killed, or in the way.

use std::{
    fs::{File, Permissions},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    time::Duration,
};

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::support::{
    LONG,
    docker::Docker,
    eventually,
    node::Line,
    part,
    place::Place,
    program::{Running, quorate, quorate_with},
    terminal::Terminal,
    turn::turn,
};

/// A start of three nodes on a machine that has other things to do.
const START: Duration = Duration::from_mins(10);

async fn whole_story(line: Line, nodes: u32) {
    let _turn = turn(nodes).await;
    let place = Place::take();
    let demo = place.start(line, &["--nodes", &nodes.to_string(), "--script"]);
    tells_it_all(demo, nodes, "no key and no process").await;
    place.is_left_alone();
}

async fn tells_it_all(mut demo: Running, nodes: u32, nothing: &str) {
    let mut said = demo
        .lines_until("the cluster is formed", START, |line| line.contains("formed after"))
        .await;
    said.extend(
        demo.lines_until("the end", START, |line| line.contains("the end"))
            .await,
    );
    let said = said.join("\n");
    assert_eq!(demo.code().await, Some(0), "{said}");
    for sentence in [
        "publish",
        "the cluster is recorded: UUID ",
        "SIGKILL to process ",
        " after the signal, its ",
        " is back after ",
        " is adopted by its next launcher after ",
        "all nodes are stopped after ",
    ] {
        assert!(said.contains(sentence), "no `{sentence}` in\n{said}");
    }
    let end = format!("the end: one cluster all along, {nothing} is left");
    assert!(said.contains(&end), "no `{end}` in\n{said}");
    assert_eq!(
        said.matches("is ready: its member key is there").count(),
        nodes as usize + 1,
        "{said}"
    );
    tell(&said);
}

#[expect(clippy::print_stdout, reason = "the measured times are worth a look")]
fn tell(said: &str) {
    println!("{said}");
}

#[tokio::test]
async fn the_whole_story_on_elasticsearch_6() {
    whole_story(Line::Es6, 3).await;
}

#[tokio::test]
async fn the_whole_story_on_elasticsearch_9() {
    whole_story(Line::Es9, 3).await;
}

#[tokio::test]
async fn the_story_of_one_node_on_opensearch_3() {
    whole_story(Line::Os3, 1).await;
}

#[tokio::test]
async fn the_whole_story_in_docker() {
    let _turn = turn(3).await;
    let place = Place::take();
    let docker = Docker::at(&place);
    let demo = docker.start(&["--nodes", "3", "--script"]);
    tells_it_all(demo, 3, "no key, no container and no process").await;
    assert_eq!(docker.containers(), Vec::<String>::new());
    place.is_left_alone();
}

#[tokio::test]
async fn a_container_that_a_killed_demo_has_left_is_removed_by_the_next() {
    let _turn = turn(1).await;
    let place = Place::take();
    let docker = Docker::at(&place);
    let mut demo = docker.start(&["--nodes", "1"]);
    demo.lines_until("the node starts", LONG, |line| {
        line.contains("the search process of node-1 runs")
    })
    .await;
    demo.signal(Signal::KILL);
    demo.code().await;
    let [left] = docker.containers().try_into().expect("it lives on");

    let mut next = docker.start(&["--nodes", "1"]);
    next.lines_until("etcd answers", LONG, |line| line.contains("etcd answers"))
        .await;
    assert!(!docker.containers().contains(&left), "it is gone");
    next.signal(Signal::INT);
    assert_eq!(next.code().await, Some(1));
    assert_eq!(docker.containers(), Vec::<String>::new());
    place.is_left_alone();
}

#[tokio::test]
async fn ctrl_c_stops_everything_and_a_second_demo_is_refused_meanwhile() {
    let _turn = turn(2).await;
    let place = Place::take();
    let mut demo = place.start(Line::Es6, &["--nodes", "2"]);
    demo.lines_until("the nodes start", LONG, |line| {
        line.contains("the search process of node-1 runs")
    })
    .await;

    let run = place.run(Line::Es6, &["--nodes", "2"]);
    assert_eq!((run.code, run.out.as_str()), (Some(3), ""));
    assert!(
        run.err
            .starts_with(&format!("error: a demo plays in {} already, process ", place.dir())),
        "{}",
        run.err
    );
    let other = tempfile::tempdir().expect("a directory");
    let other = other.path().join("demo").display().to_string();
    let run = place.run(Line::Es6, &["--nodes", "2", "--dir", &other]);
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
    assert!(
        run.err.contains(&format!(
            "port 9190 on {}, where a sidecar answers, is taken",
            place.first
        )),
        "{}",
        run.err
    );

    demo.signal(Signal::INT);
    let said = demo
        .lines_until("the end", LONG, |line| line.contains("the end"))
        .await
        .join("\n");
    assert_eq!(
        (demo.line().await.trim(), demo.code().await),
        ("interrupted", Some(1)),
        "{said}"
    );
    assert!(
        said.contains("the launcher of node-1 has ended with exit code 0"),
        "{said}"
    );
    place.is_left_alone();
}

#[tokio::test]
async fn the_second_ctrl_c_waits_for_nobody() {
    let _turn = turn(1).await;
    let place = Place::take();
    let mut demo = place.start(Line::Es6, &["--nodes", "1"]);
    demo.lines_until("the node starts", LONG, |line| {
        line.contains("the search process of node-1 runs")
    })
    .await;
    demo.signal(Signal::TERM);
    demo.lines_until("it stops", LONG, |line| line.contains("everything stops"))
        .await;
    demo.signal(Signal::HUP);
    assert_eq!(demo.code().await, Some(1));
    place.is_left_alone();
}

#[tokio::test]
async fn what_a_killed_demo_leaves_running_is_ended_by_the_next() {
    let _turn = turn(1).await;
    let place = Place::take();
    let mut demo = place.start(Line::Es6, &["--nodes", "1"]);
    // A node is a shell script before it is a process that names the folder.
    let all = || async { (place.processes(demo.pid()).len() >= 4).then_some(()) };
    eventually("etcd, launcher, sidecar and node run", LONG, all).await;
    demo.signal(Signal::KILL);
    demo.code().await;
    let before = place.processes(0);
    assert!(before.len() >= 4, "they live on: {before:?}");

    let mut next = place.start(Line::Es6, &["--nodes", "1"]);
    next.lines_until("etcd answers", LONG, |line| line.contains("etcd answers"))
        .await;
    let left: Vec<_> = place
        .processes(next.pid())
        .into_iter()
        .filter(|process| before.contains(process))
        .collect();
    assert_eq!(left, Vec::<String>::new());
    next.signal(Signal::INT);
    assert_eq!(next.code().await, Some(1));
    place.is_left_alone();
}

#[tokio::test]
async fn a_person_kills_a_node_and_sees_it_come_back() {
    let _turn = turn(1).await;
    let place = Place::take();
    let mut terminal = Terminal::new();
    let args = place.args(Line::Es6, &["--nodes", "1"]);
    let mut demo = Running::on(
        terminal.other_side(),
        &args.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let screen = terminal
        .until("the cluster is formed", START, |screen| screen.contains("formed after"))
        .await;
    assert!(
        screen.contains("Try, in another terminal:") && screen.contains("seed, member"),
        "{screen}"
    );
    let victim = screen
        .lines()
        .find(|line| line.contains("node-1 dies"))
        .expect("something to kill");
    let pid = victim
        .split_whitespace()
        .nth(2)
        .and_then(|pid| pid.parse().ok())
        .and_then(Pid::from_raw);
    kill_process(pid.expect("a pid"), Signal::KILL).expect("killed");
    terminal
        .until("how key and socket went", START, |screen| {
            screen.contains(" ms after its socket closed") || screen.contains(" ms after its key was gone")
        })
        .await;
    terminal
        .until("it is started again", START, |screen| {
            screen.contains("the launcher of node-1 runs again")
        })
        .await;
    terminal
        .until("it is back", START, |screen| {
            screen.matches("node-1 is ready").count() >= 1 && screen.contains("  ready  ")
        })
        .await;
    // Nobody reads the terminal from here on: it ends all the same.
    demo.signal(Signal::INT);
    assert_eq!(demo.code().await, Some(0));
    place.is_left_alone();
}

#[tokio::test]
async fn what_is_missing_is_said_before_anything_starts() {
    let place = Place::take();
    let dir = place.dir.path();
    let failure = |line: Line, more: &[&str], code: i32| {
        let run = place.run(line, more);
        assert_eq!((run.code, run.out.as_str()), (Some(code), ""), "{more:?}: {}", run.err);
        run.err
    };
    let nowhere = dir.join("nowhere").display().to_string();
    let mut page = Vec::new();
    let etcd = part("QUORATE_TEST_ETCD_35");
    let home = Line::Es6.home().display().to_string();
    let address = place.first.to_string();
    let without_etcd = ["demo", "--home", &home, "--address", &address, "--dir", &nowhere];
    let run = quorate_with(&without_etcd, &[("PATH", "/nonexistent")]);
    assert_eq!(run.code, Some(1));
    page.push(run.err);
    page.push(
        quorate(&[
            "demo",
            "--home",
            &nowhere,
            "--etcd",
            &etcd,
            "--address",
            &address,
            "--dir",
            &nowhere,
        ])
        .err,
    );
    page.push(failure(Line::Es6, &["--etcd", &nowhere], 1));
    page.push(failure(Line::Es6, &["--java-home", &nowhere], 1));
    page.push(failure(Line::Es6, &["--address", "10.0.0.1"], 2));
    page.push(failure(Line::Es6, &["--http-port", "9300"], 2));
    page.push(failure(Line::Es6, &["--heap", "much"], 1));
    if geteuid().is_root() {
        let closed = dir.join("closed");
        std::fs::create_dir(&closed).expect("made");
        std::fs::set_permissions(&closed, Permissions::from_mode(0o700)).expect("closed");
        let inside = closed.join("demo").display().to_string();
        let text = failure(Line::Es6, &["--dir", &inside], 1);
        assert!(text.contains("Permission denied") && text.contains("modes"), "{text}");
        let text = failure(Line::Es6, &["--user", "nemo"], 1);
        assert!(text.contains("there is no user `nemo`"), "{text}");
    }
    std::fs::write(dir.join("file"), "mine").expect("written");
    page.push(failure(Line::Es6, &["--dir", &dir.display().to_string()], 3));
    let _taken = TcpListener::bind((place.first, 9300)).expect("a port");
    page.push(failure(Line::Es6, &["--nodes", "1"], 1));
    let dir = dir.display().to_string();
    insta::with_settings!({filters => vec![(r"process \d+ \(`[^`]*`\)", "process PID (`NAME`)"), (dir.as_str(), "DIR"), (home.as_str(), "HOME"), (address.as_str(), "ADDRESS")]}, {
        insta::assert_snapshot!(page.join("\n"));
    });
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_the_demo() {
    let place = Place::take();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let args = place.args(Line::Es6, &["--nodes", "1"]);
    let writer = File::from(std::os::fd::OwnedFd::from(writer));
    let mut demo = Running::on(writer, &args.iter().map(String::as_str).collect::<Vec<_>>());
    let started = || async { (!place.processes(demo.pid()).is_empty()).then_some(()) };
    eventually("something runs", LONG, started).await;
    drop(reader);
    assert_eq!(demo.code().await, Some(1));
    place.is_left_alone();
}

//! `quorate demo` as a person or CI runs it, on real nodes; and what becomes of it when it is interrupted, killed, or in the way.

use std::{
    fs::{File, Permissions},
    io::Read,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::Path,
    time::Duration,
};

use quorate::host::FileLock;
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use crate::support::{
    LONG, eventually,
    node::Line,
    part,
    program::{Run, Running, quorate, quorate_with},
    turn::turn,
};

/// A start of three nodes on a machine that has other things to do.
const START: Duration = Duration::from_mins(10);

/// Four loopback addresses and a folder, for one demo at a time.
struct Place {
    first: Ipv4Addr,
    dir: TempDir,
    _lock: FileLock,
}

impl Place {
    fn take() -> Self {
        let user = geteuid().as_raw();
        let locks = std::env::temp_dir().join(format!("quorate-test-demos-{user}"));
        let free = |block: u8| {
            let first = Ipv4Addr::new(127, 0, 15, 100 + 4 * block);
            let lock = FileLock::take(&locks.join(first.to_string())).ok()?;
            TcpListener::bind((first, 9200)).is_ok().then_some((first, lock))
        };
        let (first, lock) = (0..30).find_map(free).expect("a free block of 127.0.15.0/24");
        let dir = tempfile::tempdir().expect("a directory");
        // The user of the nodes has to get through.
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("open to all");
        Self {
            first,
            dir,
            _lock: lock,
        }
    }

    fn dir(&self) -> String {
        self.dir.path().join("demo").display().to_string()
    }

    fn args(&self, line: Line, more: &[&str]) -> Vec<String> {
        let etcd = part("QUORATE_TEST_ETCD_35");
        let etcd = if Path::new(&etcd).is_dir() {
            format!("{etcd}/etcd")
        } else {
            etcd
        };
        let home = line.home().display().to_string();
        let (java, address, dir) = (line.java(), self.first.to_string(), self.dir());
        let args = [
            "demo",
            "--home",
            &home,
            "--java-home",
            &java,
            "--etcd",
            &etcd,
            "--address",
            &address,
            "--dir",
            &dir,
        ];
        args.iter().chain(more).map(|arg| (*arg).to_owned()).collect()
    }

    fn start(&self, line: Line, more: &[&str]) -> Running {
        let args = self.args(line, more);
        Running::start(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn run(&self, line: Line, more: &[&str]) -> Run {
        let args = self.args(line, more);
        quorate(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Processes that have something to do with the folder, but the demo itself.
    fn processes(&self, demo: u32) -> Vec<String> {
        let dir = self.dir();
        let entries = std::fs::read_dir("/proc").expect("proc").flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| *pid != demo)
            .filter_map(|pid| {
                let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
                let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
                text.contains(&dir).then(|| format!("{pid} {text}"))
            })
            .collect()
    }

    /// Ends what a failed test has left.
    fn clear(&self) {
        for process in self.processes(0) {
            let pid = process.split(' ').next().and_then(|pid| pid.parse().ok());
            let _ = pid.and_then(Pid::from_raw).map(|pid| kill_process(pid, Signal::KILL));
        }
    }

    fn is_left_alone(&self) {
        assert_eq!(self.processes(0), Vec::<String>::new());
        for port in [2379, 2380, 9200, 9300, 9190] {
            assert!(
                TcpListener::bind((self.first, port)).is_ok(),
                "port {port} is taken still"
            );
        }
        let names = std::fs::read_dir(self.dir.path()).expect("list").flatten();
        let names: Vec<_> = names.map(|entry| entry.file_name()).collect();
        assert_eq!(names, ["demo"], "nothing is left but its own folder");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.clear();
    }
}

async fn whole_story(line: Line, nodes: u32) {
    let _turn = turn(nodes).await;
    let place = Place::take();
    let mut demo = place.start(line, &["--nodes", &nodes.to_string(), "--script"]);
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
        " after the signal, its key was gone ",
        " is back after ",
        "all nodes are stopped after ",
        "the end: one cluster all along, no key and no process is left",
    ] {
        assert!(said.contains(sentence), "no `{sentence}` in\n{said}");
    }
    assert_eq!(
        said.matches("is ready: its member key is there").count(),
        nodes as usize + 1,
        "{said}"
    );
    tell(&said);
    place.is_left_alone();
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
        .until("the cluster is formed", |screen| screen.contains("formed after"))
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
        .until("the time its key lived on", |screen| {
            screen.contains(" ms after its socket closed")
        })
        .await;
    terminal
        .until("it is started again", |screen| {
            screen.contains("the launcher of node-1 runs again")
        })
        .await;
    terminal
        .until("it is back", |screen| {
            screen.matches("node-1 is ready").count() >= 1 && screen.contains("  ready  ")
        })
        .await;
    // Nobody reads the terminal from here on: it ends all the same.
    demo.signal(Signal::INT);
    assert_eq!(demo.code().await, Some(0));
    place.is_left_alone();
}

/// A terminal, as far as the demo can tell.
struct Terminal {
    side: File,
    seen: String,
}

impl Terminal {
    fn new() -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, unlockpt};
        let side = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&side).and_then(|()| unlockpt(&side)).expect("a terminal");
        let size = rustix::termios::Winsize {
            ws_row: 60,
            ws_col: 200,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        rustix::termios::tcsetwinsize(&side, size).expect("a size");
        rustix::io::ioctl_fionbio(&side, true).expect("not blocking");
        Self {
            side: side.into(),
            seen: String::new(),
        }
    }

    fn other_side(&self) -> File {
        let name = rustix::pty::ptsname(&self.side, Vec::new()).expect("a name");
        let name = name.into_string().expect("a path");
        File::options().read(true).write(true).open(name).expect("a terminal")
    }

    /// Waits until the newest screen satisfies `look`.
    async fn until(&mut self, what: &str, look: impl Fn(&str) -> bool) -> String {
        let start = tokio::time::Instant::now();
        loop {
            let mut bytes = [0; 4096];
            while let Ok(length) = self.side.read(&mut bytes)
                && length > 0
            {
                self.seen
                    .extend(bytes.iter().take(length).map(|byte| char::from(*byte)));
            }
            let newest = self.seen.rfind("\x1b[H").unwrap_or(0);
            let screen = self.seen[newest..].replace("\x1b[K", "").replace('\r', "");
            if look(&screen) {
                return screen;
            }
            self.seen.drain(..newest);
            assert!(
                start.elapsed() < START,
                "not within {START:?}: {what}; the screen is\n{screen}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
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
    insta::with_settings!({filters => vec![(dir.as_str(), "DIR"), (home.as_str(), "HOME"), (address.as_str(), "ADDRESS")]}, {
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

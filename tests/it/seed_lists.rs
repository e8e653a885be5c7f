//! The seed list without etcd: a real node that is asked for its own cluster, and commands on the same host.

use quorate::launcher::seeds::told::SeedsTold;

use crate::support::{
    LONG,
    etcd::{Etcd, Version},
    eventually,
    launcher::Host,
    node::{Line, Node, Spec},
    program::{Run, Running, quorate},
};

const ME: &str = "127.0.55.1";

fn told(host: &Host) -> Option<SeedsTold> {
    let service = "elasticsearch".parse().expect("a name");
    SeedsTold::all(&host.path("run"), &service).pop()
}

/// Commands on the same host.
struct Beside(Vec<String>);

impl Beside {
    fn of(host: &Host, etcd: &Etcd) -> Self {
        let run_dir = host.path("run").display().to_string();
        Self(vec![
            "--endpoints".to_owned(),
            etcd.endpoint(),
            "--run-dir".to_owned(),
            run_dir,
        ])
    }

    fn words<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        words.iter().copied().chain(self.0.iter().map(String::as_str)).collect()
    }

    fn run(&self, words: &[&str]) -> Run {
        quorate(&self.words(words))
    }
}

/// What the launcher told last is good enough for them while etcd is away.
async fn commands_have_the_list(host: &Host, beside: &Beside, seeds: &[String]) {
    let list = beside.run(&["seeds"]);
    assert_eq!(
        (list.code, list.out),
        (Some(75), seeds.join("\n") + "\n"),
        "{}",
        list.err
    );
    assert!(
        list.err
            .contains("warning: the list is what the launchers of this host last knew,"),
        "{}",
        list.err
    );
    let file = host.path("kept").display().to_string();
    let words = ["seeds", "--watch", "--format", "csv", "--output", &file];
    let _keeper = Running::start(&beside.words(&words));
    eventually("a file that is kept without etcd gets the list", LONG, || async {
        (std::fs::read_to_string(&file).ok()? == seeds.join(",") + "\n").then_some(())
    })
    .await;
}

#[tokio::test]
async fn while_etcd_is_away_the_nodes_say_who_is_there_and_keys_that_are_lost_take_nobody_out() {
    let mut etcd = Etcd::start(Version::V35).await;
    let mut host = Host::new(Line::Es6, ME, &etcd, &["--expected-masters", "1", "--cluster", "test"]);
    host.start();
    host.process().await;
    eventually("the node's own list counts", 3 * LONG, || async {
        told(&host)?.nodes.current.then_some(())
    })
    .await;
    assert!(host.seeds().is_empty(), "{:?}", host.seeds());

    etcd.kill();
    let other = Node::start(Spec {
        seeds: vec![format!("{ME}:9300")],
        ..Spec::alone(Line::Es6, "by-hand")
    });
    let newcomer = format!("{}:9300", other.address());
    eventually("the newcomer is in the file", 3 * LONG, || async {
        (host.seeds() == [newcomer.clone()]).then_some(())
    })
    .await;

    let beside = Beside::of(&host, &etcd);
    let mut both = [format!("{ME}:9300"), newcomer.clone()];
    both.sort();
    commands_have_the_list(&host, &beside, &both).await;

    etcd.restart_empty().await;
    eventually(
        "etcd names the own node again, and the newcomer only the nodes",
        LONG,
        || async {
            let told = told(&host)?;
            let [seed] = told.seeds.as_slice() else { return None };
            (told.etcd.current && seed.from == ["nodes"]).then_some(())
        },
    )
    .await;
    eventually("the own seed is back", LONG, || async {
        beside.run(&["seeds"]).out.contains(ME).then_some(())
    })
    .await;
    assert_eq!(host.seeds(), std::slice::from_ref(&newcomer));
    let status = beside.run(&["status"]);
    let line = format!("seeds   {ME}: 1 in its list; etcd names 0, the nodes name 1 (");
    assert!(status.out.contains(&line), "{}", status.out);

    drop(other);
    eventually("nobody names it, and it does not answer", LONG, || async {
        let told = told(&host)?;
        (told.seeds.first()?.answers == Some(false)).then_some(())
    })
    .await;
    assert_eq!(host.seeds(), [newcomer], "the last one stays");
}

#[tokio::test]
async fn who_is_registered_no_more_is_asked_and_stays_while_it_answers() {
    let etcd = Etcd::start(Version::V35).await;
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("hosts");
    let path = file.display().to_string();
    let holds = |text: &'static str| {
        let file = file.clone();
        async move {
            eventually(&format!("the file holds {text}"), LONG, || async {
                (std::fs::read_to_string(&file).ok()? == text).then_some(())
            })
            .await;
        }
    };
    let key = |last: u8| format!("/services/elasticsearch/127.0.55.{last}");
    let listening = std::net::TcpListener::bind("127.0.55.12:9300").expect("a port");
    for last in 11..=13 {
        etcd.etcdctl(&["put", &key(last), r#"{"http_port":9200,"transport_port":9300}"#]);
    }
    let endpoint = etcd.endpoint();
    let _keeper = Running::start(&["seeds", "--format", "csv", "--endpoints", &endpoint, "--output", &path]);
    holds("127.0.55.11:9300,127.0.55.12:9300,127.0.55.13:9300\n").await;
    etcd.etcdctl(&["del", &key(12)]);
    listening.set_nonblocking(true).expect("a mode");
    eventually("it is asked", LONG, || async { listening.accept().ok() }).await;
    etcd.etcdctl(&["del", &key(13)]);
    holds("127.0.55.11:9300,127.0.55.12:9300\n").await;
}

//! The contract of the container engines, on Docker and Podman alike, with a script in the place of the node; and of every engine.

mod dockerd;
mod every_engine;
mod registry;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use quorate::{
    config::Cli,
    exit::{Exit, Failure},
    host::FileLock,
    launcher::{
        container::{Dead, env_file, neighbours},
        plan::Plan,
        runtime::{Ending, Runtime},
    },
};
use rustix::process::{Signal, kill_process};

use crate::support::{
    LONG,
    engine::{Bed, children, found, order, packed, runtime, said},
    eventually,
    launcher::pid,
};

/// Makes a test of each function on both engines.
macro_rules! on_both_engines {
    ($($name:ident $last:literal)*) => {
        mod docker {
            use super::*;
            $(#[tokio::test] async fn $name() { super::$name(Bed::new(Cli::Docker, concat!("127.0.30.", $last))).await; })*
        }
        mod podman {
            use super::*;
            $(#[tokio::test] async fn $name() { super::$name(Bed::new(Cli::Podman, concat!("127.0.31.", $last))).await; })*
        }
    };
}

on_both_engines! {
    a_node_gets_what_it_is_to_have_and_ends_in_order "11"
    a_node_that_does_not_listen_is_ended_after_its_grace "12"
    a_node_outlives_its_launcher_and_is_adopted "13"
    what_a_node_ended_with_is_told_and_a_dead_one_makes_room "14"
    a_killed_program_of_the_engine_changes_nothing "15"
    what_the_engine_refuses_leaves_nothing_behind "16"
    published_ports_are_reached_from_outside "17"
    what_is_wrong_with_an_image_is_said "18"
}

fn lock(bed: &Bed) -> FileLock {
    FileLock::take(&bed.path("data/.quorate.lock")).expect("the lock")
}

async fn plan(bed: &Bed) -> Plan {
    bed.plan().await.unwrap_or_else(|failure| panic!("{failure}"))
}

async fn begun(bed: &Bed) -> String {
    eventually("the script has begun", LONG, || async { bed.seen() }).await
}

async fn ended(node: &mut impl Runtime) -> Ending {
    tokio::time::timeout(LONG, node.ended()).await.expect("the node ends")
}

fn refused(failure: &Failure, exit: Exit, part: &str) {
    assert_eq!(failure.exit, exit, "{failure}");
    assert!(failure.to_string().contains(part), "{part} in {failure}");
}

async fn a_node_gets_what_it_is_to_have_and_ends_in_order(mut bed: Bed) {
    "[env]\nPASSWORD = \"hidden = 'x y'\"\n".clone_into(&mut bed.file);
    let plan = plan(&bed).await;
    let (mut node, lock) = (runtime(&plan), lock(&bed));
    let started = node.start(&order(&plan), &lock).await.expect("started");
    let seen = begun(&bed).await;
    for line in [
        "user 1000:0",
        "link /quorate/unicast_hosts.txt",
        "secret hidden = 'x y'",
        "yml cluster.name: \"test",
        "yml path.data: \"/usr/share/elasticsearch/data\"",
    ] {
        assert!(seen.contains(line), "{line} in {seen}");
    }
    assert_eq!(bed.inspected("{{.State.Pid}}"), Some(started.process.pid.to_string()));
    assert!(started.process.is_alive());
    assert!(!env_file(&plan.layout).exists());
    let labels = bed.inspected("{{json .Config.Labels}}").expect("labels");
    for label in [
        r#""quorate.claim":"c1""#,
        r#""quorate.with-setting":"true""#,
        r#""quorate.version":"6.8.23""#,
    ] {
        assert!(labels.contains(label), "{label} in {labels}");
    }
    let limited = bed.inspected("{{json .HostConfig.LogConfig}}").expect("log settings");
    assert!(limited.to_lowercase().contains("10m"), "{limited}");

    node.terminate(LONG).expect("asked");
    assert_eq!(ended(&mut node).await, Ending::Code(143));
    assert_eq!(bed.inspected("{{.Id}}"), None, "removed");
    assert!(!started.process.is_alive());
}

async fn a_node_that_does_not_listen_is_ended_after_its_grace(mut bed: Bed) {
    "[env]\nENDS = \"deaf\"\n".clone_into(&mut bed.file);
    let plan = plan(&bed).await;
    let (mut node, lock) = (runtime(&plan), lock(&bed));
    node.start(&order(&plan), &lock).await.expect("started");
    begun(&bed).await;
    node.terminate(Duration::from_secs(1)).expect("asked");
    assert_eq!(ended(&mut node).await, Ending::Code(137));

    std::fs::remove_file(bed.path("data/seen")).expect("removed");
    node.start(&order(&plan), &lock).await.expect("the name is free again");
    begun(&bed).await;
    node.terminate(LONG).expect("asked");
    node.kill().expect("asked");
    assert_eq!(
        ended(&mut node).await,
        Ending::Code(137),
        "a kill does not wait for a stop"
    );
}

async fn a_node_outlives_its_launcher_and_is_adopted(bed: Bed) {
    let plan = plan(&bed).await;
    let (mut node, lock) = (runtime(&plan), lock(&bed));
    let started = node.start(&order(&plan), &lock).await.expect("started");
    begun(&bed).await;
    drop((node, lock));

    let leftover = found(&plan, Dead::Remove).await.expect("looked").expect("it runs");
    assert_eq!(leftover.process, started.process);
    assert_eq!(leftover.label(), order(&plan).label);
    assert_eq!(leftover.file.container, started.container);
    assert_eq!(
        (leftover.file.name.as_str(), leftover.file.engine.as_str()),
        ("a", bed.cli.program())
    );
    let again = runtime(&plan).start(&order(&plan), &self::lock(&bed)).await;
    refused(&again.expect_err("the name is the second lock"), Exit::Config, "in use");
    let mut other = Bed::new(bed.cli, "127.0.32.1");
    bed.data.clone_into(&mut other.data);
    let others = neighbours(&self::plan(&other).await, packed(&plan))
        .await
        .expect("looked");
    assert!(others.is_empty(), "its own container is no neighbour: {others:?}");
    let plan_of_other = self::plan(&other).await;
    let others = neighbours(&plan_of_other, packed(&plan_of_other))
        .await
        .expect("looked");
    assert_eq!(others, [bed.name()], "the label is the third");
    assert!(started.process.is_alive(), "and the node was left alone");

    let mut next = runtime(&plan);
    next.adopt(&leftover).await.expect("adopted");
    next.terminate(LONG).expect("asked");
    assert_eq!(ended(&mut next).await, Ending::Code(143));
    assert!(found(&plan, Dead::Leave).await.expect("looked").is_none());
}

async fn what_a_node_ended_with_is_told_and_a_dead_one_makes_room(mut bed: Bed) {
    "[env]\nENDS = \"78\"\n".clone_into(&mut bed.file);
    let plan = plan(&bed).await;
    let (mut node, lock) = (runtime(&plan), lock(&bed));
    node.start(&order(&plan), &lock).await.expect("started");
    assert_eq!(ended(&mut node).await, Ending::Code(78));

    // As a launcher leaves it that was killed before it saw the end.
    node.start(&order(&plan), &lock).await.expect("started");
    drop(node);
    let exited = || async { bed.inspected("{{.State.Status}}").filter(|status| status == "exited") };
    eventually("it has ended", LONG, exited).await;
    assert!(found(&plan, Dead::Leave).await.expect("looked").is_none());
    assert!(bed.inspected("{{.Id}}").is_some(), "a look changes nothing");
    assert!(found(&plan, Dead::Remove).await.expect("looked").is_none());
    assert_eq!(bed.inspected("{{.Id}}"), None);

    let foreign = bed.engine(&["create", "--name", &bed.name(), &bed.image, "true"]);
    assert!(foreign.status.success(), "{}", said(&foreign.stderr));
    let failure = found(&plan, Dead::Remove).await.expect_err("not ours");
    refused(
        &failure,
        Exit::Config,
        "is taken by a container that is not this node's",
    );
    assert!(bed.inspected("{{.Id}}").is_some(), "and left alone");
}

async fn a_killed_program_of_the_engine_changes_nothing(bed: Bed) {
    let plan = plan(&bed).await;
    let (mut node, lock) = (runtime(&plan), lock(&bed));
    let started = node.start(&order(&plan), &lock).await.expect("started");
    begun(&bed).await;
    let id = started.container.expect("a container").id;
    let programs = || async {
        let all = children(&id);
        (all.len() == 2).then_some(all)
    };
    let killed = eventually("one waits, one follows", LONG, programs).await;
    for program in &killed {
        kill_process(pid(*program), Signal::KILL).expect("killed");
    }
    let both_again = async {
        loop {
            let all = children(&id);
            if all.len() == 2 && !all.iter().any(|program| killed.contains(program)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        ending = node.ended() => panic!("the node has ended {ending}"),
        again = tokio::time::timeout(LONG, both_again) => again.expect("both are started again"),
    }
    assert!(started.process.is_alive());
    kill_process(pid(started.process.pid), Signal::KILL).expect("killed");
    assert_eq!(ended(&mut node).await, Ending::Code(137));
}

async fn what_the_engine_refuses_leaves_nothing_behind(mut bed: Bed) {
    // More than any kernel gives, whatever we may.
    "[ulimit]\nnofile = \"4000000000\"\n".clone_into(&mut bed.file);
    let plan = plan(&bed).await;
    let failure = runtime(&plan)
        .start(&order(&plan), &lock(&bed))
        .await
        .expect_err("refused");
    refused(&failure, Exit::Config, "--ulimit nofile");
    assert_eq!(bed.inspected("{{.Id}}"), None, "{failure}");

    "network = \"no-such-network\"\n".clone_into(&mut bed.file);
    let plan = self::plan(&bed).await;
    let failure = runtime(&plan)
        .start(&order(&plan), &lock(&bed))
        .await
        .expect_err("refused");
    refused(&failure, Exit::Failed, "no-such-network");
    assert_eq!(bed.inspected("{{.Id}}"), None);
}

async fn published_ports_are_reached_from_outside(mut bed: Bed) {
    let address = bed.name().rsplit('-').next().expect("an address").to_owned();
    "network = \"bridge\"\nhttp-port = 9217\ntransport-port = 9300\n[env]\nPORT = \"9217\"\n".clone_into(&mut bed.file);
    if bed.cli == Cli::Podman {
        bed.file = bed.file.replace("bridge", "podman");
    }
    let plan = plan(&bed).await;
    let (mut node, lock) = (runtime(&plan), lock(&bed));
    node.start(&order(&plan), &lock).await.expect("started");
    let seen = begun(&bed).await;
    assert!(
        seen.contains(&format!("yml network.publish_host: \"{address}\"")),
        "{seen}"
    );
    let asked = || async {
        let mut stream = TcpStream::connect((address.as_str(), 9217)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
        stream.write_all(b"\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.contains("hello").then_some(())
    };
    eventually("the node answers on its published port", LONG, asked).await;
    node.kill().expect("asked");
    ended(&mut node).await;

    let _taken = TcpListener::bind((address.as_str(), 9217)).expect("a port");
    let failure = runtime(&plan).start(&order(&plan), &lock).await.expect_err("refused");
    refused(&failure, Exit::Config, "address already in use");
    assert_eq!(bed.inspected("{{.Id}}"), None);
}

async fn what_is_wrong_with_an_image_is_said(mut bed: Bed) {
    let mut silent = |_: &str| {};
    for (image, exit, part) in [
        ("127.0.0.1:1/search:6.8.23", Exit::Failed, "connection refused"),
        ("localhost/not here", Exit::Config, "`--image` is"),
        ("UPPER/case:1", Exit::Config, "REGISTRY/NAME"),
    ] {
        image.clone_into(&mut bed.image);
        let failure = bed
            .plan_with(quorate::launcher::container::Absent::Pull(&mut silent))
            .await;
        refused(&failure.expect_err(image), exit, part);
    }
    // Without a pull the name has to do.
    "127.0.0.1:1/elasticsearch:6.8.23".clone_into(&mut bed.image);
    assert_eq!(plan(&bed).await.version.to_string(), "6.8.23");
    "127.0.0.1:1/search:latest".clone_into(&mut bed.image);
    let failure = bed.plan().await.expect_err("unknown");
    refused(&failure, Exit::Config, "which product");
}

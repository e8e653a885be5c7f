//! The watch on real processes. A node's death is seen in `tests/it/sidecar_death.rs`.

use std::{
    process::{Child, Command, Stdio},
    sync::mpsc,
    task::Waker,
    thread,
};

use rustix::thread::gettid;

use super::*;

#[expect(clippy::disallowed_methods, reason = "a process to watch")]
fn idle() -> Child {
    let cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    cat.expect("a process")
}

fn is_pending(vigil: &mut Vigil) -> bool {
    let death = std::pin::pin!(vigil.death());
    death.poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[tokio::test]
async fn the_end_of_a_process_is_told_and_its_life_is_not() {
    let mut child = idle();
    let process = ProcessId::of(child.id()).expect("it runs");
    let mut vigil = Vigil::begin(process).expect("seen");
    assert!(is_pending(&mut vigil) && !vigil.sees_threads());
    child.kill().expect("killed");
    assert_eq!(
        vigil.death().await,
        format!("the node's process {} has ended", process.pid)
    );
    child.wait().expect("waited for");
    assert_eq!(
        Vigil::begin(process).expect_err("gone").raw_os_error(),
        Some(Errno::SRCH.raw_os_error())
    );
}

#[tokio::test]
async fn another_process_with_the_number_is_not_watched() {
    let mut child = idle();
    let process = ProcessId::of(child.id()).expect("it runs");
    let other = ProcessId {
        start_time: process.start_time + 1,
        ..process
    };
    assert_eq!(
        Vigil::begin(other).expect_err("another one").kind(),
        io::ErrorKind::NotFound
    );
    child.kill().expect("killed");
    child.wait().expect("waited for");
}

#[tokio::test(start_paused = true)]
async fn a_thread_that_ends_alone_is_no_death_and_is_replaced() {
    let (end, ends) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let thread = thread::spawn(move || {
        tell.send(gettid()).expect("told");
        let _ = ends.recv();
    });
    let tid = told.recv().expect("it runs");
    let process = ProcessId::of(std::process::id()).expect("this process");
    let mut vigil = Vigil::begin(process).expect("seen");
    vigil.threads = vec![Pidfd::open_thread(tid).expect("Linux 6.9 or later")];
    drop(end);
    thread.join().expect("ended");
    vigil.threads.first().expect("watched").ended().await;
    assert!(!vigil.is_confirmed().await, "this process lives");
    let death = tokio::time::timeout(Duration::from_secs(1), vigil.death()).await;
    assert!(death.is_err(), "{death:?}");
    assert!(vigil.replaced > 0);
}
